/** Pods: their number, what they request and what they may use. */
import type {
  Pod,
  PodAffinity,
  PodAffinityTerm,
  ScopedResourceSelectorRequirement,
} from '../generated/types/core.v1.ts';
import { podQosClass } from '../kinds/core/qos.ts';
import { hasPodLevelResources, podLimits, podRequests } from '../podResources.ts';
import { ONE, type Quantities } from '../quantities.ts';
import type { Quantity } from '../quantity.ts';
import { type Evaluator, satisfies } from './evaluator.ts';

const COUNT = 'count/pods';
const names = new Set([
  COUNT,
  'pods',
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);

/** Each container must say so much of these, if a quota has them: a mistake of old (upstream says so), kept for compatibility. */
const demanded = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

const DEVICE_CLASS = 'deviceclass.resource.kubernetes.io/';

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
/** `nvidia.com/gpu`: may not be overcommitted, so only its requests are measured. */
const isExtended = (name: string): boolean =>
  (!isNative(name) && !name.startsWith('requests.')) || name.startsWith(DEVICE_CLASS);

const measures = (name: string): boolean =>
  names.has(name) ||
  name.startsWith('hugepages-') ||
  name.startsWith('requests.hugepages-') ||
  (name.startsWith('requests.') && (!isNative(name) || name.startsWith(`requests.${DEVICE_CLASS}`)));

export const podEvaluator: Evaluator = {
  groupResource: 'pods',
  matching: asked => asked.filter(measures),
  inScope: (object, scope) => isInScope(object as unknown as Pod, scope),
  missing: (object, asked) => missing(object as unknown as Pod, asked),
  usage: (object, nowMs) => podUsage(object as unknown as Pod, nowMs),
};

/** What every pod uses; what has ended is an object still, and nothing more. */
function podUsage(pod: Pod, nowMs: number): Quantities {
  if (!isAlive(pod, nowMs)) return { [COUNT]: ONE };
  return { [COUNT]: ONE, pods: ONE, ...computeUsage(podRequests(pod), podLimits(pod)) };
}

function isAlive({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  // One that nobody ends (its node is lost) must not keep others from being made.
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function computeUsage(requests: Quantities, limits: Quantities): Record<string, Quantity> {
  const usage: Record<string, Quantity> = {};
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const [request, limit] = [requests[name], limits[name]];
    if (request) {
      usage[name] = request;
      usage[`requests.${name}`] = request;
    }
    if (limit) usage[`limits.${name}`] = limit;
  }
  for (const [name, request] of Object.entries(requests)) {
    if (name.startsWith('hugepages-')) usage[name] = request;
    if (name.startsWith('hugepages-') || isExtended(name)) usage[`requests.${name}`] = request;
  }
  return usage;
}

function missing(pod: Pod, asked: readonly string[]): string | undefined {
  if (hasPodLevelResources(pod)) return;
  const faults = demanded
    .filter(name => asked.includes(name))
    .flatMap(name => {
      const list = name.startsWith('limits.') ? 'limits' : 'requests';
      const resource = name.slice(name.indexOf('.') + 1);
      const silent = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
        .filter(({ resources }) => resources?.[list]?.[resource] === undefined)
        .map(container => container.name);
      return silent.length === 0 ? [] : [`${name} for: ${[...new Set(silent)].sort().join(',')}`];
    });
  if (faults.length > 0) return `must specify ${faults.join('; ')}`;
}

/** Has an end of its own. */
export const isTerminatingScope = ({ spec }: Pod): boolean => (spec?.activeDeadlineSeconds ?? -1) >= 0;

function isInScope(pod: Pod, scope: ScopedResourceSelectorRequirement): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminatingScope(pod);
    case 'NotTerminating':
      return !isTerminatingScope(pod);
    case 'BestEffort':
      return podQosClass(pod.spec) === 'BestEffort';
    case 'NotBestEffort':
      return podQosClass(pod.spec) !== 'BestEffort';
    case 'PriorityClass':
      return satisfies(scope, pod.spec?.priorityClassName || undefined);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

function reachesOtherNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const reaches = ({ namespaces = [], namespaceSelector }: PodAffinityTerm): boolean =>
    namespaces.length > 0 || namespaceSelector !== undefined;
  return [podAffinity, podAntiAffinity].some(
    (affinity: PodAffinity | undefined) =>
      affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(reaches) ||
      affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) =>
        reaches(podAffinityTerm),
      ),
  );
}
