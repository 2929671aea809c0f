/**
 * The initrd: busybox, dmsetup with its libraries, the modules that reach the root, and `rootfs/initrd/init`.
 */
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { type FileRef, listTree, type TreeRef } from '../files.ts';
import { type CpioMember, cpioArchive } from '../formats/cpio.ts';
import { readElf } from '../formats/elf.ts';
import { readTarIndex } from '../formats/tar.ts';
import { closure, moduleName, parseAliases, parseDependencies, parseSoftDependencies } from '../kernel-modules.ts';
import { ensureArchives, type OpenArchive, openArchive } from '../packages/archives.ts';
import { readPackages } from '../packages/resolve.ts';
import { mergedUsrPath } from '../root/merge.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface InitrdInputs {
  readonly packages: FileRef;
  readonly modules: FileRef;
  /** Modules to load, by name, in this order. */
  readonly load: readonly string[];
  readonly scripts: TreeRef;
  readonly tools: string;
}

/** Packages whose programs or libraries may go into the initrd. */
const sources = [
  'busybox-static',
  'dmsetup',
  'libc6',
  'libcap2',
  'libdevmapper1.02.1',
  'libpcre2-8-0',
  'libselinux1',
  'libudev1',
];

const directory = (path: string): CpioMember => ({ path, mode: 0o040755 });

async function programs(archives: readonly OpenArchive[]): Promise<CpioMember[]> {
  const files = new Map<string, () => Promise<Buffer>>();
  const links = new Map<string, string>();
  for (const archive of archives) {
    for (const member of archive.members) {
      const path = mergedUsrPath(member.path);
      if (member.type === 'file') files.set(path, () => archive.read(member));
      if (member.type === 'symlink') links.set(path, member.target);
    }
  }
  const find = (name: string): (() => Promise<Buffer>) | undefined => {
    for (const folder of [
      'usr/bin',
      'usr/sbin',
      ...new Set([...files.keys()].map(path => path.slice(0, path.lastIndexOf('/')))),
    ]) {
      const path = `${folder}/${name}`;
      const target = links.get(path);
      const found = files.get(
        target === undefined ? path : target.startsWith('/') ? mergedUsrPath(target.slice(1)) : `${folder}/${target}`,
      );
      if (found) return found;
    }
    return undefined;
  };
  const members = new Map<string, CpioMember>();
  const add = async (name: string, folder: string): Promise<void> => {
    if (members.has(name)) return;
    const read = find(name);
    if (!read) throw new BuildError('STEP_BROKEN', `${name} for the initrd is in none of ${sources.join(', ')}`);
    const content = await read();
    members.set(name, { path: `${folder}/${name}`, mode: 0o100755, content });
    const elf = readElf(content);
    for (const soname of elf?.needed ?? []) await add(soname, 'lib');
    if (elf?.interpreter) {
      const loader = elf.interpreter.slice(elf.interpreter.lastIndexOf('/') + 1);
      await add(loader, 'lib');
    }
  };
  await add('busybox', 'bin');
  await add('dmsetup', 'bin');
  return [...members.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function kernelModules(tar: FileRef, load: readonly string[]): Promise<CpioMember[]> {
  const handle = await open(tar.path, 'r');
  try {
    const members = (await readTarIndex(handle)).filter(member => member.type === 'file');
    const read = async (pattern: RegExp): Promise<Buffer> => {
      const member = members.find(({ path }) => pattern.test(path));
      if (!member) throw new BuildError('STEP_BROKEN', `the initrd's modules have nothing like ${pattern}`);
      const content = Buffer.alloc(member.sizeBytes);
      await handle.read(content, 0, member.sizeBytes, member.offset);
      return content;
    };
    const dependencies = parseDependencies((await read(/\/modules\.dep$/)).toString('utf8'));
    const soft = parseSoftDependencies((await read(/\/modules\.softdep$/)).toString('utf8'));
    const aliases = parseAliases((await read(/\/modules\.alias$/)).toString('utf8'));
    const order = closure(load, dependencies, soft, aliases);
    const files: CpioMember[] = [];
    for (const path of order) {
      const content = await read(new RegExp(`/${path.replace(/[.+]/g, '\\$&')}$`));
      files.push({ path: `lib/modules/${moduleName(path)}.ko`, mode: 0o100644, content });
    }
    const needs = (path: string): string[] => (dependencies.get(path) ?? []).map(moduleName);
    const list = order.map(path => `${[`${moduleName(path)}.ko`, ...needs(path)].join(' ')}\n`).join('');
    return [
      ...files.sort((a, b) => (a.path < b.path ? -1 : 1)),
      { path: 'lib/modules/order', mode: 0o100644, content: Buffer.from(list) },
    ];
  } finally {
    await handle.close();
  }
}

export const buildInitrd: Step<InitrdInputs, 'initrd'> = {
  name: 'initrd',
  title: 'Initrd',
  module: import.meta.url,
  outputs: ['initrd'],
  async run(inputs, context) {
    const packages = (await readPackages(inputs.packages.path)).filter(({ name }) => sources.includes(name));
    await ensureArchives(packages, context);
    const archives: OpenArchive[] = [];
    try {
      for (const archive of packages) archives.push(await openArchive(archive, context.cache));
      const scripts: CpioMember[] = [];
      for (const entry of await listTree(inputs.scripts.path)) {
        if (entry.type === 'file')
          scripts.push({
            path: entry.path,
            mode: 0o100755,
            content: await readFile(join(inputs.scripts.path, entry.path)),
          });
      }
      const members: CpioMember[] = [
        ...['bin', 'dev', 'lib', 'lib/modules', 'proc', 'root', 'run', 'sys', 'tmp'].map(directory),
        { path: 'dev/console', mode: 0o020600, device: { major: 5, minor: 1 } },
        { path: 'lib64', mode: 0o120777, content: Buffer.from('lib') },
        { path: 'bin/sh', mode: 0o120777, content: Buffer.from('busybox') },
        ...scripts,
        ...(await programs(archives)),
        ...(await kernelModules(inputs.modules, inputs.load)),
      ];
      const cpio = join(context.scratch, 'initrd.cpio');
      await writeFile(cpio, cpioArchive(members));
      const target = join(context.directory, 'initrd');
      await tool(['zstd', '-q', '-19', '-T2', cpio, '-o', target], {
        binds: [context.directory, context.scratch],
        signal: context.signal,
      });
    } finally {
      for (const archive of archives) await archive.close();
    }
  },
};
