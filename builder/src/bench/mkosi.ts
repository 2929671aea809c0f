/**
 * The peer: mkosi building a disk image with the packages our definition asks for, from a Debian 13 tree of its own. Its disk
 * is plain: no verity, no initrd or UKI, no trimming, not compressed. It runs the packages' maintainer scripts, so it needs root.
 *
 * Always true: `<cache>/tools/mkosi-<key>` is complete (made by rename); the work folder is removed by whoever made it.
 */
import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildHost } from '../build-host.ts';
import { loadDefinition } from '../definition/load.ts';
import { keyring, mirrorsFrom, sourcesList } from '../packages/apt.ts';
import { run } from '../process.ts';
import { tool } from '../tools.ts';
import { makeTemporary } from '../workspace.ts';
import { timed } from './timed.ts';

export interface PeerOptions {
  /** Whose packages: a name of `images/`. */
  readonly image: string;
  readonly cache: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** What the peers build: the release alone, without its updates. */
export const suite = 'trixie';

/** What an image's definition asks for. */
export interface Wanted {
  /** Names, its kernel's included. */
  readonly packages: readonly string[];
  /** Of Debian's archive: `main`… */
  readonly components: readonly string[];
}

export async function wantedBy(name: string): Promise<Wanted> {
  const { image, lists } = await loadDefinition(name);
  const packages = [...lists.install, image.kernel.package, ...image.packages].map(({ value }) => value);
  return { packages, components: image.debian.components };
}

const treePackages: readonly string[] = [
  ...['mkosi', 'apt', 'debian-archive-keyring', 'ca-certificates', 'bubblewrap', 'uidmap', 'kmod'],
  ...['systemd-boot', 'systemd-repart', 'e2fsprogs', 'dosfstools', 'mtools', 'cryptsetup-bin', 'erofs-utils'],
  ...['cpio', 'zstd', 'util-linux'],
];

/** mkosi.conf. @param packages names, one an indented line */
export function mkosiConfiguration({ packages }: Wanted, mirror: string): string {
  return [
    '[Distribution]',
    'Distribution=debian',
    `Release=${suite}`,
    `Mirror=${mirror}`,
    '[Output]',
    'Format=disk',
    'Output=peer',
    'OutputDirectory=/work/out',
    '[Content]',
    'Bootable=no',
    'WithDocs=no',
    'CleanPackageMetadata=yes',
    'Packages=',
    ...packages.map(name => `    ${name}`),
    '[Build]',
    'CacheDirectory=/work/cache',
    'PackageCacheDirectory=/work/packages',
    'BuildSources=',
    'WorkspaceDirectory=/work/workspace',
    '',
  ].join('\n');
}

/** `mkosi.sandbox/etc/apt/sources.list.d/mkosi.sources`: this suite and nothing else, as our own mirror has it. */
export function mkosiSources({ components }: Wanted, mirror: string): string {
  const where = ['Types: deb', `URIs: ${mirror}`, `Suites: ${suite}`, `Components: ${components.join(' ')}`];
  return [...where, `Signed-By: ${keyring}`, ''].join('\n');
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The Debian tree mkosi runs in, made if it is not there (about a minute). @returns its path */
async function ensureTree({ cache, signal, say, env = process.env }: PeerOptions): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([suite, treePackages]))
    .digest('hex')
    .slice(0, 16);
  const tree = join(cache, 'tools', `mkosi-${key}`);
  if (await exists(tree)) return tree;
  say('making the tree mkosi runs in (once, about a minute)');
  const temporary = await makeTemporary(join(cache, 'tmp'));
  try {
    const sources = sourcesList({
      architecture: buildHost().debian,
      suites: [suite],
      components: ['main'],
      mirrors: mirrorsFrom(env),
    });
    const root = join(temporary, 'root');
    await run(
      [
        'mmdebstrap',
        '--variant=apt',
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Retries "3"',
        `--keyring=${keyring}`,
        `--include=${treePackages.join(',')}`,
        suite,
        root,
        ...sources.trimEnd().split('\n'),
      ],
      { signal, env: { ...env, LC_ALL: 'C.UTF-8' } },
    );
    await mkdir(join(root, 'work'));
    await mkdir(join(cache, 'tools'), { recursive: true });
    await rename(root, tree);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return tree;
}

export class Mkosi {
  readonly #tree: string;
  readonly #work: string;
  readonly #signal: AbortSignal;

  private constructor(tree: string, work: string, signal: AbortSignal) {
    this.#tree = tree;
    this.#work = work;
    this.#signal = signal;
  }

  /**
   * Makes the tree and the configuration, downloads the packages and fills mkosi's own cache, by building twice.
   * @throws Error without root; BuildError with the last words of what failed
   */
  static async prepare(options: PeerOptions): Promise<Mkosi> {
    if (process.getuid?.() !== 0) throw new Error('mkosi is run as root here: start the benchmark as root to compare');
    const { image, cache, signal, say, env = process.env } = options;
    const tree = await ensureTree(options);
    const wanted = await wantedBy(image);
    const mirror = mirrorsFrom(env).main;
    const work = await makeTemporary(join(cache, 'tmp'));
    const mkosi = new Mkosi(tree, work, signal);
    try {
      const sources = join(work, 'mkosi.sandbox/etc/apt/sources.list.d');
      for (const name of ['out', 'cache', 'packages', 'workspace']) await mkdir(join(work, name));
      await mkdir(sources, { recursive: true });
      await writeFile(join(sources, 'mkosi.sources'), mkosiSources(wanted, mirror));
      await writeFile(join(work, 'mkosi.conf'), mkosiConfiguration(wanted, mirror));
      say('mkosi downloads its packages (not timed)');
      await mkosi.#run([]);
      say('mkosi fills its cache (not timed)');
      await mkosi.#run(['--incremental', '--cache-only=metadata']);
      return mkosi;
    } catch (error) {
      await mkosi.close();
      throw error;
    }
  }

  /** From downloaded packages and nothing else. @returns milliseconds */
  cold(): Promise<number> {
    return this.#run(['--cache-only=metadata']);
  }

  /** With nothing changed since the last time, and its cache of installed trees. @returns milliseconds */
  warm(): Promise<number> {
    return this.#run(['--incremental', '--cache-only=metadata']);
  }

  /** The disk of the last build, compressed as we compress ours. @returns bytes */
  async compressedBytes(): Promise<number> {
    const out = join(this.#work, 'out');
    const target = join(out, 'peer.zst');
    await tool(['zstd', '-q', '-f', '-3', '-T2', join(out, 'peer.raw'), '-o', target], {
      binds: [out],
      signal: this.#signal,
    });
    const { size } = await stat(target);
    await rm(target);
    return size;
  }

  close(): Promise<void> {
    return rm(this.#work, { recursive: true, force: true });
  }

  async #run(options: readonly string[]): Promise<number> {
    const { tookMs } = await timed(
      [
        'bwrap',
        ...['--die-with-parent', '--bind', this.#tree, '/', '--dev-bind', '/dev', '/dev', '--proc', '/proc'],
        ...['--bind', '/sys', '/sys', '--tmpfs', '/tmp', '--tmpfs', '/run', '--bind', this.#work, '/work'],
        ...['--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf', '--ro-bind-try', '/etc/hosts', '/etc/hosts'],
        ...['--chdir', '/work', '--cap-add', 'ALL', '--setenv', 'HOME', '/root', '--'],
        ...['mkosi', ...options, '--force', 'build'],
      ],
      { signal: this.#signal, title: 'mkosi' },
    );
    return tookMs;
  }
}
