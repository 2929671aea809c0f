/**
 * A run from its options to its end: source → snapshot or boot → Ready → kubeconfig → the user's command, or waiting. Everything it
 * has made is gone when it returns, however it ends, but for the consoles in its folder.
 */
import { spawn } from 'node:child_process';
import { constants, cpus } from 'node:os';
import { join, relative } from 'node:path';
import { BuildError } from '../../../builder/src/errors.ts';
import { cacheDirectory, toolsTree } from '../../../builder/src/paths.ts';
import type { Progress } from '../../../builder/src/progress.ts';
import { type Accelerator, accelerator } from '../accelerator.ts';
import { virtualBytes } from '../disk.ts';
import { type Emulator, emulatorVersion, findEmulator } from '../emulator.ts';
import { seconds } from '../table.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { commandEnvironment } from './environment.ts';
import { checkKubeconfigFile, removeKubeconfigFile, writeKubeconfigFile } from './kubeconfig-file.ts';
import { type RunOptions, usualDiskGiB } from './options.ts';
import {
  readSnapshot,
  type Snapshot,
  type SnapshotKey,
  snapshotFolder,
  snapshotKey,
  writeSnapshot,
} from './snapshot.ts';
import { type Source, sourceOf } from './source.ts';
import { claim, release } from './state.ts';
import { readUserData } from './user-data.ts';

export interface RunWorld {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What the user is told on standard output. */
  readonly say: (text: string) => void;
  /** Called when the cluster is Ready and everything has been said. `tookMs`: since its machines were started. */
  readonly onReady?: (ready: { readonly names: readonly string[]; readonly tookMs: number }) => void;
}

/** The console's banner (rootfs: console-banner), and what comes before it. */
const phases: readonly [RegExp, (match: RegExpMatchArray) => string][] = [
  [/State {2,}([^\r\n]+)/g, ([, state = '']) => state.trim()],
  [/atoll-initrd: slot/g, () => 'the root is open'],
  [/BdsDxe: starting/g, () => 'the firmware has found the disk'],
];

/** The newest phase that a piece of the console tells. */
export function phaseOf(text: string): string | undefined {
  for (const [pattern, words] of phases) {
    const match = [...text.matchAll(pattern)].at(-1);
    if (match) return words(match);
  }
  return undefined;
}

const gibibyte = 1024 ** 3;

/** How large a node's disk is: never smaller than its image, whose end would be cut off. @throws BuildError USAGE if that was asked for */
export function diskBytes(wantedGiB: number | undefined, imageBytes: number): number {
  if (wantedGiB === undefined) return Math.max(usualDiskGiB * gibibyte, imageBytes);
  if (wantedGiB * gibibyte >= imageBytes) return wantedGiB * gibibyte;
  throw new BuildError(
    'USAGE',
    `--disk is ${wantedGiB}, and the image is of a disk with ${(imageBytes / gibibyte).toFixed(1)} GiB`,
    {
      hint: `Its end would be cut off: give --disk ${Math.ceil(imageBytes / gibibyte)} or more, or leave it out.`,
    },
  );
}

const tailLines = 20;

/** @returns the exit status: of the user's command, or 0 */
export async function run(options: RunOptions, world: RunWorld): Promise<number> {
  const folder = await claim(options.out, options.name, options.image);
  try {
    return await runIn(folder, options, world);
  } finally {
    await release(folder);
  }
}

