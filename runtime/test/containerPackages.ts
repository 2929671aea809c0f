/**
 * The container tools tests run against: the very containerd and CNI plugins of the image (Debian 13's), unpacked into the
 * cache without being installed, so the host's own versions and services do not matter. As an ordinary user, in seconds.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** runc is Debian 12's: 13's wants a newer C library than some hosts have, and containerd takes either. */
const packages = [
  'containerd/trixie',
  'containernetworking-plugins/trixie',
  'busybox-static/trixie',
  'runc/bookworm',
] as const;

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface ContainerTools {
  /** Holds containerd, its shim, ctr, runc and busybox; to be put in front of `PATH`. */
  readonly binDirectory: string;
  readonly cniDirectory: string;
  readonly busybox: string;
}

/** Downloads and unpacks the tools once; afterwards gives the cached ones. @throws when apt cannot get them. */
export async function containerTools(): Promise<ContainerTools> {
  const cache = resolve(process.env.ATOLL_CACHE || join(homedir(), '.cache', 'atoll'), 'containers');
  const tree = join(cache, `1-${process.arch}`);
  const tools = {
    binDirectory: join(tree, 'usr', 'bin'),
    cniDirectory: join(tree, 'usr', 'lib', 'cni'),
    busybox: join(tree, 'usr', 'bin', 'busybox'),
  };
  await unpackedPackages(tree, packages);
  return tools;
}

/** Packages of Debian 12 or 13 (`runc/bookworm`), unpacked into `tree` once. @returns `tree` @throws when apt cannot get them. */
export async function unpackedPackages(tree: string, names: readonly string[]): Promise<string> {
  if (await exists(tree)) return tree;
  await mkdir(dirname(tree), { recursive: true });
  const work = await mkdtemp(join(dirname(tree), 'work-'));
  try {
    const root = await unpack(work, names);
    // Two tests may get here at once: the first tree stays, the other one is dropped.
    await rename(root, tree).catch(async error => {
      if (!(await exists(tree))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return tree;
}

async function unpack(work: string, names: readonly string[]): Promise<string> {
  const root = join(work, 'root');
  for (const directory of ['root', 'debs', 'etc', 'state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(work, directory), { recursive: true });
  }
  const sources = ['trixie', 'bookworm'].map(
    suite => `deb [signed-by=${keyring}] http://deb.debian.org/debian ${suite} main\n`,
  );
  await writeFile(join(work, 'etc/sources.list'), sources.join(''));
  await writeFile(join(work, 'state/status'), '');
  const configuration = [
    `Dir "${work}";`,
    'Dir::State "state"; Dir::Cache "cache"; Dir::Etc "etc"; Dir::Etc::sourceparts "/dev/null";',
    `Dir::State::status "${work}/state/status"; Dir::Etc::parts "/dev/null";`,
    'APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "3";',
  ];
  await writeFile(join(work, 'apt.conf'), configuration.join('\n'));
  const env = { ...process.env, APT_CONFIG: join(work, 'apt.conf'), LC_ALL: 'C' };
  const options = { cwd: join(work, 'debs'), env, timeout: 300_000 };
  await run('apt-get', ['-q', 'update'], options);
  await run('apt-get', ['-q', 'download', ...names], options);
  for (const archive of await readdir(join(work, 'debs'))) {
    await run('dpkg-deb', ['-x', join(work, 'debs', archive), root], { timeout: 60_000 });
  }
  return root;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
