/**
 * The signed bundle of an upgrade, `<image>-<version>.raucb`, by `rauc bundle` in its verity format: a squashfs, a hash tree of it,
 * and the manifest in a CMS signature. docs/adr/010-upgrades.md says what is in it.
 *
 * Nothing is compressed, because the images are already. The first file fills the superblock's block, so that every image begins at a
 * multiple of 4096 and its blocks are whole blocks of the bundle. The squashfs depends on the inputs alone; RAUC's salt of the hash
 * tree and the signature are different each time.
 * Sources: RAUC 1.13, "Bundle Formats", "Manifest"; mksquashfs(1); squashfs 4.0 on-disk format: a superblock of 96 bytes, then data.
 */
import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import type { FileRef } from '../files.ts';
import { blockBytes } from '../formats/block-index.ts';
import type { Signer } from '../keys/keyring.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface BundleInputs {
  readonly image: string;
  readonly version: string;
  readonly description: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Hex. */
  readonly roothash: string;
  /** Release notes; empty: none. */
  readonly notes: string;
  readonly minimumVersion?: string;
  readonly root: FileRef;
  readonly verity: FileRef;
  readonly uki: FileRef;
  /** The certificate says who signs; its key is no part of what the result depends on. */
  readonly certificate: FileRef;
  /** RAUC checks what it signed with it; absent: it does not. */
  readonly authority?: FileRef;
  readonly key: { readonly kind: 'file'; readonly sha256: ''; readonly path: string; readonly sizeBytes: 0 };
  readonly tools: string;
}

/** A key as an input: by its path, not its content. */
export const keyInput = ({ key }: Signer): BundleInputs['key'] => ({
  kind: 'file',
  sha256: '',
  path: key,
  sizeBytes: 0,
});

const superblockBytes = 96;
/** In this order in the bundle. */
const images = ['root', 'verity', 'uki'] as const;

const squashfs = [
  ...['-noI', '-noD', '-noF', '-noX', '-no-fragments', '-no-duplicates', '-no-sparse', '-no-exports'],
  ...['-no-xattrs', '-mkfs-time', '0', '-all-time', '0', '-all-root', '-processors', '1'],
];

type ManifestFields = Pick<
  BundleInputs,
  'image' | 'version' | 'description' | 'epoch' | 'roothash' | 'notes' | 'minimumVersion'
>;

/** RAUC's manifest, without what `rauc bundle` adds to it. */
export function manifestOf(inputs: ManifestFields): string {
  const update = {
    compatible: `atoll-${inputs.image}`,
    version: inputs.version,
    description: inputs.description,
    build: new Date(inputs.epoch * 1000).toISOString(),
  };
  const meta = {
    roothash: inputs.roothash,
    ...(inputs.notes === '' ? {} : { notes: Buffer.from(inputs.notes).toString('base64') }),
    ...(inputs.minimumVersion === undefined ? {} : { 'minimum-version': inputs.minimumVersion }),
  };
  const sections: Record<string, Record<string, string>> = { update, bundle: { format: 'verity' }, 'meta.atoll': meta };
  for (const name of images) sections[`image.${name}`] = { filename: `${name}.img`, adaptive: 'block-hash-index' };
  return Object.entries(sections)
    .map(
      ([name, fields]) =>
        `[${name}]\n${Object.entries(fields)
          .map(([key, value]) => `${key}=${value}\n`)
          .join('')}`,
    )
    .join('\n');
}

export const buildBundle: Step<BundleInputs, 'bundle.raucb'> = {
  name: 'bundle',
  title: 'Signed bundle',
  module: import.meta.url,
  outputs: ['bundle.raucb'],
  async run(inputs, { directory, scratch, signal }) {
    const content = join(scratch, 'content');
    await mkdir(content);
    const filler = '.align';
    await writeFile(join(content, filler), Buffer.alloc(blockBytes - superblockBytes));
    await writeFile(join(content, 'manifest.raucm'), manifestOf(inputs));
    for (const name of images) {
      const source = inputs[name];
      if (source.sizeBytes % blockBytes !== 0)
        throw new BuildError(
          'STEP_BROKEN',
          `the ${name} image has ${source.sizeBytes} bytes, no multiple of ${blockBytes}`,
        );
      const target = join(content, `${name}.img`);
      // A tree of another file system (a test's cache) cannot be linked.
      await link(source.path, target).catch(() => copyFile(source.path, target));
    }
    const order = join(scratch, 'order');
    await writeFile(
      order,
      [filler, ...images.map(name => `${name}.img`)].map((name, index) => `${name} ${1000 - index}\n`).join(''),
    );
    const bundle = join(directory, 'bundle.raucb');
    const sign = [
      `--cert=${inputs.certificate.path}`,
      `--key=${inputs.key.path}`,
      ...(inputs.authority ? [`--keyring=${inputs.authority.path}`] : []),
    ];
    await tool(
      ['rauc', ...sign, 'bundle', `--mksquashfs-args=${[...squashfs, '-sort', order].join(' ')}`, content, bundle],
      {
        binds: [directory, scratch],
        readOnly: [inputs.certificate, inputs.key, ...(inputs.authority ? [inputs.authority] : [])].map(
          ({ path }) => path,
        ),
        signal,
      },
    );
  },
};
