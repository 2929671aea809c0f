/** One container's entry in a pod's status (kubelet `convertToAPIContainerStatuses`). Pure. */
import type { ContainerState, ContainerStatus, Pod } from '../../api/generated/types/core.v1.ts';
import { backoffUntil, goDuration } from '../pods/backoff.ts';
import {
  type AnyContainer,
  isStartFailure,
  type Memory,
  type Observed,
  type ObservedContainer,
  type Role,
} from '../pods/model.ts';
import { willRestart } from '../pods/next.ts';
import { podText } from '../pods/paths.ts';

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly memory: Memory;
  readonly now: number;
  /** The pod is being deleted or has reached its end: what does not run will not. */
  readonly ending: boolean;
}

/** RFC 3339 in whole seconds, as `metav1.Time`. */
export function wireTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function containerStatus(container: AnyContainer, role: Role, input: ContainerStatusInput): ContainerStatus {
  const instances = input.observed.containers.filter(c => c.name === container.name);
  const [instance, previous] = instances;
  const before = statusesOf(input.pod).find(s => s.name === container.name);
  const { state, last } = stateOf(container, role, instance, before, input);
  const lastState = last ?? (previous?.state === 'exited' ? terminated(previous) : before?.lastState);
  const running = instance?.state === 'running';
  const results = instance ? input.memory.probes.get(instance.id) : undefined;
  const done = role === 'init' && instance?.state === 'exited' && instance.exitCode === 0;
  return {
    name: container.name,
    state,
    lastState: lastState ?? {},
    ready: done || (running && role !== 'init' && results?.ready === true),
    restartCount: instance?.attempt ?? before?.restartCount ?? 0,
    image: instance?.image || container.image || '',
    imageID: instance?.imageId ?? before?.imageID ?? '',
    ...(instance && instance.state !== 'created' ? { containerID: `containerd://${instance.id}` } : {}),
    ...(!instance && before?.containerID ? { containerID: before.containerID } : {}),
    started: running && (role === 'ephemeral' || results?.started === true),
    ...resourcesOf(container),
    ...(running && instance.user ? { user: { linux: linuxUser(instance.user) } } : {}),
  };
}

function linuxUser(user: NonNullable<ObservedContainer['user']>): NonNullable<ContainerStatus['user']>['linux'] {
  const { uid, gid, supplementalGroups } = user;
  return supplementalGroups.length > 0 ? { uid, gid, supplementalGroups } : { uid, gid };
}

function resourcesOf(container: AnyContainer): Pick<ContainerStatus, 'allocatedResources' | 'resources'> {
  const { requests, limits } = container.resources ?? {};
  if (!requests && !limits) return {};
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) },
  };
}

export function statusesOf(pod: Pod): ContainerStatus[] {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
}

function stateOf(
  container: AnyContainer,
  role: Role,
  instance: ObservedContainer | undefined,
  before: ContainerStatus | undefined,
  input: ContainerStatusInput,
): { state: ContainerState; last?: ContainerState } {
  if (instance?.state === 'running') return { state: { running: { startedAt: wireTime(instance.startedAt) } } };
  const waiting = waitingReason(container, role, instance, input);
  if (instance?.state === 'exited')
    return waiting ? { state: { waiting }, last: terminated(instance) } : { state: terminated(instance) };
  const ran = before?.state?.running ?? before?.state?.terminated;
  if (instance?.state === 'unknown' || (!instance && before?.containerID && ran))
    return unknownState(input.ending, before);
  // Also of the init containers themselves: `kubectl get` then counts them (`Init:0/2`).
  const multi = (input.pod.spec?.initContainers ?? []).length > 0 && role !== 'ephemeral';
  return { state: { waiting: waiting ?? { reason: multi ? 'PodInitializing' : 'ContainerCreating' } } };
}

/** The runtime has lost a container that had run. */
function unknownState(
  ending: boolean,
  before: ContainerStatus | undefined,
): { state: ContainerState; last?: ContainerState } {
  if (before?.state?.terminated) return { state: before.state };
  const message = `The container could not be located when the pod was ${ending ? 'terminated' : 'deleted'}`;
  const lost = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } };
  return ending ? { state: lost } : { state: { waiting: { reason: 'ContainerCreating' } }, last: lost };
}

/** Undefined: it is not held back by anything that has a name. */
function waitingReason(
  container: AnyContainer,
  role: Role,
  instance: ObservedContainer | undefined,
  { pod, memory, now, ending }: ContainerStatusInput,
): { reason: string; message?: string } | undefined {
  if (ending) return undefined;
  const retry = memory.retries.get(container.name);
  // One that could not be started is shown as such first, then as what it is held back for.
  const shown = retry && !(instance?.state === 'exited' && isStartFailure(retry.reason) && now >= retry.notBefore);
  if (shown) return { reason: retry.reason, message: retry.message };
  if (instance?.state !== 'exited' || role === 'ephemeral') return undefined;
  if (role === 'init' ? instance.exitCode === 0 : role === 'main' && !willRestart(pod, container, instance))
    return undefined;
  const entry = memory.restarts.get(container.name);
  if (!entry || backoffUntil(entry, instance.finishedAt, now) === undefined) return undefined;
  const message = `back-off ${goDuration(entry.delayMs)} restarting failed container=${container.name} pod=${podText(pod)}`;
  return { reason: 'CrashLoopBackOff', message };
}

function terminated(instance: ObservedContainer): ContainerState {
  const { exitCode, startedAt, finishedAt, id, message } = instance;
  const reason = instance.reason || (exitCode === 0 ? 'Completed' : 'Error');
  return {
    terminated: {
      exitCode,
      reason,
      ...(message ? { message } : {}),
      startedAt: startedAt > 0 ? wireTime(startedAt) : '1970-01-01T00:00:00Z',
      finishedAt: wireTime(finishedAt),
      containerID: `containerd://${id}`,
    },
  };
}
