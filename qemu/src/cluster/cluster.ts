/**
 * One or several nodes in machines of this process, as one thing: booted or continued, Ready, saved, gone.
 *
 * Invariants: the first machine is the server, and its port 6443 is forwarded. What is started is stopped by disposing, whatever
 * happened before; a cluster that could not be started has left nothing.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ArchitectureName } from '../../../builder/src/boards.ts';
import { Api } from '../api.ts';
import type { Firmware } from '../arguments.ts';
import type { DiskOptions } from '../disk.ts';
import { Lan } from '../lan.ts';
import { Machine, type MachineOptions, type SavedMachine } from '../machine.ts';
import { platforms } from '../platforms.ts';
import type { PortForward } from './options.ts';
import { clusterPlan, type NodePlan, smbiosOf } from './plan.ts';
import { allReady } from './ready.ts';
import { portExplained } from './refused-port.ts';

export interface ClusterOptions {
  readonly nodes: number;
  readonly architecture: ArchitectureName;
  readonly firmware: Firmware;
  readonly disk: DiskOptions;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** cloud-init user-data for every node. */
  readonly userData?: string;
  readonly ports: readonly PortForward[];
  /** Folder for the consoles: `<node>.log`. It exists. */
  readonly logs: string;
  /** Sees the server's raw console. */
  readonly onConsole?: (raw: Buffer) => void;
  /** A console's file cannot be written; told once for each, and the cluster goes on. */
  readonly onLogLost?: (file: string, why: Error) => void;
  readonly signal: AbortSignal;
}

/** A cluster on the host's disk. */
export interface SavedCluster {
  readonly machines: readonly SavedMachine[];
}

const apiPort = 6443;

