/** A node's conditions, from measures of this moment (https://kubernetes.io/docs/reference/node/node-status/#condition). Pure. */
import type { NodeCondition } from '../../api/generated/types/core.v1.ts';
import type { RuntimeStatus } from '../cri/types.ts';
import { wireTime } from './containerStatus.ts';

export interface NodeMeasures {
  /** Undefined: the runtime does not answer. */
  readonly runtime: RuntimeStatus | undefined;
  /** Why the node is not ready for another reason: images not imported yet, stopping. */
  readonly notReady: string | undefined;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly disk: { readonly totalBytes: number; readonly availableBytes: number };
  readonly pids: { readonly processes: number; readonly maximum: number };
}

/** Upstream's 100 MiB, but never more than a twentieth of a small board's memory. */
export function memoryThresholdBytes(totalBytes: number): number {
  return Math.min(100 * 1024 * 1024, Math.floor(totalBytes / 20));
}

const DISK_FRACTION = 0.1;
const PID_FRACTION = 0.9;

interface Bare {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** `before` gives transition times. */
export function nodeConditions(measures: NodeMeasures, before: readonly NodeCondition[], now: number): NodeCondition[] {
  const { memory, disk, pids } = measures;
  const bare: Bare[] = [
    pressure('Memory', 'memory', memory.availableBytes < memoryThresholdBytes(memory.totalBytes)),
    pressure('Disk', 'disk', disk.availableBytes < disk.totalBytes * DISK_FRACTION),
    pressure('PID', 'PID', pids.processes > pids.maximum * PID_FRACTION),
    ready(measures),
  ];
  return bare.map(condition => {
    const old = before.find(c => c.type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: wireTime(now), lastTransitionTime: since ?? wireTime(now) };
  });
}

function pressure(type: string, what: string, under: boolean): Bare {
  const has = under ? 'HasInsufficient' : type === 'Disk' ? 'HasNo' : 'HasSufficient';
  const reasons: Readonly<Record<string, string>> = {
    MemoryHasSufficient: 'KubeletHasSufficientMemory',
    MemoryHasInsufficient: 'KubeletHasInsufficientMemory',
    DiskHasNo: 'KubeletHasNoDiskPressure',
    DiskHasInsufficient: 'KubeletHasDiskPressure',
    PIDHasSufficient: 'KubeletHasSufficientPID',
    PIDHasInsufficient: 'KubeletHasInsufficientPID',
  };
  const message =
    type === 'Disk'
      ? `kubelet has ${under ? '' : 'no '}disk pressure`
      : `kubelet has ${under ? 'insufficient' : 'sufficient'} ${what} available`;
  return { type: `${type}Pressure`, status: under ? 'True' : 'False', reason: reasons[type + has] ?? '', message };
}

function ready({ runtime, notReady }: NodeMeasures): Bare {
  const problems: string[] = [];
  if (!runtime) problems.push('container runtime is down');
  for (const type of ['RuntimeReady', 'NetworkReady']) {
    const condition = runtime?.conditions.find(c => c.type === type);
    if (!runtime || condition?.status) continue;
    const what = type === 'NetworkReady' ? 'container runtime network not ready' : 'container runtime not ready';
    problems.push(`${what}: ${type}=false reason:${condition?.reason ?? ''} message:${condition?.message ?? ''}`);
  }
  if (notReady) problems.push(notReady);
  if (problems.length === 0)
    return { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problems.join(', ') };
}
