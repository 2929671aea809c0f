/**
 * The node in the API: registered once, its status on change and every five minutes, its Lease every ten seconds.
 *
 * Always true: one loop does it all, one request after another; a server that does not answer delays it and nothing else; the
 * node's object is made again when somebody deleted it, and put right when somebody else wrote into our part of it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeCondition, NodeStatus, Taint } from '../../api/generated/types/core.v1.ts';
import { isAlreadyExists, isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { UnreachableError } from '../../client/reach.ts';
import { Nodes } from '../../client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { CriClient } from '../cri/client.ts';
import type { KubeletSettings } from '../kubeletArguments.ts';
import { nodeAddress } from './addresses.ts';
import { NodeLease, RENEW_MS } from './lease.ts';
import { diskInfo, goArch, type MachineFacts, memoryInfo, processInfo } from './machine.ts';
import { type BareCondition, nodeConditions } from './nodeConditions.ts';
import { nodeResources } from './nodeResources.ts';

export interface NodeStatusOptions {
  readonly client: Client;
  readonly cri: Pick<CriClient, 'status' | 'version' | 'listImages' | 'imageChanges'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** `v1.36.4+atoll…` */
  readonly version: string;
  readonly machine: MachineFacts;
  /** Its file system counts as the node's. */
  readonly diskPath: string;
  /** Fixed addresses; what is not given is found anew at every look. */
  readonly addresses?: NodeAddresses | undefined;
  readonly settings?: KubeletSettings | undefined;
  /** What the node is called when it has no network: the pod bridge's address, once known. */
  readonly fallbackAddress: () => string | undefined;
  readonly notReady: () => string | undefined;
  /** Conditions besides the kubelet's. */
  readonly conditions: () => readonly BareCondition[];
  /** Where kubelets listen, when they do; the tunnel needs no port. */
  readonly onNode: (node: Node) => void;
  /** For people, about the node: `NodeReady`, `NodeNotReady`, `Rebooted`… */
  readonly event: (node: Node, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly onReady: (ready: boolean, message: string) => void;
}

/** Besides its name: what `status.addresses` says. */
export interface NodeAddresses {
  /** Of the node itself; found when empty. */
  readonly internal?: readonly string[];
  readonly external?: readonly string[];
  readonly internalDns?: readonly string[];
  readonly externalDns?: readonly string[];
}

const UNCHANGED_MS = 5 * 60_000;
/** Until it is Ready the node looks oftener: every second counts at boot. */
const NOT_READY_MS = 500;
const RETRY_MS = 1000;
/** While the server is away: for what the machine itself is told; the server's return wakes it. */
const AWAY_MS = 5000;
const MAX_IMAGES = 50;

export class NodeReporter {
  readonly #options: NodeStatusOptions;
  readonly #lease: NodeLease;
  #node: Node | undefined;
  #address = '127.0.0.1';
  #sent: NodeStatus | undefined;
  #sentAt = 0;
  #leaseAt = 0;
  /** The client's `imageChanges` when they were last asked for. */
  #imagesAt = 0;
  #conditions: readonly NodeCondition[] = [];
  #runtimeVersion = '';
  /** Condition → the status that has been told as an event. */
  readonly #announced = new Map<string, string>();
  /** Of the boot in which the node last reported, when that was before this process. */
  #knownBootId: string | undefined;
  #wake: () => void = () => {};
  /** Since the last look began. */
  #poked = false;

  constructor(options: NodeStatusOptions) {
    this.#options = options;
    this.#lease = new NodeLease(options.client, options.nodeName);
  }

  get address(): string {
    return this.#address;
  }

