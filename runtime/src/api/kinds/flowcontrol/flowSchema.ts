/** FlowSchemas (upstream: `pkg/apis/flowcontrol/validation`). */
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../generated/types/flowcontrol.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { mandatoryFlowSchemas } from './mandatory.ts';

const HIGHEST_PRECEDENCE = 10_000;
const METHODS = ['ByNamespace', 'ByUser'];
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

const hasWildcard = (items: readonly string[]): boolean => items.includes('*');

/** A kind of subject and the field it is named in. */
const SUBJECT_FIELDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function subjectNameErrors(subject: Subject, kind: keyof typeof SUBJECT_FIELDS, path: string): FieldError[] {
  const field = SUBJECT_FIELDS[kind];
  const named = subject[field];
  const here = child(path, field);
  if (!named) return [required(here, `${field} is required when subject kind is '${kind}'`)];
  const errors: FieldError[] = [];
  if (!named.name) errors.push(required(child(here, 'name')));
  if (kind !== 'ServiceAccount') return errors;
  const { name, namespace } = subject.serviceAccount ?? { name: '', namespace: '' };
  if (name && name !== '*') errors.push(...invalidEach(child(here, 'name'), name, dns1123SubdomainErrors(name)));
  if (namespace) errors.push(...invalidEach(child(here, 'namespace'), namespace, dns1123LabelErrors(namespace)));
  else errors.push(required(child(here, 'namespace'), 'must specify namespace for service account'));
  return errors;
}

function subjectErrors(subject: Subject, path: string): FieldError[] {
  const kind = subject.kind as keyof typeof SUBJECT_FIELDS;
  if (!SUBJECT_KINDS.includes(kind)) return [notSupported(child(path, 'kind'), subject.kind, SUBJECT_KINDS)];
  const errors = subjectNameErrors(subject, kind, path);
  const others = (['ServiceAccount', 'User', 'Group'] as const).filter(other => other !== kind);
  for (const other of others) {
    const field = SUBJECT_FIELDS[other];
    if (subject[field])
      errors.push(forbidden(child(path, field), `${field} is forbidden when subject kind is not '${other}'`));
  }
  return errors;
}

function verbErrors(verbs: readonly string[] | undefined, path: string): FieldError[] {
  const field = child(path, 'verbs');
  if (!verbs?.length) return [required(field, 'verbs must contain at least one value')];
  if (hasWildcard(verbs))
    return verbs.length > 1 ? [invalid(field, verbs, "if '*' is present, must not specify other verbs")] : [];
  return verbs.every(verb => VERBS.includes(verb)) ? [] : [notSupported(field, verbs, VERBS)];
}

/** @param what as in "must not specify other …". @param one as in "must supply at least one …". */
function listErrors(items: readonly string[] | undefined, field: string, what: string, one: string): FieldError[] {
  if (!items?.length) return [required(field, `resource rules must supply at least one ${one}`)];
  return items.length > 1 && hasWildcard(items)
    ? [invalid(field, items, `if '*' is present, must not specify other ${what}`)]
    : [];
}

function namespaceErrors({ namespaces = [], clusterScope }: ResourcePolicyRule, path: string): FieldError[] {
  const field = child(path, 'namespaces');
  if (namespaces.length === 0 && !clusterScope)
    return [required(field, 'resource rules that are not cluster scoped must supply at least one namespace')];
  if (hasWildcard(namespaces))
    return namespaces.length > 1
      ? [invalid(field, namespaces, "if '*' is present, must not specify other namespaces")]
      : [];
  return namespaces.flatMap((namespace, i) =>
    invalidEach(
      at(field, i),
      namespace,
      dns1123LabelErrors(namespace).map(text => `each member of this list must be '*' or a DNS-1123 label; ${text}`),
    ),
  );
}

const resourceRuleErrors = (rule: ResourcePolicyRule, path: string): FieldError[] => [
  ...verbErrors(rule.verbs, path),
  ...listErrors(rule.apiGroups, child(path, 'apiGroups'), 'api groups', 'api group'),
  ...listErrors(rule.resources, child(path, 'resources'), 'resources', 'resource'),
  ...namespaceErrors(rule, path),
];