async function runIn(folder: string, options: RunOptions, world: RunWorld): Promise<number> {
  const { signal, progress, say } = world;
  const cache = cacheDirectory();
  const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
  await checkKubeconfigFile(kubeconfig);
  const told = options.userData === undefined ? undefined : await readUserData(options.userData, options.nodes);
  for (const warning of told?.warnings ?? []) progress.say(warning);
  const userData = told?.text;
  await using source = await sourceOf(options.image, { out: options.out, cache, progress, signal });
  const emulator = await findEmulator(toolsTree(), source.architecture);
  const accel = await accelerator(emulator);
  signal.throwIfAborted();
  let onPhase = (_: string): void => {};
  const wanted: ClusterOptions = {
    nodes: options.nodes,
    architecture: source.architecture,
    firmware: source.firmware,
    disk: { ...source.disk, sizeBytes: diskBytes(options.diskGiB, await virtualBytes(emulator, source.disk)) },
    memoryMiB: options.memoryMiB,
    cpus: options.cpus,
    ...(userData === undefined ? {} : { userData }),
    ports: options.ports,
    logs: folder,
    onConsole: raw => {
      if (options.console) process.stderr.write(raw);
      const phase = phaseOf(raw.toString('utf8'));
      if (phase !== undefined) onPhase(phase);
    },
    onLogLost: (file, why) => progress.say(`${file} lacks some of the console: ${why.message}`),
    signal,
  };
  const how = `${accel.name.toUpperCase()}, ${options.cpus} CPU, ${options.memoryMiB} MiB`;
  progress.say(`QEMU (${emulator.origin}; ${how}; ${accel.reason})`);
  const setUp: SetUp = {
    options,
    source,
    emulator,
    accel,
    wanted,
    world,
    ...(userData === undefined ? {} : { userData }),
  };
  const snapshot = options.snapshot === undefined ? undefined : await lookUp(options.snapshot, cache, setUp);
  const listen = (listener: (phase: string) => void): void => {
    onPhase = listener;
  };
  let up = (snapshot?.found && (await continued(snapshot.found))) ?? (await booted());
  let isWritten = false;
  try {
    if (snapshot && !up.isContinued && (await keep(up.cluster, snapshot, setUp))) {
      await up.cluster[Symbol.asyncDispose]();
      const found = await readSnapshot(snapshot.folder, snapshot.key);
      if (typeof found === 'string') cannotContinue(found);
      up = (typeof found === 'string' ? undefined : await continued(found)) ?? (await booted());
    }
    const { cluster, ready } = up;
    await writeKubeconfigFile(kubeconfig, ready.kubeconfig);
    isWritten = true;
    const { env, hasKubectl } = await commandEnvironment(folder, kubeconfig);
    say(summary({ options, ready, how, cluster, kubeconfig, folder, hasKubectl }));
    world.onReady?.(ready);
    if (options.command) return await userCommand(options.command, env, cluster, signal);
    const ended = await Promise.race([cluster.ended, aborted(signal)]);
    if (ended === undefined) return 0;
    throw new BuildError('BOOT_FAILED', `a machine has ended by itself: ${ended}`, hints(cluster, folder));
  } finally {
    await up.cluster[Symbol.asyncDispose]();
    if (isWritten) await removeKubeconfigFile(kubeconfig);
  }

  async function booted(): Promise<Up> {
    return { ...(await brought('Boot', () => Cluster.boot(wanted))), isContinued: false };
  }

  /** @returns undefined when the snapshot does not go on; what is wrong with the run itself, a boot would not mend */
  async function continued(found: Snapshot): Promise<Up | undefined> {
    try {
      return { ...(await brought('Continue', () => Cluster.restore(found.cluster, wanted))), isContinued: true };
    } catch (error) {
      if (signal.aborted || (error instanceof BuildError && error.code !== 'BOOT_FAILED')) throw error;
      cannotContinue(firstLine(error));
      return undefined;
    }
  }

  function cannotContinue(why: string): void {
    progress.say(`The snapshot cannot be continued (${why}): booting`);
  }

  /** Starts machines and waits until they are Ready; they are gone when that fails. */
  async function brought(verb: string, start: () => Promise<Cluster>): Promise<Omit<Up, 'isContinued'>> {
    const cluster = await start();
    try {
      return { cluster, ready: await becomeReady(cluster, verb, setUp, listen) };
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async function becomeReady(
    one: Cluster,
    verb: string,
    { source: { title } }: SetUp,
    follow: (listener: (phase: string) => void) => void,
  ): Promise<Awaited<ReturnType<Cluster['ready']>>> {
    const nodes = options.nodes === 1 ? '' : `, ${options.nodes} nodes`;
    const line = progress.start(verb.toLowerCase(), `${verb} ${title}${nodes}`);
    follow(line.note);
    try {
      const found = await one.ready(options.timeoutMs);
      line.done();
      return found;
    } catch (cause) {
      line.fail();
      if (signal.aborted) throw signal.reason;
      if (cause instanceof BuildError) throw cause;
      const [first = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\nlast lines');
      throw new BuildError('BOOT_FAILED', `${options.name} did not get Ready: ${first}`, {
        ...hints(one, folder),
        cause,
      });
    } finally {
      follow(() => {});
    }
  }
}

/** A cluster that is Ready. */
interface Up {
  readonly cluster: Cluster;
  readonly ready: Awaited<ReturnType<Cluster['ready']>>;
  readonly isContinued: boolean;
}

interface SetUp {
  readonly options: RunOptions;
  readonly source: Source;
  readonly emulator: Emulator;
  readonly accel: Accelerator;
  readonly wanted: ClusterOptions;
  readonly world: RunWorld;
  readonly userData?: string;
}

interface WantedSnapshot {
  readonly folder: string;
  readonly key: SnapshotKey;
  readonly found: Snapshot | undefined;
}

async function lookUp(where: string, cache: string, setUp: SetUp): Promise<WantedSnapshot> {
  const { options, source, emulator, accel, userData, wanted, world } = setUp;
  const folder = snapshotFolder(where, cache);
  const key = snapshotKey({
    ...source,
    ...options,
    diskBytes: wanted.disk.sizeBytes ?? 0,
    ...(userData === undefined ? {} : { userData }),
    version: await emulatorVersion(emulator),
    accelerator: accel,
    processor: cpus()[0]?.model ?? 'an unknown processor',
  });
  const found = await readSnapshot(folder, key);
  if (typeof found !== 'string') return { folder, key, found };
  world.progress.say(`Snapshot ${where}: ${found}. It is made anew.`);
  return { folder, key, found: undefined };
}

/**
 * In place of the one that was found, which then could not be continued.
 * @returns whether it is there; if not, the cluster goes on as it was, which is no reason to end it
 */
async function keep(
  cluster: Cluster,
  { folder, key, found }: WantedSnapshot,
  { world, wanted }: SetUp,
): Promise<boolean> {
  const line = world.progress.start('snapshot', `Keep it in ${folder}`);
  try {
    await writeSnapshot(folder, key, directory => cluster.save(directory), found);
    line.done();
    return true;
  } catch (error) {
    line.fail();
    if (wanted.signal.aborted) throw error;
    await cluster.resume().catch(() => {
      throw error;
    });
    world.progress.say(`No snapshot could be kept (${firstLine(error)}): going on without`);
    return false;
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

const hints = (cluster: Cluster, folder: string): { tail: string; hint: string } => ({
  tail: cluster.lastLines(tailLines),
  hint: `The whole console is in ${join(folder, 'server.log')}.`,
});

interface Said {
  readonly options: RunOptions;
  readonly ready: Awaited<ReturnType<Cluster['ready']>>;
  readonly how: string;
  readonly cluster: Cluster;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly hasKubectl: boolean;
}

function summary({ options, ready, how, cluster, kubeconfig, folder, hasKubectl }: Said): string {
  const nodes = ready.names.length === 1 ? `Node ${ready.names[0]} is` : `Nodes ${ready.names.join(', ')} are`;
  const stop = options.detach ? `atoll-builder stop ${options.name}` : 'Ctrl-C';
  return [
    '',
    `${nodes} Ready after ${seconds(ready.tookMs)} (${how})`,
    '',
    `  export KUBECONFIG=${kubeconfig}    # then: kubectl get pods -A`,
    ...(hasKubectl
      ? []
      : ['  There is no kubectl here: neither in the PATH nor in the tools tree, which `atoll-builder tools` makes']),
    ...options.ports.map(({ guest }) => `  127.0.0.1:${cluster.forwardedPort(guest)} is port ${guest} of the node`),
    `  Console: ${relative(process.cwd(), folder) || '.'}/`,
    ...(options.command ? [] : [`  Stop it: ${stop}`]),
    '',
  ].join('\n');
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise(resolve => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

/** Runs it on our own terminal. @returns its exit status, 128 and the number of the signal that ended it */
async function userCommand(
  [program, ...words]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit', env });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let lost: string | undefined;
  cluster.ended.then(how => {
    lost = how;
    stop();
  });
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.on('error', cause =>
        reject(
          new BuildError('USAGE', `--run: ${program} cannot be run: ${cause.message}`, {
            hint: 'Is it installed?',
            cause,
          }),
        ),
      );
      child.on('close', (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
    });
    signal.throwIfAborted();
    if (lost !== undefined) throw new BuildError('BOOT_FAILED', `a machine ended while ${program} ran: ${lost}`);
    return status;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
