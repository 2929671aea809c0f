/**
 * Plans upgrade nodes, node by node. Here is only what an idle server pays for: the definition is made when it is missing, and a watch
 * waits for the first Plan, which loads the rest.
 */
import { isAlreadyExists } from '../../client/apiError.ts';
import { customResourceDefinitionsOf, nodesOf } from '../../client/caches.ts';
import { allSynced } from '../../client/informers.ts';
import { type ApiObject, CustomResourceDefinitions, keyOf, keyText } from '../../client/resources.ts';
import { type Controller, type ControllerContext, newQueue, reconcile } from '../context.ts';
import { ATTEMPT, type Plan, Plans } from './types.ts';
import type { PlanWork } from './work.ts';

const DEFINITION = 'plans.upgrade.cattle.io';

export const plans: Controller = async (context, signal) => {
  const { informers } = context;
  const definitions = customResourceDefinitionsOf(informers);
  const nodes = nodesOf(informers);
  const queue = newQueue(context, 500);
  let work: Promise<PlanWork> | undefined;
  let stopWatching = (): void => undefined;
  let watched: ReturnType<typeof informers.of<Plan>> | undefined;

  const enqueue = (plan: Plan): void => queue.add(keyText(keyOf(plan)));
  const watchPlans = (): void => {
    if (watched || signal.aborted) return;
    const cache = informers.of(Plans);
    watched = cache;
    const off = cache.on({ add: enqueue, update: enqueue, delete: enqueue });
    // A node that comes, or is labelled, may be one more for a Plan.
    const offNodes = nodes.on({ add: all, update: (node, old) => labelsOf(node) !== labelsOf(old) && all() });
    stopWatching = () => {
      off();
      offNodes();
      informers.drop(cache as never);
      watched = undefined;
    };
  };
  const all = (): void => {
    for (const plan of [...(watched?.list() ?? [])]) enqueue(plan);
  };
  definitions.on({
    add: ({ metadata }) => metadata.name === DEFINITION && watchPlans(),
    update: ({ metadata }) => metadata.name === DEFINITION && watchPlans(),
    delete: ({ metadata }) => metadata.name === DEFINITION && stopWatching(),
  });
  const define = async (): Promise<void> => {
    await allSynced([definitions], signal);
    if (!definitions.get(undefined, DEFINITION)) await createDefinition(context, signal);
  };
  const reconcilePlan = async (key: string): Promise<number | undefined> => {
    if (!watched) return undefined;
    await allSynced([watched, nodes], signal);
    work ??= import('./work.ts').then(
      loaded => new loaded.PlanWork(context, { plans: () => watched?.list() ?? [], nodes }),
    );
    return (await work).reconcile(key, signal);
  };
  await Promise.all([
    define().catch(error => {
      if (!signal.aborted) context.logger.warn({ err: error }, 'the definition of Plans could not be made');
    }),
    reconcile(context, queue, [definitions, nodes], reconcilePlan, signal, 1),
  ]);
};

const labelsOf = ({ metadata }: ApiObject): string =>
  JSON.stringify([metadata.labels ?? {}, metadata.annotations?.[ATTEMPT]]);

async function createDefinition({ client }: ControllerContext, signal: AbortSignal): Promise<void> {
  const { planDefinition } = await import('./definition.ts');
  await client.create(CustomResourceDefinitions, planDefinition(), { signal }).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}
