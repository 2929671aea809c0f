/** What of a pod may still change (upstream: `ValidatePodUpdate`). */
import type { Container, Pod, PodSpec, Toleration } from '../../generated/types/core.v1.ts';
import { forbidden, invalid, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function withoutImages(containers: readonly Container[] | undefined): unknown {
  return (containers ?? []).map(({ image, ...rest }) => rest);
}

/** The spec without the fields that may change. */
function fixedPart(spec: PodSpec, gated: boolean): unknown {
  const {
    containers,
    initContainers,
    activeDeadlineSeconds,
    tolerations,
    terminationGracePeriodSeconds,
    schedulingGates,
    nodeSelector,
    affinity,
    ...rest
  } = spec;
  return {
    ...rest,
    containers: withoutImages(containers),
    initContainers: withoutImages(initContainers),
    // While gates hold a pod back, its placement may be narrowed.
    ...(gated ? {} : { nodeSelector, affinity }),
  };
}

const keepsAll = (now: readonly Toleration[], before: readonly Toleration[]): boolean =>
  before.every(old => now.some(t => sameValue({ ...t, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 })));

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  if (!pod.spec || !old.spec) return [];
  const errors: FieldError[] = [];
  const [now, before] = [pod.spec, old.spec];
  const deadline = now.activeDeadlineSeconds;
  if (before.activeDeadlineSeconds !== undefined) {
    if (deadline === undefined)
      errors.push(invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'));
    else if (deadline > before.activeDeadlineSeconds)
      errors.push(invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value'));
  }
  for (const gate of now.schedulingGates ?? []) {
    if (!before.schedulingGates?.some(g => g.name === gate.name))
      errors.push(
        forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${gate.name}'`),
      );
  }
  if (!keepsAll(now.tolerations ?? [], before.tolerations ?? []))
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  for (const [i, container] of (now.containers ?? []).entries())
    if (!container.image) errors.push(required(`spec.containers[${i}].image`));
  const graceChanged = now.terminationGracePeriodSeconds !== before.terminationGracePeriodSeconds;
  const graceAllowed = (before.terminationGracePeriodSeconds ?? 0) < 0 && now.terminationGracePeriodSeconds === 1;
  const gated = (before.schedulingGates ?? []).length > 0;
  if (!sameValue(fixedPart(now, gated), fixedPart(before, gated)) || (graceChanged && !graceAllowed))
    errors.push(forbidden('spec', CHANGEABLE));
  return errors;
}
