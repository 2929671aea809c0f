/**
 * What a pod needs next. Pure: the same pod, observation, memory and time give the same step.
 *
 * Always true of the answer: at most one step; a step brings observation or memory nearer to what is wanted; `wait` when
 * nothing can be done before `until` or before something outside happens. What the runtime does not remove, or after two attempts
 * does not stop, is tried again ever more seldom, and a pod that is to run goes on beside it.
 * Rules: kubelet `computePodActions`, KEP-753 (sidecars), KEP-2000 (graceful termination).
 */
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import { backoffUntil } from './backoff.ts';
import {
  type AnyContainer,
  containerHash,
  containersOf,
  type Desired,
  END_RETRY_MS,
  endKey,
  graceSecondsOf,
  isSidecar,
  latest,
  type Memory,
  type Observed,
  type ObservedContainer,
  type ObservedSandbox,
  type Role,
  type Step,
  type Verdict,
} from './model.ts';

type Wait = Extract<Step, { do: 'wait' }>;
const WAIT: Wait = { do: 'wait' };

export function next(desired: Desired, observed: Observed, memory: Memory, now: number): Step {
  const { pod } = desired;
  if (desired.gone) return end(desired, observed, memory, now, 'forget');
  if (pod.metadata.deletionTimestamp) return end(desired, observed, memory, now, 'deleteFromApi');
  if (memory.verdict) return end(desired, observed, memory, now, 'stay');
  const deadline = deadlineOf(pod, memory);
  if (deadline !== undefined && now >= deadline) {
    const message = 'Pod was active on the node longer than the specified deadline';
    return { do: 'finish', phase: 'Failed', reason: 'DeadlineExceeded', message };
  }
  return untilAtMost(run(pod, observed, memory, now), deadline);
}

/** Milliseconds since 1970 at which `activeDeadlineSeconds` is over. */
function deadlineOf(pod: Pod, memory: Memory): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  if (seconds === undefined) return undefined;
  const start = pod.status?.startTime ? Date.parse(pod.status.startTime) : memory.startedAt;
  return start + seconds * 1000;
}

function untilAtMost(step: Step, time: number | undefined): Step {
  if (step.do !== 'wait' || time === undefined) return step;
  return { do: 'wait', until: Math.min(step.until ?? time, time) };
}

/** Everything down, in order: containers, network, volumes, API object, records. */
function end(
  desired: Desired,
  observed: Observed,
  memory: Memory,
  now: number,
  last: 'forget' | 'deleteFromApi' | 'stay',
): Step {
  const groups = killGroups(desired.pod, observed);
  if (groups.length > 0) {
    // Upstream: a pod that is gone or force-deleted still gets a second to end.
    const grace = graceSecondsOf(desired.pod);
    const graceSeconds = last === 'forget' ? Math.max(1, desired.pod.metadata.deletionTimestamp ? grace : 1) : grace;
    return { do: 'kill', groups, graceSeconds: Math.max(1, graceSeconds), message: 'Stopping container %s' };
  }
  const up = observed.sandboxes.filter(s => s.ready).map(stopOf);
  if (up.length > 0) return soonest(up, memory, now);
  if (!memory.cleanedUp) return { do: 'cleanUp' };
  if (last === 'stay') return WAIT;
  if (last === 'deleteFromApi')
    return memory.deletedFromApi ? WAIT : (notBefore(memory, 'delete', now) ?? { do: 'deleteFromApi' });
  const left = [...observed.containers.map(removalOf), ...observed.sandboxes.map(sandboxRemovalOf)];
  return left.length > 0 ? soonest(left, memory, now) : { do: 'forget' };
}

type Ending = Extract<Step, { do: 'stopSandbox' | 'removeSandbox' | 'removeContainer' }>;
const stopOf = ({ id }: { readonly id: string }): Ending => ({ do: 'stopSandbox', sandboxId: id });
const sandboxRemovalOf = ({ id }: { readonly id: string }): Ending => ({ do: 'removeSandbox', sandboxId: id });
const removalOf = ({ id }: { readonly id: string }): Ending => ({ do: 'removeContainer', id });

/** The first that did not fail a moment ago, or the wait for the first that may be tried again. */
function soonest(steps: readonly Ending[], memory: Memory, now: number): Ending | Wait {
  const waits: number[] = [];
  for (const step of steps) {
    const id = step.do === 'removeContainer' ? step.id : step.sandboxId;
    const retry = notBefore(memory, endKey(id), now);
    if (!retry) return step;
    if (retry.until !== undefined) waits.push(retry.until);
  }
  return wait(waits);
}

/** Main containers at once, then sidecars one after another, the last started first. */
export function killGroups(pod: Pod, observed: Observed): { id: string; name: string }[][] {
  const alive = observed.containers.filter(c => c.state === 'running' || c.state === 'unknown');
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(c => c.name);
  const target = ({ id, name }: ObservedContainer): { id: string; name: string } => ({ id, name });
  const first = alive.filter(c => !sidecars.includes(c.name)).map(target);
  const rest = sidecars
    .toReversed()
    .map(name => alive.filter(c => c.name === name).map(target))
    .filter(group => group.length > 0);
  return first.length > 0 ? [first, ...rest] : rest;
}

