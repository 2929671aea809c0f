/** A claim that is being deleted stays until no pod uses it (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection). */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { isTerminal } from '../../api/pods.ts';
import { metadataCacheOf, podsOf } from '../../client/caches.ts';
import { type ApiObject, keyOf, keyText, PersistentVolumeClaims, Pods } from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { settle, stepOf } from './finalizer.ts';

const FINALIZER = 'kubernetes.io/pvc-protection';

/** Names of the claims of a pod: those it names, and those made for its ephemeral volumes. */
export const claimsOf = ({ metadata, spec }: Pod): string[] =>
  (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) =>
    persistentVolumeClaim ? [persistentVolumeClaim.claimName] : ephemeral ? [`${metadata.name}-${name}`] : [],
  );

/** Until it is on a node it uses nothing: no kubelet starts a pod whose claim is on its way out. */
export function uses(pod: Pod, { metadata }: ApiObject): boolean {
  if (!pod.spec?.nodeName || pod.metadata.namespace !== metadata.namespace) return false;
  return (pod.spec.volumes ?? []).some(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return persistentVolumeClaim.claimName === metadata.name;
    if (!ephemeral || isTerminal(pod) || `${pod.metadata.name}-${name}` !== metadata.name) return false;
    return metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) ?? false;
  });
}

export const claimProtection: Controller = (context, signal) => {
  const { client, informers } = context;
  const claims = metadataCacheOf(informers, PersistentVolumeClaims);
  const pods = podsOf(informers);
  const queue = newQueue(context);
  const look = (claim: ApiObject): void => {
    if (stepOf(claim, FINALIZER)) queue.add(keyText(keyOf(claim)));
  };
  const freed = (pod: Pod): void => {
    for (const name of claimsOf(pod)) {
      const claim = claims.get(pod.metadata.namespace, name);
      if (claim) look(claim);
    }
  };
  claims.on({ add: look, update: look });
  pods.on({
    delete: freed,
    update: (pod, old) => {
      if (isTerminal(pod) && !isTerminal(old)) freed(pod);
    },
  });
  const work = async (key: string): Promise<undefined> => {
    const claim = claims.getByKey(key);
    const step = claim && stepOf(claim, FINALIZER);
    if (!claim || !step) return;
    if (step === 'release') {
      for (const pod of pods.list()) if (uses(pod, claim)) return;
      // The cache may not have seen the newest pod: what is lost here is somebody's data.
      const { namespace } = claim.metadata;
      for await (const pod of client.listAll(Pods, { namespace, signal })) if (uses(pod, claim)) return;
    }
    await settle(client, PersistentVolumeClaims, claim, FINALIZER, step, signal);
  };
  return reconcile(context, queue, [claims, pods], work, signal, 1);
};
