/**
 * The selectors in the attributes of an access review (KEP-4601): validated, and read as far as they can be. What cannot be read
 * is left out, which only makes the question broader.
 */
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  ResourceAttributes,
} from '../../../api/generated/types/authorization.v1.ts';
import { at, child, forbidden, invalid, required } from '../../../api/kinds/errors.ts';
import type { FieldError } from '../../../api/kinds/kind.ts';
import { parseFieldSelector, parseLabelSelector } from '../../../api/selectors.ts';

export interface ReadSelector {
  /** What could be read, as in a query; empty: nothing. */
  readonly text: string;
  /** Something could not. */
  readonly failed: boolean;
}

export function selectorErrors({ fieldSelector, labelSelector }: ResourceAttributes, path: string): FieldError[] {
  return [
    ...formErrors(fieldSelector, child(path, 'fieldSelector')),
    ...formErrors(labelSelector, child(path, 'labelSelector')),
  ];
}

function formErrors(
  selector: FieldSelectorAttributes | LabelSelectorAttributes | undefined,
  path: string,
): FieldError[] {
  if (!selector) return [];
  const { rawSelector = '', requirements = [] } = selector;
  const errors: FieldError[] = [];
  if (rawSelector !== '' && requirements.length > 0) {
    errors.push(invalid(child(path, 'rawSelector'), rawSelector, 'may not specified at the same time as requirements'));
  }
  if (rawSelector === '' && requirements.length === 0) {
    errors.push(
      required(child(path, 'requirements'), `when ${path} is specified, requirements or rawSelector is required`),
    );
  }
  requirements.forEach((requirement, i) => {
    errors.push(...requirementErrors(requirement, at(child(path, 'requirements'), i)));
  });
  return errors;
}

/** Operators that nobody knows yet are let through: a newer client may ask. */
function requirementErrors(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] | undefined },
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    errors.push(required(child(path, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    errors.push(forbidden(child(path, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
  if (!key) errors.push(required(child(path, 'key'), 'must be specified'));
  return errors;
}

export function readFieldSelector(selector: FieldSelectorAttributes | undefined): ReadSelector {
  const { rawSelector = '', requirements = [] } = selector ?? {};
  if (requirements.length === 0) return parsed(rawSelector, parseFieldSelector);
  const terms: string[] = [];
  for (const { key, operator, values = [] } of requirements) {
    const sign = operator === 'In' ? '=' : operator === 'NotIn' ? '!=' : undefined;
    if (sign === undefined || values.length !== 1) continue;
    terms.push(`${key}${sign}${(values[0] ?? '').replace(/[\\,=]/g, '\\$&')}`);
  }
  return { text: terms.join(','), failed: terms.length < requirements.length };
}

export function readLabelSelector(selector: LabelSelectorAttributes | undefined): ReadSelector {
  const { rawSelector = '', requirements = [] } = selector ?? {};
  if (requirements.length === 0) return parsed(rawSelector, parseLabelSelector);
  const terms: string[] = [];
  for (const { key, operator, values = [] } of requirements) {
    const term = termOf(key, operator, values);
    if (term !== undefined && !parsed(term, parseLabelSelector).failed) terms.push(term);
  }
  return { text: terms.join(','), failed: terms.length < requirements.length };
}

function termOf(key: string, operator: string, values: readonly string[]): string | undefined {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return undefined;
  }
}

function parsed(text: string, parse: (text: string) => unknown): ReadSelector {
  try {
    parse(text);
    return { text, failed: false };
  } catch {
    return { text: '', failed: true };
  }
}
