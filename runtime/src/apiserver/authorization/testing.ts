/** For the tests: requests in one line, and stores with objects in them. */
import type { KubeObject } from '../../api/object.ts';
import { resourceOfKind } from '../../api/resources.ts';
import type { User } from '../../lib/exchange.ts';
import type { Store } from '../../store/store.ts';
import { keyOf } from '../keys.ts';
import { serialize } from '../serialized.ts';
import type { Attributes } from './authorizer.ts';

/**
 * `get apps/deployments/scale default/web`, `list core/pods default/ spec.nodeName=n1`, `get /livez`: verb,
 * group/resource[/subresource], [namespace/]name, field selector.
 */
export function asked(user: User, line: string): Attributes {
  const [verb = '', what = '', object = '', fieldSelector = ''] = line.split(' ');
  const none = { user, verb, version: 'v1', fieldSelector };
  if (what.startsWith('/')) {
    const nothing = { group: '', resource: '', subresource: '', namespace: '', name: '' };
    return { ...none, ...nothing, isResource: false, path: what };
  }
  const [group = '', resource = '', subresource = ''] = what.split('/');
  const slash = object.indexOf('/');
  return {
    ...none,
    isResource: true,
    path: '',
    group: group === 'core' ? '' : group,
    resource,
    subresource,
    namespace: slash < 0 ? '' : object.slice(0, slash),
    name: object.slice(slash + 1),
  };
}

/** Writes objects as they are: nothing is defaulted or validated. */
export async function store(to: Store, ...objects: readonly KubeObject[]): Promise<void> {
  await Promise.all(
    objects.map(object => {
      const [group = '', version = ''] = object.apiVersion?.includes('/')
        ? object.apiVersion.split('/')
        : ['', object.apiVersion];
      const resource = resourceOfKind(group, version ?? '', object.kind ?? '');
      if (!resource) throw new Error(`no kind ${object.apiVersion} ${object.kind}`);
      const { namespace = '', name = '' } = object.metadata;
      return to.commit({ key: keyOf(resource, namespace, name), value: serialize(object) });
    }),
  );
}
