/** A real bundle by RAUC, of images of a few blocks. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileRef, fileRef } from '../src/files.ts';
import type { Signer } from '../src/keys/keyring.ts';
import { toolsTree } from '../src/paths.ts';
import { type BundleInputs, buildBundle, keyInput } from '../src/steps/bundle.ts';
import { toolsVersion } from '../src/tools-tree.ts';

export interface TinyBundle {
  readonly signer: Signer;
  /** RAUC looks at what it signed; false: for certificates it would not take. */
  readonly checked?: boolean;
  readonly notes?: string;
}

/** Blocks that no other image has. */
function noise(blocks: number, seed: string): Buffer {
  const hashes = Array.from({ length: blocks * 128 }, (_, index) =>
    createHash('sha256').update(`${seed}/${index}`).digest(),
  );
  return Buffer.concat(hashes);
}

export const tinyImages = { root: noise(40, 'root'), verity: noise(3, 'verity'), uki: noise(9, 'uki') } as const;

/** @param folder is made. @returns the bundle's path in it */
export async function tinyBundle(folder: string, { signer, checked = true, notes = '' }: TinyBundle): Promise<string> {
  const [directory, scratch] = [join(folder, 'out'), join(folder, 'scratch')];
  for (const path of [directory, scratch]) await mkdir(path, { recursive: true });
  const image = async (name: keyof typeof tinyImages): Promise<FileRef> => {
    await writeFile(join(folder, `${name}.img`), tinyImages[name]);
    return fileRef(join(folder, `${name}.img`));
  };
  const inputs: BundleInputs = {
    image: 'tiny',
    version: '1.2.3',
    description: 'a few blocks',
    epoch: 1_700_000_000,
    roothash: 'ab'.repeat(32),
    notes,
    root: await image('root'),
    verity: await image('verity'),
    uki: await image('uki'),
    certificate: await fileRef(signer.certificate),
    ...(checked ? { authority: await fileRef(signer.authority) } : {}),
    key: keyInput(signer),
    tools: await toolsVersion(toolsTree()),
  };
  const { signal } = new AbortController();
  const say = (): void => undefined;
  await buildBundle.run(inputs, { directory, scratch, cache: folder, signal, note: say, warn: say });
  return join(directory, 'bundle.raucb');
}