function run(pod: Pod, observed: Observed, memory: Memory, now: number): Step {
  const verdict = verdictOf(pod, observed);
  if (verdict) return { do: 'finish', ...verdict };
  const ending = soonest(leftovers(observed, memory), memory, now);
  if (ending.do !== 'wait') return ending;
  const step = memory.volumesMounted
    ? (sandboxStep(pod, observed, memory, now) ?? containerStep(pod, observed, memory, now))
    : (notBefore(memory, 'volumes', now) ?? { do: 'mountVolumes' });
  return untilAtMost(step, ending.until);
}

function notBefore(memory: Memory, key: string, now: number): Wait | undefined {
  const retry = memory.retries.get(key);
  // Farther off than its own delay: the clock was set back.
  if (!retry || now >= retry.notBefore || retry.notBefore - now > retry.delayMs) return undefined;
  return { do: 'wait', until: retry.notBefore };
}

/** It was told to stop more than once, and did not. */
const isStuck = ({ id }: ObservedSandbox, memory: Memory): boolean =>
  (memory.retries.get(endKey(id))?.delayMs ?? 0) > END_RETRY_MS;

/** The sandbox this pod can run in, if it has one. */
function usableSandbox(pod: Pod, observed: Observed, memory: Memory): ObservedSandbox | undefined {
  const newest = observed.sandboxes[0];
  if (!newest?.ready || isStuck(newest, memory)) return undefined;
  if (observed.sandboxes.some(s => s.ready && s !== newest && !isStuck(s, memory))) return undefined;
  const hostNetwork = pod.spec?.hostNetwork === true;
  if (newest.hostNetwork !== hostNetwork) return undefined;
  return hostNetwork || newest.ips.length > 0 ? newest : undefined;
}

function sandboxStep(pod: Pod, observed: Observed, memory: Memory, now: number): Step | undefined {
  if (usableSandbox(pod, observed, memory)) return undefined;
  const groups = killGroups(pod, observed);
  const message = 'Pod sandbox changed, it will be killed and re-created.';
  if (groups.length > 0) return { do: 'kill', groups, graceSeconds: Math.max(1, graceSecondsOf(pod)), message };
  const up = observed.sandboxes.find(s => s.ready && !isStuck(s, memory));
  if (up) return soonest([stopOf(up)], memory, now);
  // The runtime takes each attempt once, whatever the clock made of their order.
  const attempt = Math.max(-1, ...observed.sandboxes.map(s => s.attempt)) + 1;
  return notBefore(memory, 'sandbox', now) ?? { do: 'createSandbox', attempt };
}

/**
 * What nobody asks for: what was made but never started; instances before the last two; empty dead sandboxes; and sandboxes that
 * did not stop when they should have.
 */
function leftovers(observed: Observed, memory: Memory): Ending[] {
  const seen = new Map<string, number>();
  const containers = observed.containers.filter(c => {
    // The daemon ended, or the start failed, between making and starting it.
    if (c.state === 'created') return true;
    const count = (seen.get(c.name) ?? 0) + 1;
    seen.set(c.name, count);
    return count > 2 && c.state === 'exited';
  });
  const unused = observed.sandboxes
    .slice(1)
    .filter(s => !s.ready && !observed.containers.some(c => c.sandboxId === s.id));
  const stuck = observed.sandboxes.filter(s => s.ready && isStuck(s, memory));
  return [...containers.map(removalOf), ...unused.map(sandboxRemovalOf), ...stuck.map(stopOf)];
}

export function restartPolicyOf(pod: Pod, container: AnyContainer): string {
  return ('restartPolicy' in container ? container.restartPolicy : undefined) ?? pod.spec?.restartPolicy ?? 'Always';
}

/** Whether an instance in this state is to be followed by another. */
export function willRestart(pod: Pod, container: AnyContainer, instance: ObservedContainer): boolean {
  if (instance.state !== 'exited') return true;
  const policy = restartPolicyOf(pod, container);
  return policy === 'Always' || (policy === 'OnFailure' && instance.exitCode !== 0);
}

/** The pod's end, once no container of it will run again. */
function verdictOf(pod: Pod, observed: Observed): Verdict | undefined {
  for (const container of (pod.spec?.initContainers ?? []).filter(c => !isSidecar(c))) {
    const instance = latest(observed, container.name);
    const failed = instance?.state === 'exited' && instance.exitCode !== 0;
    if (failed && !initialized(pod, observed) && initPolicy(pod, container) === 'Never') return { phase: 'Failed' };
  }
  let failed = false;
  for (const container of pod.spec?.containers ?? []) {
    const instance = latest(observed, container.name);
    if (instance?.state !== 'exited' || willRestart(pod, container, instance)) return undefined;
    failed ||= instance.exitCode !== 0;
  }
  return { phase: failed ? 'Failed' : 'Succeeded' };
}

