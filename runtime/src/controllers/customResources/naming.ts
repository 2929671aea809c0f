/**
 * A CustomResourceDefinition gets its names, if nobody else in its group has them, and is established by that: from then on it is
 * served (upstream: naming, establishing and API approval controllers).
 *
 * Always true: names are given one definition after another, and what has been given counts before the cache knows of it.
 */

import { isDeepStrictEqual } from 'node:util';
import type { CustomResourceDefinition } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { approvalOf, isProtectedGroup } from '../../api/kinds/apiextensions/definitionRules.ts';
import { listKindOf, resources } from '../../api/resources.ts';
import { isConflict, isNotFound } from '../../client/apiError.ts';
import { customResourceDefinitionsOf } from '../../client/caches.ts';
import { CustomResourceDefinitions } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { withCondition } from '../conditions.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { approvalCondition } from './approval.ts';
import { decideNames, type TakenNames } from './names.ts';

export const customResourceNaming: Controller = (context, signal) => {
  const { client, informers, clock } = context;
  const cache = customResourceDefinitionsOf(informers);
  const queue = newQueue(context);
  /** What this controller has written, until the cache has it. */
  const written = new Map<string, CustomResourceDefinition>();

  const latest = (definition: CustomResourceDefinition): CustomResourceDefinition => {
    const name = definition.metadata.name ?? '';
    const own = written.get(name);
    if (!own) return definition;
    if (revisionOf(own) > revisionOf(definition) && own.metadata.uid === definition.metadata.uid) return own;
    written.delete(name);
    return definition;
  };
  const nameOf = ({ metadata }: CustomResourceDefinition): string => metadata.name ?? '';
  /** A name may have become free. */
  const enqueueOthers = ({ metadata, spec }: CustomResourceDefinition): void => {
    for (const other of cache.list())
      if (other.spec.group === spec.group && other.metadata.name !== metadata.name) queue.add(nameOf(other));
  };
  cache.on({
    add: definition => queue.add(nameOf(definition)),
    update: definition => queue.add(nameOf(definition)),
    delete: definition => {
      written.delete(nameOf(definition));
      enqueueOthers(definition);
    },
  });

  const takenBy = (self: string, group: string): TakenNames => {
    const taken = { resources: new Set<string>(), kinds: new Set<string>() };
    for (const resource of resources) {
      if (resource.group !== group) continue;
      for (const name of [resource.resource, resource.singular, ...resource.shortNames]) taken.resources.add(name);
      taken.kinds.add(resource.kind).add(listKindOf(resource));
    }
    for (const other of cache.list()) {
      if (other.spec.group !== group || other.metadata.name === self) continue;
      const { plural, singular, shortNames, kind, listKind } = latest(other).status?.acceptedNames ?? {};
      for (const name of [plural, singular, ...(shortNames ?? [])]) if (name) taken.resources.add(name);
      for (const name of [kind, listKind]) if (name) taken.kinds.add(name);
    }
    return taken;
  };

  const work = async (name: string): Promise<undefined> => {
    const cached = cache.get(undefined, name);
    if (!cached) return;
    const definition = latest(cached);
    const { group } = definition.spec;
    const now = wireTime(clock.now());
    const decision = decideNames(definition, takenBy(name, group));
    const old = definition.status?.conditions ?? [];
    let conditions = withCondition(old, { ...decision.namesAccepted, lastTransitionTime: now });
    conditions = withCondition(conditions, { lastTransitionTime: now, ...decision.established });
    if (isProtectedGroup(group))
      conditions = withCondition(conditions, { ...approvalCondition(approvalOf(definition)), lastTransitionTime: now });
    const { acceptedNames } = decision;
    if (conditions === old && isDeepStrictEqual(acceptedNames, definition.status?.acceptedNames)) return;
    const had = definition.status?.acceptedNames;
    const patch = {
      metadata: { resourceVersion: definition.metadata.resourceVersion },
      // A merge patch only adds: what is no longer among the names is taken away by null.
      status: {
        conditions,
        acceptedNames: {
          ...acceptedNames,
          ...(had?.shortNames && !acceptedNames.shortNames ? { shortNames: null } : {}),
          ...(had?.categories && !acceptedNames.categories ? { categories: null } : {}),
        },
      },
    };
    try {
      const options = { type: 'merge', subresource: 'status', signal } as const;
      written.set(name, await client.patch(CustomResourceDefinitions, { name }, patch, options));
    } catch (error) {
      // Gone, or changed: its event brings it here again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
      return;
    }
    if (had && !isDeepStrictEqual(had, acceptedNames)) enqueueOthers(definition);
  };
  return reconcile(context, queue, [cache], work, signal, 1);
};

const revisionOf = ({ metadata }: CustomResourceDefinition): number => Number(metadata.resourceVersion ?? 0);
