/**
 * The root file system: packages merged, the overlay and the builder's own files on top, finished without maintainer scripts.
 * `root.tar` is what mkfs.erofs reads; `root.json` says what was left out and by which rule.
 */
import { createWriteStream } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Architecture } from '../boards.ts';
import type { TrimRule } from '../definition/types.ts';
import { type FileRef, listTree, type TreeRef } from '../files.ts';
import { memberPath, readTarIndex } from '../formats/tar.ts';
import { ensureArchives, type OpenArchive, openArchive } from '../packages/archives.ts';
import { readPackages } from '../packages/resolve.ts';
import { finishingSteps } from '../root/finish/index.ts';
import { mergeArchive } from '../root/merge.ts';
import { RootTree } from '../root/tree.ts';
import { treeTar } from '../root/write-tar.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface RootInputs {
  readonly packages: FileRef;
  /** Packages of the list that are not merged (the kernel has its own step). */
  readonly notMerged: readonly string[];
  readonly architecture: Architecture;
  /** Folders laid over the packages, in this order. */
  readonly overlays: readonly TreeRef[];
  readonly trim: readonly TrimRule[];
  readonly ids: Readonly<Record<string, number>>;
  readonly modules: FileRef;
  /** What the modules may ask for, one a line. */
  readonly firmware: FileRef;
  /** Of the board: a tar of the root. */
  readonly boardFirmware?: FileRef;
  /** Files the builder makes: path in the root → content and mode. */
  readonly files: Readonly<Record<string, { readonly file: FileRef; readonly mode: number }>>;
  /** Small texts the builder makes: path in the root → content. */
  readonly texts: Readonly<Record<string, string>>;
  /** Seconds since 1970: the one time of every file, and the time the clock never runs behind. */
  readonly epoch: number;
  readonly tools: string;
}

/** A file of the root, its size before compression, its package or the part of the builder that made it. */
export type Content = readonly [path: string, bytes: number, origin: string];

/** `root.json` */
export interface RootReport {
  readonly files: number;
  readonly bytes: number;
  /** Rule → absolute paths that rule left out. */
  readonly dropped: Readonly<Record<string, readonly string[]>>;
  /** Package → bytes of its files in the root. */
  readonly bytesByOrigin: Readonly<Record<string, number>>;
  /** Every file: its path without the slash before it, bytes, and what it came from. */
  readonly contents: readonly Content[];
  /** Names of the shared libraries and of the links to them. */
  readonly libraries: readonly string[];
}

async function addTar(tree: RootTree, tar: FileRef, origin: string): Promise<() => Promise<void>> {
  const handle = await open(tar.path, 'r');
  for (const member of await readTarIndex(handle)) {
    if (member.type !== 'file') continue;
    const read = async (): Promise<Buffer> => {
      const content = Buffer.alloc(member.sizeBytes);
      await handle.read(content, 0, member.sizeBytes, member.offset);
      return content;
    };
    tree.add({
      type: 'file',
      path: memberPath(member.path),
      mode: member.mode,
      uid: 0,
      gid: 0,
      origin,
      sizeBytes: member.sizeBytes,
      read,
    });
  }
  return () => handle.close();
}

async function addOverlay(tree: RootTree, overlay: TreeRef): Promise<void> {
  for (const entry of await listTree(overlay.path)) {
    if (entry.type === 'directory') {
      if (!tree.has(entry.path)) tree.directory(entry.path, { origin: 'overlay' });
    } else if (entry.type === 'symlink') tree.symlink(entry.path, entry.target, { origin: 'overlay' });
    else {
      const content = await readFile(join(overlay.path, entry.path));
      tree.file(entry.path, content, { mode: entry.executable ? 0o755 : 0o644, origin: 'overlay' });
    }
  }
}

export const composeRoot: Step<RootInputs, 'root.tar' | 'root.json'> = {
  name: 'root',
  title: 'Compose the root from package archives',
  module: import.meta.url,
  outputs: ['root.tar', 'root.json'],
  async run(inputs, context) {
    const packages = (await readPackages(inputs.packages.path)).filter(({ name }) => !inputs.notMerged.includes(name));
    await ensureArchives(packages, context);
    const { stdout } = await tool(['busybox', '--list-full'], { signal: context.signal });
    const applets = stdout.split('\n').filter(line => line !== '');
    const tree = new RootTree();
    const dropped = new Map<string, string[]>();
    const opened: OpenArchive[] = [];
    const closers: (() => Promise<void>)[] = [];
    try {
      for (const archive of packages) {
        const one = await openArchive(archive, context.cache);
        opened.push(one);
        mergeArchive(tree, one);
      }
      for (const overlay of inputs.overlays) await addOverlay(tree, overlay);
      for (const [path, { file, mode }] of Object.entries(inputs.files)) {
        tree.add({
          type: 'file',
          path,
          mode,
          uid: 0,
          gid: 0,
          origin: 'atoll',
          sizeBytes: file.sizeBytes,
          read: () => readFile(file.path),
        });
      }
      for (const [path, text] of Object.entries(inputs.texts)) tree.file(path, text, { origin: 'atoll' });
      const finish = {
        architecture: inputs.architecture,
        trim: inputs.trim,
        ids: new Map(Object.entries(inputs.ids)),
        applets,
        firmware: (await readFile(inputs.firmware.path, 'utf8')).split('\n'),
        dropped,
      };
      for (const step of finishingSteps) {
        context.note(step.name);
        context.signal.throwIfAborted();
        await step.apply(tree, finish);
      }
      closers.push(await addTar(tree, inputs.modules, 'kernel'));
      if (inputs.boardFirmware) closers.push(await addTar(tree, inputs.boardFirmware, 'firmware'));
      context.note('writing');
      await pipeline(treeTar(tree, inputs.epoch), createWriteStream(join(context.directory, 'root.tar')), {
        signal: context.signal,
      });
      await writeFile(join(context.directory, 'root.json'), `${JSON.stringify(report(tree, dropped), undefined, 1)}\n`);
    } finally {
      for (const close of closers) await close();
      for (const archive of opened) await archive.close();
    }
  },
};

function report(tree: RootTree, dropped: ReadonlyMap<string, readonly string[]>): RootReport {
  const bytesByOrigin: Record<string, number> = {};
  const libraries: string[] = [];
  const contents: Content[] = [];
  let bytes = 0;
  for (const node of tree.list()) {
    const name = basename(node.path);
    if (node.type !== 'directory' && /\.so(\.\d+)*$/.test(name)) libraries.push(name);
    if (node.type !== 'file') continue;
    bytes += node.sizeBytes;
    contents.push([node.path, node.sizeBytes, node.origin]);
    bytesByOrigin[node.origin] = (bytesByOrigin[node.origin] ?? 0) + node.sizeBytes;
  }
  return { files: tree.size, bytes, dropped: Object.fromEntries(dropped), bytesByOrigin, contents, libraries };
}
