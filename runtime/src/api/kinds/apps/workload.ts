/** What Deployments, ReplicaSets, DaemonSets and StatefulSets have in common. */
import type { LabelSelector } from '../../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core.v1.ts';
import { labelSelectorMatches } from '../../selectors.ts';
import { type TemplateOptions, validatePodTemplate } from '../core/podValidation.ts';
import { child, invalid, NOT_NEGATIVE, nonNegative, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

interface WorkloadSpec {
  readonly selector?: LabelSelector | undefined;
  readonly template?: PodTemplateSpec | undefined;
}

/** Whether it says nothing: selects everything. */
export const isEmptySelector = (selector: LabelSelector): boolean =>
  !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length;

export interface WorkloadOptions extends TemplateOptions {
  /** As upstream names the kind in its words: `deployment`. */
  readonly name: string;
}

/** A selector that selects something, and a template it selects. */
export function validateSelectorAndTemplate(
  { selector, template }: WorkloadSpec,
  { name, ...options }: WorkloadOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  const labels = template?.metadata?.labels ?? {};
  if (!selector) errors.push(required('spec.selector'));
  else {
    const wrong = validateLabelSelector(selector, 'spec.selector');
    errors.push(...wrong);
    const empty = isEmptySelector(selector);
    if (empty) errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${name}`));
    if (wrong.length > 0) return [...errors, invalid('spec.selector', selector, 'invalid label selector')];
    if (!empty && !labelSelectorMatches(selector, labels))
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return [...errors, ...validatePodTemplate(template, 'spec.template', { restartPolicies: ['Always'], ...options })];
}

const PERCENT = /^[0-9]+%$/;

/** `2` or `25%`; upstream's `ValidatePositiveIntOrPercent`. */
export function intOrPercentErrors(value: number | string | undefined, path: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return value < 0 ? [invalid(path, value, NOT_NEGATIVE)] : [];
  if (PERCENT.test(value)) return [];
  return [
    invalid(
      path,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

export function notMoreThanAll(value: number | string | undefined, path: string): FieldError[] {
  return typeof value === 'string' && PERCENT.test(value) && Number.parseInt(value, 10) > 100
    ? [invalid(path, value, 'must not be greater than 100%')]
    : [];
}

/** What is no number and no percentage counts as nothing, as in Go. */
export const isZero = (value: number | string | undefined): boolean => {
  if (value === undefined || value === 0) return true;
  return typeof value === 'string' && !(Number.parseInt(value, 10) !== 0 && /^[0-9]+%?$/.test(value));
};

type Counts = object | undefined;

const countOf = (status: Counts, field: string): number =>
  ((status as Record<string, unknown> | undefined)?.[field] as number | undefined) ?? 0;

/** None of the counts is negative. */
export function countErrors(status: Counts, fields: readonly string[]): FieldError[] {
  return fields.flatMap(field => nonNegative(child('status', field), countOf(status, field)));
}

/** None of `fields` is more than `replicas`, and no more are available than ready. */
export function replicaErrors(
  status: Counts,
  fields: readonly string[],
  availableText = 'cannot be greater than readyReplicas',
): FieldError[] {
  const errors: FieldError[] = [];
  const replicas = countOf(status, 'replicas');
  for (const field of fields) {
    const count = countOf(status, field);
    if (count > replicas) errors.push(invalid(child('status', field), count, 'cannot be greater than status.replicas'));
  }
  const available = countOf(status, 'availableReplicas');
  if (available > countOf(status, 'readyReplicas'))
    errors.push(invalid('status.availableReplicas', available, availableText));
  return errors;
}

/** The number of hash collisions only grows. */
export function collisionErrors(status: Counts, old: Counts): FieldError[] {
  const before = (old as { readonly collisionCount?: number } | undefined)?.collisionCount;
  const now = countOf(status, 'collisionCount');
  return before !== undefined && now < before ? [invalid('status.collisionCount', now, 'cannot be decremented')] : [];
}
