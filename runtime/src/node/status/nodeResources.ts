/**
 * What a node has and what pods may use of it: all but what is reserved and what is held back under pressure. Pure
 * (https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#node-allocatable).
 */
import type { NodeStatus } from '../../api/generated/types/core.v1.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from '../../api/quantity.ts';
import type { KubeletSettings } from '../kubeletArguments.ts';
import { amountOf, memoryReserveBytes } from './nodeConditions.ts';

const MAX_PODS = 110;

export interface Has {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export function nodeResources(
  { cpus, memoryBytes, diskBytes }: Has,
  settings: KubeletSettings = {},
): Pick<NodeStatus, 'capacity' | 'allocatable'> {
  const { maxPods = MAX_PODS, evictionHard = {} } = settings;
  const reserved = (name: string, read: (text: string) => number): number =>
    [settings.systemReserved, settings.kubeReserved].reduce((sum, all) => sum + (all?.[name] ? read(all[name]) : 0), 0);
  const bytes = (text: string): number => quantityValue(parseQuantity(text));
  const milli = Math.max(0, cpus * 1000 - reserved('cpu', text => quantityMilliValue(parseQuantity(text))));
  const memory = memoryBytes - memoryReserveBytes(memoryBytes, evictionHard) - reserved('memory', bytes);
  const disk =
    diskBytes -
    amountOf(evictionHard['nodefs.available'] ?? { percent: 10 }, diskBytes) -
    reserved('ephemeral-storage', bytes);
  const common = { pods: String(maxPods), 'hugepages-1Gi': '0', 'hugepages-2Mi': '0' };
  return {
    capacity: { cpu: String(cpus), ...common, memory: ki(memoryBytes), 'ephemeral-storage': ki(diskBytes) },
    allocatable: {
      cpu: milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`,
      ...common,
      memory: ki(Math.max(0, memory)),
      'ephemeral-storage': String(Math.max(0, Math.floor(disk))),
    },
  };
}

const ki = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;
