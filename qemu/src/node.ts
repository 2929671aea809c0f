/**
 * A node of Atoll in a machine: what the boot tests, `make run` and the benchmark have in common.
 */
import { spawn } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolsTree } from '../../builder/src/paths.ts';
import { treeCommand } from '../../builder/src/tools.ts';
import { Api, ApiError } from './api.ts';
import { TimeoutError } from './deadline.ts';
import { Machine, type MachineOptions } from './machine.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface CommandOptions {
  readonly stdin?: string;
  /** Default 60 s by the platform's patience; it is killed then, and the exit code is 137. */
  readonly timeoutMs?: number;
}

/**
 * What Linux prints when a processor of the emulated machine has lost its one-shot timer: it waits for an interrupt that never comes,
 * and the boot creeps on at 21 s a step. Seen once in some hundred boots with TCG and two processors, within the first second and
 * before anything of ours runs (docs/qemu.md).
 */
const lostTimer = /rcu: .*kthread timer wakeup didn't happen for \d+ jiffies/;

class LostTimerError extends Error {
  override readonly name = 'LostTimerError';
}

/** The first boot makes partitions, keys and imports images; all under TCG on x86_64, with another machine beside it. */
export const readyTimeoutMs = 420_000;

interface NodeObject {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { type: string; status: string; message: string }[] };
}

export class AtollNode implements AsyncDisposable {
  readonly machine: Machine;
  /** File with the kubeconfig of the newest {@link ready}. */
  readonly kubeconfigFile: string;
  readonly #directory: string;
  readonly #kubectl: readonly string[];
  #api: Api | undefined;

  private constructor(machine: Machine, directory: string, kubectl: readonly string[]) {
    this.machine = machine;
    this.#directory = directory;
    this.#kubectl = kubectl;
    this.kubeconfigFile = join(directory, 'kubeconfig');
  }

  /** Starts the machine with the API forwarded; does not wait for anything. */
  static async start(options: MachineOptions): Promise<AtollNode> {
    const kubectl = await findKubectl();
    const forwards = [...new Set([6443, ...(options.forwards ?? [])])];
    const machine = await Machine.start({ ...options, ...(options.nic === 'none' ? {} : { forwards }) });
    return new AtollNode(machine, await mkdtemp(join(tmpdir(), 'atoll-node-')), kubectl);
  }

  /** The API, once the node has handed over its kubeconfig. */
  get api(): Api {
    if (this.#api === undefined) {
      throw new Error('no kubeconfig yet: wait for ready() first');
    }
    return this.#api;
  }

  /**
   * Waits until the API says that the node is Ready. Call it again after each boot: port and watch are new.
   * A boot in which the emulator lost a timer is begun again, once.
   * @returns the node's name
   * @throws TimeoutError with the node's conditions and the last console lines
   */
  async ready(timeoutMs = readyTimeoutMs * this.machine.emulator.platform.patience): Promise<string> {
    try {
      return await this.#readyUnlessTimerLost(timeoutMs);
    } catch (error) {
      if (!(error instanceof LostTimerError)) throw error;
      process.stderr.write(`${error.message}; starting the machine again\n`);
      await this.machine.reset();
      return this.#ready(timeoutMs);
    }
  }

  async #readyUnlessTimerLost(timeoutMs: number): Promise<string> {
    const over = new AbortController();
    let stop = (): void => {};
    const lost = new Promise<never>((_, reject) => {
      const error = new LostTimerError('the emulator lost an interrupt of a timer');
      stop = this.machine.console.watch(lostTimer, () => reject(error));
    });
    try {
      return await Promise.race([this.#ready(timeoutMs, over.signal), lost]);
    } finally {
      stop();
      over.abort();
    }
  }

  async #ready(timeoutMs: number, signal?: AbortSignal): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    const left = (): number => Math.max(1, Math.ceil(deadline - performance.now()));
    const kubeconfig = await this.machine.kubeconfig({ timeoutMs });
    signal?.throwIfAborted();
    await writeFile(this.kubeconfigFile, kubeconfig, { mode: 0o600 });
    this.#api?.[Symbol.dispose]();
    this.#api = new Api(kubeconfig);
    let lastState = 'no Node object';
    while (performance.now() < deadline && this.machine.running && !signal?.aborted) {
      try {
        for await (const { object } of this.api.watch('/api/v1/nodes?watch=1', left())) {
          const node = object as unknown as NodeObject;
          const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
          lastState = `node ${node.metadata.name} is ${condition?.status ?? 'unknown'}: ${condition?.message ?? ''}`;
          if (condition?.status === 'True') {
            return node.metadata.name;
          }
        }
      } catch (error) {
        // Not listening yet, or restarting: there is no event for that, so ask again shortly.
        lastState = error instanceof ApiError ? error.message : `no API: ${String(error)}`;
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
    throw new TimeoutError('the node to be Ready', timeoutMs, `${lastState}\n${this.machine.console.lastLines()}`);
  }

  /** Runs the real kubectl against the node. Does not throw for a failed command. */
  async kubectl(
    args: readonly string[],
    { stdin = '', timeoutMs = 60_000 * this.machine.emulator.platform.patience }: CommandOptions = {},
  ): Promise<CommandResult> {
    const [program = '', ...prefix] = this.#kubectl;
    const child = spawn(program, [...prefix, ...args], {
      env: { ...process.env, KUBECONFIG: this.kubeconfigFile, HOME: this.#directory },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    return new Promise((resolve, reject) => {
      child.on('error', (cause: NodeJS.ErrnoException) =>
        reject(
          cause.code === 'ENOENT'
            ? new Error(
                "there is no kubectl: neither in the tools tree ('atoll-builder tools' makes it) nor in the PATH",
                { cause },
              )
            : cause,
        ),
      );
      child.on('close', (status, signal) => resolve({ ...output, exitCode: signal === null ? (status ?? 1) : 137 }));
    });
  }

  /** The same for a command that has to succeed. @returns its stdout without the newline at the end */
  async kubectlOutput(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await this.kubectl(args, options);
    if (exitCode !== 0) {
      throw new Error(`kubectl ${args.join(' ')} exited with ${exitCode}\n${stdout}${stderr}`);
    }
    return stdout.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api?.[Symbol.dispose]();
    await this.machine.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Debian's kubectl of the tools tree; undefined where there is none. */
export async function kubectlOfTree(tree: string = toolsTree()): Promise<readonly string[] | undefined> {
  const kubectl = '/usr/bin/kubectl';
  return access(join(tree, kubectl)).then(
    () => treeCommand(tree, kubectl),
    () => undefined,
  );
}

/** The tools tree's, else the host's, if that has one. */
export const findKubectl = async (tree: string = toolsTree()): Promise<readonly string[]> =>
  (await kubectlOfTree(tree)) ?? ['kubectl'];
