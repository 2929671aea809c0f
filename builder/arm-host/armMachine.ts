/**
 * A Debian 13 of ARM64 to build on, where there is no such machine: a root of its own, in which QEMU's user mode runs every program
 * (`builder/emulation.sh qemu-aarch64`). Needs root. On an ARM64 host it is a plain root, and nothing is emulated.
 *
 * Always true: `<cache>/arm-host/root` is a whole installation (made by rename). What is installed, made and built in it stays, so that only
 * the first run is the long one. It borrows the host's package archives and indexes, and its keys: with the same packages and keys, the
 * same image should come out.
 *
 * QEMU's user mode refuses clone(2) with new namespaces (EINVAL), so the one program of another architecture in it is bubblewrap: the host's.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { keysDirectory } from '../src/keys/places.ts';
import { keyring, mirrorsFrom, sourcesList } from '../src/packages/apt.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { type RunResult, run } from '../src/process.ts';
import { treeCommand } from '../src/tools.ts';
import { makeTemporary } from '../src/workspace.ts';

const suites = ['trixie', 'trixie-updates', 'trixie-security'];
/** Where things are inside. */
const inside = {
  home: '/root',
  checkout: '/srv/atoll',
  host: '/opt/host',
  authorities: '/opt/authorities.pem',
} as const;
const insideCache = `${inside.home}/.cache/atoll`;
const insideKeys = `${inside.home}/.config/atoll/keys`;

/** Compiling alone takes ten minutes under emulation, on a busy machine an hour. */
const longestMs = 6 * 3600_000;

export class ArmMachine {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes it if it is not there (some minutes), and puts this checkout, as it is now, into it. */
  static async open(): Promise<ArmMachine> {
    const root = join(cacheDirectory(), 'arm-host/root');
    if (!existsSync(root)) await install(root);
    const machine = new ArmMachine(root);
    await machine.#connect();
    await machine.#copyCheckout();
    return machine;
  }

  /** A path of the machine as the host sees it. */
  path(absolute: string): string {
    return join(this.#root, absolute);
  }

  /** The machine's cache of builds, as the host sees it. */
  get cache(): string {
    return this.path(insideCache);
  }

  /** The machine's `out/`, as the host sees it. */
  get out(): string {
    return this.path(join(inside.checkout, 'out'));
  }

  /** Runs a command in the checkout, as root there. @throws BuildError with its last words */
  async run(argv: readonly [string, ...string[]], onLine?: (line: string) => void): Promise<RunResult> {
    const settings = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: inside.home,
      LANG: 'C.UTF-8',
      NODE_EXTRA_CA_CERTS: inside.authorities,
    };
    return run(
      [
        'bwrap',
        ...['--die-with-parent', '--unshare-pid', '--cap-add', 'ALL', '--clearenv'],
        ...[[this.#root, '/'] as const, ...borrowed()].flatMap(([from, to]) => ['--bind', from, to]),
        ...[
          '--dev-bind',
          '/dev',
          '/dev',
          '--proc',
          '/proc',
          '--ro-bind',
          '/sys',
          '/sys',
          '--ro-bind',
          '/usr',
          `${inside.host}/usr`,
        ],
        ...['--chdir', inside.checkout],
        ...Object.entries({ ...passedOn(), ...settings }).flatMap(([name, value]) => ['--setenv', name, value]),
        ...argv,
      ],
      { title: argv[0], signal: AbortSignal.timeout(longestMs), ...(onLine ? { onLine } : {}) },
    );
  }

  /** The host's ways to the network: names, authorities, npm's registry. */
  async #connect(): Promise<void> {
    for (const file of ['/etc/resolv.conf', '/etc/hosts']) await cp(file, this.path(file), { dereference: true });
    const authorities = process.env.NODE_EXTRA_CA_CERTS ?? '/etc/ssl/certs/ca-certificates.crt';
    await cp(authorities, this.path(inside.authorities), { dereference: true });
    const registry = (await run(['npm', 'config', 'get', 'registry'])).stdout.trim();
    await writeFile(this.path(`${inside.home}/.npmrc`), `registry=${registry}\ncafile=${inside.authorities}\n`);
    for (const [from, to] of borrowed()) {
      await mkdir(from, { recursive: true, mode: 0o700 });
      await mkdir(this.path(to), { recursive: true });
    }
    await mkdir(this.path(`${inside.host}/usr`), { recursive: true });
    if (process.arch === 'arm64') return;
    const words = treeCommand(inside.host, '/usr/bin/bwrap').join(' ');
    await writeFile(this.path('/usr/local/bin/bwrap'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }

  async #copyCheckout(): Promise<void> {
    const { stdout } = await run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repositoryRoot,
    });
    const files = stdout.split('\0').filter(name => name !== '' && existsSync(join(repositoryRoot, name)));
    const checkout = this.path(inside.checkout);
    await mkdir(checkout, { recursive: true });
    // npm's packages and what was built stay.
    const kept = ['node_modules', 'out'].flatMap(name => ['!', '-name', name]);
    await run(['find', checkout, '-mindepth', '1', '-maxdepth', '1', ...kept, '-exec', 'rm', '-r', '{}', '+']);
    for (const name of files) {
      await mkdir(dirname(join(checkout, name)), { recursive: true });
      await cp(join(repositoryRoot, name), join(checkout, name), { verbatimSymlinks: true });
    }
  }
}

/** Folders of the host that are the machine's, too. */
const borrowed = (): (readonly [here: string, there: string])[] => [
  [keysDirectory(), insideKeys],
  ...['archives', 'apt'].map(name => [join(cacheDirectory(), name), join(insideCache, name)] as const),
];

/** Of the host's environment, what says where packages come from. */
function passedOn(): Record<string, string> {
  const names = /^(https?_proxy|no_proxy|ATOLL_DEBIAN_(SECURITY_)?MIRROR)$/i;
  const found = Object.entries(process.env).filter(([name, value]) => names.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

async function install(root: string): Promise<void> {
  const temporary = await makeTemporary(join(cacheDirectory(), 'tmp'));
  try {
    const made = join(temporary, 'root');
    const sources = sourcesList({
      architecture: 'arm64',
      suites,
      components: ['main'],
      mirrors: mirrorsFrom(process.env),
    });
    const options = ['--variant=apt', '--mode=root', '--architectures=arm64', `--keyring=${keyring}`];
    const excluded = ['doc', 'man', 'locale', 'info'].map(name => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    await run(
      [
        'mmdebstrap',
        ...options,
        ...excluded,
        '--aptopt=Acquire::Retries "3"',
        'trixie',
        made,
        ...sources.trimEnd().split('\n'),
      ],
      { env: { ...process.env, LC_ALL: 'C.UTF-8' }, signal: AbortSignal.timeout(longestMs) },
    );
    await mkdir(dirname(root), { recursive: true });
    await rename(made, root);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
