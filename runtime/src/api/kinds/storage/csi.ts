/** CSIDrivers, CSINodes and CSIStorageCapacities (upstream: `pkg/apis/storage/validation`). */
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
} from '../../generated/types/storage.v1.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import {
  at,
  child,
  duplicate,
  IMMUTABLE,
  immutable,
  invalid,
  invalidEach,
  NOT_NEGATIVE,
  nonNegative,
  notSupported,
  required,
  sameValue,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { driverNameErrors } from './driverName.ts';

const group = 'storage.k8s.io';
const version = 'v1';
const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const LIFECYCLES = ['Persistent', 'Ephemeral'];
const NODE_ID_LIMIT = 256;

function tokenErrors({ tokenRequests }: CSIDriverSpec): FieldError[] {
  const audiences = new Set<string>();
  return (tokenRequests ?? []).flatMap(({ audience = '', expirationSeconds: seconds }, i) => {
    const path = at('spec.tokenRequests', i);
    if (audiences.has(audience)) return [duplicate(child(path, 'audience'), audience)];
    audiences.add(audience);
    const field = child(path, 'expirationSeconds');
    if (seconds !== undefined && seconds < 600)
      return [invalid(field, seconds, 'may not specify a duration less than 10 minutes')];
    if (seconds !== undefined && seconds > 2 ** 32)
      return [invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds')];
    return [];
  });
}

function driverSpecErrors(spec: CSIDriverSpec | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (spec?.attachRequired === undefined) errors.push(required('spec.attachedRequired'));
  if (spec?.podInfoOnMount === undefined) errors.push(required('spec.podInfoOnMount'));
  if (spec?.storageCapacity === undefined) errors.push(required('spec.storageCapacity'));
  if (!spec) return errors;
  if (spec.fsGroupPolicy !== undefined && !FS_GROUP_POLICIES.includes(spec.fsGroupPolicy))
    errors.push(notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, FS_GROUP_POLICIES));
  errors.push(...tokenErrors(spec));
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!LIFECYCLES.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, LIFECYCLES));
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10)
    errors.push(
      invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds'),
    );
  return errors;
}

export const csiDriver = defineKind<CSIDriver>({
  group,
  version,
  kind: 'CSIDriver',
  columns: [
    column(
      'AttachRequired',
      'boolean',
      'attachRequired indicates this CSI volume driver requires an attach operation.',
      o => o.spec?.attachRequired ?? true,
    ),
    column(
      'PodInfoOnMount',
      'boolean',
      'podInfoOnMount indicates this CSI volume driver requires additional pod information during mount operations.',
      o => o.spec?.podInfoOnMount ?? false,
    ),
    column(
      'StorageCapacity',
      'boolean',
      'storageCapacity indicates that the CSI volume driver wants pod scheduling to consider the storage capacity.',
      o => o.spec?.storageCapacity ?? false,
    ),
    column('TokenRequests', 'string', 'tokenRequests indicates the CSI driver needs tokens of pods.', o => {
      const tokens = o.spec?.tokenRequests;
      return tokens === undefined ? '<unset>' : tokens.map(t => t.audience ?? '').join(',');
    }),
    column(
      'RequiresRepublish',
      'boolean',
      'requiresRepublish indicates the CSI driver wants `NodePublishVolume` being periodically called.',
      o => o.spec?.requiresRepublish ?? false,
    ),
    column(
      'Modes',
      'string',
      'volumeLifecycleModes defines what kind of volumes this CSI volume driver supports.',
      o => (o.spec?.volumeLifecycleModes?.length ? o.spec.volumeLifecycleModes.join(',') : '<none>'),
    ),
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
  validate: ({ spec }) => driverSpecErrors(spec),
  validateUpdate: (object, old) => [
    ...immutable('spec.attachedRequired', object.spec?.attachRequired, old.spec?.attachRequired),
    ...immutable('spec.volumeLifecycleModes', object.spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes),
  ],
});

function nodeDriverErrors(driver: CSINodeDriver, path: string): FieldError[] {
  const { name = '', nodeID = '', allocatable, topologyKeys } = driver;
  const errors = driverNameErrors(child(path, 'name'), name);
  if (nodeID === '') errors.push(required(child(path, 'nodeID')));
  if (nodeID.length > NODE_ID_LIMIT)
    errors.push(invalid(child(path, 'nodeID'), nodeID, `must be ${NODE_ID_LIMIT} characters or less`));
  errors.push(...nonNegative(child(path, 'allocatable.count'), allocatable?.count));
  const seen = new Set<string>();
  for (const key of topologyKeys ?? []) {
    if (key === '') errors.push(required(path));
    if (seen.has(key)) errors.push(duplicate(path, key));
    seen.add(key);
    errors.push(...invalidEach(path, key, qualifiedNameErrors(key)));
  }
  return errors;
}

function nodeErrors({ spec }: CSINode): FieldError[] {
  const names = new Set<string>();
  return (spec?.drivers ?? []).flatMap((driver, i) => {
    const path = at('spec.drivers', i);
    const errors = nodeDriverErrors(driver, path);
    // What the keys say stands last.
    if (names.has(driver.name)) errors.push(duplicate(child(path, 'name'), driver.name));
    names.add(driver.name);
    return errors;
  });
}

const withoutAllocatable = ({ allocatable: _, ...driver }: CSINodeDriver): object => driver;

export const csiNode = defineKind<CSINode>({
  group,
  version,
  kind: 'CSINode',
  columns: [
    column(
      'Drivers',
      'integer',
      'Drivers indicates the number of CSI drivers registered on the node',
      o => o.spec?.drivers?.length ?? 0,
    ),
    ageColumn,
  ],
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: nodeErrors,
  validateUpdate: (object, old) =>
    (old.spec?.drivers ?? []).flatMap(before =>
      (object.spec?.drivers ?? [])
        .filter(driver => driver.name === before.name)
        .filter(driver => !sameValue(withoutAllocatable(driver), withoutAllocatable(before)))
        .map(driver => invalid('spec.drivers', withoutAllocatable(driver), IMMUTABLE)),
    ),
});

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group,
  version,
  kind: 'CSIStorageCapacity',
  columns: [
    column(
      'StorageClassName',
      'string',
      'storageClassName represents the name of the StorageClass that the reported capacity applies to.',
      o => o.storageClassName,
    ),
    column('Capacity', 'string', 'capacity is the value reported by the CSI driver.', o => o.capacity ?? '<unset>'),
  ],
  validate: ({ nodeTopology, storageClassName = '', capacity }) => [
    ...validateLabelSelector(nodeTopology, 'nodeTopology'),
    ...invalidEach('storageClassName', storageClassName, dns1123SubdomainErrors(storageClassName)),
    ...(capacity !== undefined && parseQuantity(capacity).nanos < 0n
      ? [invalid('capacity', capacity, NOT_NEGATIVE)]
      : []),
  ],
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...immutable('nodeTopology', object.nodeTopology, old.nodeTopology),
    ...immutable('storageClassName', object.storageClassName, old.storageClassName),
  ],
});
