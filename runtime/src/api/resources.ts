/**
 * What can be asked for: every built-in resource with its verbs and subresources, from the schema's kinds, the kinds'
 * own modules, and the little that neither tells (core's subresources, create-only reviews).
 */
import type { Converter } from './apply/updater.ts';
import { kinds } from './generated/index.ts';
import { kindModule } from './kinds/index.ts';
import type { KindModule } from './kinds/kind.ts';
import type { KindSchema } from './schema/model.ts';
import { definitionOf } from './schema/table.ts';

export interface SubresourceInfo {
  /** `status`, `log`, `scale`… */
  readonly name: string;
  /** What is sent and answered; `Pod` under `pods/status`, `Scale` of `autoscaling/v1` under `deployments/scale`. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Definition of that kind; `undefined` where it is no object of the schema. */
  readonly definition: string | undefined;
  readonly verbs: readonly string[];
}

export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  /** `deployments` */
  readonly resource: string;
  /** `deployment` */
  readonly singular: string;
  readonly kind: string;
  /** Unset: the kind with `List` behind it. */
  readonly listKind?: string | undefined;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Sorted, as discovery lists them. */
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** `io.k8s.api.apps.v1.Deployment`; of a custom resource what OpenAPI calls it, which the schema table does not know. */
  readonly definition: string;
  /** The definition of its list, where the schema table does not know it either. */
  readonly listDefinition?: string | undefined;
  /** In what form its objects are kept. Unset: none are, or, of a custom resource, in a version that is served no more. */
  readonly storedIn?: { readonly group: string; readonly version: string } | undefined;
  /** The rules of a custom resource's kind; built-in kinds have theirs in `kinds/`. */
  readonly module?: KindModule | undefined;
  /** The types of a custom resource's versions, for server-side apply; those of built-in kinds are in the schema table. */
  readonly types?: Converter | undefined;
}

const ALL = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const GET_UPDATE = ['get', 'patch', 'update'];
const PROXY = ['create', 'delete', 'get', 'patch', 'update'];

