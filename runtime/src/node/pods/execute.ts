/**
 * Does one step. What fails is remembered, so that `next` waits before it asks for it again; nothing is decided here.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isNotFound } from '../../client/apiError.ts';
import { Pods } from '../../client/resources.ts';
import type { PodDependencies } from './dependencies.ts';
import { killContainer } from './kill.ts';
import type { PodMemory } from './memory.ts';
import {
  type Desired,
  END_RETRY_MS,
  endKey,
  isStartFailure,
  latest,
  MAX_END_RETRY_MS,
  type Observed,
  type Step,
} from './model.ts';
import { containerLogPath, podDirectory, podLogDirectory, podText, uidOf } from './paths.ts';
import { addressesOf, logLinkPath, StartError, sandboxConfigOf, sourcesOf, startContainer } from './start.ts';

export interface Execution {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly memory: PodMemory;
  readonly parts: PodDependencies;
  /** Aborts pulls and hooks of a pod that is to end. */
  readonly signal: AbortSignal;
}

/** How long a failed start is at least shown as such, before the back-off of its restart has the word. */
const START_ERROR_SHOWN_MS = 1500;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @throws CriError and file errors of steps that have no failure of their own to remember: the worker tries again. */
export async function execute(step: Step, execution: Execution): Promise<void> {
  const { desired, observed, memory, parts } = execution;
  const { pod } = desired;
  const { cri, clock, dirs } = parts.context;
  switch (step.do) {
    case 'wait':
      return;
    case 'mountVolumes':
      return mountVolumes(execution);
    case 'createSandbox':
      return createSandbox(step.attempt, execution);
    case 'startContainer':
      return start(step, execution);
    case 'kill': {
      const podIp = addressesOf(pod, observed, parts).podIps[0] ?? '127.0.0.1';
      const begun = clock.now();
      for (const group of step.groups) {
        const left = Math.max(1, step.graceSeconds - (clock.now() - begun) / 1000);
        const one = (target: { id: string; name: string }): Promise<void> =>
          killContainer({ pod, ...target, graceSeconds: left, message: step.message, podIp }, parts);
        await Promise.all(group.map(one));
      }
      return;
    }
    case 'stopSandbox':
    case 'removeSandbox':
      await endSandbox(step, execution);
      return;
    case 'removeContainer': {
      const container = observed.containers.find(c => c.id === step.id);
      const removed = await ended(step.id, () => cri.removeContainer(step.id), execution);
      if (!container || removed !== undefined) return;
      await rm(logLinkPath(dirs.containerLogs, pod, container.name, container.id), { force: true });
      const log = containerLogPath(container.name, container.attempt);
      await rm(join(podLogDirectory(dirs, pod), log), { force: true });
      return;
    }
    case 'finish': {
      const { phase, reason, message } = step;
      memory.verdict = { phase, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
      if (reason) parts.event(pod, 'Normal', reason, message ?? reason);
      return;
    }
    case 'cleanUp':
      await parts.volumes.unmount(uidOf(pod));
      parts.tokens.forget(uidOf(pod));
      parts.objects.release(uidOf(pod));
      memory.cleanedUp = true;
      return;
    case 'deleteFromApi':
      return deleteFromApi(execution);
    case 'forget':
      await rm(podLogDirectory(dirs, pod), { recursive: true, force: true });
      await rm(podDirectory(dirs, uidOf(pod)), { recursive: true, force: true });
      parts.statuses.forget(uidOf(pod));
      return;
  }
}

async function mountVolumes({ desired: { pod }, observed, memory, parts }: Execution): Promise<void> {
  try {
    await mkdir(podDirectory(parts.context.dirs, uidOf(pod)), { recursive: true, mode: 0o755 });
    memory.renewAt = await parts.volumes.mount(pod, sourcesOf(pod, observed, parts));
    memory.volumesMounted = true;
    memory.succeeded('volumes');
  } catch (error) {
    parts.event(pod, 'Warning', 'FailedMount', text(error));
    memory.failed('volumes', 'ContainerCreating', text(error), parts.context.clock.now(), 500, 122_000);
  }
}

type SandboxEnding = Extract<Step, { do: 'stopSandbox' | 'removeSandbox' }>;

async function endSandbox({ do: what, sandboxId }: SandboxEnding, execution: Execution): Promise<void> {
  const { parts, desired } = execution;
  const { cri } = parts.context;
  const end = (): Promise<void> =>
    what === 'stopSandbox' ? cri.stopPodSandbox(sandboxId) : cri.removePodSandbox(sandboxId);
  const failure = await ended(sandboxId, end, execution);
  if (failure === undefined || what !== 'stopSandbox' || desired.gone) return;
  const error = `failed to "KillPodSandbox" for "${uidOf(desired.pod)}" with KillPodSandboxError: ${JSON.stringify(failure)}`;
  parts.event(desired.pod, 'Warning', 'FailedKillPod', `error killing pod: ${error}`);
}

/** A failure is given back, and remembered: `next` asks for it again later, and for other things until then. */
async function ended(id: string, end: () => Promise<void>, execution: Execution): Promise<string | undefined> {
  const { memory, parts, desired } = execution;
  const { clock, logger } = parts.context;
  try {
    await end();
    memory.succeeded(endKey(id));
    return undefined;
  } catch (error) {
    logger.warn({ err: error, id, pod: podText(desired.pod) }, 'the runtime does not end this; it is tried again');
    memory.failed(endKey(id), 'Ending', text(error), clock.now(), END_RETRY_MS, MAX_END_RETRY_MS);
    return text(error);
  }
}

async function createSandbox(attempt: number, execution: Execution): Promise<void> {
  const { observed, memory, parts } = execution;
  const { pod } = execution.desired;
  if (observed.sandboxes.length > 0)
    parts.event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
  try {
    await mkdir(podLogDirectory(parts.context.dirs, pod), { recursive: true, mode: 0o755 });
    await parts.context.cri.runPodSandbox(await sandboxConfigOf(pod, attempt, parts), pod.spec?.runtimeClassName ?? '');
    memory.succeeded('sandbox');
  } catch (error) {
    parts.event(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${text(error)}`);
    memory.failed('sandbox', 'ContainerCreating', text(error), parts.context.clock.now(), 1000, 10_000);
  }
}

async function start(
  step: Extract<Step, { do: 'startContainer' }>,
  { desired: { pod }, observed, memory, parts, signal }: Execution,
): Promise<void> {
  const { clock } = parts.context;
  const before = latest(observed, step.name);
  try {
    await startContainer(pod, observed, step, parts, signal);
    if (before?.state === 'exited') memory.restarted(step.name, before.finishedAt, clock.now());
    memory.succeeded(step.name);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof StartError)) throw error;
    const { reason, message } = error;
    if (reason !== 'ErrImagePull') {
      // A configuration that is not there yet is looked for again at an even pace.
      if (before?.state === 'exited') memory.restarted(step.name, before.finishedAt, clock.now());
      if (isStartFailure(reason)) memory.failed(step.name, reason, message, clock.now(), START_ERROR_SHOWN_MS, 10_000);
      else memory.failed(step.name, reason, message, clock.now(), 5000, 10_000);
      return;
    }
    memory.failed(step.name, reason, message, clock.now());
  }
}

async function deleteFromApi({ desired: { pod }, memory, parts }: Execution): Promise<void> {
  const { name = '', namespace, uid = '' } = pod.metadata;
  try {
    await parts.statuses.flush(uid);
    const preconditions = { uid };
    await parts.client.delete(Pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions });
    memory.deletedFromApi = true;
  } catch (error) {
    if (isNotFound(error)) {
      memory.deletedFromApi = true;
      return;
    }
    parts.context.logger.warn({ err: error, pod: `${namespace}/${name}` }, 'the pod is not deleted yet');
    memory.failed('delete', 'Terminating', text(error), parts.context.clock.now(), 1000, 30_000);
  }
}
