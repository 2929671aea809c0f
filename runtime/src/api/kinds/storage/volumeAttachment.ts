/** VolumeAttachments (upstream: `pkg/apis/storage/validation`). */
import type { VolumeAttachment, VolumeError } from '../../generated/types/storage.v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { child, forbidden, immutable, invalid, invalidEach, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { driverNameErrors } from './driverName.ts';

const MAX_METADATA_BYTES = 256 * 1024;
const MAX_MESSAGE_BYTES = 1024;
const EXACTLY_ONE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

function specErrors({ spec }: VolumeAttachment): FieldError[] {
  const { attacher = '', nodeName = '' } = spec ?? {};
  const { inlineVolumeSpec, persistentVolumeName } = spec?.source ?? {};
  const errors = attacher === '' ? [required('spec.attacher')] : [];
  if (!inlineVolumeSpec && persistentVolumeName === undefined) errors.push(required('spec.source', EXACTLY_ONE));
  else if (inlineVolumeSpec && persistentVolumeName !== undefined) errors.push(forbidden('spec.source', EXACTLY_ONE));
  else if (persistentVolumeName === '')
    errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  return [...errors, ...invalidEach('spec.nodeName', nodeName, dns1123SubdomainErrors(nodeName))];
}

function volumeErrorErrors(error: VolumeError | undefined, path: string): FieldError[] {
  if (!error) return [];
  const errors: FieldError[] = [];
  // Upstream names the other limit here.
  if (Buffer.byteLength(error.message ?? '') > MAX_MESSAGE_BYTES)
    errors.push(tooLong(child(path, 'message'), MAX_METADATA_BYTES));
  if (error.errorCode !== undefined && error.errorCode < 0)
    errors.push(invalid(child(path, 'errorCode'), error.errorCode, 'must be between 0 and 2147483647, inclusive'));
  return errors;
}

function statusErrors({ status }: VolumeAttachment): FieldError[] {
  const metadata = Object.entries(status?.attachmentMetadata ?? {});
  const sizeBytes = metadata.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...(sizeBytes > MAX_METADATA_BYTES ? [tooLong('status.attachmentMetadata', MAX_METADATA_BYTES)] : []),
    ...volumeErrorErrors(status?.attachError, 'status.attachError'),
    ...volumeErrorErrors(status?.detachError, 'status.detachError'),
  ];
}

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  columns: [
    column(
      'Attacher',
      'string',
      'attacher indicates the name of the volume driver that MUST handle this request. This is the name returned by GetPluginName().',
      o => o.spec?.attacher ?? '',
    ),
    column(
      'PV',
      'string',
      'persistentVolumeName represents the name of the persistent volume to attach.',
      o => o.spec?.source?.persistentVolumeName ?? '',
    ),
    column(
      'Node',
      'string',
      'nodeName represents the node that the volume should be attached to.',
      o => o.spec?.nodeName ?? '',
    ),
    column(
      'Attached',
      'boolean',
      'attached indicates the volume is successfully attached. This field must only be set by the entity completing the attach operation, i.e. the external-attacher.',
      o => o.status?.attached ?? false,
    ),
    ageColumn,
  ],
  prepareForCreate: object => {
    object.status = { attached: false };
  },
  prepareForUpdate: () => undefined,
  validate: object => {
    const { spec } = object;
    const volume = spec?.source?.persistentVolumeName;
    return [
      ...specErrors(object),
      ...statusErrors(object),
      ...driverNameErrors('spec.attacher', spec?.attacher ?? ''),
      ...(volume === undefined
        ? []
        : invalidEach('spec.source.persistentVolumeName', volume, dns1123SubdomainErrors(volume))),
    ];
  },
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...specErrors(object),
    ...statusErrors(object),
    ...immutable('spec', object.spec, old.spec),
  ],
  validateStatusUpdate: (object, old) => [
    ...specErrors(object),
    ...statusErrors(object),
    ...immutable('spec', object.spec, old.spec),
  ],
});