function urlText(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const wildcards = url.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function nonResourceRuleErrors(rule: NonResourcePolicyRule, path: string): FieldError[] {
  const errors = verbErrors(rule.verbs, path);
  const field = child(path, 'nonResourceURLs');
  const urls = rule.nonResourceURLs ?? [];
  if (urls.length === 0) errors.push(required(field, 'nonResourceURLs must contain at least one value'));
  else if (hasWildcard(urls)) {
    if (urls.length > 1)
      errors.push(invalid(field, urls, "if '*' is present, must not specify other non-resource URLs"));
  } else
    for (const [i, url] of urls.entries()) {
      const text = urlText(url);
      if (text !== undefined) errors.push(invalid(at(field, i), url, text));
    }
  return errors;
}

function ruleErrors(rule: PolicyRulesWithSubjects, path: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors =
    subjects.length === 0
      ? [required(child(path, 'subjects'), 'subjects must contain at least one value')]
      : subjects.flatMap((subject, i) => subjectErrors(subject, at(child(path, 'subjects'), i)));
  if (resourceRules.length === 0 && nonResourceRules.length === 0)
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  return [
    ...errors,
    ...resourceRules.flatMap((r, i) => resourceRuleErrors(r, at(child(path, 'resourceRules'), i))),
    ...nonResourceRules.flatMap((r, i) => nonResourceRuleErrors(r, at(child(path, 'nonResourceRules'), i))),
  ];
}

function precedenceErrors(precedence: number, name: string | undefined): FieldError[] {
  const field = 'spec.matchingPrecedence';
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalid(field, precedence, 'must be a positive value'));
  if (precedence > HIGHEST_PRECEDENCE)
    errors.push(invalid(field, precedence, `must not be greater than ${HIGHEST_PRECEDENCE}`));
  if (precedence === 1 && name !== 'exempt')
    errors.push(invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  return errors;
}

function specErrors(spec: FlowSchemaSpec | undefined, name: string | undefined): FieldError[] {
  const errors = precedenceErrors(spec?.matchingPrecedence ?? 0, name);
  const method = spec?.distinguisherMethod;
  if (method && !METHODS.includes(method.type))
    errors.push(notSupported('spec.distinguisherMethod.type', method, METHODS));
  const level = spec?.priorityLevelConfiguration?.name ?? '';
  const field = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.push(required(field, 'must reference a priority level'));
  else errors.push(...invalidEach(field, level, dns1123SubdomainErrors(level)));
  return [...errors, ...(spec?.rules ?? []).flatMap((rule, i) => ruleErrors(rule, at('spec.rules', i)))];
}

/** For flow schemas and priority levels alike. */
export function conditionErrors(
  conditions: readonly { readonly type?: string | undefined }[] | undefined,
): FieldError[] {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap(({ type = '' }, i) => {
    const field = child(at('status.conditions', i), 'type');
    const errors = seen.has(type) ? [duplicate(field, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(field, 'must not be empty')] : errors;
  });
}

/** Whether its level is there: `True` where it is missing, `?` while nobody has looked. */
const missingLevel = ({ status }: FlowSchema): string =>
  status?.conditions?.find(condition => condition.type === 'Dangling')?.status ?? '?';

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  // The first that matches is the one: as people have to read them.
  rowOrder: (one, other) => (one.spec?.matchingPrecedence ?? 0) - (other.spec?.matchingPrecedence ?? 0),
  columns: [
    column(
      'PriorityLevel',
      'string',
      '`priorityLevelConfiguration` should reference a PriorityLevelConfiguration in the cluster.',
      o => o.spec?.priorityLevelConfiguration?.name || '<none>',
    ),
    column(
      'MatchingPrecedence',
      'integer',
      '`matchingPrecedence` is used to choose among the FlowSchemas that match a given request.',
      o => o.spec?.matchingPrecedence ?? 0,
    ),
    column(
      'DistinguisherMethod',
      'string',
      '`distinguisherMethod` defines how to compute the flow distinguisher for requests that match this schema.',
      o => o.spec?.distinguisherMethod?.type ?? '<none>',
    ),
    ageColumn,
    column('MissingPL', 'string', 'references a broken or non-existent PriorityLevelConfiguration', missingLevel),
  ],
  defaults: ({ spec }) => {
    if (spec && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  },
  validate: ({ metadata, spec, status }) => {
    const errors = specErrors(spec, metadata.name);
    const fixed = mandatoryFlowSchemas[metadata.name ?? ''];
    if (fixed && !sameValue(spec, fixed))
      errors.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`));
    return [...errors, ...conditionErrors(status?.conditions)];
  },
  validateStatusUpdate: ({ status }) => conditionErrors(status?.conditions),
});