  /** All of the node's own, the first one first. */
  get addresses(): readonly string[] {
    const given = this.#options.addresses?.internal ?? [];
    return given.length > 0 ? given : [this.#address];
  }

  get allocatable(): Readonly<Record<string, string>> {
    return this.#sent?.allocatable ?? {};
  }

  /** The node as the API has it, whoever changed it. */
  seen(node: Node): void {
    if (!this.#sent || !isNewer(node, this.#node)) return;
    this.#node = node;
    this.#options.onNode(node);
    const said = (type: string): string | undefined => node.status?.conditions?.find(c => c.type === type)?.status;
    // The server took us for lost (node lifecycle), and we are not.
    if (this.#conditions.every(({ type, status }) => said(type) === status)) return;
    this.#sent = undefined;
    this.poke();
  }

  /** Somebody deleted the node: it is made again. */
  lost(): void {
    if (!this.#node) return;
    this.#node = undefined;
    this.poke();
  }

  /** Something changed that the node's status tells: look now, and once more when it is being looked at. */
  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  /** The clock has been set: the Lease says so at once, whatever it said when. */
  clockChanged(): void {
    this.#leaseAt = 0;
    this.poke();
  }

  /** Runs until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#options;
    const deaf = client.onNews(() => this.poke());
    while (!signal.aborted) {
      let waitMs = RETRY_MS;
      this.#poked = false;
      try {
        const ready = await this.#look();
        waitMs = ready ? Math.min(RENEW_MS, this.#options.settings?.statusUpdateMs ?? RENEW_MS) : NOT_READY_MS;
      } catch (error) {
        if (isNotFound(error)) this.#node = undefined;
        const isAway = error instanceof UnreachableError;
        if (isAway) waitMs = AWAY_MS;
        const reason = error instanceof Error ? error.message : error;
        logger[isAway ? 'debug' : 'warn']({ reason }, "the node's status is not reported");
      }
      if (!this.#poked) await this.#sleep(waitMs, signal, clock);
    }
    deaf();
  }

  #sleep(waitMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const cancel = clock.after(waitMs, done);
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  /** Measures and reports. @returns whether the node is Ready. @throws the client's error */
  async #look(): Promise<boolean> {
    const { clock, client, nodeName, onNode, onReady } = this.#options;
    const status = await this.#measure();
    const ready = status.conditions?.find(c => c.type === 'Ready');
    const isReady = ready?.status === 'True';
    if (!isReady) onReady(false, ready?.message ?? '');
    const node = this.#node ?? (await this.#register(status));
    const now = clock.now();
    if (isDue(this.#leaseAt, RENEW_MS - 500, now)) {
      await this.#lease.renew(node.metadata.uid ?? '', now);
      this.#leaseAt = now;
    }
    if (this.#sent && !isDue(this.#sentAt, UNCHANGED_MS, now) && sameButHeartbeat(this.#sent, status)) {
      onReady(isReady, ready?.message ?? '');
      return isReady;
    }
    const patch = { status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } };
    this.#node = await client.patch(Nodes, { name: nodeName }, patch, { type: 'strategic', subresource: 'status' });
    this.#announce(this.#node);
    this.#sent = status;
    this.#sentAt = now;
    onNode(this.#node);
    onReady(isReady, ready?.message ?? '');
    return isReady;
  }

  async #measure(): Promise<NodeStatus> {
    const { cri, clock, machine, nodeName, version, diskPath, fallbackAddress, addresses = {} } = this.#options;
    const { settings = {} } = this.#options;
    const [runtime, memory, disk, pids] = await Promise.all([
      cri.status().catch(() => undefined),
      memoryInfo(),
      diskInfo(diskPath),
      processInfo(),
    ]);
    if (runtime && !this.#runtimeVersion) {
      const found = await cri.version().catch(() => undefined);
      if (found) this.#runtimeVersion = `${found.runtimeName}://${found.runtimeVersion.split('~')[0]}`;
    }
    const internal = addresses.internal?.length ? addresses.internal : [await nodeAddress(fallbackAddress())];
    this.#address = internal[0] ?? '127.0.0.1';
    const notReady = this.#options.notReady();
    const measures = { runtime, notReady, memory, disk, pids, others: this.#options.conditions() };
    this.#conditions = nodeConditions(measures, this.#conditions, clock.now(), settings.evictionHard);
    const images = runtime && this.#imagesAreOld() ? await this.#images() : this.#sent?.images;
    return {
      ...nodeResources({ ...machine, diskBytes: disk.totalBytes }, settings),
      conditions: [...this.#conditions],
      addresses: [
        ...internal.map(address => ({ type: 'InternalIP', address })),
        ...(addresses.external ?? []).map(address => ({ type: 'ExternalIP', address })),
        { type: 'Hostname', address: nodeName },
        ...(addresses.internalDns ?? []).map(address => ({ type: 'InternalDNS', address })),
        ...(addresses.externalDns ?? []).map(address => ({ type: 'ExternalDNS', address })),
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        ...machine.info,
        containerRuntimeVersion: this.#runtimeVersion,
        kubeletVersion: version,
        kubeProxyVersion: '',
      },
      ...(images ? { images } : {}),
    };
  }

  #imagesAreOld(): boolean {
    const { cri, clock } = this.#options;
    return !this.#sent?.images || this.#imagesAt !== cri.imageChanges || clock.now() - this.#sentAt >= UNCHANGED_MS;
  }

  async #images(): Promise<NonNullable<NodeStatus['images']>> {
    this.#imagesAt = this.#options.cri.imageChanges;
    const images = await this.#options.cri.listImages().catch(() => []);
    return images
      .toSorted((a, b) => b.size - a.size)
      .slice(0, MAX_IMAGES)
      .map(i => ({ names: [...i.repoDigests, ...i.repoTags].slice(0, 5), sizeBytes: i.size }));
  }

  /** Every condition that is another than what was said last; at the start, each once. */
  #announce(node: Node): void {
    const { event, machine, nodeName } = this.#options;
    if (this.#announced.size === 0) {
      event(node, 'Normal', 'Starting', 'Starting kubelet.');
      const { bootID } = machine.info;
      if (this.#knownBootId !== undefined && this.#knownBootId !== bootID)
        event(node, 'Warning', 'Rebooted', `Node ${nodeName} has been rebooted, boot id: ${bootID}`);
    }
    for (const { type, status, reason = '' } of this.#conditions) {
      const before = this.#announced.get(type);
      if (before === status) continue;
      this.#announced.set(type, status);
      // A node that is not Ready yet is no news.
      if (type === 'Ready' && status !== 'True' && before === undefined) continue;
      const said =
        type === 'Ready' ? (status === 'True' ? 'NodeReady' : 'NodeNotReady') : reason.replace(/^Kubelet/, 'Node');
      event(node, 'Normal', said, `Node ${nodeName} status is now: ${said}`);
    }
  }

  /** Creates the node's object, or takes over the one there is with our labels on it. */
  async #register(status: NodeStatus): Promise<Node> {
    const { client, nodeName, taints, logger } = this.#options;
    const labels = {
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': goArch(),
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': goArch(),
      ...this.#options.labels,
    };
    try {
      const spec = taints.length > 0 ? { taints: [...taints] } : {};
      this.#node = await client.create(Nodes, { metadata: { name: nodeName, labels }, spec, status });
      logger.info({ node: nodeName }, 'registered the node');
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      this.#node = await client.patch(Nodes, { name: nodeName }, { metadata: { labels } }, { type: 'merge' });
      this.#knownBootId ??= this.#node.status?.nodeInfo?.bootID;
    }
    this.#sent = undefined;
    this.#conditions = carryTimes(this.#conditions, this.#node.status?.conditions ?? []);
    this.#options.onNode(this.#node);
    return this.#node;
  }
}

/** After a restart of this process transitions have the times the API knows. */
function carryTimes(ours: readonly NodeCondition[], api: readonly NodeCondition[]): NodeCondition[] {
  return ours.map(condition => {
    const old = api.find(c => c.type === condition.type);
    return old?.status === condition.status && old.lastTransitionTime
      ? { ...condition, lastTransitionTime: old.lastTransitionTime }
      : condition;
  });
}

function isNewer(node: Node, than: Node | undefined): boolean {
  return than === undefined || Number(node.metadata.resourceVersion) > Number(than.metadata.resourceVersion);
}

/** Also when the clock was set back since `last`. */
function isDue(last: number, periodMs: number, now: number): boolean {
  return now - last >= periodMs || now < last;
}

function sameButHeartbeat(a: NodeStatus, b: NodeStatus): boolean {
  const bare = (status: NodeStatus): object => ({
    ...status,
    conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
  });
  return isDeepStrictEqual(bare(a), bare(b));
}
