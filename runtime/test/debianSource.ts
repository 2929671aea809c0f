/**
 * Packages of a newer Debian: Kubernetes' own API sources and test data (`golang-k8s-api-dev`), its kubectl. Fetched once into the
 * cache, by apt, which checks the archive's signature. apt works in a root of its own, so the machine's package lists stay as they are.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Moving suites lose versions, so more than one is asked. */
const SUITES = ['forky', 'sid'] as const;
const TIMEOUT_MS = 180_000;

const cacheRoot = (): string => process.env.ATOLL_CACHE ?? join(homedir(), '.cache', 'atoll');

/** apt's options for a root of its own below `root`. */
function aptOptions(root: string): string[] {
  const options: Record<string, string> = {
    'Dir::State': join(root, 'state'),
    'Dir::State::status': join(root, 'state/status'),
    'Dir::Cache': join(root, 'cache'),
    'Dir::Etc::sourcelist': join(root, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': '',
    'Acquire::Retries': '3',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function fetchFrom(suite: string, packageName: string, work: string): Promise<void> {
  rmSync(work, { recursive: true, force: true });
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'tree'])
    mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, 'state/status'), '');
  const mirror = process.env.ATOLL_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const options = { cwd: work, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 };
  await run('apt-get', [...aptOptions(work), 'update'], options);
  await run('apt-get', [...aptOptions(work), 'download', packageName], options);
  const archive = readdirSync(work).find(f => f.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get downloaded no archive of ${packageName}`);
  await run('dpkg-deb', ['-x', join(work, archive), join(work, 'tree')], options);
}

/**
 * What a package of a newer Debian holds, unpacked. Two processes may ask at once: each works apart and the first to finish wins.
 * Throws with what was tried where no suite has the package.
 */
export function debianPackage(packageName: string): Promise<string> {
  const known = asked.get(packageName);
  if (known) return known;
  const fetched = unpacked(packageName);
  asked.set(packageName, fetched);
  return fetched;
}

/** One fetch a process and package: two would work in the same folder. */
const asked = new Map<string, Promise<string>>();

async function unpacked(packageName: string): Promise<string> {
  const kept = join(cacheRoot(), 'debian-source', packageName);
  if (existsSync(kept)) return kept;
  const failures: string[] = [];
  for (const suite of SUITES) {
    const work = `${kept}.${process.pid}`;
    try {
      await fetchFrom(suite, packageName, work);
      try {
        renameSync(join(work, 'tree'), kept);
      } catch (error) {
        // Somebody else was quicker.
        if (!existsSync(kept)) throw error;
      }
      return kept;
    } catch (error) {
      failures.push(`${suite}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      `cannot fetch Debian's ${packageName}, which the tests compare with.`,
      ...failures,
      `Check the network and that ${KEYRING} exists (package debian-archive-keyring), or unpack the package to ${kept}.`,
    ].join('\n'),
  );
}

/** The folder that holds `k8s.io/`, as a package of Go sources unpacks it. */
export async function debianGoSource(packageName = 'golang-k8s-api-dev'): Promise<string> {
  return join(await debianPackage(packageName), 'usr/share/gocode/src');
}

/** `k8s.io/api/testdata/HEAD`: `<group>.<version>.<Kind>.{json,pb,yaml}`. */
export async function apiTestData(): Promise<string> {
  const folder = join(await debianGoSource(), 'k8s.io/api/testdata/HEAD');
  if (!existsSync(folder))
    throw new Error(`${folder} does not exist: golang-k8s-api-dev no longer holds the test data`);
  return folder;
}
