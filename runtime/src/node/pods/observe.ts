/**
 * A pod as the runtime shows it. Always read whole from the runtime, so that a lost event costs time, never truth; what can no
 * longer change (an exited container, a sandbox's addresses) is remembered by id.
 */
import { type Clock, delay } from '../../lib/clock.ts';
import type { CriClient } from '../cri/client.ts';
import type { ContainerStatus, ListedContainer, Sandbox } from '../cri/types.ts';
import { CONTAINER_HASH, CONTAINER_NAME, GRACE_PERIOD, POD_UID } from '../labels.ts';
import { DEFAULT_GRACE_SECONDS, type Observed, type ObservedContainer, type ObservedSandbox } from './model.ts';
import { terminationMessage } from './terminationMessage.ts';

const states = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
} as const;

/** 128 + SIGKILL. */
const KILLED = 137;
/** How long the reason of an exit is waited for before anybody hears of the exit: on a machine that is not busy it is there by then. */
const OOM_LOOKS = 20;
const OOM_LOOK_MS = 50;
/** How long it may still change afterwards. */
const OOM_SETTLES_MS = 15_000;

const milliseconds = (ns: number): number => Math.floor(ns / 1e6);

/** One a pod: what it has read of it so far. */
export class Observer {
  readonly #cri: CriClient;
  readonly #uid: string;
  readonly #clock: Clock;
  readonly #exited = new Map<string, ObservedContainer>();
  readonly #ready = new Map<string, ObservedSandbox>();
  /** Killed, by id, and nobody has said that it was for its memory; `over`: nobody will. */
  readonly #killed = new Map<string, { over: boolean }>();

  constructor(cri: CriClient, uid: string, clock: Clock) {
    this.#cri = cri;
    this.#uid = uid;
    this.#clock = clock;
  }

  /** The reason of an exit may still change, which nothing tells: somebody has to look. */
  get unsettled(): boolean {
    return [...this.#killed.values()].some(({ over }) => !over);
  }

  /** @param ending the pod is being deleted: nobody asks any more why its containers ended */
  async observe(ending: boolean): Promise<Observed> {
    const selector = { [POD_UID]: this.#uid };
    const [sandboxes, containers] = await Promise.all([
      this.#cri.listPodSandbox(selector),
      this.#cri.listContainers(selector),
    ]);
    const readSandboxes = await Promise.all(sandboxes.map(s => this.#sandbox(s)));
    const readContainers = await Promise.all(containers.map(c => this.#container(c, ending)));
    forget(this.#exited, containers);
    forget(this.#ready, sandboxes);
    forget(this.#killed, containers);
    return {
      // By attempt: the clock may have been set back since the last.
      sandboxes: readSandboxes
        .filter(s => s !== undefined)
        .toSorted((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt),
      containers: readContainers.filter(c => c !== undefined).toSorted((a, b) => b.createdAt - a.createdAt),
    };
  }

  async #sandbox(listed: Sandbox): Promise<ObservedSandbox | undefined> {
    const known = this.#ready.get(listed.id);
    const ready = listed.state === 'SANDBOX_READY';
    if (known) return ready ? known : { ...known, ready: false };
    const status = await this.#cri.podSandboxStatus(listed.id);
    if (!status) return undefined;
    const ips = [status.network?.ip ?? '', ...(status.network?.additionalIps ?? []).map(a => a.ip)].filter(Boolean);
    const sandbox: ObservedSandbox = {
      id: listed.id,
      attempt: listed.metadata.attempt,
      ready: status.state === 'SANDBOX_READY',
      createdAt: milliseconds(listed.createdAt),
      hostNetwork: status.linux?.namespaces?.options?.network === 'NODE',
      ips,
    };
    if (sandbox.ready) this.#ready.set(sandbox.id, sandbox);
    return sandbox;
  }

  async #container(listed: ListedContainer, ending: boolean): Promise<ObservedContainer | undefined> {
    const known = this.#exited.get(listed.id);
    if (known) return known;
    const status = await (ending ? this.#cri.containerStatus(listed.id) : this.#statusWithReason(listed.id));
    if (!status) return undefined;
    const container = await observedOf(listed, status);
    if (container.state !== 'exited') return container;
    const killed = this.#killed.get(container.id);
    if (!killed || killed.over || !isKilled(status)) {
      this.#exited.set(container.id, container);
      this.#killed.delete(container.id);
    }
    return container;
  }

  /**
   * containerd tells that a container has used up its memory apart from its exit, and either may come first. What was killed is
   * looked at again until the other one should have come; on a busy machine that is later, and its reason changes then.
   */
  async #statusWithReason(id: string): Promise<ContainerStatus | undefined> {
    for (let left = this.#killed.has(id) ? 0 : OOM_LOOKS; ; left--) {
      const status = await this.#cri.containerStatus(id);
      if (!status || !isKilled(status)) return status;
      const longAgo = this.#clock.now() - milliseconds(status.finishedAt) > OOM_SETTLES_MS;
      if (longAgo || left === 0) {
        if (!longAgo) this.#watch(id);
        return status;
      }
      await delay(OOM_LOOK_MS, undefined, this.#clock);
    }
  }

  #watch(id: string): void {
    if (this.#killed.has(id)) return;
    const killed = { over: false };
    this.#killed.set(id, killed);
    // Not by the time of its exit: the wall clock may be set.
    this.#clock.after(OOM_SETTLES_MS, () => {
      killed.over = true;
    });
  }
}

const isKilled = ({ state, exitCode, reason }: ContainerStatus): boolean =>
  state === 'CONTAINER_EXITED' && exitCode === KILLED && reason === 'Error';

async function observedOf(listed: ListedContainer, status: ContainerStatus): Promise<ObservedContainer> {
  const state = states[status.state];
  const grace = Number(status.annotations[GRACE_PERIOD]);
  const user = status.user?.linux;
  return {
    id: status.id,
    name: listed.labels[CONTAINER_NAME] ?? listed.metadata.name,
    attempt: status.metadata.attempt,
    state,
    sandboxId: listed.podSandboxId,
    createdAt: milliseconds(status.createdAt),
    startedAt: milliseconds(status.startedAt),
    finishedAt: milliseconds(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: state === 'exited' ? await terminationMessage(status) : status.message,
    image: status.image?.userSpecifiedImage || status.image?.image || '',
    imageId: status.imageRef || status.imageId,
    hash: status.annotations[CONTAINER_HASH] ?? '',
    graceSeconds: Number.isFinite(grace) && grace >= 0 ? grace : DEFAULT_GRACE_SECONDS,
    ...(user ? { user: { uid: user.uid, gid: user.gid, supplementalGroups: user.supplementalGroups } } : {}),
  };
}

function forget(cache: Map<string, unknown>, present: readonly { readonly id: string }[]): void {
  const ids = new Set(present.map(p => p.id));
  for (const id of cache.keys()) if (!ids.has(id)) cache.delete(id);
}
