/**
 * A pod as the runtime shows it. Always read whole from the runtime, so that a lost event costs time, never truth; what can no
 * longer change (an exited container, a sandbox's addresses) is remembered by id.
 */
import { setTimeout } from 'node:timers/promises';
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
/** Events go through one queue of containerd; this is far longer than they are in it. */
const OOM_SETTLES_MS = 1000;
const OOM_LOOK_MS = 50;

const milliseconds = (ns: number): number => Math.floor(ns / 1e6);

/** One a pod: what it has read of it so far. */
export class Observer {
  readonly #cri: CriClient;
  readonly #uid: string;
  readonly #exited = new Map<string, ObservedContainer>();
  readonly #ready = new Map<string, ObservedSandbox>();

  constructor(cri: CriClient, uid: string) {
    this.#cri = cri;
    this.#uid = uid;
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
    if (container.state === 'exited') this.#exited.set(container.id, container);
    return container;
  }

  /**
   * containerd tells that a container has used up its memory apart from its exit, and either may come first. What was killed is
   * looked at again until the other one must have come: an exit is remembered, and its reason with it.
   */
  async #statusWithReason(id: string): Promise<ContainerStatus | undefined> {
    for (const until = performance.now() + OOM_SETTLES_MS; ; ) {
      const status = await this.#cri.containerStatus(id);
      const killed = status?.state === 'CONTAINER_EXITED' && status.exitCode === KILLED && status.reason === 'Error';
      const longAgo = killed && Date.now() - milliseconds(status.finishedAt) > OOM_SETTLES_MS;
      // The wall clock may have been set.
      if (!killed || longAgo || performance.now() > until) return status;
      await setTimeout(OOM_LOOK_MS);
    }
  }
}

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
