/** Contexts for the server's own writes, which no request stands behind. */
import { kindModule } from '../api/kinds/index.ts';
import type { ResourceInfo } from '../api/resources.ts';
import type { User } from '../lib/exchange.ts';
import type { Context, Parts } from './context.ts';

/** The server itself. */
export const apiServerUser: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export function contextFor(parts: Parts, user: User, resource: ResourceInfo, namespace: string, name: string): Context {
  return {
    parts,
    user,
    resource,
    kind: kindModule(resource.group, resource.kind, resource.version),
    warnings: [],
    dryRun: false,
    info: {
      isResource: true,
      verb: 'update',
      path: '',
      group: resource.group,
      version: resource.version,
      namespace,
      resource: resource.resource,
      subresource: '',
      name,
      rest: '',
    },
    request: {
      method: 'PUT',
      path: '',
      query: new URLSearchParams(),
      headers: { 'user-agent': 'kube-apiserver' },
      body: Buffer.alloc(0),
      signal: new AbortController().signal,
      remoteAddress: 'in-process',
    },
  };
}
