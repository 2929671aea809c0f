/** Requests and limits as cgroup values (kubelet `cm.MilliCPUToShares`, `MilliCPUToQuota`, `GetContainerOOMScoreAdjust`). */
import type { Container, Pod, ResourceRequirements } from '../../api/generated/types/core.v1.ts';
import { quantityMilliValue, quantityValue } from '../../api/quantity.ts';
import type { LinuxResources } from '../cri/types.ts';
import { qosClass } from './qos.ts';

const CPU_PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

/** 1000 milli-CPU are 1024 shares. */
export function cpuShares(milliCpu: number): number {
  if (milliCpu === 0) return MIN_SHARES;
  return Math.min(Math.max(Math.floor((milliCpu * 1024) / 1000), MIN_SHARES), MAX_SHARES);
}

/** Microseconds of CPU in each 100 ms; 0: no limit. */
export function cpuQuota(milliCpu: number): number {
  if (milliCpu === 0) return 0;
  return Math.max(Math.floor((milliCpu * CPU_PERIOD_US) / 1000), MIN_QUOTA_US);
}

/** -997 (Guaranteed) to 1000 (BestEffort): the more of the node's memory a container asked for, the later it is killed. */
export function oomScoreAdj(pod: Pod, container: Pick<Container, 'resources'>, memoryCapacityBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997; // system-node-critical and -cluster-critical
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = quantityValue(container.resources?.requests?.memory ?? '0');
  const score = 1000 - Math.floor((1000 * request) / Math.max(1, memoryCapacityBytes));
  return Math.min(Math.max(score, 3), 999);
}

export function linuxResources(pod: Pod, container: Container, memoryCapacityBytes: number): LinuxResources {
  return {
    ...cgroupValues(container.resources),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacityBytes),
  };
}

function cgroupValues(resources: ResourceRequirements | undefined): LinuxResources {
  const { requests = {}, limits = {} } = resources ?? {};
  const limitMilli = limits.cpu === undefined ? 0 : quantityMilliValue(limits.cpu);
  const requestMilli = requests.cpu === undefined ? limitMilli : quantityMilliValue(requests.cpu);
  const memory = limits.memory === undefined ? 0 : quantityValue(limits.memory);
  return {
    cpuPeriod: CPU_PERIOD_US,
    cpuShares: cpuShares(requestMilli),
    ...(limitMilli > 0 ? { cpuQuota: cpuQuota(limitMilli) } : {}),
    ...(memory > 0 ? { memoryLimitInBytes: memory } : {}),
  };
}

/** The values of the pod's own cgroup: sums of its containers, or the largest init container where that is more. */
export function podResources(pod: Pod): LinuxResources {
  const mains = pod.spec?.containers ?? [];
  const inits = pod.spec?.initContainers ?? [];
  const sum = (pick: (r: ResourceRequirements | undefined) => number): number => {
    let sidecars = 0;
    let largest = 0;
    for (const c of inits) {
      const value = pick(c.resources);
      if (c.restartPolicy === 'Always') sidecars += value;
      else largest = Math.max(largest, sidecars + value);
    }
    return Math.max(sidecars + mains.reduce((total, c) => total + pick(c.resources), 0), largest);
  };
  const everyLimit = (name: string): boolean => [...inits, ...mains].every(c => c.resources?.limits?.[name]);
  const cpu = sum(r => quantityMilliValue(r?.requests?.cpu ?? r?.limits?.cpu ?? '0'));
  const quota = everyLimit('cpu') ? cpuQuota(sum(r => quantityMilliValue(r?.limits?.cpu ?? '0'))) : 0;
  const memory = everyLimit('memory') ? sum(r => quantityValue(r?.limits?.memory ?? '0')) : 0;
  return {
    cpuPeriod: CPU_PERIOD_US,
    cpuShares: cpuShares(cpu),
    ...(quota > 0 ? { cpuQuota: quota } : {}),
    ...(memory > 0 ? { memoryLimitInBytes: memory } : {}),
  };
}
