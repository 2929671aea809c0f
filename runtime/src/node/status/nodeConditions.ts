/** A node's conditions, from measures of this moment (https://kubernetes.io/docs/reference/node/node-status/#condition). Pure. */
import type { NodeCondition } from '../../api/generated/types/core.v1.ts';
import type { RuntimeStatus } from '../cri/types.ts';
import type { EvictionSignal, Threshold } from '../kubeletArguments.ts';
import { wireTime } from './containerStatus.ts';

export interface NodeMeasures {
  /** Undefined: the runtime does not answer. */
  readonly runtime: RuntimeStatus | undefined;
  /** Why the node is not ready for another reason: images not imported yet, stopping. */
  readonly notReady: string | undefined;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly disk: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    /** Absent where the file system does not count them. */
    readonly inodes?: { readonly total: number; readonly free: number };
  };
  readonly pids: { readonly processes: number; readonly maximum: number };
  /** Of what is not the kubelet's to know: the machine's configuration. */
  readonly others?: readonly BareCondition[];
}

/** Upstream's 100 MiB, but never more than a twentieth of a small board's memory. */
export function memoryThresholdBytes(totalBytes: number): number {
  return Math.min(100 * 1024 * 1024, Math.floor(totalBytes / 20));
}

/** Under which a node is under pressure, as the kubelet's `eviction-hard`; a signal that is absent has its default. */
export type Thresholds = Readonly<Partial<Record<EvictionSignal, Threshold>>>;

/** Upstream's, but for memory, which is {@link memoryThresholdBytes}. */
const usual: Thresholds = {
  'nodefs.available': { percent: 10 },
  'nodefs.inodesFree': { percent: 5 },
  'pid.available': { percent: 10 },
};

/** The amount a threshold is of a whole. */
export function amountOf(threshold: Threshold, total: number): number {
  return 'amount' in threshold ? threshold.amount : (total * threshold.percent) / 100;
}

/** Bytes of memory under which the node is under pressure; what pods may use is less by it. */
export function memoryReserveBytes(totalBytes: number, thresholds: Thresholds = {}): number {
  const given = thresholds['memory.available'];
  return given ? Math.floor(amountOf(given, totalBytes)) : memoryThresholdBytes(totalBytes);
}

/** A condition without its times. */
export interface BareCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** `before` gives transition times. */
export function nodeConditions(
  measures: NodeMeasures,
  before: readonly NodeCondition[],
  now: number,
  thresholds: Thresholds = {},
): NodeCondition[] {
  const { memory, disk, pids } = measures;
  const under = (signal: EvictionSignal, has: number, total: number): boolean => {
    const threshold = thresholds[signal] ?? usual[signal];
    return threshold !== undefined && has < amountOf(threshold, total);
  };
  const fullDisk =
    under('nodefs.available', disk.availableBytes, disk.totalBytes) ||
    (disk.inodes !== undefined && under('nodefs.inodesFree', disk.inodes.free, disk.inodes.total));
  const bare: BareCondition[] = [
    pressure('Memory', 'memory', memory.availableBytes < memoryReserveBytes(memory.totalBytes, thresholds)),
    pressure('Disk', 'disk', fullDisk),
    pressure('PID', 'PID', under('pid.available', pids.maximum - pids.processes, pids.maximum)),
    ready(measures),
    ...(measures.others ?? []),
  ];
  return bare.map(condition => {
    const old = before.find(c => c.type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: wireTime(now), lastTransitionTime: since ?? wireTime(now) };
  });
}

function pressure(type: string, what: string, under: boolean): BareCondition {
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

function ready({ runtime, notReady }: NodeMeasures): BareCondition {
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
