/**
 * The part of the node authorizer's graph that is read when asked for, because it is rarely asked for: a node's pods use
 * claims, claims are bound to volumes, volumes name secrets; attachments and resource slices name their node.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Store } from '../../store/store.ts';
import { keyOf } from '../keys.ts';
import { deserialize } from '../serialized.ts';
import type { NodeReferences } from './nodeReferences.ts';

export class NodeVolumes {
  readonly #store: Store;
  readonly #references: NodeReferences;

  constructor(store: Store, references: NodeReferences) {
    this.#store = store;
    this.#references = references;
  }

  /** Whether the volume is bound to a claim that a pod of the node uses. */
  async usesVolume(node: string, name: string): Promise<boolean> {
    const claim = ((await this.#read('', 'persistentvolumes', '', name)) as PersistentVolume | undefined)?.spec
      ?.claimRef;
    if (!claim) return false;
    return this.#references.uses(node, 'persistentvolumeclaims', claim.namespace ?? '', claim.name ?? '');
  }

  /** Whether a volume of the node's pods names the secret. */
  async volumeNamesSecret(node: string, namespace: string, name: string): Promise<boolean> {
    for (const [place, claimName] of await this.#references.used(node, 'persistentvolumeclaims')) {
      const claim = (await this.#read('', 'persistentvolumeclaims', place, claimName)) as
        | PersistentVolumeClaim
        | undefined;
      const volumeName = claim?.spec?.volumeName ?? '';
      if (volumeName === '') continue;
      const volume = (await this.#read('', 'persistentvolumes', '', volumeName)) as PersistentVolume | undefined;
      const { claimRef } = volume?.spec ?? {};
      if (!volume || claimRef?.namespace !== place || claimRef.name !== claimName) continue;
      if (secretsOf(volume, place).includes(`${namespace}/${name}`)) return true;
    }
    return false;
  }

  /** Whether `spec.nodeName` of a VolumeAttachment or ResourceSlice is the node. */
  async isOfNode(node: string, group: string, resource: string, name: string): Promise<boolean> {
    const object = await this.#read(group, resource, '', name);
    return (object?.spec as { readonly nodeName?: string } | undefined)?.nodeName === node;
  }

  async #read(group: string, resource: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    const found = await this.#store.get(keyOf({ group, resource, namespaced: namespace !== '' }, namespace, name));
    return found && deserialize(found.value, found.modRevision);
  }
}

/** `namespace/name` of the secrets a volume's source names; those without a namespace are in the claim's. */
function secretsOf({ spec }: PersistentVolume, claimNamespace: string): string[] {
  if (!spec) return [];
  const { azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = spec;
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace ?? undefined },
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    iscsi?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return references.flatMap(ref => (ref?.name ? [`${ref.namespace || claimNamespace}/${ref.name}`] : []));
}