/** `Ingress` → `ingresses`, `NetworkPolicy` → `networkpolicies`, `Endpoints` → `endpoints`. */
export function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (singular === 'endpoints') return singular;
  if (/(s|x|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}

interface Sub {
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

const SCALE: Sub = { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: GET_UPDATE };
/** A stream; kubectl opens it with GET (WebSocket) or POST (SPDY). */
const stream = (kind: string): Sub => ({ kind, verbs: ['create', 'get'] });
const proxy = (kind: string): Sub => ({ kind, verbs: PROXY });

/** Subresources the schema's markers do not tell, or tell without their kind. By `<group>/<resource>/<name>`. */
const SUBRESOURCES: Readonly<Record<string, Sub>> = {
  '/namespaces/finalize': { kind: 'Namespace', verbs: ['update'] },
  '/nodes/proxy': proxy('NodeProxyOptions'),
  '/pods/attach': stream('PodAttachOptions'),
  '/pods/binding': { kind: 'Binding', verbs: ['create'] },
  '/pods/ephemeralcontainers': { kind: 'Pod', verbs: GET_UPDATE },
  '/pods/eviction': { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  '/pods/exec': stream('PodExecOptions'),
  '/pods/log': { kind: 'Pod', verbs: ['get'] },
  '/pods/portforward': stream('PodPortForwardOptions'),
  '/pods/proxy': proxy('PodProxyOptions'),
  '/pods/resize': { kind: 'Pod', verbs: GET_UPDATE },
  '/replicationcontrollers/scale': SCALE,
  '/serviceaccounts/token': {
    kind: 'TokenRequest',
    group: 'authentication.k8s.io',
    version: 'v1',
    verbs: ['create'],
  },
  '/services/proxy': proxy('ServiceProxyOptions'),
  'apps/deployments/scale': SCALE,
  'apps/replicasets/scale': SCALE,
  'apps/statefulsets/scale': SCALE,
  'certificates.k8s.io/certificatesigningrequests/approval': {
    kind: 'CertificateSigningRequest',
    verbs: GET_UPDATE,
  },
};

/** Kinds that have a resource but no client of their own, so no marker. */
const WITHOUT_MARKER: readonly (KindSchema & { readonly definition: string })[] = [
  {
    group: '',
    version: 'v1',
    kind: 'Binding',
    namespaced: true,
    onlyVerbs: ['create'],
    subresources: [],
    definition: 'io.k8s.api.core.v1.Binding',
  },
];

function subresourcesOf(kind: KindSchema, resource: string, definition: string): SubresourceInfo[] {
  const prefix = `${kind.group}/${resource}/`;
  const known = Object.keys(SUBRESOURCES).filter(key => key.startsWith(prefix));
  const names = new Set([...kind.subresources, ...known.map(key => key.slice(prefix.length))]);
  return [...names].sort().map(name => {
    const sub: Sub = SUBRESOURCES[`${prefix}${name}`] ?? { kind: kind.kind, verbs: GET_UPDATE };
    const group = sub.group ?? kind.group;
    const version = sub.version ?? kind.version;
    return {
      name,
      group,
      version,
      kind: sub.kind,
      // Read when asked for: finding it would parse the package's table.
      get definition(): string | undefined {
        return sub.kind === kind.kind ? definition : definitionOf(group, version, sub.kind);
      },
      verbs: sub.verbs,
    };
  });
}

function verbsOf(kind: KindSchema): readonly string[] {
  if (kind.kind === 'ComponentStatus') return ['get', 'list'];
  if (kind.onlyVerbs) return kind.onlyVerbs;
  // Namespaces go one by one, since each must be emptied first. (That services skip it too is of the generated client only.)
  if (kind.group === '' && kind.kind === 'Namespace') return ALL.filter(v => v !== 'deletecollection');
  return ALL;
}

/** `PodList` */
export const listKindOf = ({ kind, listKind }: Pick<ResourceInfo, 'kind' | 'listKind'>): string =>
  listKind ?? `${kind}List`;

/** The resource of a kind as the schema's markers describe it. */
export function resourceInfo(kind: KindSchema & { readonly definition: string }): ResourceInfo {
  const resource = kind.kind === 'ComponentStatus' ? 'componentstatuses' : pluralOf(kind.kind);
  const own = kindModule(kind.group, kind.kind);
  const createOnly = kind.onlyVerbs?.join() === 'create';
  const verbs = verbsOf(kind);
  return {
    group: kind.group,
    version: kind.version,
    resource,
    singular: kind.kind.toLowerCase(),
    kind: kind.kind,
    namespaced: kind.namespaced,
    shortNames: own?.shortNames ?? [],
    categories: own?.categories ?? [],
    verbs,
    ...(verbs.includes('watch') ? { storedIn: storedIn(kind) } : {}),
    subresources: createOnly ? [] : subresourcesOf(kind, resource, kind.definition),
    definition: kind.definition,
  };
}

function storedIn({ group, version, kind }: KindSchema): { readonly group: string; readonly version: string } {
  const other = kindModule(group, kind, version)?.storedAs;
  return other ? { group: other.group, version: other.version } : { group, version };
}

/** Every built-in resource, in the order of the groups' packages. */
export const resources: readonly ResourceInfo[] = [...kinds, ...WITHOUT_MARKER]
  .filter(k => k.noVerbs !== true)
  .map(resourceInfo);

const byResource = new Map(resources.map(r => [`${r.group}/${r.version}/${r.resource}`, r]));
const byKind = new Map(resources.map(r => [`${r.group}/${r.version}/${r.kind}`, r]));

export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  return byResource.get(`${group}/${version}/${resource}`);
}

export function resourceOfKind(group: string, version: string, kind: string): ResourceInfo | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}
