/** What of a pod may still change (upstream: `ValidatePodUpdate`). */
import type {
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSchedulingGate,
  PodSpec,
  Toleration,
} from '../../generated/types/core.v1.ts';
import { forbidden, invalid, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { unifiedDiff } from '../lineDiff.ts';
import { podAnnotationUpdateErrors } from './podAnnotations.ts';
import { validatePodAlways } from './podValidation.ts';

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const MAX_INT32 = 2147483647;

/** False: the lists do not even correspond, so nothing more can be said. */
function sameContainers(
  now: readonly Container[] | undefined,
  before: readonly Container[] | undefined,
  path: string,
  errors: FieldError[],
): boolean {
  if ((now?.length ?? 0) !== (before?.length ?? 0)) {
    errors.push(forbidden(path, 'pod updates may not add or remove containers'));
    return false;
  }
  for (const [i, { image = '' }] of (now ?? []).entries()) {
    if (image === '') errors.push(required(`${path}[${i}].image`));
    if (image !== image.trim())
      errors.push(invalid(`${path}[${i}].image`, image, 'must not have leading or trailing whitespace'));
  }
  return true;
}

/** Never later, and never without an end again. */
function deadlineErrors(now: number | undefined, before: number | undefined): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  if (now === undefined)
    return before === undefined ? [] : [invalid(field, null, 'must not update from a positive integer to nil value')];
  if (now < 0 || now > MAX_INT32) return [invalid(field, now, `must be between 0 and ${MAX_INT32}, inclusive`)];
  return before !== undefined && before < now
    ? [invalid(field, now, 'must be less than or equal to previous value')]
    : [];
}

function tolerationErrors(now: readonly Toleration[], before: readonly Toleration[]): FieldError[] {
  const kept = before.every(old =>
    now.some(t => sameValue({ ...t, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 })),
  );
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function gateErrors(now: readonly PodSchedulingGate[], before: readonly PodSchedulingGate[]): FieldError[] {
  return now.flatMap(({ name }, i) =>
    before.some(gate => gate.name === name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${i}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  );
}

function onlyAdditions(now: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  if (lists.every(field => !before[field]?.length)) return lists.every(field => !now[field]?.length);
  return lists.every(field => {
    const old = before[field] ?? [];
    return sameValue((now[field] ?? []).slice(0, old.length), old);
  });
}

/** While gates hold a pod back, where it may go may be narrowed (KEP-3838). */
function affinityErrors(now: NodeAffinity | undefined, before: NodeAffinity | undefined): FieldError[] {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  const old = before?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = now?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (old.length === 0) return [];
  if (old.length !== terms.length)
    return [invalid(path, terms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  return terms.flatMap((term, i) =>
    onlyAdditions(term, old[i] ?? {})
      ? []
      : [invalid(`${path}[${i}]`, term, 'only additions are allowed (no mutations or deletions)')],
  );
}

const withImages = (now: readonly Container[] | undefined, before: readonly Container[] | undefined): Container[] =>
  (now ?? []).map((container, i) => {
    const { image: _, ...rest } = container;
    const image = before?.[i]?.image;
    return image === undefined ? rest : { ...rest, image };
  });

/** The new spec with everything that may change as it was; faults of what may change only in part go to `errors`. */
function withoutAllowed(now: PodSpec, before: PodSpec, errors: FieldError[]): PodSpec {
  const { activeDeadlineSeconds: _, schedulingGates: _gates, tolerations: _tolerations, ...rest } = now;
  const spec: PodSpec = {
    ...rest,
    containers: withImages(now.containers, before.containers),
    ...(now.initContainers ? { initContainers: withImages(now.initContainers, before.initContainers) } : {}),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
  };
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && now.terminationGracePeriodSeconds === 1)
    spec.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds;
  if (!before.schedulingGates?.length) return spec;
  const [selector, old] = [now.nodeSelector ?? {}, before.nodeSelector ?? {}];
  if (Object.entries(old).some(([key, value]) => selector[key] !== value))
    errors.push(
      invalid(
        'spec.nodeSelector',
        selector,
        'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ),
    );
  spec.nodeSelector = before.nodeSelector;
  const [affinity, oldAffinity] = [now.affinity?.nodeAffinity, before.affinity?.nodeAffinity];
  if (sameValue(affinity, oldAffinity)) return spec;
  errors.push(...affinityErrors(affinity, oldAffinity));
  const others = { ...now.affinity, nodeAffinity: oldAffinity };
  const empty = !others.nodeAffinity && !others.podAffinity && !others.podAntiAffinity;
  spec.affinity = empty && !before.affinity ? undefined : others;
  return spec;
}

/** Everything there is to say of a changed pod. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const [now, before]: [PodSpec, PodSpec] = [pod.spec ?? { containers: [] }, old.spec ?? { containers: [] }];
  const errors = validatePodAlways(pod);
  errors.push(...podAnnotationUpdateErrors(pod, old));
  if (!sameContainers(now.containers, before.containers, 'spec.containers', errors)) return errors;
  if (!sameContainers(now.initContainers, before.initContainers, 'spec.initContainers', errors)) return errors;
  const deadline = deadlineErrors(now.activeDeadlineSeconds, before.activeDeadlineSeconds);
  errors.push(...deadline);
  if (deadline.length > 0 && now.activeDeadlineSeconds !== undefined) return errors;
  errors.push(...tolerationErrors(now.tolerations ?? [], before.tolerations ?? []));
  errors.push(...gateErrors(now.schedulingGates ?? [], before.schedulingGates ?? []));
  if (sameValue(now, before)) return errors;
  const rest = withoutAllowed(now, before, errors);
  if (!sameValue(rest, before)) errors.push(forbidden('spec', `${CHANGEABLE}\n${unifiedDiff(before, rest)}`));
  return errors;
}
