/** The context of a request for a custom resource: its kind's rules, and the store as its version sees it. */

import { resourceNotServed } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import type { Context } from '../context.ts';
import { warningHeader } from '../warnings.ts';
import type { CustomResource } from './catalog.ts';
import { type StoreView, viewOf } from './view.ts';

/** Views are made once for a version; a definition that changes has other resources. */
const views = new WeakMap<object, StoreView>();

/** @throws StatusError 404: the definition has gone in this moment. */
export async function customContext(context: Context, { definition }: CustomResource): Promise<Context> {
  const { parts } = context;
  const serving = await parts.catalog.serving(definition).catch(() => {
    throw resourceNotServed();
  });
  const resource = serving.resourceOf(context.resource);
  const store = views.get(resource) ?? viewOf(parts.store, serving, resource.version);
  views.set(resource, store);
  return {
    ...context,
    resource,
    kind: resource.module,
    parts: { ...parts, store },
    isOutdated: store.isOutdated,
    retired: serving.retired,
  };
}

/** The answer of a deprecated version says so. */
export function withDeprecation(response: Response, { version }: CustomResource): Response {
  if (version.warning === '') return response;
  const { warning } = response.headers;
  const own = warningHeader([version.warning]);
  return { ...response, headers: { ...response.headers, warning: warning ? `${own}, ${warning}` : own } };
}
