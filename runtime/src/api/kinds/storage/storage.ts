/** storage.k8s.io: classes, drivers, attachments. */
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../../generated/types/storage.v1.ts';
import { ageColumn, column, joined } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, notSupported, required, sameValue } from '../errors.ts';

const group = 'storage.k8s.io';
const version = 'v1';

export const storageClass = defineKind<StorageClass>({
  group,
  version,
  kind: 'StorageClass',
  shortNames: ['sc'],
  columns: [
    column('Provisioner', 'string', 'Provisioner indicates the type of the provisioner.', o => `${o.provisioner}`),
    column(
      'ReclaimPolicy',
      'string',
      'The reclaimPolicy of volumes made of this class.',
      o => o.reclaimPolicy ?? 'Delete',
    ),
    column(
      'VolumeBindingMode',
      'string',
      'How claims are provisioned and bound.',
      o => o.volumeBindingMode ?? 'Immediate',
    ),
    column('AllowVolumeExpansion', 'boolean', 'Whether volumes may be expanded.', o => o.allowVolumeExpansion ?? false),
    ageColumn,
  ],
  defaults: object => {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate: object => {
    const errors = object.provisioner ? [] : [required('provisioner', object.provisioner ?? '')];
    if (!['Delete', 'Retain'].includes(object.reclaimPolicy ?? ''))
      errors.push(notSupported('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain']));
    if (!['Immediate', 'WaitForFirstConsumer'].includes(object.volumeBindingMode ?? ''))
      errors.push(notSupported('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']));
    return errors;
  },
  validateUpdate: (object, old) => [
    ...(sameValue(object.parameters, old.parameters)
      ? []
      : [forbidden('parameters', 'updates to parameters are forbidden.')]),
    ...(object.provisioner === old.provisioner
      ? []
      : [forbidden('provisioner', 'updates to provisioner are forbidden.')]),
    ...(object.reclaimPolicy === old.reclaimPolicy
      ? []
      : [forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.')]),
    ...immutable('volumeBindingMode', object.volumeBindingMode, old.volumeBindingMode),
  ],
});

export const volumeAttachment = defineKind<VolumeAttachment>({
  group,
  version,
  kind: 'VolumeAttachment',
  columns: [
    column(
      'Attacher',
      'string',
      'The name of the volume driver that must handle this request.',
      o => o.spec?.attacher ?? '',
    ),
    column('PV', 'string', 'Name of the persistent volume to attach.', o => o.spec?.source?.persistentVolumeName ?? ''),
    column('Node', 'string', 'The node that the volume should be attached to.', o => o.spec?.nodeName ?? ''),
    column('Attached', 'boolean', 'Whether the volume is successfully attached.', o => o.status?.attached ?? false),
    ageColumn,
  ],
  prepareForUpdate: () => undefined,
  validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
});

export const csiDriver = defineKind<CSIDriver>({
  group,
  version,
  kind: 'CSIDriver',
  columns: [
    column(
      'AttachRequired',
      'boolean',
      'Whether the driver needs an attach operation.',
      o => o.spec?.attachRequired ?? true,
    ),
    column(
      'PodInfoOnMount',
      'boolean',
      'Whether the driver wants the pod named when mounting.',
      o => o.spec?.podInfoOnMount ?? false,
    ),
    column(
      'StorageCapacity',
      'boolean',
      'Whether the driver publishes its capacity.',
      o => o.spec?.storageCapacity ?? false,
    ),
    column('TokenRequests', 'string', 'Tokens the driver needs.', o =>
      joined(o.spec?.tokenRequests?.map(t => t.audience)).replace('<none>', '<unset>'),
    ),
    column(
      'RequiresRepublish',
      'boolean',
      'Whether the driver wants to be called periodically.',
      o => o.spec?.requiresRepublish ?? false,
    ),
    column('Modes', 'string', 'Lifecycles of volumes the driver supports.', o => joined(o.spec?.volumeLifecycleModes)),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
});

export const csiNode = defineKind<CSINode>({
  group,
  version,
  kind: 'CSINode',
  columns: [
    column('Drivers', 'integer', 'The number of CSI drivers on the node.', o => o.spec?.drivers?.length ?? 0),
    ageColumn,
  ],
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
});

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group,
  version,
  kind: 'CSIStorageCapacity',
  columns: [
    column('StorageClassName', 'string', 'The class this capacity is for.', o => o.storageClassName),
    column('Capacity', 'string', 'Bytes available.', o => o.capacity ?? '<unset>'),
  ],
  validate: o => (o.storageClassName ? [] : [required('storageClassName')]),
});

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group,
  version,
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
  columns: [column('DriverName', 'string', 'Name of the CSI driver.', o => o.driverName), ageColumn],
  validateUpdate: (object, old) => [
    ...(object.driverName === old.driverName ? [] : [forbidden('driverName', 'updates to driverName are forbidden.')]),
    ...(sameValue(object.parameters, old.parameters)
      ? []
      : [forbidden('parameters', 'updates to parameters are forbidden.')]),
  ],
});
