/** What webhooks and policies are asked about (upstream: `pkg/apis/admissionregistration/validation`). */
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  Rule,
  RuleWithOperations,
} from '../../generated/types/admissionregistration.v1.ts';
import { pathSegmentErrors, qualifiedNameErrors } from '../../names.ts';
import { at, child, duplicate, invalid, invalidEach, notSupported, required, tooMany } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
export const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const MAX_CONDITIONS = 64;

const hasWildcard = (items: readonly string[]): boolean => items.length > 1 && items.includes('*');

export function oneOf(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(field, value, allowed)];
}

function resourceErrors(resources: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = resources.length === 0 ? [required(path)] : [];
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let bare = false;
  for (const [i, text] of resources.entries()) {
    const here = at(path, i);
    if (text === '') {
      errors.push(required(here));
      continue;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      bare = text !== '*';
      continue;
    }
    const [resource, sub] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholeResources.has(resource))
      errors.push(invalid(here, text, `if '${resource}/*' is present, must not specify ${text}`));
    if (wholeSubresources.has(sub))
      errors.push(invalid(here, text, `if '*/${sub}' is present, must not specify ${text}`));
    if (sub === '*') wholeResources.add(resource);
    if (resource === '*') wholeSubresources.add(sub);
  }
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && bare)
    errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

export function ruleErrors(rule: RuleWithOperations, path: string): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors: FieldError[] = [];
  const field = (name: string): string => child(path, name);
  if (operations.length === 0) errors.push(required(field('operations')));
  if (hasWildcard(operations))
    errors.push(invalid(field('operations'), operations, "if '*' is present, must not specify other operations"));
  for (const [i, operation] of operations.entries())
    errors.push(...oneOf(at(field('operations'), i), operation, OPERATIONS));
  if (apiGroups.length === 0) errors.push(required(field('apiGroups')));
  if (hasWildcard(apiGroups))
    errors.push(invalid(field('apiGroups'), apiGroups, "if '*' is present, must not specify other API groups"));
  if (apiVersions.length === 0) errors.push(required(field('apiVersions')));
  if (hasWildcard(apiVersions))
    errors.push(invalid(field('apiVersions'), apiVersions, "if '*' is present, must not specify other API versions"));
  for (const [i, version] of apiVersions.entries())
    if (version === '') errors.push(required(at(field('apiVersions'), i)));
  return [...errors, ...resourceErrors(resources, field('resources')), ...oneOf(field('scope'), scope, SCOPES)];
}

function namedRuleErrors(rule: NamedRuleWithOperations, path: string): FieldError[] {
  const seen = new Set<string>();
  const errors = (rule.resourceNames ?? []).flatMap((name, i) => {
    const here = at(child(path, 'resourceNames'), i);
    const own = invalidEach(here, name, pathSegmentErrors(name));
    if (seen.has(name)) own.push(duplicate(here, name));
    seen.add(name);
    return own;
  });
  return [...errors, ...ruleErrors(rule, path)];
}

export function matchResourceErrors(match: MatchResources, path: string): FieldError[] {
  const policy = child(path, 'matchPolicy');
  const errors =
    match.matchPolicy === undefined ? [required(policy)] : oneOf(policy, match.matchPolicy, MATCH_POLICIES);
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    const selector = match[field];
    errors.push(...(selector ? validateLabelSelector(selector, child(path, field)) : [required(child(path, field))]));
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const)
    errors.push(...(match[field] ?? []).flatMap((rule, i) => namedRuleErrors(rule, at(child(path, field), i))));
  return errors;
}

/** Expressions are looked at as text only; what they mean is for their compiler. */
export function matchConditionErrors(conditions: readonly MatchCondition[] | undefined, path: string): FieldError[] {
  const all = conditions ?? [];
  const errors = all.length > MAX_CONDITIONS ? [tooMany(path, all.length, MAX_CONDITIONS)] : [];
  const names = new Set<string>();
  for (const [i, { name = '', expression = '' }] of all.entries()) {
    const here = at(path, i);
    if (expression.trim() === '') errors.push(required(child(here, 'expression')));
    if (name === '') {
      errors.push(required(child(here, 'name')));
      continue;
    }
    errors.push(...invalidEach(child(here, 'name'), name, qualifiedNameErrors(name)));
    if (names.has(name)) errors.push(duplicate(child(here, 'name'), name));
    names.add(name);
  }
  return errors;
}

export function defaultRule(rule: Rule): void {
  rule.scope ??= '*';
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) defaultRule(rule);
}
