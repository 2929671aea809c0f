/** Services, persistent volume claims and resource claims: what they use beside being objects. */
import type { PersistentVolumeClaim, ScopedResourceSelectorRequirement, Service } from '../generated/types/core.v1.ts';
import type { ResourceClaim } from '../generated/types/resource.v1.ts';
import { largestOf, ONE, type Quantities, sumOf, whole, ZERO } from '../quantities.ts';
import { parseQuantity, type Quantity } from '../quantity.ts';
import { type Evaluator, satisfies } from './evaluator.ts';

const serviceNames = ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'];

export const serviceEvaluator: Evaluator = {
  groupResource: 'services',
  matching: asked => asked.filter(name => serviceNames.includes(name)),
  usage: object => {
    const { spec } = object as unknown as Service;
    const balanced = spec?.type === 'LoadBalancer';
    return {
      'count/services': ONE,
      services: ONE,
      'services.nodeports': whole(nodePorts(spec)),
      'services.loadbalancers': balanced ? ONE : ZERO,
    };
  },
};

/** Those it has or will get: they are allocated later. */
function nodePorts(spec: Service['spec']): number {
  const ports = spec?.ports ?? [];
  if (spec?.type === 'NodePort') return ports.length;
  if (spec?.type !== 'LoadBalancer') return 0;
  return spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length;
}

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';
const claimNames = ['persistentvolumeclaims', 'requests.storage'];
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export const claimEvaluator: Evaluator = {
  groupResource: 'persistentvolumeclaims',
  matching: asked =>
    asked.filter(
      name =>
        name === 'count/persistentvolumeclaims' ||
        claimNames.includes(name) ||
        claimNames.some(measured => name.endsWith(CLASS_SUFFIX + measured)),
    ),
  inScope: (object, scope) => hasAttributesClass(object as unknown as PersistentVolumeClaim, scope),
  usage: object => {
    const claim = object as unknown as PersistentVolumeClaim;
    const usage: Record<string, Quantity> = { persistentvolumeclaims: ONE, 'count/persistentvolumeclaims': ONE };
    const storage = storageOf(claim);
    if (storage) usage['requests.storage'] = storage;
    const storageClass = claim.metadata.annotations?.[CLASS_ANNOTATION] ?? claim.spec?.storageClassName ?? '';
    if (storageClass !== '') {
      usage[`${storageClass}${CLASS_SUFFIX}persistentvolumeclaims`] = ONE;
      if (storage) usage[`${storageClass}${CLASS_SUFFIX}requests.storage`] = storage;
    }
    return usage;
  },
};

/** In whole bytes; while an expansion is under way or has failed, what has been allocated for it already. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const asked = spec?.resources?.requests?.storage;
  if (asked === undefined) return;
  const request = roundedUp(parseQuantity(asked));
  const allocated = status?.allocatedResources?.storage;
  if (allocated === undefined) return request;
  const given = roundedUp(parseQuantity(allocated));
  return given.nanos > request.nanos ? given : request;
}

function roundedUp({ nanos, format }: Quantity): Quantity {
  const rest = nanos % ONE.nanos;
  return { nanos: rest > 0n ? nanos - rest + ONE.nanos : nanos, format };
}

/** Of any of the classes it has, or is on its way to. */
function hasAttributesClass(
  { spec, status }: PersistentVolumeClaim,
  scope: ScopedResourceSelectorRequirement,
): boolean {
  if (scope.scopeName !== 'VolumeAttributesClass') return false;
  const classes = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter(name => name);
  return classes.length === 0 ? satisfies(scope, undefined) : classes.some(name => satisfies(scope, name));
}

const DEVICE_SUFFIX = '.deviceclass.resource.k8s.io/devices';
/** The most devices one claim can be given: what `All` may turn out to be. */
const MOST_DEVICES = 32;

export const deviceClaimEvaluator: Evaluator = {
  groupResource: 'resourceclaims.resource.k8s.io',
  matching: asked =>
    asked.filter(name => name === 'count/resourceclaims.resource.k8s.io' || name.endsWith(DEVICE_SUFFIX)),
  usage: object => {
    const { spec } = object as unknown as ResourceClaim;
    let usage: Quantities = { 'count/resourceclaims.resource.k8s.io': ONE };
    for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
      if (exactly) usage = sumOf(usage, devicesOf(exactly));
      // One of these will be taken: the worst of each class counts.
      else if (firstAvailable) usage = sumOf(usage, firstAvailable.map(devicesOf).reduce(largestOf, {}));
    }
    return usage;
  },
};

function devicesOf(request: {
  readonly deviceClassName: string;
  readonly allocationMode?: string | undefined;
  readonly count?: number | undefined;
}): Quantities {
  const { deviceClassName, allocationMode = 'ExactCount', count = 1 } = request;
  const devices = allocationMode === 'ExactCount' ? count : allocationMode === 'All' ? MOST_DEVICES : 0;
  return { [deviceClassName + DEVICE_SUFFIX]: whole(devices) };
}
