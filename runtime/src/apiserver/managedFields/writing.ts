/** A request as a write that is recorded. */
import type { Context } from '../context.ts';
import { managerNameOf } from './manager.ts';
import type { Writing } from './owners.ts';
import { onlyPath, resetOf } from './resets.ts';

const replicas = onlyPath(['spec', 'replicas']);

export function writingOf({ request, info, resource, parts }: Context): Writing {
  const { subresource } = info;
  return {
    resource,
    manager: managerNameOf(request),
    subresource,
    reset: subresource === 'scale' ? replicas : resetOf(resource, subresource),
    nowMs: parts.clock.now(),
  };
}
