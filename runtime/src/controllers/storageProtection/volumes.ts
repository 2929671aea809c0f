/** A volume that is being deleted stays while it is bound to a claim. */
import { isNotFound } from '../../client/apiError.ts';
import { metadataCacheOf } from '../../client/caches.ts';
import { type ApiObject, PersistentVolumes } from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { settle, stepOf } from './finalizer.ts';

const FINALIZER = 'kubernetes.io/pv-protection';

export const volumeProtection: Controller = (context, signal) => {
  const { client, informers } = context;
  const volumes = metadataCacheOf(informers, PersistentVolumes);
  const queue = newQueue(context);
  const look = (volume: ApiObject): void => {
    if (stepOf(volume, FINALIZER)) queue.add(volume.metadata.name ?? '');
  };
  // A change of its phase is an update too.
  volumes.on({ add: look, update: look });
  const work = async (name: string): Promise<undefined> => {
    const volume = volumes.getByKey(name);
    const step = volume && stepOf(volume, FINALIZER);
    if (!volume || !step) return;
    try {
      if (step === 'release' && (await client.get(PersistentVolumes, { name }, { signal })).status?.phase === 'Bound')
        return;
      await settle(client, PersistentVolumes, volume, FINALIZER, step, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [volumes], work, signal, 1);
};