export class Cluster implements AsyncDisposable {
  readonly #machines: Machine[] = [];
  readonly #options: ClusterOptions;
  readonly #startedAt = performance.now();
  /** When restored machines went on, milliseconds since 1970. */
  #resumedAt: number | undefined;

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Switches the machines on; waits for nothing. */
  static async boot(options: ClusterOptions): Promise<Cluster> {
    const plans = options.nodes === 1 ? [undefined] : clusterPlan(options.nodes, randomBytes(16).toString('hex'));
    const lan = new Lan();
    return Cluster.#of(
      options,
      plans.map((plan, index) => ({ ...machineOptions(options, index, plan, lan) })),
    );
  }

  /** Continues saved machines, all at once, and tells them the time. */
  static async restore(saved: SavedCluster, options: ClusterOptions): Promise<Cluster> {
    const lan = new Lan();
    const machines = saved.machines.map((snapshotOf, index) => {
      const mac = snapshotOf.hardware.lan?.mac;
      return {
        ...machineOptions(options, index, undefined, lan),
        snapshotOf,
        paused: true,
        ...(mac === undefined ? {} : { lan: { of: lan, mac } }),
      };
    });
    const cluster = await Cluster.#of(options, machines);
    try {
      await cluster.resume();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #of(options: ClusterOptions, machines: readonly MachineOptions[]): Promise<Cluster> {
    const cluster = new Cluster(options);
    const started = await Promise.allSettled(machines.map(one => Machine.start(one)));
    for (const result of started) if (result.status === 'fulfilled') cluster.#machines.push(result.value);
    const failed = started.find(result => result.status === 'rejected');
    if (failed || options.signal.aborted) {
      await cluster[Symbol.asyncDispose]();
      throw options.signal.aborted ? options.signal.reason : await portExplained(failed?.reason);
    }
    return cluster;
  }

  get server(): Machine {
    const [server] = this.#machines;
    if (server === undefined) throw new Error('the cluster is gone');
    return server;
  }

  /** Resolves, in words, when one of the machines is no more. */
  get ended(): Promise<string> {
    return Promise.race(
      this.#machines.map((machine, index) =>
        machine.ended.then(how => `${nodeName(index, this.#machines.length)}: ${how}`),
      ),
    );
  }

  /** Where a port of the server is on 127.0.0.1. */
  forwardedPort(guest: number): number {
    return this.server.forwardedPort(guest);
  }

  /**
   * Waits until all nodes are Ready; restored ones since they went on.
   * @returns their names, and milliseconds since they were started
   * @throws TimeoutError; an Error when a machine ends
   */
  async ready(timeoutMs: number): Promise<{ names: readonly string[]; tookMs: number; kubeconfig: string }> {
    const { signal } = this.#options;
    const deadline = performance.now() + timeoutMs;
    const kubeconfig = await this.#orEnd(this.server.kubeconfig({ timeoutMs }));
    using api = new Api(kubeconfig);
    const names = await this.#orEnd(
      allReady(api, {
        count: this.#machines.length,
        // The guest's clock is set in whole milliseconds, and what it says is written in them.
        ...(this.#resumedAt === undefined ? {} : { renewedAfter: this.#resumedAt - clockSlackMs }),
        timeoutMs: Math.max(1, deadline - performance.now()),
        signal,
      }),
    );
    return { names, tookMs: performance.now() - this.#startedAt, kubeconfig };
  }

  /** The last lines of the consoles, for who wants to know why. */
  lastLines(count: number): string {
    return this.#machines
      .map((machine, index) => {
        const head = this.#machines.length === 1 ? '' : `${nodeName(index, this.#machines.length)}:\n`;
        return head + machine.console.lastLines(count);
      })
      .join('\n');
  }

  /** Copies all machines as they are at one moment into folders of `directory`. They are stopped: {@link resume} them, or dispose. */
  async save(directory: string): Promise<SavedCluster> {
    await Promise.all(this.#machines.map(machine => machine.pause()));
    const machines: SavedMachine[] = [];
    // One after the other: each writes as fast as the disk takes it.
    for (const [index, machine] of this.#machines.entries()) {
      this.#options.signal.throwIfAborted();
      machines.push(await machine.copy(join(directory, nodeName(index, this.#machines.length))));
    }
    return { machines };
  }

  /** They go on after {@link save}, and are told the time. */
  async resume(): Promise<void> {
    await Promise.all(this.#machines.map(machine => machine.resume()));
    this.#resumedAt = Date.now();
    for (const machine of this.#machines) machine.tellTime();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#machines.map(machine => machine.stop()));
  }

  /** The same, or fails as soon as a machine ends or the caller has had enough. */
  async #orEnd<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#options;
    let leave = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      leave = () => reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
    });
    const ended = this.ended.then(how => Promise.reject(new Error(how)));
    for (const one of [aborted, ended, promise]) one.catch(() => {});
    try {
      return await Promise.race([promise, aborted, ended]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}

/** What a clock of whole milliseconds, set over a channel, may be behind. */
const clockSlackMs = 1000;

/** As in {@link clusterPlan}; a machine that is alone is a server. */
const nodeName = (index: number, _count: number): string => (index === 0 ? 'server' : `agent-${index}`);

function machineOptions(options: ClusterOptions, index: number, plan: NodePlan | undefined, lan: Lan): MachineOptions {
  const log = join(options.logs, `${nodeName(index, options.nodes)}.log`);
  const forwards = index === 0 ? [{ guest: apiPort, host: undefined }, ...options.ports] : [];
  return {
    name: `atoll-${nodeName(index, options.nodes)}`,
    architecture: options.architecture,
    firmware: options.firmware,
    disks: [options.disk],
    memoryMiB: options.memoryMiB,
    cpus: options.cpus,
    forwards: [...new Set(forwards.map(({ guest }) => guest))],
    hostPorts: Object.fromEntries(forwards.flatMap(({ guest, host }) => (host === undefined ? [] : [[guest, host]]))),
    // Weaker than SMBIOS, where ours is.
    fwCfg: options.userData === undefined ? {} : { 'opt/atoll/user-data': options.userData },
    ...(plan === undefined ? {} : { smbios: smbiosOf(plan.documents), lan: { of: lan, mac: plan.mac } }),
    // A machine that is continued draws other random numbers than its twin (Linux: drivers/virt/vmgenid.c).
    extraArguments: platforms[options.architecture].generation,
    consoleLog: log,
    onLogLost: cause => options.onLogLost?.(log, cause),
    ...(index === 0 && options.onConsole !== undefined ? { onConsole: options.onConsole } : {}),
  };
}
