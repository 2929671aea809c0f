/** What a pod refers to by name; pure. */
import type { Pod, Volume } from './generated/types/core.v1.ts';

/** Everything a pod mentions by name that its node must read: `secrets/<namespace>/<name>`. */
export function referencesOf(pod: Pod): string[] {
  const namespace = pod.metadata.namespace ?? '';
  const { spec, status } = pod;
  const found = new Set<string>();
  const add = (resource: string, name: string | null | undefined): void => {
    if (name !== undefined && name !== null && name !== '') found.add(`${resource}/${namespace}/${name}`);
  };
  if (!spec) return [];
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const volume of spec.volumes ?? []) addVolume(volume, pod.metadata.name ?? '', add);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('configmaps', configMapRef?.name);
      add('secrets', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configmaps', valueFrom?.configMapKeyRef?.name);
      add('secrets', valueFrom?.secretKeyRef?.name);
    }
  }
  // A claim made from a template has its name in the status.
  for (const { resourceClaimName } of spec.resourceClaims ?? []) add('resourceclaims', resourceClaimName);
  for (const { resourceClaimName } of status?.resourceClaimStatuses ?? []) add('resourceclaims', resourceClaimName);
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName);
  return [...found];
}

function addVolume(volume: Volume, pod: string, add: (resource: string, name: string | undefined) => void): void {
  add('secrets', volume.secret?.secretName);
  add('configmaps', volume.configMap?.name);
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) add('persistentvolumeclaims', `${pod}-${volume.name}`);
  for (const source of volume.projected?.sources ?? []) {
    add('secrets', source.secret?.name);
    add('configmaps', source.configMap?.name);
  }
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  add('secrets', volume.azureFile?.secretName);
  for (const { secretRef } of [volume.cephfs, volume.cinder, volume.flexVolume, volume.iscsi, volume.rbd].flatMap(
    source => (source ? [source] : []),
  )) {
    add('secrets', secretRef?.name);
  }
  add('secrets', volume.scaleIO?.secretRef?.name);
  add('secrets', volume.storageos?.secretRef?.name);
}
