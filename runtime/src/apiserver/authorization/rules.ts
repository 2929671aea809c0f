/**
 * Policy rules as values: whether one covers a request, whether some cover others, and how they are written for people
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
 */
import type { PolicyRule } from '../../api/generated/types/rbac.v1.ts';
import type { Attributes } from './authorizer.ts';

const ALL = '*';

/** Whether one rule covers the request. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  const { verb, isResource, path, group, resource, subresource, name } = attributes;
  if (!includes(rule.verbs, verb)) return false;
  if (!isResource) return (rule.nonResourceURLs ?? []).some(pattern => urlCovers(pattern, path));
  if (!includes(rule.apiGroups, group)) return false;
  const { resources, resourceNames } = rule;
  if (resources === undefined || !resourcesAllow(resources, resource, subresource)) return false;
  return resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(name);
}

const includes = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes(ALL));

// `pods` is not `pods/log`; `*` is everything; `*/scale` is that subresource of everything.
function resourcesAllow(patterns: readonly string[], resource: string, subresource: string): boolean {
  if (patterns.includes(ALL)) return true;
  if (subresource === '') return patterns.includes(resource);
  return patterns.includes(`${resource}/${subresource}`) || patterns.includes(`*/${subresource}`);
}

/** `/healthz/*` is everything that begins so; a `*` elsewhere is a character like others. */
function urlCovers(pattern: string, path: string): boolean {
  if (pattern === ALL || pattern === path) return true;
  return pattern.endsWith(ALL) && path.startsWith(pattern.slice(0, -1).replace(/\*+$/, ''));
}

/** The parts of `rules`, one verb, group, resource and name each, that no rule of `owned` covers; empty: all are. */
export function uncovered(owned: readonly PolicyRule[], rules: readonly PolicyRule[]): PolicyRule[] {
  const missing: PolicyRule[] = [];
  for (const rule of rules)
    for (const part of partsOf(rule)) if (!owned.some(own => covers(own, part))) missing.push(part);
  return missing;
}

function* partsOf({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): Generator<PolicyRule> {
  for (const group of apiGroups ?? [])
    for (const resource of resources ?? [])
      for (const verb of verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (!resourceNames?.length) yield part;
        else for (const name of resourceNames) yield { ...part, resourceNames: [name] };
      }
  for (const url of nonResourceURLs ?? []) for (const verb of verbs) yield { nonResourceURLs: [url], verbs: [verb] };
}

function covers(owner: PolicyRule, part: PolicyRule): boolean {
  const { resourceNames: names } = owner;
  return (
    coversAll(owner.verbs, part.verbs) &&
    coversAll(owner.apiGroups, part.apiGroups) &&
    (part.resources ?? []).every(resource => resourceCovers(owner.resources ?? [], resource)) &&
    (part.nonResourceURLs ?? []).every(url => (owner.nonResourceURLs ?? []).some(own => urlCovers(own, url))) &&
    (!names?.length || (!!part.resourceNames?.length && part.resourceNames.every(name => names.includes(name))))
  );
}

const coversAll = (owned: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean =>
  (wanted ?? []).every(value => includes(owned, value));

function resourceCovers(owned: readonly string[], resource: string): boolean {
  if (owned.includes(ALL) || owned.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && owned.includes(`*${resource.slice(slash)}`);
}

/** Parts that differ in their verb alone become one rule. */
export function compacted(parts: readonly PolicyRule[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const simple = new Map<string, PolicyRule>();
  for (const part of parts) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = part;
    const isSimple =
      apiGroups.length === 1 && resources.length === 1 && resourceNames.length <= 1 && nonResourceURLs.length === 0;
    if (!isSimple) {
      rules.push(part);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const same = simple.get(key);
    if (same) same.verbs = [...new Set([...same.verbs, ...part.verbs])];
    else {
      const copy = { ...part };
      simple.set(key, copy);
      rules.push(copy);
    }
  }
  return rules;
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`: as upstream's messages show rules. */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const fields: readonly (readonly [name: string, values: readonly string[] | undefined])[] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ];
  const shown = fields
    .filter(([, values]) => values?.length)
    .map(([name, values]) => `${name}:${quoted(values ?? [])}`);
  return `{${shown.join(', ')}}`;
}

/** Go's `%q` of a list of strings. */
export const quoted = (values: readonly string[]): string =>
  `[${values.map(value => JSON.stringify(value)).join(' ')}]`;
