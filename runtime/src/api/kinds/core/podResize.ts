/** Changing what a running pod is given (`pods/resize`, KEP-1287; upstream: `ValidatePodResize`, `podResizeStrategy`). */
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/types/core.v1.ts';
import { forbidden, invalid, sameValue } from '../errors.ts';
import type { FieldError, KindPart } from '../kind.ts';
import { MIRROR } from './podAnnotations.ts';
import { validatePodAlways } from './podValidation.ts';
import { podQosClass } from './qos.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** The old list with resources and resize policies of the new one, where the names agree. */
function resized(now: readonly Container[] | undefined, before: readonly Container[]): Container[] {
  const wanted = new Map((now ?? []).map(c => [c.name, c]));
  return before.map(container => {
    const { resources: _, resizePolicy: _policy, ...rest } = container;
    const next = wanted.get(container.name) ?? container;
    return {
      ...rest,
      ...(next.resources ? { resources: next.resources } : {}),
      ...(next.resizePolicy ? { resizePolicy: next.resizePolicy } : {}),
    };
  });
}

function removed(now: Amounts, before: Amounts): boolean {
  return Object.keys(before ?? {}).some(name => now?.[name] === undefined);
}

function removalErrors(
  now: ResourceRequirements,
  before: ResourceRequirements,
  path: string,
  what: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (removed(now.requests, before.requests))
    errors.push(forbidden(`${path}.requests`, `${what}resource requests cannot be removed`));
  if (removed(now.limits, before.limits))
    errors.push(forbidden(`${path}.limits`, `${what}resource limits cannot be removed`));
  return errors;
}

/** Amounts with those of processor and memory as they were. */
function othersOf(now: Amounts, before: Amounts): Record<string, string> {
  const rest: Record<string, string> = { ...now };
  for (const name of ['cpu', 'memory']) {
    const old = before?.[name];
    if (old === undefined) delete rest[name];
    else rest[name] = old;
  }
  return rest;
}

const maskedResources = (now: ResourceRequirements, before: ResourceRequirements): ResourceRequirements => ({
  ...now,
  limits: othersOf(now.limits, before.limits),
  requests: othersOf(now.requests, before.requests),
});

const masked = (now: Container, before: Container): Container => ({
  ...now,
  resources: maskedResources(now.resources ?? {}, before.resources ?? {}),
});

function orderErrors(now: PodSpec, before: PodSpec): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap(field => {
    const [list, old] = [now[field] ?? [], before[field] ?? []];
    if (list.length !== old.length)
      return [forbidden(`spec.${field}`, `${field} may not be added or removed on resize`)];
    return list.flatMap((container, i) =>
      container.name === old[i]?.name
        ? []
        : [forbidden(`spec.${field}[${i}].name`, `${field} may not be renamed or reordered on resize`)],
    );
  });
}

function podLevelErrors(now: PodSpec, before: PodSpec): FieldError[] {
  if (!before.resources && !now.resources) return [];
  if (before.resources && !now.resources) return [forbidden('spec.resources', 'pod-level resources cannot be removed')];
  const [next, old] = [now.resources ?? {}, before.resources ?? {}];
  const errors = removalErrors(next, old, 'spec.resources', 'pod-level ');
  if (!sameValue(maskedResources(next, old), old))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'));
  return errors;
}

function containerErrors(now: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, old] of (before.initContainers ?? []).entries()) {
    const next = now.initContainers?.[i] ?? old;
    if (isSidecar(old)) {
      errors.push(
        ...removalErrors(next.resources ?? {}, old.resources ?? {}, `spec.initContainers[${i}].resources`, ''),
      );
      if (!sameValue(masked(next, old), old))
        errors.push(forbidden('spec', 'only cpu and memory resources for sidecar containers are mutable'));
    } else if (!sameValue(next, old))
      errors.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'));
  }
  for (const [i, old] of (before.containers ?? []).entries()) {
    const next = now.containers[i] ?? old;
    errors.push(...removalErrors(next.resources ?? {}, old.resources ?? {}, `spec.containers[${i}].resources`, ''));
    if (!sameValue(masked(next, old), old)) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  }
  return errors;
}

/** Whether its node knows how: it then says what running containers have been given. */
function isSupported(pod: Pod): boolean {
  const running = pod.status?.containerStatuses?.find(status => status.state?.running);
  return running === undefined || running.resources !== undefined;
}

export const resize: KindPart<Pod> = {
  prepare(pod, old) {
    const [now, before] = [pod.spec, old.spec];
    if (!now || !before) return;
    const wanted = now.resources;
    const { resources: _, ...rest } = before;
    // Lists that do not correspond are left for the validation to refuse.
    const same = orderErrors(now, before).length === 0;
    pod.spec = {
      ...rest,
      ...(wanted ? { resources: wanted } : {}),
      containers: same ? resized(now.containers, before.containers) : now.containers,
      ...(before.initContainers || now.initContainers
        ? { initContainers: same ? resized(now.initContainers, before.initContainers ?? []) : now.initContainers }
        : {}),
    };
    const { labels, annotations } = old.metadata;
    // Only the amounts are this subresource's.
    if (labels) pod.metadata.labels = labels;
    else delete pod.metadata.labels;
    if (annotations) pod.metadata.annotations = annotations;
    else delete pod.metadata.annotations;
  },
  validate(pod, old) {
    if (old.metadata.annotations?.[MIRROR] !== undefined) return [forbidden('', 'static pods cannot be resized')];
    if (old.spec?.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
    const [now, before]: [PodSpec, PodSpec] = [pod.spec ?? { containers: [] }, old.spec ?? { containers: [] }];
    const errors = validatePodAlways(pod);
    const qos = old.status?.qosClass ?? podQosClass(before);
    if (qos !== podQosClass(now))
      errors.push(invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing'));
    if (!isSupported(old)) errors.push(forbidden('spec', 'Pod running on node without support for resize'));
    errors.push(...podLevelErrors(now, before));
    const order = orderErrors(now, before);
    if (order.length > 0) return [...errors, ...order];
    return [...errors, ...containerErrors(now, before)];
  },
};
