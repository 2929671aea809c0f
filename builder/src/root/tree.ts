/**
 * A root file system in memory: every path with its metadata; the bytes stay where they are until they are asked for.
 *
 * Always true: paths are relative, without `.` or `..`; the parent of every node is a folder in the tree (`add` makes it);
 * hard links are gone (they came in as relative symlinks); nothing is setuid, setgid or owned by a name.
 */
import { dirname, posix } from 'node:path';
import { BuildError } from '../errors.ts';

export type RootNode = RootFile | RootDirectory | RootSymlink;

interface Common {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Which package, or which part of the builder, it came from. */
  readonly origin: string;
}

export interface RootFile extends Common {
  readonly type: 'file';
  readonly sizeBytes: number;
  readonly read: () => Promise<Buffer>;
}

export interface RootDirectory extends Common {
  readonly type: 'directory';
}

export interface RootSymlink extends Common {
  readonly type: 'symlink';
  readonly target: string;
}

/** `/a/**​/b` globs: `*` within one folder, `**` across folders, `?` one letter, `{a,b}` either. */
export function globPattern(glob: string): RegExp {
  let braces = 0;
  const source = glob.replace(/\*\*\/|\*\*|[*?{},]|[.+^$()|[\]\\]/g, token => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token === '{') braces++;
    if (token === '}') braces--;
    if (token === '{') return '(?:';
    if (token === '}') return ')';
    if (token === ',') return braces > 0 ? '|' : ',';
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

const relative = (path: string): string => posix.normalize(path).replace(/^\/+/, '').replace(/\/$/, '');

export class RootTree {
  private readonly nodes = new Map<string, RootNode>();
  private sorted: readonly RootNode[] | undefined;

  /** Nodes sorted by path, folders before what is in them; a snapshot that later changes do not touch. */
  list(): readonly RootNode[] {
    this.sorted ??= [...this.nodes.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    return this.sorted;
  }

  get size(): number {
    return this.nodes.size;
  }

  get(path: string): RootNode | undefined {
    return this.nodes.get(relative(path));
  }

  has(path: string): boolean {
    return this.nodes.has(relative(path));
  }

  /** Adds or replaces a node, with the folders above it. @throws BuildError PACKAGE_CONFLICT for a folder where something else is. */
  add(node: RootNode): void {
    const path = relative(node.path);
    const parent = dirname(path);
    if (parent !== '.') {
      const above = this.nodes.get(parent);
      if (!above) this.directory(parent, { origin: node.origin });
      else if (above.type !== 'directory') {
        throw new BuildError(
          'PACKAGE_CONFLICT',
          `${node.origin} puts /${path} into /${parent}, a ${above.type} of ${above.origin}`,
        );
      }
    }
    const present = this.nodes.get(path);
    if (present?.type === 'directory' && node.type !== 'directory' && this.children(path).length > 0) {
      throw new BuildError(
        'PACKAGE_CONFLICT',
        `${node.origin} has a ${node.type} at /${path}, where ${present.origin} has a folder`,
      );
    }
    this.nodes.set(path, { ...node, path, mode: node.mode & 0o1777 });
    this.sorted = undefined;
  }

  file(
    path: string,
    content: string | Buffer,
    { mode = 0o644, origin, uid = 0, gid = 0 }: { mode?: number; origin: string; uid?: number; gid?: number },
  ): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.add({ type: 'file', path, mode, uid, gid, origin, sizeBytes: bytes.length, read: async () => bytes });
  }

  directory(path: string, { mode = 0o755, origin }: { mode?: number; origin: string }): void {
    this.add({ type: 'directory', path, mode, uid: 0, gid: 0, origin });
  }

  symlink(path: string, target: string, { origin }: { origin: string }): void {
    this.add({ type: 'symlink', path, mode: 0o777, uid: 0, gid: 0, origin, target });
  }

  /** Removes a node and what is under it. @returns the removed nodes. */
  remove(path: string): RootNode[] {
    const from = relative(path);
    const node = this.nodes.get(from);
    const removed = node?.type === 'directory' ? this.under(from) : node ? [node] : [];
    if (removed.length > 0) this.sorted = undefined;
    for (const { path: gone } of removed) this.nodes.delete(gone);
    return removed;
  }

  /** The node and everything under it. */
  under(path: string): RootNode[] {
    const from = relative(path);
    return this.list().filter(node => node.path === from || node.path.startsWith(`${from}/`));
  }

  /** Direct children, by path. */
  children(path: string): RootNode[] {
    const from = relative(path);
    return this.list().filter(node => dirname(node.path) === from && node.path !== from);
  }

  /** Nodes whose absolute path matches. */
  match(glob: string): RootNode[] {
    const pattern = globPattern(glob);
    return this.list().filter(node => pattern.test(`/${node.path}`));
  }

  /** Follows symlinks in every component. @returns the final node, or undefined if a link dangles or runs in circles. */
  resolve(path: string): RootNode | undefined {
    let rest = relative(path).split('/');
    let at = '';
    for (let links = 0; rest.length > 0; ) {
      const [head = '', ...tail] = rest;
      rest = tail;
      if (head === '' || head === '.') continue;
      if (head === '..') {
        at = at.includes('/') ? dirname(at) : '';
        continue;
      }
      const next = at === '' ? head : `${at}/${head}`;
      const node = this.nodes.get(next);
      if (node?.type === 'symlink') {
        if (++links > 40) return undefined;
        rest = [...node.target.split('/'), ...rest];
        if (node.target.startsWith('/')) at = '';
      } else if (!node) return undefined;
      else at = next;
    }
    return this.nodes.get(at);
  }

  async text(path: string): Promise<string> {
    const node = this.resolve(path);
    if (node?.type !== 'file') throw new BuildError('ROOT_INCONSISTENT', `the root has no file ${path}`);
    return (await node.read()).toString('utf8');
  }
}