/** An init container under `Always` is tried again only when it failed. */
function initPolicy(pod: Pod, container: Container): 'Never' | 'OnFailure' {
  return restartPolicyOf(pod, container) === 'Never' ? 'Never' : 'OnFailure';
}

/** Main containers were started in the newest sandbox: its init containers are done with. */
export function initialized(pod: Pod, observed: Observed): boolean {
  const sandboxId = observed.sandboxes[0]?.id;
  const names = new Set((pod.spec?.containers ?? []).map(c => c.name));
  return observed.containers.some(c => c.sandboxId === sandboxId && names.has(c.name) && c.state !== 'created');
}

function containerStep(pod: Pod, observed: Observed, memory: Memory, now: number): Step {
  const waits: number[] = [];
  const consider = (step: Step): Step | undefined => {
    if (step.do !== 'wait') return step;
    if (step.until !== undefined) waits.push(step.until);
    return undefined;
  };
  const done = initialized(pod, observed);
  for (const { container, role } of containersOf(pod)) {
    if (role === 'ephemeral') {
      const step = latest(observed, container.name) ? WAIT : start(pod, observed, memory, now, container, role);
      const found = consider(step);
      if (found) return found;
      continue;
    }
    if (role === 'init' && done) continue;
    const step = stepFor(pod, observed, memory, now, container, role);
    const found = step && consider(step);
    if (found) return found;
    // Before the main containers, each init container waits for the one before it.
    if (step && (role === 'init' || role === 'sidecar') && !done) return wait(waits);
  }
  return wait(waits);
}

function wait(times: readonly number[]): Wait {
  return times.length > 0 ? { do: 'wait', until: Math.min(...times) } : WAIT;
}

/** `undefined`: this one is as it should be, those after it may go on. */
function stepFor(
  pod: Pod,
  observed: Observed,
  memory: Memory,
  now: number,
  container: AnyContainer,
  role: Role,
): Step | undefined {
  const sandboxId = observed.sandboxes[0]?.id;
  const instance = latest(observed, container.name);
  const here = instance?.sandboxId === sandboxId ? instance : undefined;
  if (role === 'init') {
    if (here?.state === 'running') return WAIT;
    if (here?.state === 'exited' && here.exitCode === 0) return undefined;
    return start(pod, observed, memory, now, container, role);
  }
  if (here?.state === 'running') {
    const why = killReason(container, here, memory, pod);
    if (why) return { do: 'kill', groups: [[{ id: here.id, name: here.name }]], ...why };
    const started = memory.probes.get(here.id)?.started ?? false;
    return role === 'sidecar' && !started ? WAIT : undefined;
  }
  if (here?.state === 'unknown') {
    const message = 'Container %s is in an unknown state, it will be restarted';
    const groups = [[{ id: here.id, name: here.name }]];
    return { do: 'kill', groups, graceSeconds: Math.max(1, graceSecondsOf(pod)), message };
  }
  if (role === 'main' && instance && !willRestart(pod, container, instance)) return undefined;
  return start(pod, observed, memory, now, container, role);
}

function killReason(
  container: AnyContainer,
  instance: ObservedContainer,
  memory: Memory,
  pod: Pod,
): { graceSeconds: number; message: string } | undefined {
  const grace = Math.max(1, graceSecondsOf(pod));
  if (instance.hash !== containerHash(container))
    return { graceSeconds: grace, message: 'Container %s definition changed, will be restarted' };
  const failed = memory.probes.get(instance.id)?.failed;
  if (!failed) return undefined;
  const after = restartPolicyOf(pod, container) === 'Never' ? '' : ', will be restarted';
  const graceSeconds = failed.graceSeconds ?? grace;
  return { graceSeconds, message: `Container %s failed ${failed.kind} probe${after}` };
}

function start(pod: Pod, observed: Observed, memory: Memory, now: number, container: AnyContainer, role: Role): Step {
  const sandbox = observed.sandboxes[0];
  if (!sandbox) return WAIT;
  const { name } = container;
  const retry = notBefore(memory, name, now);
  if (retry) return retry;
  const instance = latest(observed, name);
  if (instance?.state === 'exited') {
    const until = backoffUntil(memory.restarts.get(name), instance.finishedAt, now);
    if (until !== undefined) return { do: 'wait', until };
  }
  return { do: 'startContainer', name, role, attempt: attemptOf(pod, name, instance), sandboxId: sandbox.id };
}

/** Goes on counting where the runtime or, when its records are gone, the API's status stopped. */
function attemptOf(pod: Pod, name: string, instance: ObservedContainer | undefined): number {
  if (instance) return instance.attempt + 1;
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const reported = statuses.find(s => s.name === name);
  return reported?.containerID ? reported.restartCount + 1 : 0;
}
