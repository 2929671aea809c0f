/**
 * For tests: a disk in memory that knows what is durable. File contents are after fsync of the file, names after fsync of their
 * folder; a power cut keeps of the rest what chance likes (fsync(2), "Crash consistency" in ext4's documentation).
 */
import type { SystemCalls } from './generations.ts';

interface File {
  readonly kind: 'file';
  content: Buffer;
  durable: Buffer;
}
interface Folder {
  readonly kind: 'folder';
  readonly names: Map<string, Node>;
  durable: Map<string, Node>;
}
interface Link {
  readonly kind: 'link';
  readonly target: string;
}
type Node = File | Folder | Link;

export class Cut extends Error {}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
const folder = (): Folder => ({ kind: 'folder', names: new Map(), durable: new Map() });

export class CutDisk {
  root: Folder = folder();
  #open = new Map<number, Node>();
  #nextFd = 3;
  /** System calls until the power goes. */
  left = Number.POSITIVE_INFINITY;
  used = 0;

  /** What is there when the power comes back; everything there is durable then. */
  afterCut(random: () => number): CutDisk {
    const survive = (node: Node): Node => {
      if (node.kind === 'link') return node;
      if (node.kind === 'file') {
        const fates = [
          node.durable,
          node.content,
          node.content.subarray(0, Math.floor(random() * node.content.length)),
        ];
        const content = Buffer.from(fates[Math.floor(random() * 3)] ?? node.durable);
        const kept = node.content.equals(node.durable) ? Buffer.from(node.durable) : content;
        return { kind: 'file', content: kept, durable: kept };
      }
      const names = random() < 0.5 ? node.names : node.durable;
      const entries = [...names].map(([name, child]): [string, Node] => [name, survive(child)]);
      return { kind: 'folder', names: new Map(entries), durable: new Map(entries) };
    };
    const disk = new CutDisk();
    disk.root = survive(this.root) as Folder;
    return disk;
  }

  /** All files below a folder, path → content; undefined if it is not there. */
  files(path: string): Record<string, string> | undefined {
    const node = this.#find(path);
    if (node?.kind !== 'folder') return undefined;
    const out: Record<string, string> = {};
    const walk = (from: Folder, prefix: string): void => {
      for (const [name, child] of from.names) {
        if (child.kind === 'folder') walk(child, `${prefix}${name}/`);
        else if (child.kind === 'file') out[prefix + name] = child.content.toString();
      }
    };
    walk(node, '');
    return out;
  }

  #find(path: string): Node | undefined {
    let at: Node | undefined = this.root;
    for (const name of path.split('/').filter(part => part !== '')) {
      if (at?.kind !== 'folder') return undefined;
      at = at.names.get(name);
    }
    return at;
  }

  #parent(path: string): [Folder, string] {
    const at = path.lastIndexOf('/');
    const parent = this.#find(path.slice(0, at));
    if (parent?.kind !== 'folder') throw failure('ENOENT', path);
    return [parent, path.slice(at + 1)];
  }

  #step(): void {
    this.used += 1;
    if (this.left <= 0) throw new Cut();
    this.left -= 1;
  }

  readonly calls: SystemCalls = {
    mkdirSync: (path: string) => {
      this.#step();
      const [parent, name] = this.#parent(path);
      if (parent.names.has(name)) throw failure('EEXIST', path);
      parent.names.set(name, folder());
      return undefined;
    },
    openSync: (path: string, flags: string) => {
      this.#step();
      let node = this.#find(path);
      if (flags === 'wx') {
        if (node) throw failure('EEXIST', path);
        const [parent, name] = this.#parent(path);
        node = { kind: 'file', content: Buffer.alloc(0), durable: Buffer.alloc(0) };
        parent.names.set(name, node);
      }
      if (!node) throw failure('ENOENT', path);
      this.#open.set(++this.#nextFd, node);
      return this.#nextFd;
    },
    writeSync: (fd: number, data: Buffer, offset: number, length: number) => {
      this.#step();
      const node = this.#open.get(fd);
      if (node?.kind !== 'file') throw failure('EBADF', String(fd));
      // Short writes are allowed to happen, so they do.
      const written = Math.min(length, 16);
      node.content = Buffer.concat([node.content, data.subarray(offset, offset + written)]);
      return written;
    },
    fchmodSync: () => this.#step(),
    fsyncSync: (fd: number) => {
      this.#step();
      const node = this.#open.get(fd);
      if (node?.kind === 'file') node.durable = Buffer.from(node.content);
      if (node?.kind === 'folder') node.durable = new Map(node.names);
    },
    closeSync: (fd: number) => {
      this.#open.delete(fd);
    },
    symlinkSync: (target: string, path: string) => {
      this.#step();
      const [parent, name] = this.#parent(path);
      if (parent.names.has(name)) throw failure('EEXIST', path);
      parent.names.set(name, { kind: 'link', target });
    },
    renameSync: (from: string, to: string) => {
      this.#step();
      const [source, name] = this.#parent(from);
      const [target, newName] = this.#parent(to);
      const node = source.names.get(name);
      if (!node) throw failure('ENOENT', from);
      source.names.delete(name);
      target.names.set(newName, node);
    },
    unlinkSync: (path: string) => {
      this.#step();
      const [parent, name] = this.#parent(path);
      if (!parent.names.delete(name)) throw failure('ENOENT', path);
    },
    rmdirSync: (path: string) => {
      this.#step();
      const [parent, name] = this.#parent(path);
      const node = parent.names.get(name);
      if (node?.kind !== 'folder' || node.names.size > 0) throw failure('ENOTEMPTY', path);
      parent.names.delete(name);
    },
    readdirSync: ((path: string) => {
      const node = this.#find(path);
      if (node?.kind !== 'folder') throw failure('ENOENT', path);
      return [...node.names].map(([name, child]) => ({ name, isDirectory: () => child.kind === 'folder' }));
    }) as unknown as SystemCalls['readdirSync'],
    readlinkSync: ((path: string) => {
      const node = this.#find(path);
      if (node?.kind !== 'link') throw failure('EINVAL', path);
      return node.target;
    }) as unknown as SystemCalls['readlinkSync'],
  } as unknown as SystemCalls;
}
