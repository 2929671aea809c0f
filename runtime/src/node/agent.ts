/**
 * The node: registers, reports, runs pods, serves the kubelet API. Event-driven: with no pods and no changes it wakes every ten
 * seconds for its Lease.
 *
 * Always true: stopping it leaves every container running; starting it takes them over.
 */
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { Node, Taint } from '../api/generated/types/core.v1.ts';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/events.ts';
import { Informer } from '../client/informer.ts';
import { Nodes, Pods, Services } from '../client/resources.ts';
import { type Clock, delay, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { gatewayOf } from '../lib/podNetwork.ts';
import { type CgroupDriver, defaultDirs, type NodeContext, type NodeDirs } from './context.ts';
import type { CriClient } from './cri/client.ts';
import { collectImages } from './images/garbage.ts';
import { Images } from './images/images.ts';
import type { Registries } from './images/registries.ts';
import type { KubeletSettings } from './kubeletArguments.ts';
import { podLookup, streamingRuntime } from './lookup.ts';
import type { PodEvent } from './pods/dependencies.ts';
import { PodSet } from './pods/pods.ts';
import { diskInfo, machineFacts } from './status/machine.ts';
import type { BareCondition } from './status/nodeConditions.ts';
import { type NodeAddresses, NodeReporter } from './status/nodeStatus.ts';
import { ApiStatusWriter } from './status/statusWriter.ts';
import { createKubeletServer, type MachineAnswer } from './streaming/server.ts';
import { PodObjects } from './volumes/objects.ts';
import { Tokens } from './volumes/tokens.ts';
import { Volumes } from './volumes/volumes.ts';

export interface NodeOptions {
  readonly client: Client;
  /** The caller's to close, after the node. */
  readonly cri: CriClient;
  readonly nodeName: string;
  readonly logger: Logger;
  /** `v1.36.4+atoll0.1`: what `kubectl get nodes` shows. */
  readonly version: string;
  readonly dirs?: Partial<NodeDirs>;
  readonly clock?: Clock;
  /** As containerd is configured; default `systemd`. */
  readonly cgroupDriver?: CgroupDriver;
  readonly clusterDns?: readonly string[];
  readonly clusterDomain?: string;
  readonly resolvConf?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** `status.addresses`; the node's own are found from the routes, anew at every look, where none are given. */
  readonly addresses?: NodeAddresses;
  readonly settings?: KubeletSettings;
  /** Who this node is at registries. */
  readonly registries?: Registries;
  /** Images that are never removed, by name. */
  readonly pinnedImages?: readonly string[];
  /** Why the node must not be Ready yet (images being imported, …). Call {@link RunningNode.poke} when the answer changes. */
  readonly notReady?: () => string | undefined;
  /** Conditions of the node besides the kubelet's, as they are now. */
  readonly conditions?: () => readonly BareCondition[];
  /** Called once, when the node's pod range is known, before pods are started: writes the CNI configuration. */
  readonly onPodCidr?: (podCidr: string) => Promise<void>;
  /** Told of every change of the node's state, and of its address. */
  readonly onState?: (state: NodeState, address: string) => void;
  /** The machine's own API beside the kubelet's; undefined: it has none. Asked for, so that it cannot be forgotten. */
  readonly machine: MachineAnswer | undefined;
  /** What `/metrics` of the kubelet's API tells; undefined: nothing. */
  readonly metrics: (() => string | Promise<string>) | undefined;
  /** Carries the kubelet API to the servers until `signal` aborts; `keepTunnel` in production. */
  readonly tunnel?: (kubelet: Server, signal: AbortSignal) => Promise<void>;
}

export interface NodeState {
  readonly ready: boolean;
  /** The Ready condition's. */
  readonly message: string;
}

export interface RunningNode {
  readonly state: NodeState;
  /** The kubelet API; it does not listen by itself. */
  readonly kubelet: Server;
  /** Resolves when the node is Ready for the first time. @throws the signal's reason when it aborts before. */
  ready(signal: AbortSignal): Promise<void>;
  /** Look at the node's state now. */
  poke(): void;
  /** The clock has been set by more than it drifts: what has a date is looked at again. */
  clockChanged(): void;
  /** Ends everything of this process; containers run on. */
  close(): Promise<void>;
}

const SERVICES_MS = 3000;

/** Starts the node and returns at once; it lives until `close`, or until `signal` aborts. */
export async function startNode(options: NodeOptions, signal: AbortSignal): Promise<RunningNode> {
  const { client, cri, logger, nodeName, clock = systemClock } = options;
  const dirs: NodeDirs = { ...defaultDirs, ...options.dirs };
  const stop = new AbortController();
  await mkdir(dirs.pods, { recursive: true, mode: 0o700 });
  await mkdir(dirs.memory, { recursive: true, mode: 0o700 });
  const machine = await machineFacts();
  let podCidr: string | undefined;
  let state: NodeState = { ready: false, message: 'starting' };
  const waiting = new Set<() => void>();

  const recorder = new EventRecorder({ client, logger, clock, component: 'kubelet', host: nodeName });
  const reporter: NodeReporter = new NodeReporter({
    client,
    cri,
    clock,
    logger,
    nodeName,
    machine,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    version: options.version,
    diskPath: dirs.pods,
    addresses: options.addresses,
    settings: options.settings,
    fallbackAddress: () => (podCidr ? gatewayOf(podCidr) : undefined),
    notReady: () => options.notReady?.(),
    conditions: () => options.conditions?.() ?? [],
    onNode: node => void takeRange(node),
    event: (node, type, reason, message) => recorder.event(Nodes, node, type, reason, message),
    onReady: (ready, message) => {
      if (ready !== state.ready) logger.info({ ready, message }, ready ? 'the node is Ready' : 'the node is not Ready');
      state = { ready, message };
      options.onState?.(state, reporter.address);
      if (ready) for (const tell of [...waiting]) tell();
    },
  });
  const takeRange = async (node: Node): Promise<void> => {
    const range = node.spec?.podCIDR;
    if (!range || range === podCidr) return;
    podCidr = range;
    try {
      await options.onPodCidr?.(range);
    } catch (error) {
      podCidr = undefined;
      logger.error({ err: error, range }, 'the pod network is not set up; it will be tried again');
    }
    reporter.poke();
  };

  const context: NodeContext = {
    nodeName,
    cri,
    dirs,
    logger,
    clock,
    cgroupDriver: options.cgroupDriver ?? 'systemd',
    clusterDns: options.clusterDns ?? ['10.43.0.10'],
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    resolvConf: options.resolvConf ?? '/etc/resolv.conf',
    hostIps: () => reporter.addresses,
    allocatable: () => reporter.allocatable,
  };
  const event: PodEvent = (pod, type, reason, message, containerName) =>
    recorder.event(Pods, pod, type, reason, message, fieldOf(pod, containerName));
  const services = new Informer(Services, { client, logger, clock });
  const self = new Informer(Nodes, { client, logger, clock, fieldSelector: `metadata.name=${nodeName}` });
  self.on({ add: node => reporter.seen(node), update: node => reporter.seen(node), delete: () => reporter.lost() });
  // Of one that was registered and deleted before the first list, no event tells.
  void self.synced.then(() => self.get(undefined, nodeName) ?? reporter.lost());
  const pods = new Informer(Pods, { client, logger, clock, fieldSelector: `spec.nodeName=${nodeName}` });
  const statuses = new ApiStatusWriter({ client, clock, logger });
  const objects: PodObjects = new PodObjects({ client, logger, clock, onChange: uids => set.objectChanged(uids) });
  const set: PodSet = new PodSet({
    context,
    client,
    images: new Images(cri, options.registries),
    volumes: new Volumes(dirs),
    objects,
    tokens: new Tokens(client, clock),
    statuses,
    event,
    services: () => services.list(),
    memoryCapacityBytes: machine.memoryBytes,
  });
  const lookup = podLookup({ pods: set, dirs, statusOf: uid => statuses.current(uid) });
  const kubelet = createKubeletServer({
    runtime: streamingRuntime(cri),
    pods: lookup,
    logger,
    machine: options.machine,
    metrics: options.metrics,
  });
  const disk = (): Promise<{ totalBytes: number; availableBytes: number }> => diskInfo(dirs.pods);
  const running = [
    reporter.run(stop.signal),
    self.run(stop.signal),
    services.run(stop.signal),
    pods.run(stop.signal),
    // Containers get variables that name services; a server that is away does not hold them up for long.
    Promise.race([services.synced, delay(SERVICES_MS, stop.signal, clock)]).then(() => set.run(pods, stop.signal)),
    collectImages(
      { cri, clock, logger, disk, pinned: options.pinnedImages ?? [], ...collectionOf(options.settings) },
      stop.signal,
    ),
    options.tunnel?.(kubelet, stop.signal) ?? Promise.resolve(),
  ];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      signal.removeEventListener('abort', onAbort);
      stop.abort();
      objects.close();
      statuses.close();
      await Promise.allSettled(running);
      await recorder.close();
      kubelet.closeAllConnections();
    })();
    return closed;
  };
  const onAbort = (): void => void close();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  return {
    get state() {
      return state;
    },
    kubelet,
    poke: () => reporter.poke(),
    clockChanged: () => {
      set.clockChanged();
      reporter.clockChanged();
    },
    close,
    ready: until =>
      new Promise((resolve, reject) => {
        const done = (settle: () => void) => (): void => {
          waiting.delete(good);
          until.removeEventListener('abort', bad);
          settle();
        };
        const good = done(resolve);
        const bad = done(() => reject(until.reason));
        waiting.add(good);
        until.addEventListener('abort', bad, { once: true });
        if (until.aborted) bad();
        else if (state.ready) good();
      }),
  };
}

const collectionOf = ({ imageGcHighPercent, imageGcLowPercent, minimumImageAgeMs }: KubeletSettings = {}): object => ({
  ...(imageGcHighPercent === undefined ? {} : { highPercent: imageGcHighPercent }),
  ...(imageGcLowPercent === undefined ? {} : { lowPercent: imageGcLowPercent }),
  ...(minimumImageAgeMs === undefined ? {} : { minimumAgeMs: minimumImageAgeMs }),
});

function fieldOf(pod: Parameters<PodEvent>[0], name: string | undefined): { fieldPath?: string } {
  if (name === undefined) return {};
  const init = pod.spec?.initContainers?.some(c => c.name === name);
  const ephemeral = pod.spec?.ephemeralContainers?.some(c => c.name === name);
  return { fieldPath: `spec.${init ? 'initContainers' : ephemeral ? 'ephemeralContainers' : 'containers'}{${name}}` };
}
