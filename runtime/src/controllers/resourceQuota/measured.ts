/** Which resources a quota's names are about, and how much of them there is. */
import type { ResourceQuota } from '../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { parseQuantities, type Quantities, sumOf, whole, ZERO } from '../../api/quantities.ts';
import { evaluators, isInScopes, measuresOf, scopesOf } from '../../api/quota/index.ts';
import type { Client } from '../../client/client.ts';
import type { ResourceRef } from '../../client/resources.ts';

/** Objects read at once where each is looked into. */
const PAGE = 500;

export interface Usage {
  readonly used: Quantities;
  /** Names of resources that are not served (yet). */
  readonly unknown: readonly string[];
}

/**
 * Counts anew, from what the server has now and not from a cache: a quota made after its objects must see them all.
 * @param refs every namespaced resource by `resource.group`.
 * @throws ApiError
 */
export async function usageOf(
  client: Client,
  quota: ResourceQuota,
  refs: ReadonlyMap<string, ResourceRef>,
  nowMs: number,
  signal: AbortSignal,
): Promise<Usage> {
  const { namespace } = quota.metadata;
  const scopes = scopesOf(quota);
  let used: Quantities = {};
  const unknown: string[] = [];
  for (const { evaluator, names } of measuresOf(Object.keys(quota.spec?.hard ?? {}))) {
    const ref = refs.get(evaluator.groupResource);
    if (!ref) {
      unknown.push(...names);
      continue;
    }
    used = sumOf(used, Object.fromEntries(names.map(name => [name, ZERO])));
    // Objects that are only counted belong to no scope.
    if (!evaluators.includes(evaluator)) {
      if (scopes.length > 0) continue;
      const count = whole(await countOf(client, ref, namespace, signal));
      used = sumOf(used, Object.fromEntries(names.map(name => [name, count])));
      continue;
    }
    const wanted = new Set(names);
    for await (const object of client.listAll(ref, { namespace, limit: PAGE, signal })) {
      if (!isInScopes(evaluator, object as KubeObject, scopes)) continue;
      for (const [name, quantity] of Object.entries(evaluator.usage(object as KubeObject, nowMs))) {
        if (wanted.has(name)) used = sumOf(used, { [name]: quantity });
      }
    }
  }
  return { used, unknown };
}

/** Without reading them: the server says how many are left after the first. */
async function countOf(
  client: Client,
  ref: ResourceRef,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { items, metadata } = await client.list(ref, { namespace, limit: 1, metadataOnly: true, signal });
  return items.length + (metadata.remainingItemCount ?? 0);
}

/** Whether the stored status says the same. */
export function isCurrent({ spec, status }: ResourceQuota, used: Quantities): boolean {
  if (!status?.hard || !status.used) return false;
  return same(parseQuantities(spec?.hard), parseQuantities(status.hard)) && same(used, parseQuantities(status.used));
}

function same(a: Quantities, b: Quantities): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => a[name]?.nanos === b[name]?.nanos);
}
