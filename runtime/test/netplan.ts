/**
 * The real netplan, Debian's: what it makes of a document, to compare with. Unpacked into the cache without being installed; it runs
 * with the libraries of the builder's tools tree, which is of the same Debian.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unpackedPackages } from './containerPackages.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;

const packages = ['netplan-generator', 'libnetplan1', 'libyaml-0-2', 'libglib2.0-0t64'].map(name => `${name}/trixie`);

const cacheRoot = (): string => resolve(process.env.ATOLL_CACHE || join(homedir(), '.cache', 'atoll'));

/** Debian 13, unpacked: the builder's tools. */
export const toolsTree = (): string => join(cacheRoot(), 'tools', 'current');

export interface Netplan {
  /** The files it writes for a document, by path: `run/systemd/network/10-netplan-eth0.network`. @throws with what it says where it refuses. */
  generate(document: string): Promise<ReadonlyMap<string, { readonly content: string; readonly mode: number }>>;
}

export async function netplan(): Promise<Netplan> {
  const tree = await unpackedPackages(join(cacheRoot(), 'netplan', `1-${process.arch}`), packages);
  const tools = toolsTree();
  if (!existsSync(tools)) throw new Error(`there is no tools tree at ${tools}: \`make setup\` makes it`);
  const machine = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const loader = process.arch === 'arm64' ? 'usr/lib/ld-linux-aarch64.so.1' : 'usr/lib64/ld-linux-x86-64.so.2';
  const libraries = [tree, tools].map(root => join(root, 'usr/lib', machine)).join(':');
  const command = ['--library-path', libraries, join(tree, 'usr/libexec/netplan/generate'), '--root-dir'];
  return {
    generate: async document => {
      const root = await mkdtemp(join(tmpdir(), 'atoll-netplan-'));
      try {
        await mkdir(join(root, 'etc/netplan'), { recursive: true });
        await writeFile(join(root, 'etc/netplan/test.yaml'), document, { mode: 0o600 });
        await run(join(tools, loader), [...command, root], { timeout: TIMEOUT_MS });
        return await filesBelow(root);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
  };
}

async function filesBelow(root: string): Promise<Map<string, { content: string; mode: number }>> {
  const files = new Map<string, { content: string; mode: number }>();
  const entries = await readdir(join(root, 'run'), { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const [content, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    files.set(path.slice(root.length + 1), { content, mode: mode & 0o777 });
  }
  return files;
}
