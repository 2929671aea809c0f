/** What Deployments, ReplicaSets, DaemonSets and StatefulSets have in common. */
import type { LabelSelector } from '../../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core.v1.ts';
import { labelSelectorMatches } from '../../selectors.ts';
import { validatePodTemplate } from '../core/podValidation.ts';
import { invalid, NOT_NEGATIVE, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

interface WorkloadSpec {
  readonly selector?: LabelSelector | undefined;
  readonly template?: PodTemplateSpec | undefined;
}

/** A selector that selects something, and a template it selects. */
export function validateSelectorAndTemplate(
  spec: WorkloadSpec,
  emptySelectorText: string,
  mismatchValue: (labels: Readonly<Record<string, string>>) => unknown = labels => labels,
): FieldError[] {
  const errors: FieldError[] = [];
  const { selector, template } = spec;
  if (!selector) errors.push(required('spec.selector'));
  else {
    const wrong = validateLabelSelector(selector, 'spec.selector');
    errors.push(...wrong);
    const empty = !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length;
    if (empty) errors.push(invalid('spec.selector', selector, emptySelectorText));
    else if (wrong.length === 0) {
      const labels = template?.metadata?.labels ?? {};
      if (!labelSelectorMatches(selector, labels))
        errors.push(
          invalid(
            'spec.template.metadata.labels',
            mismatchValue(labels),
            '`selector` does not match template `labels`',
          ),
        );
    }
  }
  return [...errors, ...validatePodTemplate(template, 'spec.template')];
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

export const isZero = (value: number | string | undefined): boolean =>
  value === 0 || (typeof value === 'string' && Number.parseInt(value, 10) === 0);
