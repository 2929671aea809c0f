/**
 * Calling a tool of the tools tree (a Debian 13 root in the cache), so that results do not depend on the host's versions.
 *
 *     const result = await tool(['mkfs.erofs', '-V']);
 *     await tool(['qemu-img', 'resize', disk, '8G'], { binds: [dirname(disk)] });
 *     const child = spawn(...toolCommand(['qemu-system-x86_64', …], { binds: [dir], devices: true }));
 *
 * The tree is read-only inside; folders named in `binds` appear at the same path, writable; `readOnly` ones read-only.
 * The network is the host's. Needs bubblewrap, no root.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { buildHost } from './build-host.ts';
import { BuildError } from './errors.ts';
import { toolsTree } from './paths.ts';
import { type RunOptions, type RunResult, run } from './process.ts';

export interface ToolMounts {
  /** Files or folders visible inside at their own absolute path, writable. */
  readonly binds?: readonly string[];
  /** The same, read-only. */
  readonly readOnly?: readonly string[];
  /** Read-only at another path inside: host path → path inside. For tools whose output would name the path. */
  readonly readOnlyAt?: Readonly<Record<string, string>>;
  /** Working directory inside; must be under a bind. */
  readonly cwd?: string;
  /** Environment of the tool; nothing else of the host's environment goes in but the proxy settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gives the tool a process namespace of its own: whatever it started ends with it, however it ends. `tool` does so always. */
  readonly ownProcesses?: boolean;
  /** The tree to use. Default: `<cache>/tools/current`. */
  readonly tree?: string;
}

export type ToolOptions = ToolMounts & Omit<RunOptions, 'env' | 'cwd'>;

const inherited = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'TERM',
];

/** The absolute path on the host of a file in the tools tree, as `toolPath('/usr/share/OVMF/OVMF_CODE_4M.fd')`. */
export function toolPath(path: string, tree: string = toolsTree()): string {
  return `${resolveTree(tree)}${path}`;
}

function resolveTree(tree: string): string {
  try {
    return realpathSync(tree);
  } catch (cause) {
    throw new BuildError('TOOLS_MISSING', `there is no tools tree at ${tree}`, {
      hint: 'Make it with `node --import tsx builder/src/cli.ts tools` (about a minute, 1 GB).',
      cause,
    });
  }
}

/**
 * A command line that runs a program of a tree of this machine's architecture by the tree's own loader and libraries: without a sandbox, as a child with the
 * host's paths.
 * @param program its path inside the tree, as `/usr/bin/qemu-img`
 */
export function treeCommand(tree: string, program: string): [string, ...string[]] {
  const { multiarch, loader } = buildHost();
  const libraries = join(tree, 'usr/lib', multiarch);
  return [join(libraries, loader), '--library-path', libraries, join(tree, program)];
}

function variables(extra: Readonly<Record<string, string>> | undefined): string[] {
  const fixed: Record<string, string> = { PATH: '/usr/sbin:/usr/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: '/tmp' };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) fixed[name] = value;
  }
  return Object.entries({ ...fixed, ...extra }).flatMap(([name, value]) => ['--setenv', name, value]);
}

/** The host command that runs `argv` inside the tools tree: `[program, arguments]`, ready for `spawn`. */
export function toolCommand(argv: readonly [string, ...string[]], mounts: ToolMounts = {}): [string, string[]] {
  const tree = resolveTree(mounts.tree ?? toolsTree());
  const under = ['bin', 'sbin', 'lib', 'lib64'].flatMap(name => ['--symlink', `usr/${name}`, `/${name}`]);
  return [
    'bwrap',
    [
      ...[
        '--die-with-parent',
        '--clearenv',
        '--tmpfs',
        '/',
        '--ro-bind',
        `${tree}/usr`,
        '/usr',
        '--ro-bind',
        `${tree}/etc`,
        '/etc',
      ],
      ...under,
      ...[
        '--ro-bind',
        `${tree}/var/lib/dpkg`,
        '/var/lib/dpkg',
        '--dev-bind',
        '/dev',
        '/dev',
        '--proc',
        '/proc',
        '--ro-bind',
        '/sys',
        '/sys',
      ],
      ...['--tmpfs', '/tmp', '--tmpfs', '/run', '--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf'],
      ...['--ro-bind-try', '/etc/hosts', '/etc/hosts'],
      ...(mounts.readOnly ?? []).flatMap(path => ['--ro-bind', path, path]),
      ...Object.entries(mounts.readOnlyAt ?? {}).flatMap(([path, inside]) => ['--ro-bind', path, inside]),
      ...(mounts.binds ?? []).flatMap(path => ['--bind', path, path]),
      ...(mounts.ownProcesses ? ['--unshare-pid'] : []),
      ...(mounts.cwd === undefined ? [] : ['--chdir', mounts.cwd]),
      ...variables(mounts.env),
      '--',
      ...argv,
    ],
  ];
}

/** bwrap has no option for it, and mkfs.erofs writes permissions of its own making into the image. */
const fixedUmask = ['sh', '-c', 'umask 022; exec "$@"', 'sh'] as const;

/** Runs a tool of the tree to its end, under a umask of 022. @throws BuildError as `run` does. */
export async function tool(argv: readonly [string, ...string[]], options: ToolOptions = {}): Promise<RunResult> {
  const [program, args] = toolCommand([...fixedUmask, ...argv], { ...options, ownProcesses: true });
  const {
    binds: _binds,
    readOnly: _readOnly,
    readOnlyAt: _readOnlyAt,
    cwd: _cwd,
    env: _env,
    tree: _tree,
    ownProcesses: _own,
    ...rest
  } = options;
  return run([program, ...args], { title: argv[0], ...rest });
}
