/** Validation of what places a pod: node selectors, affinity, tolerations, spread (upstream: `validateAffinity`, `ValidateTolerations`…). */
import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types/core.v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { at, child, forbidden, invalid, invalidEach, notSupported, positive, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, i) => {
    const here = at(path, i);
    const { key, operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    const errors: FieldError[] = [];
    if (key) errors.push(...invalidEach(child(here, 'key'), key, qualifiedNameErrors(key)));
    else if (operator !== 'Exists')
      errors.push(
        invalid(
          child(here, 'operator'),
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(invalid(child(here, 'effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    if (operator === 'Exists') {
      if (value !== '')
        errors.push(invalid(child(here, 'operator'), toleration, "value must be empty when `operator` is 'Exists'"));
    } else if (operator === 'Equal' || operator === '') {
      errors.push(...invalidEach(child(here, 'operator'), value, labelValueErrors(value)));
    } else errors.push(notSupported(child(here, 'operator'), operator, ['Equal', 'Exists']));
    if (effect !== '' && !EFFECTS.includes(effect)) errors.push(notSupported(child(here, 'effect'), effect, EFFECTS));
    return errors;
  });
}

function termErrors(term: NodeSelectorTerm, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { key, operator, values }] of (term.matchExpressions ?? []).entries()) {
    const here = at(child(path, 'matchExpressions'), i);
    if (operator === 'In' || operator === 'NotIn') {
      if (!values?.length)
        errors.push(required(child(here, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values?.length)
        errors.push(
          forbidden(child(here, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values?.length !== 1)
        errors.push(required(child(here, 'values'), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    } else errors.push(invalid(child(here, 'operator'), operator, 'not a valid selector operator'));
    errors.push(...invalidEach(child(here, 'key'), key, qualifiedNameErrors(key)));
  }
  for (const [i, { key, operator }] of (term.matchFields ?? []).entries()) {
    const here = at(child(path, 'matchFields'), i);
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(invalid(child(here, 'operator'), operator, 'not a valid selector operator'));
    if (key !== 'metadata.name') errors.push(invalid(child(here, 'key'), key, 'not a valid field selector key'));
  }
  return errors;
}

export function validateNodeSelector(terms: readonly NodeSelectorTerm[] | undefined, path: string): FieldError[] {
  if (!terms?.length) return [required(path, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => termErrors(term, at(path, i)));
}

function podTermErrors(term: PodAffinityTerm, path: string): FieldError[] {
  const errors = validateLabelSelector(term.labelSelector, child(path, 'labelSelector'));
  errors.push(...validateLabelSelector(term.namespaceSelector, child(path, 'namespaceSelector')));
  if (!term.topologyKey) errors.push(required(child(path, 'topologyKey'), 'can not be empty'));
  else errors.push(...invalidEach(child(path, 'topologyKey'), term.topologyKey, qualifiedNameErrors(term.topologyKey)));
  return errors;
}

const weightErrors = (weight: number, path: string): FieldError[] =>
  weight < 1 || weight > 100 ? [invalid(child(path, 'weight'), weight, 'must be in the range 1-100')] : [];

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (!affinity) return [];
  const errors: FieldError[] = [];
  const node = affinity.nodeAffinity;
  if (node) {
    const here = child(path, 'nodeAffinity');
    const hard = node.requiredDuringSchedulingIgnoredDuringExecution;
    if (hard)
      errors.push(
        ...validateNodeSelector(
          hard.nodeSelectorTerms,
          child(child(here, 'requiredDuringSchedulingIgnoredDuringExecution'), 'nodeSelectorTerms'),
        ),
      );
    for (const [i, term] of (node.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const one = at(child(here, 'preferredDuringSchedulingIgnoredDuringExecution'), i);
      errors.push(...weightErrors(term.weight, one), ...termErrors(term.preference, child(one, 'preference')));
    }
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const here = child(path, kind);
    for (const [i, term] of (affinity[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      errors.push(...podTermErrors(term, at(child(here, 'requiredDuringSchedulingIgnoredDuringExecution'), i)));
    for (const [i, term] of (affinity[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const one = at(child(here, 'preferredDuringSchedulingIgnoredDuringExecution'), i);
      errors.push(
        ...weightErrors(term.weight, one),
        ...podTermErrors(term.podAffinityTerm, child(one, 'podAffinityTerm')),
      );
    }
  }
  return errors;
}

export function validateSpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: string,
): FieldError[] {
  return (constraints ?? []).flatMap((constraint, i) => {
    const here = at(path, i);
    const errors = positive(child(here, 'maxSkew'), constraint.maxSkew);
    if (!constraint.topologyKey) errors.push(required(child(here, 'topologyKey'), 'can not be empty'));
    if (!['DoNotSchedule', 'ScheduleAnyway'].includes(constraint.whenUnsatisfiable))
      errors.push(
        notSupported(child(here, 'whenUnsatisfiable'), constraint.whenUnsatisfiable, [
          'DoNotSchedule',
          'ScheduleAnyway',
        ]),
      );
    errors.push(...validateLabelSelector(constraint.labelSelector, child(here, 'labelSelector')));
    return errors;
  });
}
