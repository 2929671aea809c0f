/** Validation of what places a pod: node selectors, affinity, tolerations, spread (upstream: `validateAffinity`, `ValidateTolerations`…). */
import type { LabelSelector } from '../../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, positive, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** @param empty whether it may be unset, which means every effect. */
export function taintEffectErrors(effect: string | undefined, empty: boolean, path: string): FieldError[] {
  if (!effect) return empty ? [] : [required(path)];
  return EFFECTS.includes(effect) ? [] : [notSupported(path, effect, EFFECTS)];
}

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, toleration] of (tolerations ?? []).entries()) {
    const here = at(path, i);
    const { key, operator = '', value = '', effect = '', tolerationSeconds } = toleration;
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
        errors.push(invalid(child(here, 'operator'), value, "value must be empty when `operator` is 'Exists'"));
    } else if (operator === 'Equal' || operator === '') {
      const wrong = labelValueErrors(value);
      if (wrong.length > 0) errors.push(invalid(child(here, 'operator'), value, wrong.join(';')));
    } else errors.push(notSupported(child(here, 'operator'), operator, ['Equal', 'Exists']));
    errors.push(...taintEffectErrors(effect, true, child(here, 'effect')));
  }
  return errors;
}

function requirementErrors(requirement: NodeSelectorRequirement, strict: boolean, path: string): FieldError[] {
  const { key = '', operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      errors.push(required(child(path, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      errors.push(
        forbidden(child(path, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1)
      errors.push(required(child(path, 'values'), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(invalid(child(path, 'operator'), operator ?? '', 'not a valid selector operator'));
  errors.push(...invalidEach(child(path, 'key'), key, qualifiedNameErrors(key)));
  if (strict)
    for (const [i, value] of values.entries())
      errors.push(...invalidEach(at(child(path, 'values'), i), value, labelValueErrors(value)));
  return errors;
}

function fieldErrors({ key, operator, values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(child(path, 'operator'), operator ?? '', 'not a valid selector operator'));
  else if (values.length !== 1)
    errors.push(
      required(
        child(path, 'values'),
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      ),
    );
  if (key !== 'metadata.name')
    return [...errors, invalid(child(path, 'key'), key ?? '', 'not a valid field selector key')];
  for (const [i, value] of values.entries())
    errors.push(...invalidEach(at(child(path, 'values'), i), value, dns1123SubdomainErrors(value)));
  return errors;
}

/** `strict`: values must be able to be labels; preferences may be for what never is. */
export function nodeTermErrors(term: NodeSelectorTerm, strict: boolean, path: string): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, i) =>
      requirementErrors(requirement, strict, at(child(path, 'matchExpressions'), i)),
    ),
    ...(term.matchFields ?? []).flatMap((requirement, i) =>
      fieldErrors(requirement, at(child(path, 'matchFields'), i)),
    ),
  ];
}

/** `path` of the list of terms. */
export function validateNodeSelector(terms: readonly NodeSelectorTerm[] | undefined, path: string): FieldError[] {
  if (!terms?.length) return [required(path, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => nodeTermErrors(term, true, at(path, i)));
}

/** Keys whose values are taken from the pod itself (KEP-3633). */
function labelKeysErrors(
  match: readonly string[] | undefined,
  mismatch: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: string,
): FieldError[] {
  if (!match?.length && !mismatch?.length) return [];
  const errors: FieldError[] = [];
  for (const [field, keys] of [
    ['matchLabelKeys', match],
    ['mismatchLabelKeys', mismatch],
  ] as const) {
    if (!keys?.length) continue;
    const here = child(path, field);
    if (!selector) errors.push(forbidden(here, 'must not be specified when labelSelector is not set'));
    else for (const [i, key] of keys.entries()) errors.push(...invalidEach(at(here, i), key, qualifiedNameErrors(key)));
  }
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    const index = match?.indexOf(key) ?? -1;
    if (index >= 0 && seen.has(key))
      errors.push(invalid(at(path, index), key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  for (const [i, key] of (match ?? []).entries())
    if (mismatch?.includes(key))
      errors.push(
        invalid(at(child(path, 'matchLabelKeys'), i), key, 'exists in both matchLabelKeys and mismatchLabelKeys'),
      );
  return errors;
}

function podTermErrors(term: PodAffinityTerm, path: string): FieldError[] {
  const errors = validateLabelSelector(term.labelSelector, child(path, 'labelSelector'));
  errors.push(...validateLabelSelector(term.namespaceSelector, child(path, 'namespaceSelector')));
  for (const name of term.namespaces ?? [])
    errors.push(...invalidEach(child(path, 'namespace'), name, dns1123LabelErrors(name)));
  errors.push(...labelKeysErrors(term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector, path));
  const { topologyKey = '' } = term;
  if (topologyKey === '') errors.push(required(child(path, 'topologyKey'), 'can not be empty'));
  errors.push(...invalidEach(child(path, 'topologyKey'), topologyKey, qualifiedNameErrors(topologyKey)));
  return errors;
}

const weightErrors = (weight: number | undefined, path: string): FieldError[] =>
  (weight ?? 0) < 1 || (weight ?? 0) > 100
    ? [invalid(child(path, 'weight'), weight ?? 0, 'must be in the range 1-100')]
    : [];

const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';
const SOFT = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity.nodeAffinity;
  if (node) {
    const here = child(path, 'nodeAffinity');
    const hard = node[HARD];
    if (hard)
      errors.push(...validateNodeSelector(hard.nodeSelectorTerms, child(child(here, HARD), 'nodeSelectorTerms')));
    for (const [i, term] of (node[SOFT] ?? []).entries()) {
      const one = at(child(here, SOFT), i);
      errors.push(...weightErrors(term.weight, one));
      errors.push(...nodeTermErrors(term.preference ?? {}, false, child(one, 'preference')));
    }
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const here = child(path, kind);
    for (const [i, term] of (affinity[kind]?.[HARD] ?? []).entries())
      errors.push(...podTermErrors(term, at(child(here, HARD), i)));
    for (const [i, term] of (affinity[kind]?.[SOFT] ?? []).entries()) {
      const one = at(child(here, SOFT), i);
      errors.push(...weightErrors(term.weight, one));
      errors.push(...podTermErrors(term.podAffinityTerm ?? { topologyKey: '' }, child(one, 'podAffinityTerm')));
    }
  }
  return errors;
}

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway'];
const POLICIES = ['Honor', 'Ignore'];

export function validateSpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, constraint] of constraints.entries()) {
    const here = at(path, i);
    const { topologyKey = '', whenUnsatisfiable = '', minDomains } = constraint;
    errors.push(...positive(child(here, 'maxSkew'), constraint.maxSkew ?? 0));
    if (topologyKey === '') errors.push(required(child(here, 'topologyKey'), 'can not be empty'));
    if (!ACTIONS.includes(whenUnsatisfiable))
      errors.push(notSupported(child(here, 'whenUnsatisfiable'), whenUnsatisfiable, ACTIONS));
    const again = constraints
      .slice(i + 1)
      .some(c => (c.topologyKey ?? '') === topologyKey && (c.whenUnsatisfiable ?? '') === whenUnsatisfiable);
    if (again)
      errors.push(duplicate(child(here, '{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`));
    if (minDomains !== undefined) {
      errors.push(...positive(child(here, 'minDomains'), minDomains));
      if (whenUnsatisfiable !== 'DoNotSchedule')
        errors.push(
          invalid(
            child(here, 'minDomains'),
            minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
          ),
        );
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field];
      if (policy !== undefined && !POLICIES.includes(policy))
        errors.push(notSupported(child(here, field), policy, POLICIES));
    }
    errors.push(...labelKeysErrors(constraint.matchLabelKeys, undefined, constraint.labelSelector, here));
    errors.push(...validateLabelSelector(constraint.labelSelector, child(here, 'labelSelector')));
  }
  return errors;
}
