/**
 * What is served, in both forms clients ask for: plain discovery, a document a group and version, and aggregated
 * discovery, everything in two (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api, KEP-3352).
 * Functions of a list of resources, since custom resources join the built-in ones.
 */
import { createHash } from 'node:crypto';
import type {
  APIGroupDiscovery,
  APIGroupDiscoveryList,
  APIResourceDiscovery,
  APISubresourceDiscovery,
} from './generated/types/apidiscovery.v2.ts';
import type {
  APIGroup,
  APIGroupList,
  APIResource,
  APIResourceList,
  APIVersions,
} from './generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { ResourceInfo, SubresourceInfo } from './resources.ts';

/** Groups in upstream's order of priority, which decides whose `events` or `pods` a bare name means; others follow by name. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

export const groupVersionOf = (group: string, version: string): string =>
  group === '' ? version : `${group}/${version}`;

/** `v2` before `v1` before `v1beta1` before `v1alpha1`, as Kubernetes ranks versions; names of other forms last. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): readonly number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!match) return [-1, 0, 0];
    const [, major = '0', stage, minor = '0'] = match;
    return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)];
  };
  const [left, right] = [rank(a), rank(b)];
  for (const i of [0, 1, 2]) {
    const difference = (right[i] ?? 0) - (left[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupsOf(resources: readonly ResourceInfo[]): string[] {
  const names = [...new Set(resources.map(r => r.group))];
  const order = (group: string): number =>
    GROUP_ORDER.includes(group) ? GROUP_ORDER.indexOf(group) : GROUP_ORDER.length;
  return names.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
}

/** Most preferred first. */
export function versionsOf(resources: readonly ResourceInfo[], group: string): string[] {
  return [...new Set(resources.filter(r => r.group === group).map(r => r.version))].sort(compareVersions);
}

function resourcesOf(resources: readonly ResourceInfo[], group: string, version: string): ResourceInfo[] {
  return resources
    .filter(r => r.group === group && r.version === version)
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
}

/** `/api`. `serverAddress` is the `host:port` clients reach the server at. */
export function apiVersions(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

function groupEntry(resources: readonly ResourceInfo[], group: string): APIGroup {
  const versions = versionsOf(resources, group).map(version => ({
    groupVersion: groupVersionOf(group, version),
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** `/apis`: every group but core. */
export function apiGroupList(resources: readonly ResourceInfo[]): APIGroupList {
  const groups = groupsOf(resources).filter(g => g !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(g => groupEntry(resources, g)) };
}

/** `/apis/<group>`; `undefined` for a group nobody serves. */
export function apiGroup(resources: readonly ResourceInfo[], group: string): APIGroup | undefined {
  if (!resources.some(r => r.group === group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(resources, group) };
}

function subresourceEntry(resource: ResourceInfo, sub: SubresourceInfo): APIResource {
  const foreign = sub.group !== resource.group || sub.version !== resource.version;
  return {
    name: `${resource.resource}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(foreign ? { group: sub.group, version: sub.version } : {}),
    kind: sub.kind,
    verbs: [...sub.verbs],
  };
}

/** Changes when objects of a kind are kept in another version, and so may need to be written again (upstream: `StorageVersionHash`). */
function storageVersionHash(storedIn: NonNullable<ResourceInfo['storedIn']>, kind: string): string {
  const digest = createHash('sha256').update(`${storedIn.group}/${storedIn.version}/${kind}`).digest();
  return digest.subarray(0, 8).toString('base64');
}

/** `/api/v1`, `/apis/<group>/<version>`; `undefined` where nothing is served. */
export function apiResourceList(
  resources: readonly ResourceInfo[],
  group: string,
  version: string,
): APIResourceList | undefined {
  const served = resourcesOf(resources, group, version);
  if (served.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersionOf(group, version),
    resources: served.flatMap(r => [
      {
        name: r.resource,
        singularName: r.singular,
        namespaced: r.namespaced,
        kind: r.kind,
        verbs: [...r.verbs],
        ...(r.shortNames.length > 0 ? { shortNames: [...r.shortNames] } : {}),
        ...(r.categories.length > 0 ? { categories: [...r.categories] } : {}),
        ...(r.storedIn ? { storageVersionHash: storageVersionHash(r.storedIn, r.kind) } : {}),
      },
      ...r.subresources.map(sub => subresourceEntry(r, sub)),
    ]),
  };
}

const kindReference = (of: { group: string; version: string; kind: string }) => ({
  group: of.group,
  version: of.version,
  kind: of.kind,
});

function resourceDiscovery(r: ResourceInfo): APIResourceDiscovery {
  const subresources: APISubresourceDiscovery[] = r.subresources.map(sub => ({
    subresource: sub.name,
    responseKind: kindReference(sub),
    verbs: [...sub.verbs],
  }));
  return {
    resource: r.resource,
    responseKind: kindReference(r),
    scope: r.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: r.singular,
    verbs: [...r.verbs],
    ...(r.shortNames.length > 0 ? { shortNames: [...r.shortNames] } : {}),
    ...(r.categories.length > 0 ? { categories: [...r.categories] } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/**
 * The aggregated form of `/api` (`core`) or `/apis` (all other groups), for
 * `Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`.
 */
export function apiGroupDiscoveryList(resources: readonly ResourceInfo[], core: boolean): APIGroupDiscoveryList {
  const groups = groupsOf(resources).filter(g => (g === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(
      (group): APIGroupDiscovery => ({
        metadata: { ...(group === '' ? {} : { name: group }) },
        versions: versionsOf(resources, group).map(version => ({
          version,
          resources: resourcesOf(resources, group, version).map(resourceDiscovery),
          freshness: 'Current',
        })),
      }),
    ),
  };
}
