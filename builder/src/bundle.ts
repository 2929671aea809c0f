/** An image's bundle: made from the build's results, signed, and put into the channel. */
import { publishBundle } from './channel.ts';
import type { ImageDefinition } from './definition/types.ts';
import { type FileRef, fileRef } from './files.ts';
import type { Signer } from './keys/keyring.ts';
import { bundleName } from './paths.ts';
import type { StepRunner } from './step.ts';
import { type BundleInputs, buildBundle, keyInput } from './steps/bundle.ts';

export interface BundleOptions {
  /** Release notes; empty: none. */
  readonly notes: string;
  /** Of the nodes that poll the channel, 0 to 100. */
  readonly rolloutPercent: number;
  /** The channel's folder. */
  readonly channel: string;
}

type Made = Pick<BundleInputs, 'version' | 'epoch' | 'roothash' | 'notes' | 'tools' | 'root' | 'verity' | 'uki'>;

export interface BundleParts extends Made {
  readonly image: ImageDefinition;
  readonly signer: Signer;
}

const minimumOf = ({ minimumVersion }: ImageDefinition): { readonly minimumVersion?: string } =>
  minimumVersion === undefined ? {} : { minimumVersion };

export async function makeBundle(steps: StepRunner, { image, signer, ...made }: BundleParts): Promise<FileRef> {
  const results = await steps.run(buildBundle, {
    ...made,
    image: image.name,
    description: image.description,
    ...minimumOf(image),
    certificate: await fileRef(signer.certificate),
    authority: await fileRef(signer.authority),
    key: keyInput(signer),
  });
  return results['bundle.raucb'];
}

export interface ChannelParts {
  readonly image: ImageDefinition;
  readonly version: string;
  readonly roothash: string;
  readonly bundle: FileRef;
  /** PEM. */
  readonly revoked: string;
}

/** @returns whether the channel names it now. */
export function publishToChannel(
  { channel, rolloutPercent, notes }: BundleOptions,
  { image, version, roothash, bundle, revoked }: ChannelParts,
): Promise<boolean> {
  const name = bundleName(image.name, version);
  const entry = { version, bundle: name, roothash, rolloutPercent, notes, ...minimumOf(image) };
  return publishBundle(channel, { image: image.name, bundle, entry, revoked });
}
