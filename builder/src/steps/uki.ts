/**
 * The unified kernel image: stub, kernel, initrd, command line with the root hash, os-release. Whoever trusts it trusts the
 * whole root. Source: UAPI.5 Unified Kernel Image; ukify(1).
 */
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import { wholeBlocks } from '../formats/block-index.ts';
import { readFromArchive } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface UkiInputs {
  readonly kernel: FileRef;
  readonly initrd: FileRef;
  readonly release: string;
  readonly roothash: string;
  /** Blocks of 4096 bytes in the root image: the verity table needs it. */
  readonly rootBlocks: number;
  readonly saltHex: string;
  readonly consoles: readonly string[];
  readonly arguments: readonly string[];
  readonly efi: string;
  /** The target's `systemd-boot-efi`, which has the stub. */
  readonly loader: ResolvedPackage;
  readonly version: string;
  readonly image: string;
  readonly tools: string;
}

/**
 * The second partition table counts where the first one is damaged (Linux, block/partitions/efi.c): by a worn-out sector, or as the power went while
 * systemd-repart wrote them, the second before the first. Not every firmware mends it before Linux starts; U-Boot does not.
 */
const gptAnyway = 'gpt';

/** The sealed command line. `atoll.*` is read by `rootfs/initrd/init`. */
export function commandLine(
  inputs: Pick<UkiInputs, 'roothash' | 'rootBlocks' | 'saltHex' | 'consoles' | 'arguments'>,
): string {
  return [
    ...inputs.consoles,
    gptAnyway,
    `atoll.roothash=${inputs.roothash}`,
    `atoll.blocks=${inputs.rootBlocks}`,
    `atoll.salt=${inputs.saltHex}`,
    ...inputs.arguments,
  ].join(' ');
}

export const buildUki: Step<UkiInputs, 'image.efi' | 'cmdline'> = {
  name: 'uki',
  title: 'Unified kernel image',
  module: import.meta.url,
  outputs: ['image.efi', 'cmdline'],
  async run(inputs, context) {
    const { directory, scratch, signal } = context;
    const cmdline = commandLine(inputs);
    const release = join(scratch, 'os-release');
    await writeFile(join(directory, 'cmdline'), cmdline);
    await writeFile(
      release,
      `ID=atoll\nNAME=Atoll\nPRETTY_NAME="Atoll ${inputs.version}"\nVERSION_ID=${inputs.version}\nIMAGE_ID=${inputs.image}\nIMAGE_VERSION=${inputs.version}\n`,
    );
    const parts = [
      `--linux=${inputs.kernel.path}`,
      `--initrd=${inputs.initrd.path}`,
      `--cmdline=@${join(directory, 'cmdline')}`,
    ];
    const facts = [`--os-release=@${release}`, `--uname=${inputs.release}`, `--efi-arch=${inputs.efi}`];
    const stub = join(scratch, 'stub.efi');
    await writeFile(
      stub,
      (await readFromArchive(inputs.loader, `usr/lib/systemd/boot/efi/linux${inputs.efi}.efi.stub`, context)).content,
    );
    await tool(['ukify', 'build', ...parts, ...facts, `--stub=${stub}`, `--output=${join(directory, 'image.efi')}`], {
      binds: [directory, scratch],
      readOnly: [inputs.kernel.path, inputs.initrd.path],
      env: { SOURCE_DATE_EPOCH: '0' },
      signal,
    });
    // On the ESP as in a bundle: a whole number of blocks.
    const image = join(directory, 'image.efi');
    await truncate(image, wholeBlocks((await stat(image)).size));
  },
};
