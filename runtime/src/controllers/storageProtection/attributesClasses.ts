/** A volume attributes class that is being deleted stays while a claim or a volume names it (KEP-3751). */
import { metadataCacheOf } from '../../client/caches.ts';
import {
  type ApiObject,
  PersistentVolumeClaims,
  PersistentVolumes,
  VolumeAttributesClasses,
} from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { settle, stepOf } from './finalizer.ts';

const FINALIZER = 'kubernetes.io/vac-protection';

export const attributesClassProtection: Controller = (context, signal) => {
  const { client, informers } = context;
  const classes = metadataCacheOf(informers, VolumeAttributesClasses);
  const claims = metadataCacheOf(informers, PersistentVolumeClaims);
  const volumes = metadataCacheOf(informers, PersistentVolumes);
  const queue = newQueue(context);
  const look = (one: ApiObject): void => {
    if (stepOf(one, FINALIZER)) queue.add(one.metadata.name ?? '');
  };
  const lookAll = (): void => {
    for (const one of classes.list()) look(one);
  };
  classes.on({ add: look, update: look });
  claims.on({ update: lookAll, delete: lookAll });
  volumes.on({ update: lookAll, delete: lookAll });

  const isUsed = async (name: string): Promise<boolean> => {
    for await (const { spec, status } of client.listAll(PersistentVolumeClaims, { signal })) {
      const named = [
        spec?.volumeAttributesClassName,
        status?.currentVolumeAttributesClassName,
        status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
      ];
      if (named.includes(name)) return true;
    }
    for await (const { spec } of client.listAll(PersistentVolumes, { signal }))
      if (spec?.volumeAttributesClassName === name) return true;
    return false;
  };
  const work = async (name: string): Promise<undefined> => {
    const one = classes.getByKey(name);
    const step = one && stepOf(one, FINALIZER);
    if (!one || !step || (step === 'release' && (await isUsed(name)))) return;
    await settle(client, VolumeAttributesClasses, one, FINALIZER, step, signal);
  };
  return reconcile(context, queue, [classes, claims, volumes], work, signal, 1);
};
