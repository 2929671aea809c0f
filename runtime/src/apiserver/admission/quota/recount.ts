/**
 * What a namespace uses of a quota, counted where it is charged: in one revision of the store, with what is charged and not written
 * yet. Whoever writes a quota's status counts from outside and may have missed objects that were charged before he looked and
 * written after; taking his word would let in more than fits.
 */
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import { differenceOf, only, parseQuantities, type Quantities, sumOf, whole, ZERO } from '../../../api/quantities.ts';
import { evaluators, isInScopes, type Measure, measuresOf, scopesOf } from '../../../api/quota/index.ts';
import type { Store } from '../../../store/store.ts';
import { deserialize } from '../../serialized.ts';
import type { QuotaRequest } from './check.ts';

/** @param unsettled requests charged to the namespace whose objects may not be in the store. */
export async function recount(
  store: Pick<Store, 'range' | 'count' | 'get' | 'revision'>,
  quota: ResourceQuota,
  unsettled: readonly QuotaRequest[],
  nowMs: number,
): Promise<Quantities> {
  const revision = store.revision();
  const { namespace = '' } = quota.metadata;
  const scopes = scopesOf(quota);
  let used: Quantities = {};
  for (const measure of measuresOf(Object.keys(quota.status?.used ?? {}))) {
    const { evaluator, names } = measure;
    const wanted = new Set(names);
    const prefix = prefixOf(measure, namespace);
    let found: Quantities = Object.fromEntries(names.map(name => [name, ZERO]));
    if (!evaluators.includes(evaluator)) {
      const count = scopes.length > 0 ? ZERO : whole(await store.count(prefix));
      found = Object.fromEntries(names.map(name => [name, count]));
    } else {
      for (const { value, modRevision } of (await store.range({ prefix, revision })).items) {
        const object = deserialize(value, modRevision);
        if (isInScopes(evaluator, object, scopes)) found = sumOf(found, only(evaluator.usage(object, nowMs), wanted));
      }
    }
    for (const request of unsettled) {
      if (request.evaluator !== evaluator || !isInScopes(evaluator, request.object, scopes)) continue;
      const key = prefix + (request.object.metadata.name ?? '');
      const there = await store.get(key, revision);
      if (!request.old && there) continue; // counted above
      const usage = evaluator.usage(request.object, nowMs);
      // Of an update it is not known whether it is written: rather too much than too little.
      const more = request.old ? differenceOf(usage, evaluator.usage(request.old, nowMs)) : usage;
      found = sumOf(found, only(more, wanted));
    }
    used = { ...used, ...found };
  }
  return { ...parseQuantities(quota.status?.used), ...used };
}

function prefixOf({ evaluator }: Measure, namespace: string): string {
  const [resource = '', ...group] = evaluator.groupResource.split('.');
  return `/registry/${group.length === 0 ? 'core' : group.join('.')}/${resource}/${namespace}/`;
}
