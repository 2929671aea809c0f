/** Ends containers: preStop within the grace, the stop signal, SIGKILL when the grace is over. */
import type { Container, LifecycleHandler, Pod } from '../../api/generated/types/core.v1.ts';
import { delay } from '../../lib/clock.ts';
import { ask } from '../probes/handlers.ts';
import type { PodDependencies } from './dependencies.ts';
import type { KillTarget } from './model.ts';

export interface KillRequest extends KillTarget {
  readonly pod: Pod;
  readonly graceSeconds: number;
  /** The event's; `%s` is the container's name. */
  readonly message: string;
  readonly podIp: string;
}

/** After a long preStop the container still gets this to end by itself (kubelet `minimumGracePeriodInSeconds`). */
const MINIMUM_GRACE_SECONDS = 2;

/** Resolves when the container is down. @throws CriError when the runtime does not do it. */
export async function killContainer(request: KillRequest, parts: PodDependencies): Promise<void> {
  const { pod, id, name, graceSeconds, message } = request;
  const { clock, cri } = parts.context;
  parts.event(pod, 'Normal', 'Killing', message.replace('%s', name), name);
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const container = containers.find(c => c.name === name);
  const hook = container?.lifecycle?.preStop;
  let left = graceSeconds;
  if (container && hook && graceSeconds > 0) {
    const begun = clock.now();
    await preStop(request, container, hook, parts);
    const spent = (clock.now() - begun) / 1000;
    left = Math.max(graceSeconds - spent, MINIMUM_GRACE_SECONDS);
  }
  await cri.stopContainer(id, left);
}

async function preStop(
  { pod, id, name, graceSeconds, podIp }: KillRequest,
  container: Container,
  hook: LifecycleHandler,
  parts: PodDependencies,
): Promise<void> {
  const { cri, clock } = parts.context;
  const over = new AbortController();
  const cancel = clock.after(graceSeconds * 1000, () => over.abort());
  try {
    if (hook.sleep) {
      await delay(hook.sleep.seconds * 1000, over.signal, clock);
      return;
    }
    const answer = await ask(hook, { cri, container, containerId: id, podIp }, graceSeconds * 1000, over.signal);
    if (!answer.ok) parts.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', name);
  } finally {
    cancel();
  }
}
