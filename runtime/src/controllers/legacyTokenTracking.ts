/**
 * A ConfigMap says since which day the last use of Secrets' tokens is written down (KEP-2799): before that, a token without a
 * mark may have been used.
 */
import { isAlreadyExists, isConflict, isNotFound } from '../client/apiError.ts';
import { ConfigMaps } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

export const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };

/** `2026-11-21`, in UTC. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Undefined: it is no day. Midnight in UTC, in ms. */
export function parseDay(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || dayOf(ms) !== text ? undefined : ms;
}

export const legacyTokenTracking: Controller = (context, signal) => {
  const { client, clock, informers } = context;
  const { namespace, name } = TRACKING;
  const maps = informers.of(ConfigMaps, { namespace, fieldSelector: `metadata.name=${name}` });
  const queue = newQueue(context);
  const look = (): void => queue.add(name);
  maps.on({ add: look, update: look, delete: look });
  look();
  const work = async (): Promise<undefined> => {
    const data = { since: dayOf(clock.now()) };
    const map = maps.get(namespace, name);
    try {
      if (!map) await client.create(ConfigMaps, { metadata: TRACKING, data }, { signal });
      else if (parseDay(map.data?.since) === undefined)
        await client.update(ConfigMaps, { ...map, data: { ...map.data, ...data } }, { signal });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error) && !isConflict(error)) throw error;
    }
  };
  return reconcile(context, queue, [maps], work, signal, 1);
};
