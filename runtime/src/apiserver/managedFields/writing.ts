/** A request as a write that is recorded. */
import type { Context } from '../context.ts';
import { managerNameOf } from './manager.ts';
import type { Writing } from './owners.ts';
import { onlyPath, resetOf } from './resets.ts';

export function writingOf(context: Context): Writing {
  const { request, info, resource, parts } = context;
  const { subresource } = info;
  return {
    resource,
    manager: managerNameOf(request),
    subresource,
    reset: subresource === 'scale' ? onlyPath(replicasPathOf(context)) : resetOf(resource, subresource),
    nowMs: parts.clock.now(),
  };
}

/** Where the number of replicas stands: `spec.replicas`, or where a custom resource's definition says. */
export const replicasPathOf = ({ kind }: Context): string[] =>
  (kind?.scale?.specReplicasPath ?? '.spec.replicas').split('.').filter(name => name !== '');
