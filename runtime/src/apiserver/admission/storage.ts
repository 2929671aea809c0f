/**
 * StorageObjectInUseProtection: claims, volumes and volume attributes classes are not removed under those who use them; their
 * finalizers are taken off by `controllers/storageProtection/`. PersistentVolumeClaimResize: only what can grow is asked to.
 */
import type { PersistentVolumeClaim } from '../../api/generated/types/core.v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { Mirrors } from '../mirrors.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  groupResourceOf,
  on,
  refused,
  withMirror,
} from './admission.ts';

const finalizerOf: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
};

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (operation, resource, subresource) =>
    operation === 'CREATE' && subresource === '' && finalizerOf[groupResourceOf(resource)] !== undefined,
  mutate({ resource, object }) {
    const finalizer = finalizerOf[groupResourceOf(resource)];
    if (!object || finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  },
};

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** The annotation is older than the field, and wins. */
const classOf = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';

export function persistentVolumeClaimResize({ storageClasses }: Mirrors): AdmissionPlugin {
  const check = (attributes: AdmissionAttributes): void => {
    const claim = attributes.object as unknown as PersistentVolumeClaim;
    const old = attributes.old as unknown as PersistentVolumeClaim;
    if (old.status?.phase !== 'Bound') throw refused(attributes, 'Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const storageClass =
      name === '' ? undefined : storageClasses.get(`/registry/storage.k8s.io/storageclasses/${name}`);
    if (name !== classOf(old) || storageClass?.allowVolumeExpansion !== true) {
      throw refused(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    }
  };
  return {
    name: 'PersistentVolumeClaimResize',
    handles: on('persistentvolumeclaims', 'UPDATE'),
    validate(attributes) {
      const size = (of: unknown): string =>
        (of as PersistentVolumeClaim | undefined)?.spec?.resources?.requests?.storage ?? '0';
      if (compareQuantities(size(attributes.object), size(attributes.old)) <= 0) return;
      return withMirror(storageClasses, () => check(attributes));
    },
  };
}
