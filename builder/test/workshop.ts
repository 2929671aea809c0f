/**
 * A place to run the builder's command line as a person does, away from the real `out/`: caches of its own that borrow what is
 * only downloaded, copies of the checkout, processes watched and cleaned up.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { keysDirectory } from '../src/keys/places.ts';
import type { BuildManifest } from '../src/manifest.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';

export interface Outcome {
  /** Null if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Default: this checkout. */
  readonly checkout?: string;
  /** Default: the machine's own cache. */
  readonly cache?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Octal, as the shell writes it. */
  readonly umask?: string;
  /** Called with the process as soon as a line of its standard error matches. */
  readonly when?: { readonly line: RegExp; readonly act: (child: ChildProcess) => void | Promise<void> };
  /** Default 600 s; then it is killed and the test fails. */
  readonly timeoutMs?: number;
}

/** The words that run the command line of a checkout. */
export const cliCommand = (checkout: string = repositoryRoot): string[] => [
  process.execPath,
  '--import',
  join(checkout, 'node_modules/tsx/dist/loader.mjs'),
  join(checkout, 'builder/src/cli.ts'),
];

/** Runs the builder's command line to its end; what it prints is returned, not judged. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<Outcome> {
  const { checkout = repositoryRoot, when, timeoutMs = 600_000 } = options;
  const command = ['sh', '-c', `umask ${options.umask ?? '022'}; exec "$@"`, 'sh', ...cliCommand(checkout), ...args];
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, {
    cwd: options.cwd ?? checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: 'true',
      ATOLL_CACHE: options.cache ?? cacheDirectory(),
      ATOLL_KEYS: keysDirectory(),
      ...options.env,
    },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  let acting: Promise<void> | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (when && !acting && when.line.test(stderr)) acting = Promise.resolve(when.act(child));
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (when) assert.ok(acting, `nothing printed matches ${when.line}:\n${stderr}`);
  await acting;
  return { status, stdout, stderr };
}

/**
 * An environment in which the command line sends itself SIGINT with the first write to standard error that matches: where the work
 * after that line is short, this process might be too late with it.
 */
export function interruptingItselfAt(line: RegExp): NodeJS.ProcessEnv {
  const hook = `
    const { write } = process.stderr;
    process.stderr.write = function (text, ...rest) {
      const flushed = write.call(this, text, ...rest);
      if (${line}.test(text)) {
        process.stderr.write = write;
        process.kill(process.pid, 'SIGINT');
      }
      return flushed;
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
}

/** Asserts success, and shows what was printed if there was none. */
export function succeeded(outcome: Outcome): Outcome {
  assert.equal(outcome.status, 0, `${outcome.stdout}${outcome.stderr}`);
  return outcome;
}

/** Steps by what the plain progress lines say of them. */
export function stepsIn({ stderr }: Outcome): { done: string[]; unchanged: string[]; failed: string[] } {
  const named = (pattern: RegExp): string[] =>
    [...stderr.matchAll(pattern)].map(match => match[1] ?? '').filter(name => !['index', 'artefact'].includes(name));
  return {
    done: named(/^(\S+): done after/gm),
    unchanged: named(/^(\S+): unchanged$/gm),
    failed: named(/^(\S+): FAILED after/gm),
  };
}

/** Names of all steps of the build that made an artefact, in order. */
export async function stepsOf(manifest: string): Promise<string[]> {
  const { timings } = JSON.parse(await readFile(manifest, 'utf8')) as BuildManifest;
  return timings.map(({ step }) => step);
}

/** A temporary folder for one test file. */
export async function makeWorkshop(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'atoll-builder-'));
}

/** A cache with nothing built: it borrows only what is downloaded (tools tree, package archives, package index). */
export async function coldCache(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  for (const name of ['tools', 'archives', 'apt']) {
    await mkdir(join(cacheDirectory(), name), { recursive: true });
    await symlink(join(cacheDirectory(), name), join(path, name));
  }
  return path;
}

/** A cache that borrows every step's results too. What is built in it, and what is pruned from it, stays its own. */
export async function warmCache(path: string): Promise<string> {
  await coldCache(path);
  const steps = join(cacheDirectory(), 'steps');
  for (const name of await namesIn(steps)) {
    await mkdir(join(path, 'steps', name), { recursive: true });
    for (const key of await readdir(join(steps, name)))
      await symlink(join(steps, name, key), join(path, 'steps', name, key));
  }
  return path;
}

/** A copy of this checkout, as it is now; npm's packages are linked, not copied, where the file system can. */
export async function copyCheckout(path: string, from: string = repositoryRoot): Promise<string> {
  await mkdir(path, { recursive: true });
  const folders = ['builder', 'images', 'qemu', 'rootfs', 'runtime'];
  for (const name of [...folders, 'package.json', 'package-lock.json', 'tsconfig.json'])
    await cp(join(from, name), join(path, name), { recursive: true, verbatimSymlinks: true });
  const modules = [await realpath(join(from, 'node_modules')), join(path, 'node_modules')];
  await run(['cp', '-al', ...modules]).catch(async () => {
    await rm(join(path, 'node_modules'), { recursive: true, force: true });
    await run(['cp', '-a', ...modules]);
  });
  return path;
}

/** Command lines of the living processes that have `text` in their arguments or their environment. */
export async function processesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
    const [command, environment] = await Promise.all([read('cmdline'), read('environ')]);
    if (command.includes(text) || environment.includes(text)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Waits until `condition` holds. @throws after `timeoutMs`, with what was waited for. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not after ${timeoutMs / 1000} s`);
    await delay(20);
  }
}

/** Asserts that nothing of a build under `folder` lives on: no process, no mount. */
export async function nothingLivesIn(folder: string): Promise<void> {
  let left: string[] = [];
  await eventually(`processes of ${folder} end`, async () => {
    left = await processesWith(folder);
    return left.length === 0;
  }).catch(() => assert.deepEqual(left, []));
  assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(folder), `something is mounted in ${folder}`);
}

/** What is in a folder, hidden names too; nothing if there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).sort() : [];
}
