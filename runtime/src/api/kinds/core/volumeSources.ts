/** Validation of volume sources that are not Kubernetes' own objects, in pods and in PersistentVolumes (upstream: `validate…VolumeSource`). */
import { isAbsolute } from 'node:path/posix';
import type {
  AzureDiskVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  SecretReference,
} from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { child, forbidden, invalid, invalidEach, keyed, notSupported, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { backstepErrors, localPathErrors } from './localPaths.ts';

type Source = Readonly<Record<string, unknown>>;
type Rule = (source: Source, path: string, owner: Owner) => FieldError[];

/** Whose source it is: some names are limited together. */
export interface Owner {
  readonly name: string;
  /** A PersistentVolume's sources name secrets of other namespaces. */
  readonly persistent: boolean;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
const needs = (source: Source, path: string, ...fields: string[]): FieldError[] =>
  fields.filter(field => isEmpty(source[field])).map(field => required(child(path, field)));

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

export function hostPathErrors({ path: hostPath, type }: HostPathVolumeSource, path: string): FieldError[] {
  if (!hostPath) return [required(child(path, 'path'))];
  const errors = backstepErrors(hostPath, child(path, 'path'));
  if (type !== undefined && !HOST_PATH_TYPES.includes(type))
    errors.push(notSupported(child(path, 'type'), type, HOST_PATH_TYPES));
  return errors;
}

function nfsErrors(source: NFSVolumeSource, path: string): FieldError[] {
  const errors = needs(source as unknown as Source, path, 'server', 'path');
  if (!isAbsolute(source.path ?? ''))
    errors.push(invalid(child(path, 'path'), source.path ?? '', 'must be an absolute path'));
  return errors;
}

const partitionErrors = (source: Source, path: string): FieldError[] => {
  const partition = (source.partition as number | undefined) ?? 0;
  return partition < 0 || partition > 255
    ? [invalid(child(path, 'partition'), partition, 'must be between 0 and 255, inclusive')]
    : [];
};

const lunErrors = (lun: number, path: string): FieldError[] =>
  lun < 0 || lun > 255 ? [invalid(child(path, 'lun'), lun, 'must be between 0 and 255, inclusive')] : [];

const INITIATORS: readonly (readonly [prefix: string, pattern: RegExp])[] = [
  ['iqn', /^iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[0-9a-fA-F]{16}$/],
  ['naa', /^naa.[0-9a-fA-F]{32}$/],
];

function initiatorErrors(name: string, field: string): FieldError[] {
  const known = INITIATORS.find(([prefix]) => name.startsWith(prefix));
  if (!known) return [invalid(field, name, 'must be valid format starting with iqn, eui, or naa')];
  return known[1].test(name) ? [] : [invalid(field, name, 'must be valid format')];
}

function iscsiErrors(source: ISCSIVolumeSource, path: string, { name }: Owner): FieldError[] {
  const errors = needs(source as unknown as Source, path, 'targetPortal', 'iqn');
  if (source.iqn) errors.push(...initiatorErrors(source.iqn, child(path, 'iqn')));
  errors.push(...lunErrors(source.lun ?? 0, path));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef)
    errors.push(required(child(path, 'secretRef')));
  if (source.initiatorName === undefined) return errors;
  errors.push(...initiatorErrors(source.initiatorName, child(path, 'initiatorname')));
  if (`${name}:${source.targetPortal}`.length > 64)
    errors.push(
      invalid(
        child(path.slice(0, path.lastIndexOf('.')), 'name'),
        name,
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
      ),
    );
  return errors;
}

function fcErrors(source: FCVolumeSource, path: string): FieldError[] {
  const [targets, ids] = [source.targetWWNs?.length ?? 0, source.wwids?.length ?? 0];
  const field = child(path, 'targetWWNs');
  const errors: FieldError[] = [];
  if (targets === 0 && ids === 0) errors.push(required(field, 'must specify either targetWWNs or wwids, but not both'));
  if (targets > 0 && ids > 0)
    errors.push(invalid(field, source.targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (targets === 0) return errors;
  if (source.lun === undefined) errors.push(required(child(path, 'lun'), 'lun is required if targetWWNs is specified'));
  else errors.push(...lunErrors(source.lun, path));
  return errors;
}

function flexErrors(source: FlexVolumeSource, path: string): FieldError[] {
  const errors = needs(source as unknown as Source, path, 'driver');
  for (const key of Object.keys(source.options ?? {})) {
    const domain = `.${(key.split('/')[0] ?? '').toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io'))
      errors.push(invalid(keyed(child(path, 'options'), key), key, 'kubernetes.io and k8s.io namespaces are reserved'));
  }
  return errors;
}

function quobyteErrors({ registry, tenant = '', volume }: QuobyteVolumeSource, path: string): FieldError[] {
  const text = 'must be a host:port pair or multiple pairs separated by commas';
  const errors: FieldError[] = [];
  if (!registry) errors.push(required(child(path, 'registry'), text));
  else if (tenant.length >= 65)
    errors.push(required(child(path, 'tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
  else
    for (const pair of registry.split(','))
      if (!/^(\[[^\]]*\]|[^:]*):[^:]*$/.test(pair)) errors.push(invalid(child(path, 'registry'), registry, text));
  if (!volume) errors.push(required(child(path, 'volume')));
  return errors;
}

function flockerErrors(source: Source, path: string): FieldError[] {
  const { datasetName = '', datasetUUID = '' } = source as { datasetName?: string; datasetUUID?: string };
  const errors: FieldError[] = [];
  if (datasetName === '' && datasetUUID === '')
    errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '')
    errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (datasetName.includes('/')) errors.push(invalid(child(path, 'datasetName'), datasetName, "must not contain '/'"));
  return errors;
}

function azureDiskErrors(source: AzureDiskVolumeSource, path: string): FieldError[] {
  const errors = needs(source as unknown as Source, path, 'diskName', 'diskURI');
  const { kind, cachingMode, diskURI = '' } = source;
  const [modes, kinds] = [
    ['None', 'ReadOnly', 'ReadWrite'],
    ['Dedicated', 'Managed', 'Shared'],
  ];
  if (cachingMode !== undefined && !modes.includes(cachingMode))
    errors.push(notSupported(child(path, 'cachingMode'), cachingMode, modes));
  if (kind !== undefined && !kinds.includes(kind)) errors.push(notSupported(child(path, 'kind'), kind, kinds));
  const field = child(path, 'diskURI');
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/'))
    errors.push(
      notSupported(field, diskURI, [
        '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
      ]),
    );
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://'))
    errors.push(
      notSupported(field, diskURI, ['https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd']),
    );
  return errors;
}

function storageosErrors(source: Source, path: string, owner: Owner): FieldError[] {
  const { volumeName = '', volumeNamespace = '' } = source as { volumeName?: string; volumeNamespace?: string };
  const errors =
    volumeName === ''
      ? [required(child(path, 'volumeName'))]
      : invalidEach(child(path, 'volumeName'), volumeName, dns1123LabelErrors(volumeName));
  if (volumeNamespace !== '')
    errors.push(...invalidEach(child(path, 'volumeNamespace'), volumeNamespace, dns1123LabelErrors(volumeNamespace)));
  return [...errors, ...secretErrors(source, path, owner)];
}

/** `secretRef`, where there is one, names something. */
function secretErrors(source: Source, path: string, { persistent }: Owner): FieldError[] {
  if (source.secretRef === undefined) return [];
  const fields = persistent ? ['name', 'namespace'] : ['name'];
  return needs(source.secretRef as Source, child(path, 'secretRef'), ...fields);
}

export function driverNameErrors(driver: string | undefined, path: string): FieldError[] {
  if (!driver) return [required(path)];
  const errors = driver.length > 63 ? [tooLong(path, 63)] : [];
  return [...errors, ...invalidEach(path, driver, dns1123SubdomainErrors(driver.toLowerCase()))];
}

const CSI_SECRETS = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function csiErrors(source: Source, path: string, { persistent }: Owner): FieldError[] {
  const csi = source as unknown as CSIPersistentVolumeSource;
  const errors = driverNameErrors(csi.driver, child(path, 'driver'));
  if (!persistent) {
    const ref = csi.nodePublishSecretRef;
    if (ref && !ref.name) errors.push(required(child(child(path, 'nodePublishSecretRef'), 'name')));
    else if (ref?.name) errors.push(...invalidEach(child(path, 'name'), ref.name, dns1123SubdomainErrors(ref.name)));
    return errors;
  }
  if (!csi.volumeHandle) errors.push(required(child(path, 'volumeHandle')));
  for (const field of CSI_SECRETS) errors.push(...referenceErrors(csi[field], child(path, field)));
  return errors;
}

function referenceErrors(ref: SecretReference | undefined, path: string): FieldError[] {
  if (!ref) return [];
  const errors = needs(ref as Source, path, 'name', 'namespace');
  if (ref.name) errors.push(...invalidEach(child(path, 'name'), ref.name, dns1123SubdomainErrors(ref.name)));
  if (ref.namespace)
    errors.push(...invalidEach(child(path, 'namespace'), ref.namespace, dns1123LabelErrors(ref.namespace)));
  return errors;
}

function azureFileErrors(source: Source, path: string, { persistent }: Owner): FieldError[] {
  const errors = needs(source, path, 'secretName', 'shareName');
  if (persistent && source.secretNamespace === '') errors.push(required(child(path, 'secretNamespace')));
  return errors;
}

function glusterfsErrors(source: Source, path: string): FieldError[] {
  const errors = needs(source, path, 'endpoints', 'path');
  const namespace = source.endpointsNamespace as string | undefined;
  const field = child(path, 'endpointsNamespace');
  if (namespace === '')
    errors.push(invalid(field, '', 'if the endpointnamespace is set, it must be a valid namespace name'));
  else if (namespace !== undefined) errors.push(...invalidEach(field, namespace, dns1123LabelErrors(namespace)));
  return errors;
}

const cast =
  <T>(rule: (source: T, path: string, owner: Owner) => FieldError[]): Rule =>
  (source, path, owner) =>
    rule(source as unknown as T, path, owner);
const fields =
  (...names: string[]): Rule =>
  (source, path) =>
    needs(source, path, ...names);

/** By field, in the order in which upstream looks: the second of a volume's sources is refused. */
const RULES: Readonly<Record<string, Rule>> = {
  hostPath: cast(hostPathErrors),
  gitRepo: (source, path) => [
    ...needs(source, path, 'repository'),
    ...localPathErrors((source.directory as string | undefined) ?? '', child(path, 'directory')),
  ],
  gcePersistentDisk: (source, path) => [...needs(source, path, 'pdName'), ...partitionErrors(source, path)],
  awsElasticBlockStore: (source, path) => [...needs(source, path, 'volumeID'), ...partitionErrors(source, path)],
  nfs: cast(nfsErrors),
  iscsi: cast(iscsiErrors),
  glusterfs: glusterfsErrors,
  flocker: flockerErrors,
  rbd: fields('monitors', 'image'),
  cinder: (source, path, owner) => [...needs(source, path, 'volumeID'), ...secretErrors(source, path, owner)],
  cephfs: fields('monitors'),
  quobyte: cast(quobyteErrors),
  fc: cast(fcErrors),
  flexVolume: cast(flexErrors),
  azureFile: azureFileErrors,
  vsphereVolume: fields('volumePath'),
  photonPersistentDisk: fields('pdID'),
  portworxVolume: fields('volumeID'),
  azureDisk: cast(azureDiskErrors),
  storageos: storageosErrors,
  scaleIO: fields('gateway', 'system', 'volumeName'),
  csi: csiErrors,
  local: (source, path) => {
    const local = source.path as string | undefined;
    return local ? backstepErrors(local, child(path, 'path')) : [required(child(path, 'path'))];
  },
};

/** Names under which upstream reports faults, where they are not the field's. */
const REPORTED: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };

/** `undefined`: not one of these sources. */
export function sourceErrors(kind: string, source: unknown, path: string, owner: Owner): FieldError[] | undefined {
  return RULES[kind]?.(source as Source, child(path, REPORTED[kind] ?? kind), owner);
}

export const secondSource = (kind: string, path: string): FieldError =>
  forbidden(child(path, kind), 'may not specify more than 1 volume type');
