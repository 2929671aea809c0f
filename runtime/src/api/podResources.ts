/**
 * What a pod asks of its node and may use there, as exact quantities: pure
 * (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers, KEP-753 sidecars,
 * KEP-1287 in-place resize, KEP-2837 pod-level resources; upstream: `k8s.io/component-helpers/resource`).
 */
import type { Container, ContainerStatus, Pod, ResourceRequirements } from './generated/types/core.v1.ts';
import { largestOf, parseQuantities, type Quantities, type QuantityTexts, sumOf } from './quantities.ts';

export interface PodResourcesOptions {
  /** Whether what the runtime class takes for itself counts. */
  readonly overhead: boolean;
  /** Whether a container being resized counts with what it still has. */
  readonly status: boolean;
}

const everything: PodResourcesOptions = { overhead: true, status: true };

/** The resources that can be said of a pod as a whole. */
const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

export function hasPodLevelResources({ spec }: Pod): boolean {
  const { requests = {}, limits = {} } = spec?.resources ?? {};
  return Object.keys(requests).some(isPodLevel) || Object.keys(limits).some(isPodLevel);
}

export function podRequests(pod: Pod, options: PodResourcesOptions = everything): Quantities {
  const infeasible = isResizeInfeasible(pod);
  const containers = ofContainers(pod, options, 'requests', (spec, status) => {
    const had = largestOf(parseQuantities(status.resources?.requests), parseQuantities(status.allocatedResources));
    return infeasible ? had : largestOf(spec, had);
  });
  const requests = { ...containers, ...podLevel(pod.spec?.resources?.requests) };
  return options.overhead ? sumOf(requests, parseQuantities(pod.spec?.overhead)) : requests;
}

export function podLimits(pod: Pod, options: PodResourcesOptions = everything): Quantities {
  const infeasible = isResizeInfeasible(pod);
  const containers = ofContainers(pod, options, 'limits', (spec, status) => {
    const had = parseQuantities(status.resources?.limits);
    return infeasible ? had : largestOf(spec, had);
  });
  const limits = { ...containers, ...podLevel(pod.spec?.resources?.limits) };
  if (!options.overhead) return limits;
  // Where there is no limit, overhead makes none.
  const bounded = Object.entries(parseQuantities(pod.spec?.overhead)).filter(([name]) => limits[name]?.nanos);
  return sumOf(limits, Object.fromEntries(bounded));
}

const podLevel = (texts: QuantityTexts | undefined): Quantities =>
  Object.fromEntries(Object.entries(parseQuantities(texts)).filter(([name]) => isPodLevel(name)));

const isResizeInfeasible = ({ status }: Pod): boolean =>
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';

function ofContainers(
  { spec, status }: Pod,
  options: PodResourcesOptions,
  list: keyof Pick<ResourceRequirements, 'requests' | 'limits'>,
  effective: (spec: Quantities, status: ContainerStatus) => Quantities,
): Quantities {
  const of = (container: Container, statuses: readonly ContainerStatus[] | undefined): Quantities => {
    const said = parseQuantities(container.resources?.[list]);
    const found = options.status ? statuses?.find(({ name }) => name === container.name) : undefined;
    return found?.resources ? effective(said, found) : said;
  };
  let running: Quantities = {};
  for (const container of spec?.containers ?? []) running = sumOf(running, of(container, status?.containerStatuses));
  // Init containers run one after another, beside the sidecars started before them; sidecars stay.
  let sidecars: Quantities = {};
  let starting: Quantities = {};
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      const asked = of(container, status?.initContainerStatuses);
      running = sumOf(running, asked);
      sidecars = sumOf(sidecars, asked);
      starting = largestOf(starting, sidecars);
    } else starting = largestOf(starting, sumOf(of(container, undefined), sidecars));
  }
  return largestOf(running, starting);
}
