/**
 * Makes the tools tree: a Debian 13 root of this machine's architecture with everything the builder and the QEMU tests run, by mmdebstrap. It needs
 * mmdebstrap and debian-archive-keyring on the host, which Debian 12, 13 and Ubuntu have.
 *
 * Always true: `<cache>/tools/<key>` is complete (made by rename) and its key covers the package list; `<cache>/tools/current` is
 * a symlink to one of them, replaced by rename.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildHost, buildHost } from './build-host.ts';
import { BuildError, explain } from './errors.ts';
import { parseStanzas } from './formats/deb822.ts';
import { keyring, mirrorsFrom, sourcesList } from './packages/apt.ts';
import { run } from './process.ts';
import type { Progress } from './progress.ts';
import { makeTemporary, sweepTemporary } from './workspace.ts';

/** What the tree of a machine holds, by what needs it. */
export const toolPackages = ({ crossCompilers }: BuildHost): readonly string[] => [
  // disks and images
  ...[
    'systemd-ukify',
    'systemd-boot',
    'systemd-boot-efi',
    'systemd-repart',
    'erofs-utils',
    'cryptsetup-bin',
    'mtools',
    'dosfstools',
  ],
  ...['e2fsprogs', 'fdisk', 'zstd', 'xz-utils', 'kmod', 'dmsetup', 'busybox-static', 'ca-certificates'],
  // what the node runs, to test against and to compile for
  ...['kubectl', 'containerd', 'runc', 'containernetworking-plugins', 'iproute2', 'iptables', 'nftables'],
  ...['nodejs', 'libnode-dev', 'gcc', 'g++', 'make', 'libc6-dev', 'python3', 'binutils', 'icu-devtools'],
  // compilers for the other architectures
  ...crossCompilers,
  // bundles: what makes them, what reads them elsewhere, and the boot loader of boards without UEFI
  ...['rauc', 'squashfs-tools', 'openssl', 'libubootenv-tool', 'u-boot-qemu'],
  // machines
  ...['qemu-system-x86', 'qemu-system-arm', 'qemu-utils', 'ovmf', 'qemu-efi-aarch64', 'qemu-efi-arm'],
  ...['u-boot-tools', 'device-tree-compiler'],
];

const temporaryPrefix = 'tmp-';

const suites = ['trixie', 'trixie-updates', 'trixie-security'];

/** What mmdebstrap leaves out of the tree. */
const excluded = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];

/** The name of the tree of a machine: another list, another tree. */
export function toolsKey(host: BuildHost = buildHost()): string {
  return createHash('sha256')
    .update(JSON.stringify([toolPackages(host), suites, excluded]))
    .digest('hex')
    .slice(0, 16);
}

const packageDatabase = (tree: string): Promise<string> =>
  readFile(join(tree, 'var/lib/dpkg/status'), 'utf8').catch((cause: unknown) => {
    throw new BuildError('TOOLS_MISSING', `there is no tools tree at ${tree}`, {
      hint: 'Run the `tools` command.',
      cause,
    });
  });

/** What the tree in use really holds: hex SHA-256 of its package database; part of every key that depends on a tool. */
export async function toolsVersion(tree: string): Promise<string> {
  return createHash('sha256')
    .update(await packageDatabase(tree))
    .digest('hex')
    .slice(0, 16);
}

/** A package's version in the tree; undefined where it has none. */
export async function toolVersion(tree: string, name: string): Promise<string | undefined> {
  const stanzas = parseStanzas(await packageDatabase(tree));
  return stanzas.find(stanza => stanza.get('package') === name)?.get('version');
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function pointAt(folder: string, key: string): Promise<void> {
  const current = join(folder, 'current');
  if ((await readlink(current).catch(() => '')) === key) return;
  const temporary = await makeTemporary(folder, temporaryPrefix);
  try {
    await symlink(key, join(temporary, 'current'));
    await rename(join(temporary, 'current'), current);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

export interface ToolsOptions {
  readonly cache: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Makes the tree if it is not there yet, and points `current` at it.
 * @returns the tree's path and whether it was made now.
 * @throws BuildError HOST_UNSUPPORTED before anything is fetched, TOOLS_MISSING without mmdebstrap, TOOL_FAILED with its words, NO_SPACE.
 */
export async function ensureTools({
  cache,
  progress,
  signal,
  env = process.env,
}: ToolsOptions): Promise<{ tree: string; made: boolean }> {
  const host = buildHost();
  const folder = join(cache, 'tools');
  const key = toolsKey(host);
  const tree = join(folder, key);
  await mkdir(folder, { recursive: true });
  await sweepTemporary(folder, temporaryPrefix);
  if (await exists(tree)) {
    // It may be another user's, in a cache that is shared with root: then its owner says when it is used.
    await utimes(tree, new Date(), new Date()).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPERM' && error.code !== 'EROFS') throw error;
    });
    await pointAt(folder, key);
    return { tree, made: false };
  }
  const title = 'Make the tools tree (once, about a minute)';
  const line = progress.start('tools', title);
  const temporary = await makeTemporary(folder, temporaryPrefix);
  try {
    const root = join(temporary, 'root');
    const sources = sourcesList({ architecture: host.debian, suites, components: ['main'], mirrors: mirrorsFrom(env) })
      .trimEnd()
      .split('\n');
    const options = [
      '--aptopt=Acquire::Languages "none"',
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Retries "3"',
    ];
    const exclude = excluded.map(path => `--dpkgopt=path-exclude=${path}`);
    await run(
      [
        // It cleans up when it is asked to stop, and is asked to when the builder is killed.
        ...(['setpriv', '--pdeathsig', 'TERM'] as const),
        'mmdebstrap',
        '--variant=apt',
        ...options,
        ...exclude,
        `--keyring=${keyring}`,
        `--include=${toolPackages(host).join(',')}`,
        'trixie',
        root,
        ...sources,
      ],
      {
        signal,
        stopSignal: 'SIGTERM',
        title: 'mmdebstrap',
        env: { ...env, LC_ALL: 'C.UTF-8' },
        onLine: text => line.note(text.replace(/^I: /, '')),
      },
    );
    await writeFile(
      join(root, 'atoll-tools.json'),
      `${JSON.stringify({ key, packages: toolPackages(host) }, undefined, 1)}\n`,
    );
    await rename(root, tree);
    await pointAt(folder, key);
    line.done();
  } catch (error) {
    line.fail();
    throw explain(error, title, cache);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  await removeUnused(folder, key);
  return { tree, made: true };
}

/** Another checkout with another list of packages may use this cache, too: its tree stays as long as it is used. */
const unusedDays = 14;

/** Removes the trees of lists that nobody has used for long. */
export async function removeUnused(folder: string, key: string): Promise<void> {
  const since = Date.now() - unusedDays * 24 * 3600_000;
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{16}$/.test(name) || name === key) continue;
    const tree = join(folder, name);
    if ((await lstat(tree)).mtimeMs < since) await rm(tree, { recursive: true, force: true });
  }
}
