/**
 * The kernel and the modules of the chosen classes with what they depend on: `vmlinuz`; `initrd.tar`, the modules that the initrd loads, and
 * `modules.tar`, the others as they lie in the root (`usr/lib/modules/<release>/…`, both with depmod's indexes); and `firmware`, what all these may
 * ask for: names and globs, one a line. What every boot has loaded before the root is there is not in it once more: to modprobe it is built in.
 */
import { createWriteStream } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BuildError } from '../errors.ts';
import { listTree } from '../files.ts';
import { deviceTreeName } from '../firmware/board.ts';
import { parseDeviceTree } from '../formats/device-tree.ts';
import { lateDisks, lateSuppliers, parseDeviceAliases } from '../initrd-drivers.ts';
import {
  alternatives,
  closure,
  firmwareOf,
  isPlainAlias,
  moduleName,
  parseAliases,
  parseDependencies,
  parseSoftDependencies,
} from '../kernel-modules.ts';
import { ensureArchives, openArchive } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';
import { globPattern, RootTree } from '../root/tree.ts';
import { treeTar } from '../root/write-tar.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface KernelInputs {
  /** The versioned `linux-image-…` package, or since Linux 7 those of its parts. */
  readonly archives: readonly ResolvedPackage[];
  readonly kernelPrefix: string;
  /** Globs of modules, without suffix, under `kernel/`. */
  readonly modules: readonly string[];
  /** Modules (by name) of the initrd: they must be there, and be all that the disks need. */
  readonly initrd: readonly string[];
  /** Drivers of disks (by name) that need not be in the initrd. */
  readonly rootlessDisks: readonly string[];
  /** The board's, as `BoardFirmware.deviceTrees` names them. */
  readonly deviceTrees: readonly string[];
  readonly tools: string;
}

const suffix = /\.ko(\.xz|\.zst)?$/;

/** Paths of the modules that the globs name. @throws BuildError MODULE_MISSING with what is neither a module nor built in. */
export function wantedModules(
  globs: readonly string[],
  kernel: { readonly release: string; readonly modules: readonly string[]; readonly builtin: readonly string[] },
): string[] {
  const bare = (path: string): string => path.replace(suffix, '');
  const wanted = new Set<string>();
  const missing: string[] = [];
  for (const glob of globs.flatMap(alternatives)) {
    const pattern = globPattern(`kernel/${glob}`);
    const found = kernel.modules.filter(path => pattern.test(bare(path)));
    for (const path of found) wanted.add(path);
    if (found.length === 0 && !kernel.builtin.some(path => pattern.test(bare(path)))) missing.push(glob);
  }
  if (missing.length === 0) return [...wanted];
  throw new BuildError('MODULE_MISSING', `kernel ${kernel.release} has no module ${missing.join(', ')}`, {
    hint: 'Choose other classes in kernel.modules, or move what this kernel lacks to a class of its own in rootfs/modules.yaml.',
  });
}

interface KeptModules {
  readonly release: string;
  /** modules.alias, with the patterns of devices. */
  readonly aliasText: string;
  /** Paths of the root's modules. */
  readonly kept: readonly string[];
  /** Names of the initrd's modules. */
  readonly initrd: ReadonlySet<string>;
}

/** @throws BuildError DRIVER_TOO_LATE where a disk, or what it is fed by, has its driver in the root only */
export function checkInitrd(
  { release, aliasText, kept, initrd }: KeptModules,
  rootlessDisks: readonly string[],
  deviceTrees: ReadonlyMap<string, Buffer>,
): void {
  const aliases = parseDeviceAliases(aliasText);
  const disks = lateDisks(kept, initrd, new Set(rootlessDisks.map(moduleName)), aliases);
  const suppliers = [...deviceTrees].flatMap(([tree, blob]) =>
    lateSuppliers(parseDeviceTree(blob), initrd, aliases).map(
      ({ device, supplier, modules }) => `${tree}: ${device} waits for ${supplier}: ${modules.join(' or ')}`,
    ),
  );
  if (disks.length === 0 && suppliers.length === 0) return;
  const lines = [...disks.map(name => `a root may be on disks of ${name}`), ...suppliers];
  throw new BuildError('DRIVER_TOO_LATE', `drivers of kernel ${release} that lead to the root are in the root only`, {
    tail: lines.join('\n'),
    hint: "Add them to the board's initrdModules in builder/src/boards.ts; a driver that no root is behind to its rootlessDisks.",
  });
}

