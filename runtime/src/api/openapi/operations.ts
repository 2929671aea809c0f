/** The operations on a resource: what OpenAPI 2 and 3 say alike of each path. */
import { groupVersionOf } from '../discovery.ts';
import type { ResourceInfo } from '../resources.ts';
import { definitionOf, META } from '../schema/table.ts';
import type { GroupVersionKind } from './schema.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly description: string;
  readonly type: 'string' | 'integer' | 'boolean';
}

export interface Operation {
  readonly path: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly action: string;
  readonly gvk: GroupVersionKind;
  readonly operationId: string;
  readonly tag: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** Definition of the body and of the answer. */
  readonly body?: string;
  readonly answer?: string;
  /** 201 and 202 answers besides 200. */
  readonly codes: readonly number[];
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  description,
  type,
});
const DRY_RUN = query(
  'dryRun',
  'string',
  'When present, indicates that modifications should not be persisted. Valid values are: All',
);
const FIELD_MANAGER = query('fieldManager', 'string', 'A name associated with the actor making these changes.');
const FIELD_VALIDATION = query(
  'fieldValidation',
  'string',
  'Instructs the server on how to handle unknown or duplicate fields: Ignore, Warn or Strict.',
);
const FORCE = query(
  'force',
  'boolean',
  'Force is going to "force" Apply requests. It must be unset for non-apply patch requests.',
);
const PRETTY = query('pretty', 'string', "If 'true', then the output is pretty printed.");
const LIST = [
  query('allowWatchBookmarks', 'boolean', 'Requests watch events with type "BOOKMARK".'),
  query('continue', 'string', 'Set when retrieving more results from the server, from the previous list.'),
  query('fieldSelector', 'string', 'A selector to restrict the list of returned objects by their fields.'),
  query('labelSelector', 'string', 'A selector to restrict the list of returned objects by their labels.'),
  query('limit', 'integer', 'The maximum number of responses to return for a list call.'),
  query('resourceVersion', 'string', 'A constraint on what resource versions a request may be served from.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is applied to list calls.'),
  query('sendInitialEvents', 'boolean', 'Begins a watch with synthetic events of the current state.'),
  query('timeoutSeconds', 'integer', 'Timeout for the list/watch call.'),
  query('watch', 'boolean', 'Watch for changes to the described resources.'),
];
const DELETE = [
  DRY_RUN,
  query('gracePeriodSeconds', 'integer', 'The duration in seconds before the object should be deleted.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'Whether and how garbage collection will be performed.'),
];
const NAME: Parameter = { name: 'name', in: 'path', description: 'name of the object', type: 'string' };
const NAMESPACE: Parameter = {
  name: 'namespace',
  in: 'path',
  description: 'object name and auth scope, such as for teams and projects',
  type: 'string',
};

const STATUS = `${META}.Status`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const identifier = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]+/)
    .map(capital)
    .join('');

/** `/api/v1`, `/apis/apps/v1`. */
export const rootOf = (group: string, version: string): string =>
  group === '' ? `/api/${version}` : `/apis/${groupVersionOf(group, version)}`;

function groupTag(group: string, version: string): string {
  const name = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '').replace(/\./g, '_');
  return `${name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase())}_${version}`;
}

interface Verb {
  readonly method: Operation['method'];
  readonly action: string;
  readonly word: string;
  readonly parameters: readonly Parameter[];
  readonly takes: 'object' | 'patch' | 'options' | 'nothing';
  readonly gives: 'object' | 'list' | 'status';
  readonly codes: readonly number[];
}

const WRITE = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, PRETTY];
const VERBS: Readonly<Record<string, Verb>> = {
  list: {
    method: 'get',
    action: 'list',
    word: 'list',
    parameters: [...LIST, PRETTY],
    takes: 'nothing',
    gives: 'list',
    codes: [],
  },
  create: {
    method: 'post',
    action: 'post',
    word: 'create',
    parameters: WRITE,
    takes: 'object',
    gives: 'object',
    codes: [201, 202],
  },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    word: 'deleteCollection',
    parameters: [...LIST, ...DELETE],
    takes: 'options',
    gives: 'status',
    codes: [],
  },
  get: {
    method: 'get',
    action: 'get',
    word: 'read',
    parameters: [PRETTY],
    takes: 'nothing',
    gives: 'object',
    codes: [],
  },
  update: {
    method: 'put',
    action: 'put',
    word: 'replace',
    parameters: WRITE,
    takes: 'object',
    gives: 'object',
    codes: [201],
  },
  patch: {
    method: 'patch',
    action: 'patch',
    word: 'patch',
    parameters: [...WRITE, FORCE],
    takes: 'patch',
    gives: 'object',
    codes: [201],
  },
  delete: {
    method: 'delete',
    action: 'delete',
    word: 'delete',
    parameters: [...DELETE, PRETTY],
    takes: 'options',
    gives: 'status',
    codes: [202],
  },
};

