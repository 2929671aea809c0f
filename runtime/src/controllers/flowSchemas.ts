/** A FlowSchema says in its status whether the priority level it names exists (condition Dangling). */
import { isConflict, isNotFound } from '../client/apiError.ts';
import { FlowSchemas, metadataOf, PriorityLevelConfigurations } from '../client/resources.ts';
import { wireTime } from '../client/wireTime.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const BY_LEVEL = 'level';

export const flowSchemas: Controller = (context, signal) => {
  const { client, informers, clock } = context;
  const schemas = informers.of(FlowSchemas);
  schemas.addIndex(BY_LEVEL, schema => [schema.spec?.priorityLevelConfiguration?.name ?? '']);
  const levels = informers.of(metadataOf(PriorityLevelConfigurations), { metadataOnly: true });
  const queue = newQueue(context);
  const enqueue = (schema: { readonly metadata: { readonly name?: string | undefined } }): void =>
    queue.add(schema.metadata.name ?? '');
  const ofLevel = (level: { readonly metadata: { readonly name?: string | undefined } }): void => {
    for (const schema of schemas.byIndex(BY_LEVEL, level.metadata.name ?? '')) enqueue(schema);
  };
  schemas.on({ add: enqueue, update: enqueue });
  levels.on({ add: ofLevel, delete: ofLevel });
  const work = async (name: string): Promise<undefined> => {
    const cached = schemas.get(undefined, name);
    if (!cached) return;
    const level = cached.spec?.priorityLevelConfiguration?.name ?? '';
    const found = levels.get(undefined, level) !== undefined;
    const status = found ? 'False' : 'True';
    const before = cached.status?.conditions?.find(c => c.type === 'Dangling');
    if (before?.status === status) return;
    const condition = {
      type: 'Dangling',
      status,
      lastTransitionTime: wireTime(clock.now()),
      reason: found ? 'Found' : 'NotFound',
      message: found
        ? `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} and it exists`
        : `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} but there is no such object`,
    };
    const schema = structuredClone(cached);
    const others = (schema.status?.conditions ?? []).filter(c => c.type !== 'Dangling');
    schema.status = { conditions: [...others, condition] };
    try {
      await client.updateStatus(FlowSchemas, schema, { signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };
  return reconcile(context, queue, [schemas, levels], work, signal, 1);
};
