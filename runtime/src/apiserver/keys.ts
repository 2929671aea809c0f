/** Where objects live in the store (docs/contracts.md, "Storage keys"). */
import type { ResourceInfo } from '../api/resources.ts';
import { badRequest } from '../api/status.ts';

type Keyed = Pick<ResourceInfo, 'group' | 'resource' | 'namespaced'>;

/** Everything of a resource, or of it in one namespace. Ends with `/`. */
export function prefixOf(resource: Keyed, namespace: string): string {
  const all = `/registry/${resource.group === '' ? 'core' : resource.group}/${resource.resource}/`;
  if (!resource.namespaced || namespace === '') return all;
  checkSegment(namespace);
  return `${all}${namespace}/`;
}

/** @throws StatusError 400 for a name that would reach out of its place. */
export function keyOf(resource: Keyed, namespace: string, name: string): string {
  checkSegment(name);
  return prefixOf(resource, namespace) + name;
}

/** The name in a key made by {@link keyOf}. */
export const nameOfKey = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** The namespace in the key of a namespaced object. */
export function namespaceOfKey(key: string): string {
  const end = key.lastIndexOf('/');
  return key.slice(key.lastIndexOf('/', end - 1) + 1, end);
}

function checkSegment(text: string): void {
  if (text === '' || text === '.' || text === '..') {
    throw badRequest(
      `invalid resource name ${JSON.stringify(text)}: [may not be ${text === '' ? 'empty' : `'${text}'`}]`,
    );
  }
  if (text.includes('/')) throw badRequest(`invalid resource name ${JSON.stringify(text)}: [may not contain '/']`);
  if (text.includes('%')) throw badRequest(`invalid resource name ${JSON.stringify(text)}: [may not contain '%']`);
  if (text.includes('\0')) throw badRequest(`invalid resource name ${JSON.stringify(text)}: [may not contain NUL]`);
}