interface Target {
  readonly path: string;
  readonly pathParameters: readonly Parameter[];
  readonly verbs: readonly string[];
  readonly kind: GroupVersionKind;
  readonly definition: string | undefined;
  readonly listDefinition?: string | undefined;
  /** Part of the operation's id: `NamespacedPodStatus`. */
  readonly subject: string;
}

function operationsOn(target: Target, tag: string): Operation[] {
  return target.verbs.flatMap((name): Operation[] => {
    const verb = VERBS[name];
    if (!verb) return [];
    const { definition, kind } = target;
    const listDefinition = target.listDefinition ?? definitionOf(kind.group, kind.version, `${kind.kind}List`);
    const answer = verb.gives === 'status' ? STATUS : verb.gives === 'list' ? listDefinition : definition;
    const body =
      verb.takes === 'object'
        ? definition
        : verb.takes === 'patch'
          ? `${META}.Patch`
          : verb.takes === 'options'
            ? `${META}.DeleteOptions`
            : undefined;
    const groupId = tag.split('_').map(capital).join('');
    return [
      {
        path: target.path,
        method: verb.method,
        action: verb.action,
        gvk: kind,
        operationId: `${verb.word.replace('Collection', `${groupId}Collection`)}${verb.word === 'deleteCollection' ? '' : groupId}${target.subject}`,
        tag,
        description: `${verb.word.replace('deleteCollection', 'delete collection of')} ${kind.kind}`,
        parameters: [...target.pathParameters, ...verb.parameters],
        ...(body === undefined ? {} : { body }),
        ...(answer === undefined ? {} : { answer }),
        codes: verb.codes,
      },
    ];
  });
}

const COLLECTION = ['list', 'create', 'deletecollection'];
const ITEM = ['get', 'update', 'patch', 'delete'];

/** Every operation on a resource and its subresources. Watches under `/watch/` are deprecated and not listed. */
export function operationsOf(resource: ResourceInfo): Operation[] {
  const root = rootOf(resource.group, resource.version);
  const tag = groupTag(resource.group, resource.version);
  const scope = resource.namespaced ? '/namespaces/{namespace}' : '';
  const scopeParameters = resource.namespaced ? [NAMESPACE] : [];
  const scopeWord = resource.namespaced ? 'Namespaced' : '';
  const kind = { group: resource.group, kind: resource.kind, version: resource.version };
  const base = `${root}${scope}/${resource.resource}`;
  const offered = (verbs: readonly string[]): string[] => verbs.filter(v => resource.verbs.includes(v));
  const own = { kind, definition: resource.definition, listDefinition: resource.listDefinition };
  const targets: Target[] = [
    {
      ...own,
      path: base,
      pathParameters: scopeParameters,
      verbs: offered(COLLECTION),
      subject: `${scopeWord}${resource.kind}`,
    },
    {
      ...own,
      path: `${base}/{name}`,
      pathParameters: [NAME, ...scopeParameters],
      verbs: offered(ITEM),
      subject: `${scopeWord}${resource.kind}`,
    },
  ];
  if (resource.namespaced && resource.verbs.includes('list')) {
    targets.push({
      ...own,
      path: `${root}/${resource.resource}`,
      pathParameters: [],
      verbs: ['list'],
      subject: `${resource.kind}ForAllNamespaces`,
    });
  }
  for (const sub of resource.subresources) {
    targets.push({
      path: `${base}/{name}/${sub.name}`,
      pathParameters: [NAME, ...scopeParameters],
      verbs: sub.verbs,
      kind: { group: sub.group, kind: sub.kind, version: sub.version },
      // Connections carry streams, not objects.
      definition: sub.kind.endsWith('Options')
        ? undefined
        : (sub.definition ?? (sub.kind === resource.kind ? resource.definition : undefined)),
      subject: `${scopeWord}${resource.kind}${identifier(sub.name)}`,
    });
  }
  return targets.flatMap(target => operationsOn(target, tag));
}

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;
/** Media types of requests and answers; custom resources have no protobuf and no strategic merge patch. */
export interface MediaTypes {
  readonly bodies: readonly string[];
  readonly patches: readonly string[];
}

export const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;
export const ALL_TYPES: MediaTypes = { bodies: BODY_TYPES, patches: PATCH_TYPES };
