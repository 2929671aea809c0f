/** Which resources the server has, asked of the server itself (KEP-3352, aggregated discovery): two requests. */
import type { APIGroupDiscoveryList } from '../api/generated/types/apidiscovery.v2.ts';
import type { Client, RequestOptions } from './client.ts';
import type { ResourceRef } from './resources.ts';

export interface DiscoveredResource extends ResourceRef {
  readonly verbs: readonly string[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/**
 * Every resource once, in its group's preferred version; no subresources.
 * @throws ApiError; Error when the server does not speak aggregated discovery.
 */
export async function discover(client: Client, options: RequestOptions = {}): Promise<DiscoveredResource[]> {
  const found = new Map<string, DiscoveredResource>();
  for (const path of ['/api', '/apis']) {
    const list = await client.rawJson<APIGroupDiscoveryList>(
      { method: 'GET', path, headers: { accept: ACCEPT } },
      options,
    );
    if (list.kind !== 'APIGroupDiscoveryList')
      throw new Error(`GET ${path}: expected an APIGroupDiscoveryList, got ${list.kind}`);
    for (const group of list.items) {
      const groupName = group.metadata?.name ?? '';
      for (const { version, resources = [] } of group.versions ?? []) {
        for (const { resource, scope, responseKind, verbs } of resources) {
          const id = `${groupName}/${resource}`;
          // Versions come in the order of preference.
          if (found.has(id) || !responseKind) continue;
          found.set(id, {
            group: groupName,
            version,
            resource,
            kind: responseKind.kind,
            namespaced: scope === 'Namespaced',
            verbs,
          });
        }
      }
    }
  }
  return [...found.values()];
}
