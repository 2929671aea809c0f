/** The table of pods: READY, STATUS and RESTARTS as upstream's `printPod` works them out. */
import type { ContainerStatus, Pod } from '../../generated/types/core.v1.ts';
import { age, ageColumn, column, wide } from '../columns.ts';
import type { Column } from '../kind.ts';

export interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

const conditionTrue = (pod: Pod, type: string): boolean =>
  (pod.status?.conditions ?? []).some(c => c.type === type && c.status === 'True');

function exitText(state: { readonly exitCode: number; readonly signal?: number | undefined }): string {
  return state.signal ? `Signal:${state.signal}` : `ExitCode:${state.exitCode}`;
}

/** Counts restarts and remembers when the last was. */
class Restarts {
  count = 0;
  last = '';

  add(status: ContainerStatus): void {
    this.count += status.restartCount;
    const finished = status.lastState?.terminated?.finishedAt ?? '';
    if (finished > this.last) this.last = finished;
  }

  text(nowMs: number): string {
    return this.count > 0 && this.last !== '' ? `${this.count} (${age(this.last, nowMs)} ago)` : `${this.count}`;
  }
}

/** Why an init container that is not done keeps the pod waiting. */
function initReason(status: ContainerStatus, index: number, total: number): string {
  const { terminated, waiting } = status.state ?? {};
  if (terminated) return `Init:${terminated.reason || exitText(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${index}/${total}`;
}

export function podSummary(pod: Pod, nowMs: number): PodSummary {
  const initContainers = pod.spec?.initContainers ?? [];
  const sidecars = new Set(initContainers.filter(c => c.restartPolicy === 'Always').map(c => c.name));
  const phase = pod.status?.phase ?? '';
  let reason = pod.status?.reason || phase;
  if (pod.status?.conditions?.some(c => c.type === 'PodScheduled' && c.reason === 'SchedulingGated'))
    reason = 'SchedulingGated';
  let ready = 0;
  let restarts = new Restarts();
  const sidecarRestarts = new Restarts();
  let initializing = false;
  for (const [i, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    restarts.add(status);
    const sidecar = sidecars.has(status.name);
    if (sidecar) sidecarRestarts.add(status);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (sidecar && status.started) {
      if (status.ready) ready++;
      continue;
    }
    reason = initReason(status, i, initContainers.length);
    initializing = true;
    break;
  }
  if (!initializing || conditionTrue(pod, 'Initialized')) {
    restarts = sidecarRestarts;
    let running = false;
    for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
      restarts.add(status);
      const { waiting, terminated } = status.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) reason = terminated.reason || exitText(terminated);
      else if (status.ready && status.state?.running) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed' && running) reason = conditionTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (pod.status?.reason === 'NodeLost') reason = 'Unknown';
    else if (phase !== 'Failed' && phase !== 'Succeeded') reason = 'Terminating';
  }
  const total = (pod.spec?.containers ?? []).length + sidecars.size;
  return { ready: `${ready}/${total}`, status: reason, restarts: restarts.text(nowMs) };
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter(gate => conditionTrue(pod, gate.conditionType)).length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  column(
    'Ready',
    'string',
    'The aggregate readiness state of this pod for accepting traffic.',
    (pod, now) => podSummary(pod, now).ready,
  ),
  column(
    'Status',
    'string',
    'The aggregate status of the containers in this pod.',
    (pod, now) => podSummary(pod, now).status,
  ),
  column(
    'Restarts',
    'string',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    (pod, now) => podSummary(pod, now).restarts,
  ),
  ageColumn,
  wide(
    'IP',
    'string',
    'Address allocated to the pod.',
    pod => pod.status?.podIP || pod.status?.podIPs?.[0]?.ip || '<none>',
  ),
  wide('Node', 'string', 'NodeName is the node this pod is scheduled to.', pod => pod.spec?.nodeName || '<none>'),
  wide(
    'Nominated Node',
    'string',
    'The node this pod will run on when its preemption victims are gone.',
    pod => pod.status?.nominatedNodeName || '<none>',
  ),
  wide('Readiness Gates', 'string', 'Conditions besides the containers that readiness waits for.', readinessGates),
];