export const buildKernel: Step<KernelInputs, 'vmlinuz' | 'initrd.tar' | 'modules.tar' | 'release' | 'firmware'> = {
  name: 'kernel',
  title: 'Kernel and modules',
  module: import.meta.url,
  outputs: ['vmlinuz', 'initrd.tar', 'modules.tar', 'release', 'firmware'],
  async run({ archives, kernelPrefix, modules, initrd, rootlessDisks, deviceTrees }, context) {
    const { directory, scratch, signal } = context;
    await ensureArchives(archives, context);
    // As /boot/vmlinuz-<release>, or beside its modules.
    const image = new RegExp(`^boot/${kernelPrefix}(.+)$|^usr/lib/modules/([^/]+)/vmlinuz$`);
    const module = /^(?:usr\/)?lib\/modules\/[^/]+\/(?:kernel\/|modules\.)/;
    const trees = new Map<string, Buffer>();
    let release = '';
    for (const archive of archives) {
      const opened = await openArchive(archive, context.cache);
      try {
        for (const member of opened.members.filter(({ type }) => type === 'file')) {
          const [, inBoot, besideModules] = image.exec(member.path) ?? [];
          if (inBoot ?? besideModules) {
            release = inBoot ?? besideModules ?? '';
            await writeFile(join(directory, 'vmlinuz'), await opened.read(member));
          } else if (module.test(member.path)) {
            const path = join(scratch, 'usr', member.path.replace(/^usr\//, ''));
            await mkdir(dirname(path), { recursive: true });
            await writeFile(path, await opened.read(member));
          }
          const tree = deviceTreeName(member.path);
          if (tree !== undefined && deviceTrees.includes(tree)) trees.set(tree, await opened.read(member));
        }
      } finally {
        await opened.close();
      }
    }
    if (release === '')
      throw new BuildError('STEP_BROKEN', `there is no kernel in ${archives.map(({ name }) => name).join(', ')}`);
    await writeFile(join(directory, 'release'), release);
    const base = join(scratch, 'usr/lib/modules', release);
    await mkdir(join(scratch, 'lib'), { recursive: true });
    const depmod = (): Promise<unknown> =>
      tool(['depmod', '-b', join(scratch, 'usr'), release], { binds: [scratch], signal });
    await depmod();
    const dependencies = parseDependencies(await readFile(join(base, 'modules.dep'), 'utf8'));
    const soft = parseSoftDependencies(await readFile(join(base, 'modules.softdep'), 'utf8'));
    const aliasText = await readFile(join(base, 'modules.alias'), 'utf8');
    const aliases = parseAliases(aliasText);
    const builtin = (await readFile(join(base, 'modules.builtin'), 'utf8')).split('\n');
    const wanted = wantedModules(modules, { release, modules: [...dependencies.keys()], builtin });
    const names = new Set([...dependencies.keys(), ...builtin].map(moduleName));
    const missing = initrd.filter(name => !names.has(moduleName(name)));
    if (missing.length > 0)
      throw new BuildError('MODULE_MISSING', `kernel ${release} has no module ${missing.join(', ')}`, {
        hint: 'The board needs it to reach its disk (builder/src/boards.ts): choose another kernel.package.',
      });
    const needed = (wantedNames: readonly string[]): string[] => closure(wantedNames, dependencies, soft, aliases);
    const kept = new Set(needed([...wanted.map(moduleName), ...initrd.map(moduleName)]));
    const initrdPaths = needed(initrd);
    checkInitrd(
      { release, aliasText, kept: [...kept], initrd: new Set(initrdPaths.map(moduleName)) },
      rootlessDisks,
      trees,
    );
    const packed: string[] = [];
    for (const entry of await listTree(base)) {
      if (entry.type !== 'file' || !suffix.test(entry.path)) continue;
      if (!kept.has(entry.path)) await rm(join(base, entry.path));
      else if (entry.path.endsWith('.xz')) packed.push(join(base, entry.path));
    }
    // Plain modules: the file system compresses them, and nobody needs xz at boot.
    if (packed.length > 0) await tool(['xz', '-d', ...packed], { binds: [scratch], signal });
    const firmware = new Set<string>();
    /** What is in the folder now; of the modules those of which `wanted` is true. */
    const write = async (output: string, wanted: (path: string) => boolean): Promise<void> => {
      await depmod();
      const plain = (await readFile(join(base, 'modules.alias'), 'utf8')).split('\n').filter(isPlainAlias);
      await writeFile(join(base, 'modules.alias'), plain.map(line => `${line}\n`).join(''));
      const tree = new RootTree();
      for (const entry of await listTree(base)) {
        // The text forms are depmod's own inputs and outputs; kmod reads the .bin ones. modules.dep, softdep and the plain ones of alias
        // stay for busybox and the initrd.
        if (/^modules\.(symbols|devname|order|symbols\.bin|builtin\.modinfo|builtin)$/.test(entry.path)) continue;
        if (entry.type !== 'file' || (suffix.test(entry.path) && !wanted(entry.path))) continue;
        const content = await readFile(join(base, entry.path));
        tree.file(`usr/lib/modules/${release}/${entry.path}`, content, { origin: 'kernel' });
        if (suffix.test(entry.path)) for (const name of firmwareOf(content)) firmware.add(name);
      }
      await pipeline(treeTar(tree, 0), createWriteStream(join(directory, output)));
    };
    const early = new Set(initrdPaths.map(path => path.replace(suffix, '.ko')));
    await write('initrd.tar', path => early.has(path));
    for (const path of early) await rm(join(base, path));
    await appendFile(join(base, 'modules.builtin'), [...early].map(path => `${path}\n`).join(''));
    await write('modules.tar', () => true);
    await writeFile(join(directory, 'firmware'), [...firmware].sort().join('\n'));
    context.note(`${release}, ${kept.size} modules, ${early.size} of them in the initrd`);
  },
};
