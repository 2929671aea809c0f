/** A pod goes where its volumes are: its claims must be bound, and their volumes reachable from the node. */
import type { PersistentVolume, Pod } from '../../api/generated/types/core.v1.ts';
import { termMatches } from '../nodeSelector.ts';
import type { FilterPlugin, Refusal, RefusalOfPod } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';

const misplaced: Refusal = { reasons: ["node(s) didn't match PersistentVolume's node affinity"], unresolvable: true };

function claimsOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${pod.metadata.name}-${name}`] : [];
  });
}

function volumesOf(pod: Pod, snapshot: Snapshot): PersistentVolume[] | RefusalOfPod {
  const volumes: PersistentVolume[] = [];
  for (const name of claimsOf(pod)) {
    const claim = snapshot.claim(pod.metadata.namespace ?? '', name);
    if (!claim) return { wholly: `persistentvolumeclaim "${name}" not found` };
    if (claim.metadata.deletionTimestamp) return { wholly: `persistentvolumeclaim "${name}" is being deleted` };
    if (claim.status?.phase === 'Lost') {
      return {
        wholly: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`,
      };
    }
    const volume = claim.spec?.volumeName ? snapshot.volume(claim.spec.volumeName) : undefined;
    if (!volume) return { wholly: 'pod has unbound immediate PersistentVolumeClaims' };
    volumes.push(volume);
  }
  return volumes;
}

export const volumeBinding: FilterPlugin = {
  name: 'VolumeBinding',
  prepare: (pod, snapshot) => {
    const volumes = volumesOf(pod, snapshot);
    if ('wholly' in volumes) return volumes;
    const terms = volumes.flatMap(({ spec }) =>
      spec?.nodeAffinity?.required ? [spec.nodeAffinity.required.nodeSelectorTerms] : [],
    );
    if (terms.length === 0) return undefined;
    return ({ node }) => (terms.every(any => any.some(term => termMatches(term, node))) ? undefined : misplaced);
  },
};
