/** What is decided on: the pod as wanted, as the runtime shows it, and what its worker remembers. All plain data. */
import type { Container, EphemeralContainer, Pod } from '../../api/generated/types/core.v1.ts';

/** A container instance as the runtime shows it. Times are milliseconds since 1970, 0 when it has not happened. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly sandboxId: string;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly reason: string;
  /** The runtime's word, or the termination message once exited. */
  readonly message: string;
  readonly image: string;
  /** Digest reference of the image, or its id. */
  readonly imageId: string;
  /** {@link containerHash} it was made from. */
  readonly hash: string;
  /** Grace that held when it was made; for orphans, whose specification is gone. */
  readonly graceSeconds: number;
  readonly user?: { uid: number; gid: number; supplementalGroups: number[] };
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAt: number;
  readonly hostNetwork: boolean;
  readonly ips: readonly string[];
}

/** Newest first, both. */
export interface Observed {
  readonly sandboxes: readonly ObservedSandbox[];
  readonly containers: readonly ObservedContainer[];
}

export const nothingObserved: Observed = { sandboxes: [], containers: [] };

/** `gone`: no longer in the API. */
export interface Desired {
  readonly pod: Pod;
  readonly gone: boolean;
  /** From our own record: what has become of the pod in the API is not known yet. */
  readonly recorded?: true;
}

/** What probes say about one container instance. */
export interface ProbeResults {
  /** Startup probe passed, or there is none and postStart is done. */
  readonly started: boolean;
  readonly ready: boolean;
  /** A liveness or startup probe has given up on it. */
  readonly failed?: { readonly kind: 'liveness' | 'startup'; readonly graceSeconds?: number };
}

/** A failed attempt to make something, and when to try again. */
export interface Retry {
  readonly notBefore: number;
  readonly delayMs: number;
  /** Reason and message of the waiting state: `ErrImagePull`, `CreateContainerConfigError`… */
  readonly reason: string;
  readonly message: string;
}

/** The key of {@link Memory.retries} for stopping or removing the sandbox or container `id`. */
export const endKey = (id: string): string => `end ${id}`;
/** After the first failure; doubled with each further one, to {@link MAX_END_RETRY_MS}. */
export const END_RETRY_MS = 2000;
export const MAX_END_RETRY_MS = 60_000;

/** The container was made and then ended before it was of use: restarts of it are held back like any other's. */
export const isStartFailure = (reason: string): boolean =>
  reason === 'RunContainerError' || reason === 'PostStartHookError';

export interface Verdict {
  readonly phase: 'Succeeded' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
}

/** What a pod's worker knows beyond the runtime. Lost with the process, and nothing depends on it being kept. */
export interface Memory {
  /** When the node first saw the pod. */
  readonly startedAt: number;
  readonly volumesMounted: boolean;
  /** Volumes unmounted and directories gone, after the last container ended. */
  readonly cleanedUp: boolean;
  readonly verdict?: Verdict;
  /** By container name. */
  readonly restarts: ReadonlyMap<string, { readonly delayMs: number; readonly lastUpdate: number }>;
  /** By `sandbox`, `volumes`, `delete`, a container's name, or {@link endKey}. */
  readonly retries: ReadonlyMap<string, Retry>;
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeResults>;
  /** The API server confirmed that the pod is deleted. */
  readonly deletedFromApi: boolean;
}

export type Role = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface KillTarget {
  readonly id: string;
  readonly name: string;
}

/** A step's name and its arguments; {@link Step} is derived from it. */
interface Steps {
  /** Nothing to do before `until` (ms since 1970), or before something happens. */
  wait: { readonly until?: number };
  mountVolumes: object;
  createSandbox: { readonly attempt: number };
  startContainer: { readonly name: string; readonly role: Role; readonly attempt: number; readonly sandboxId: string };
  /** Group after group; the containers of a group at once. */
  kill: {
    readonly groups: readonly (readonly KillTarget[])[];
    readonly graceSeconds: number;
    readonly message: string;
  };
  removeContainer: { readonly id: string };
  /** Tears its network down; its containers are down already. */
  stopSandbox: { readonly sandboxId: string };
  removeSandbox: { readonly sandboxId: string };
  /** The pod has reached its end: remembered, reported. */
  finish: Verdict;
  /** Unmount volumes. */
  cleanUp: object;
  deleteFromApi: object;
  /** Nothing of the pod is left in the runtime: remove its directories and end the worker. */
  forget: object;
}

export type Step = { [K in keyof Steps]: { readonly do: K } & Steps[K] }[keyof Steps];

export type AnyContainer = Container | EphemeralContainer;

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** All containers of a pod with the part each plays, init containers first. */
export function containersOf(pod: Pod): { container: AnyContainer; role: Role }[] {
  const spec = pod.spec;
  return [
    ...(spec?.initContainers ?? []).map(c => ({ container: c, role: isSidecar(c) ? 'sidecar' : 'init' }) as const),
    ...(spec?.containers ?? []).map(c => ({ container: c, role: 'main' }) as const),
    ...(spec?.ephemeralContainers ?? []).map(c => ({ container: c, role: 'ephemeral' }) as const),
  ];
}

/** Only what cannot be changed in place: another image makes another container (upstream: `HashContainer`). */
export function containerHash(container: AnyContainer): string {
  let hash = 0x811c9dc5; // FNV-1a, 32 bits
  for (const byte of Buffer.from(`${container.name}\0${container.image ?? ''}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}

export function latest(observed: Observed, name: string): ObservedContainer | undefined {
  return observed.containers.find(c => c.name === name);
}

export const DEFAULT_GRACE_SECONDS = 30;

export function graceSecondsOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}
