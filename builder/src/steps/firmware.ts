/**
 * The firmware of a board that has none in itself. `boot.tar` is what lies on the boot partition as flashed; `root.tar` what lies in the root: the
 * newest set, from which the device makes the next one, and what drivers load.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { configText, FLASHED_SET, MADE_SETS, nameIn } from '../../../runtime/src/machine/firmware/configText.ts';
import { environmentBytes } from '../../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { BuildError } from '../errors.ts';
import { listTree, type TreeRef } from '../files.ts';
import { type BoardFirmware, deviceTreeName, type PackageFile } from '../firmware/board.ts';
import { ensureArchives, fileOf, type OpenArchive, openArchive } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';
import { RootTree } from '../root/tree.ts';
import { treeTar } from '../root/write-tar.ts';
import type { Step, StepContext } from '../step.ts';

export interface FirmwareInputs {
  readonly firmware: BoardFirmware;
  /** Those that `firmwarePackages` names. */
  readonly packages: readonly ResolvedPackage[];
  /** One of them has the device trees. */
  readonly kernel: readonly ResolvedPackage[];
  /** `rootfs/firmware` */
  readonly written: TreeRef;
  readonly tools: string;
}

/** Where the newest set is in the root; `SHA256SUMS` there names its files. */
export const firmwareInRoot = 'usr/lib/atoll/firmware';
/** Size of U-Boot's environment on a Raspberry Pi (CONFIG_ENV_SIZE). */
const ENV_BYTES = 0x4000;

export const buildFirmware: Step<FirmwareInputs, 'boot.tar' | 'root.tar'> = {
  name: 'firmware',
  title: "The board's firmware",
  module: import.meta.url,
  outputs: ['boot.tar', 'root.tar'],
  async run(inputs, context) {
    const files = await reader(inputs, context);
    try {
      const { boot, root } = await treesOf(inputs, files);
      for (const [name, tree] of [
        ['boot.tar', boot],
        ['root.tar', root],
      ] as const)
        await pipeline(treeTar(tree, 0), createWriteStream(join(context.directory, name)));
    } finally {
      await files.close();
    }
  },
};

const origin = 'firmware';

async function treesOf(inputs: FirmwareInputs, files: PackageFiles): Promise<{ boot: RootTree; root: RootTree }> {
  const { firmware } = inputs;
  const { read } = files;
  const written = await writtenByHand(inputs);
  const text = (name: string): string => {
    const content = written.get(name);
    if (content) return content.toString('utf8');
    throw new BuildError('STEP_BROKEN', `there is no ${name} in rootfs/firmware/{${firmware.folders.join(',')}}`);
  };
  const template = text('config.txt');
  const set = await setOfImage(firmware, files, template);
  const sums = sumsOf(set);

  const boot = new RootTree();
  for (const [name, file] of Object.entries(firmware.flashed)) boot.file(name, await read(file), { origin });
  for (const [name, content] of set)
    if (name.startsWith('atoll-@/')) boot.file(nameIn(FLASHED_SET, name), content, { origin });
  boot.file(`atoll-${FLASHED_SET}/SHA256SUMS`, sums, { origin });
  for (const number of MADE_SETS)
    boot.file(`atoll-${number}/README`, 'Upgrades put newer firmware here (docs/adr/011-raspberry-pi.md).\n', {
      origin,
    });
  boot.file('config.txt', configText(template, FLASHED_SET), { origin });
  boot.file('uboot.env', environmentBytes(pairs(text('uboot.env.txt')), ENV_BYTES), { origin });
  for (const [name, content] of written)
    if (name !== 'config.txt' && name !== 'uboot.env.txt') boot.file(name, content, { origin });

  const root = new RootTree();
  for (const [name, content] of set) root.file(`${firmwareInRoot}/${name}`, content, { origin });
  root.file(`${firmwareInRoot}/SHA256SUMS`, sums, { origin });
  for (const [path, file] of Object.entries(firmware.inRoot))
    root.file(path, await read(file), { origin: file.package });
  return { boot, root };
}

/** Name in the set → content. */
async function setOfImage(
  firmware: BoardFirmware,
  { read, deviceTree }: PackageFiles,
  template: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const set = new Map<string, Buffer>();
  for (const [name, file] of Object.entries(firmware.numbered)) set.set(name, await read(file));
  for (const [name, file] of Object.entries(firmware.inFolder)) set.set(`atoll-@/${name}`, await read(file));
  for (const name of firmware.deviceTrees) set.set(`atoll-@/${basename(name)}`, await deviceTree(name));
  set.set('config.txt', Buffer.from(template));
  return set;
}

/** As sha256sum writes it, sorted by name. */
function sumsOf(files: ReadonlyMap<string, Buffer>): string {
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`)
    .join('');
}

/** `NAME=value` lines; others are comments. */
const pairs = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^([a-z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

async function writtenByHand({ firmware, written }: FirmwareInputs): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const folder of firmware.folders)
    for (const entry of await listTree(join(written.path, folder)))
      if (entry.type === 'file') found.set(entry.path, await readFile(join(written.path, folder, entry.path)));
  return found;
}

interface PackageFiles {
  readonly read: (file: PackageFile) => Promise<Buffer>;
  /** One of the kernel's, by its name below the folder that holds them. */
  readonly deviceTree: (name: string) => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

/** Every package is looked at once. Close it. */
async function reader({ packages, kernel }: FirmwareInputs, context: StepContext): Promise<PackageFiles> {
  const wanted = [...packages, ...kernel];
  await ensureArchives(wanted, context);
  const opened = new Map<string, OpenArchive>();
  for (const one of wanted) opened.set(one.name, await openArchive(one, context.cache));
  const archiveOf = (name: string): OpenArchive => {
    const archive = opened.get(name);
    if (archive) return archive;
    throw new BuildError('STEP_BROKEN', `the package ${name} was not resolved`);
  };
  return {
    read: async ({ package: name, path }) => (await fileOf(archiveOf(name), path)).content,
    deviceTree: async name => {
      for (const part of kernel) {
        const archive = archiveOf(part.name);
        const member = archive.members.find(({ path }) => deviceTreeName(path) === name);
        if (member) return archive.read(member);
      }
      throw new BuildError(
        'STEP_BROKEN',
        `there is no device tree ${name} in ${kernel.map(one => one.name).join(', ')}`,
      );
    },
    close: async () => {
      for (const archive of opened.values()) await archive.close();
    },
  };
}
