/**
 * Brings the bootstrap policy into the store: makes what is missing, adds rules and subjects that an older version did not
 * have, takes nothing away (upstream's post-start hook `rbac/bootstrap-roles`). People keep an object as they made it with the
 * annotation {@link AUTOUPDATE} `"false"`.
 *
 * All writes are made in one turn, so that the store commits them as one group.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AggregationRule, PolicyRule, RoleRef, Subject } from '../../../api/generated/types/rbac.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { Store, Write } from '../../../store/store.ts';
import { keyOf } from '../../keys.ts';
import { timestamp } from '../../objectMeta.ts';
import { deserialize, serialize } from '../../serialized.ts';
import { compacted, uncovered } from '../rules.ts';
import { AUTOUPDATE, bootstrapPolicy } from './policy.ts';

const PREFIX = '/registry/rbac.authorization.k8s.io/';

interface PolicyObject extends KubeObject {
  rules?: PolicyRule[] | null;
  aggregationRule?: AggregationRule;
  roleRef?: RoleRef;
  subjects?: Subject[];
}

/** @returns how many objects were written. @throws what the store throws. */
export async function reconcilePolicy(store: Store, nowMs: number): Promise<number> {
  const { items } = await store.range({ prefix: PREFIX });
  const existing = new Map(items.map(item => [item.key, item]));
  const writes: Write[] = [];
  for (const wanted of bootstrapPolicy() as PolicyObject[]) {
    const key = keyOfPolicy(wanted);
    const found = existing.get(key);
    if (!found) {
      writes.push({ key, value: serialize(created(wanted, nowMs)), expect: 0 });
      continue;
    }
    if (isUntouched(found.value, wanted)) continue;
    const now = deserialize(found.value, found.modRevision) as PolicyObject;
    const next = reconciled(now, wanted, nowMs);
    if (next) writes.push({ key, value: serialize(next), expect: found.modRevision });
  }
  // A lost race means that somebody has just written the object: the next start looks again.
  await Promise.all(writes.map(write => store.commit(write)));
  return writes.length;
}

function keyOfPolicy({ kind, metadata }: KubeObject): string {
  const resource = `${(kind ?? '').toLowerCase()}s`;
  const namespace = metadata.namespace ?? '';
  return keyOf(
    { group: 'rbac.authorization.k8s.io', resource, namespaced: namespace !== '' },
    namespace,
    metadata.name ?? '',
  );
}

function created(object: PolicyObject, nowMs: number): PolicyObject {
  const { name, namespace, ...rest } = object.metadata;
  const place = namespace === undefined ? {} : { namespace };
  const identity = { uid: randomUUID(), creationTimestamp: timestamp(nowMs) };
  return { ...object, metadata: { name, ...place, ...identity, ...rest } };
}

/** As {@link created} has written it: what follows the identity is the same bytes. Nearly always so, and much cheaper to see. */
function isUntouched(value: Buffer, wanted: PolicyObject): boolean {
  const whole = serialize(created(wanted, 0));
  const tail = whole.subarray(whole.indexOf('"labels":'));
  return value.subarray(-tail.length).equals(tail);
}

/** The object as it should be; undefined: as it is. */
export function reconciled(now: PolicyObject, wanted: PolicyObject, nowMs: number): PolicyObject | undefined {
  if (now.metadata.annotations?.[AUTOUPDATE] === 'false') return undefined;
  // What a binding refers to cannot change: it becomes a new one.
  if (wanted.roleRef && !isDeepStrictEqual({ ...now.roleRef }, { ...wanted.roleRef })) return created(wanted, nowMs);
  const next = structuredClone(now);
  const { metadata } = next;
  metadata.labels = { ...metadata.labels, ...wanted.metadata.labels };
  metadata.annotations = { ...wanted.metadata.annotations, ...metadata.annotations };
  if (wanted.aggregationRule) {
    const selectors = next.aggregationRule?.clusterRoleSelectors ?? [];
    const missing = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter(
      selector => !selectors.some(own => isDeepStrictEqual({ ...own }, { ...selector })),
    );
    if (missing.length > 0) next.aggregationRule = { clusterRoleSelectors: [...selectors, ...missing] };
  } else if (wanted.rules) {
    const missing = uncovered(next.rules ?? [], wanted.rules);
    if (missing.length > 0) next.rules = [...(next.rules ?? []), ...compacted(missing)];
  }
  const newSubjects = (wanted.subjects ?? []).filter(
    subject => !(next.subjects ?? []).some(own => isDeepStrictEqual({ ...own }, { ...subject })),
  );
  if (newSubjects.length > 0) next.subjects = [...(next.subjects ?? []), ...newSubjects];
  return isDeepStrictEqual(next, now) ? undefined : next;
}
