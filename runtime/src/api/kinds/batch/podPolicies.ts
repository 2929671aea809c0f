/** Validation of what a job makes of its pods' ends (upstream: `validatePodFailurePolicy`, `validateSuccessPolicy`; KEP-3329, KEP-3998). */
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../generated/types/batch.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import {
  at,
  child,
  duplicate,
  invalid,
  invalidEach,
  nonNegative,
  notSupported,
  required,
  tooLong,
  tooMany,
  unfit,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];
const MAX_RULES = 20;
const MAX_VALUES = 255;
const MAX_PATTERNS = 20;
const MAX_INDEXES_BYTES = 64 * 1024;

/** As Go prints a list with `%q`. */
const choices = (values: readonly string[]): string =>
  `valid values: [${values.map(v => JSON.stringify(v)).join(' ')}]`;

function oneOf(value: string | undefined, values: readonly string[], path: string): FieldError[] {
  if (!value) return [required(path, choices(values))];
  return values.includes(value) ? [] : [notSupported(path, value, values)];
}

function exitCodeErrors(
  requirement: PodFailurePolicyOnExitCodesRequirement,
  containers: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const { operator, containerName, values = [] } = requirement;
  const errors = oneOf(operator, OPERATORS, child(path, 'operator'));
  if (containerName !== undefined && !containers.has(containerName))
    errors.push(
      invalid(
        child(path, 'containerName'),
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    );
  const list = child(path, 'values');
  if (values.length === 0) errors.push(invalid(list, requirement.values ?? null, 'at least one value is required'));
  else if (values.length > MAX_VALUES) errors.push(tooMany(list, values.length, MAX_VALUES));
  const seen = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(invalid(at(list, i), value, 'must not be 0 for the In operator'));
    if (seen.has(value)) errors.push(duplicate(at(list, i), value));
    seen.add(value);
  }
  if (values.some((value, i) => i > 0 && (values[i - 1] ?? 0) > value))
    errors.push(invalid(list, values, 'must be ordered'));
  return errors;
}

function conditionErrors(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: string): FieldError[] {
  const errors = patterns.length > MAX_PATTERNS ? [tooMany(path, patterns.length, MAX_PATTERNS)] : [];
  for (const [i, { type = '', status }] of patterns.entries()) {
    const here = at(path, i);
    errors.push(...invalidEach(child(here, 'type'), type, qualifiedNameErrors(type)));
    errors.push(...oneOf(status, STATUSES, child(here, 'status')));
  }
  return errors;
}

function failureRuleErrors(
  rule: PodFailurePolicyRule,
  spec: JobSpec,
  containers: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const field = child(path, 'action');
  const errors = oneOf(action, ACTIONS, field);
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    errors.push(invalid(field, action, 'requires the backoffLimitPerIndex to be set'));
  if (onExitCodes) errors.push(...exitCodeErrors(onExitCodes, containers, child(path, 'onExitCodes')));
  if (onPodConditions.length > 0) errors.push(...conditionErrors(onPodConditions, child(path, 'onPodConditions')));
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(unfit(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(unfit(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

export function failurePolicyErrors(spec: JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const list = child(path, 'rules');
  const pod = spec.template?.spec;
  const containers = new Set([...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].map(c => c.name));
  return [
    ...(rules.length > MAX_RULES ? [tooMany(list, rules.length, MAX_RULES)] : []),
    ...rules.flatMap((rule, i) => failureRuleErrors(rule, spec, containers, at(list, i))),
  ];
}

/** How many indexes `1,3-5` names. @throws Error with upstream's words (`validateIndexesFormat`). */
export function countIndexes(text: string, completions: number): number {
  if (text === '') return 0;
  const index = (digits: string): number => {
    if (!/^\d+$/.test(digits)) throw new Error(`cannot convert string to integer for index: ${JSON.stringify(digits)}`);
    const value = Number(digits);
    if (value >= completions) throw new Error(`too large index: ${JSON.stringify(digits)}`);
    return value;
  };
  let total = 0;
  let last: number | undefined;
  for (const interval of text.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2)
      throw new Error(
        `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`,
      );
    const [x = '', y] = limits;
    const first = index(x);
    if (last !== undefined && last >= first)
      throw new Error(`non-increasing order, previous: ${last}, current: ${first}`);
    last = first;
    if (y !== undefined) {
      const end = index(y);
      if (first >= end) throw new Error(`non-increasing order, previous: ${first}, current: ${end}`);
      total += end - first;
      last = end;
    }
    total++;
  }
  return total;
}

function successRuleErrors(rule: SuccessPolicyRule, completions: number | undefined, path: string): FieldError[] {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined)
    errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  if (completions === undefined) return errors;
  let total = 0;
  if (indexes !== undefined) {
    const field = child(path, 'succeededIndexes');
    if (indexes.length > MAX_INDEXES_BYTES) errors.push(tooLong(field, MAX_INDEXES_BYTES));
    try {
      total = countIndexes(indexes, completions);
    } catch (error) {
      errors.push(invalid(field, indexes, `error parsing succeededIndexes: ${(error as Error).message}`));
    }
  }
  if (count === undefined) return errors;
  const field = child(path, 'succeededCount');
  errors.push(...nonNegative(field, count));
  if (count > completions)
    errors.push(
      invalid(field, count, `must be less than or equal to ${completions} (the number of specified completions)`),
    );
  if (indexes !== undefined && count > total)
    errors.push(
      invalid(
        field,
        count,
        `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`,
      ),
    );
  return errors;
}

export function successPolicyErrors(spec: JobSpec, path: string): FieldError[] {
  if (!spec.successPolicy) return [];
  if (spec.completionMode !== 'Indexed') return [invalid(path, spec.successPolicy, 'requires indexed completion mode')];
  const rules = spec.successPolicy.rules ?? [];
  const list = child(path, 'rules');
  const errors: FieldError[] = [];
  if (rules.length === 0)
    errors.push(required(list, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > MAX_RULES) errors.push(tooMany(list, rules.length, MAX_RULES));
  return [...errors, ...rules.flatMap((rule, i) => successRuleErrors(rule, spec.completions, at(list, i)))];
}
