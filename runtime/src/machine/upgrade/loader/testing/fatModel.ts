/**
 * What a FAT may hold after a power cut, as a model over a real folder: each path has the values that its name may lead to, from the last one that
 * was surely on the disk to the newest. Renaming is three changes of which any may be missing, removing frees clusters unless the file is held
 * open, and only fsync makes anything sure: of a file its content, of a folder its names. The drive is thought of as writing back in any order.
 *
 * It listens to `node:fs/promises`: one model at a time in a process.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, relative } from 'node:path';

/** Path in the folder → content; absent: there is no such file. */
export type Tree = ReadonlyMap<string, Buffer>;
type Value = Buffer | undefined;

const GARBAGE = Buffer.from('\u0001 clusters of another file \u0001'.repeat(8));
const EMPTY = Buffer.alloc(0);
const same = (a: Value, b: Value): boolean => (a === undefined || b === undefined ? a === b : a.equals(b));
const original = { open: fs.open, rename: fs.rename, rm: fs.rm };

export class FatModel implements Disposable {
  /** The last is the newest. */
  readonly #values = new Map<string, Value[]>();
  readonly #held = new Map<string, number>();

  /** @param onChange called after each change and before each that makes something sure: now a cut may come */
  constructor(
    private readonly root: string,
    tree: Tree,
    private readonly onChange: () => Promise<void>,
  ) {
    for (const [path, content] of tree) this.#values.set(path, [content]);
    Object.assign(fs, {
      open: (path: string, flags?: string | number, mode?: number) => this.#open(path, flags, mode),
      rename: (from: string, to: string) => this.#rename(from, to),
      rm: (path: string, options?: { force?: boolean; recursive?: boolean }) => this.#rm(path, options),
    });
    syncBuiltinESMExports();
  }

  [Symbol.dispose](): void {
    Object.assign(fs, original);
    syncBuiltinESMExports();
  }

  /** Every tree that a cut may leave now. */
  *trees(): Generator<Tree> {
    const paths = [...this.#values];
    const build = function* (index: number, tree: Map<string, Buffer>): Generator<Tree> {
      const next = paths[index];
      if (!next) {
        yield new Map(tree);
        return;
      }
      const [path, values] = next;
      for (const value of values) {
        if (value) tree.set(path, value);
        else tree.delete(path);
        yield* build(index + 1, tree);
      }
      tree.delete(path);
    };
    yield* build(0, new Map());
  }

  async #may(path: string, ...values: Value[]): Promise<void> {
    const known = this.#values.get(path) ?? [undefined];
    for (const value of values) {
      const at = known.findIndex(one => same(one, value));
      if (at >= 0) known.splice(at, 1);
      known.push(value);
    }
    this.#values.set(path, known);
    await this.onChange();
  }

  #now(path: string): Value {
    return this.#values.get(path)?.at(-1);
  }

  async #open(path: string, flags: string | number = 'r', mode?: number): Promise<FileHandle> {
    const at = relative(this.root, path);
    const handle = await original.open(path, flags, mode);
    if (at.startsWith('..')) return handle;
    const isFolder = (await handle.stat()).isDirectory();
    if (typeof flags === 'string' && flags.startsWith('w')) await this.#may(at, EMPTY);
    this.#held.set(at, (this.#held.get(at) ?? 0) + 1);
    const { sync, close, writeFile } = handle;
    type Write = (buffer: Buffer, offset: number, length: number, position: number) => Promise<unknown>;
    const write = handle.write.bind(handle) as Write;
    let name = at;
    const changed = async (): Promise<void> => {
      const content = await fs.readFile(path);
      await this.#may(name, content.subarray(0, Math.floor(content.length / 2)), content);
    };
    return Object.assign(handle, {
      sync: async () => {
        await sync.call(handle);
        await this.onChange();
        name = this.#renamed.get(name) ?? name;
        for (const [known, values] of this.#values)
          if (isFolder ? dirname(known) === (at === '' ? '.' : at) : known === name) settle(values, isFolder);
      },
      close: async () => {
        this.#held.set(at, (this.#held.get(at) ?? 1) - 1);
        await close.call(handle);
      },
      writeFile: async (data: string) => {
        await writeFile.call(handle, data);
        await changed();
      },
      write: async (buffer: Buffer, offset: number, length: number, position: number) => {
        const result = await write(buffer, offset, length, position);
        await changed();
        return result;
      },
    });
  }

  readonly #renamed = new Map<string, string>();

  async #rename(from: string, to: string): Promise<void> {
    const [a, b] = [relative(this.root, from), relative(this.root, to)];
    const content = this.#now(a);
    await original.rename(from, to);
    this.#renamed.set(a, b);
    await this.#may(b, EMPTY, content);
    await this.#may(a, undefined);
  }

  async #rm(path: string, options: { force?: boolean; recursive?: boolean } = {}): Promise<void> {
    const at = relative(this.root, path);
    await original.rm(path, options);
    const held = (this.#held.get(at) ?? 0) > 0;
    await this.#may(at, ...(held ? [] : [GARBAGE]), undefined);
  }
}

/** A file's sync makes its content sure where it has a name; a folder's its names, but not what a file is not synced for. */
function settle(values: Value[], ofFolder: boolean): void {
  const newest = values.at(-1);
  const kept = ofFolder
    ? values.filter(value => (value === undefined) === (newest === undefined))
    : values.filter(value => value === undefined || value === newest);
  values.splice(0, values.length, ...kept);
}
