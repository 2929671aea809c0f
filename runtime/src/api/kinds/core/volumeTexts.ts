/** What the columns of volumes and of claims have in common. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types/core.v1.ts';

/** Before there was a field for it. */
export const STORAGE_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

const SHORT: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** `RWO,ROX` */
export const modesText = (modes: readonly string[] | undefined): string =>
  Object.keys(SHORT)
    .filter(mode => modes?.includes(mode))
    .map(mode => SHORT[mode])
    .join(',');

export const classText = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.annotations?.[STORAGE_CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';

export const phaseText = ({ metadata, status }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating';

export const annotationWarnings = ({ metadata }: PersistentVolume | PersistentVolumeClaim): string[] =>
  metadata.annotations?.[STORAGE_CLASS_ANNOTATION] === undefined
    ? []
    : [
        `metadata.annotations[${STORAGE_CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      ];
