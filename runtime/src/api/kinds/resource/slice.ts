/** ResourceSlices: what devices there are (upstream: `pkg/apis/resource/validation`). */
import type {
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  DeviceTaint,
  ResourceSlice,
  ResourceSliceSpec,
} from '../../generated/types/resource.v1.ts';
import { dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { validateNodeSelector } from '../core/placementValidation.ts';
import { defineKind } from '../define.ts';
import { child, immutable, invalid, invalidEach, notSupported, required, sameValue, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { driverNameErrors } from '../storage/driverName.ts';
import { requestPolicyErrors } from './requestPolicy.ts';
import {
  labelErrors,
  listErrors,
  mapErrors,
  poolNameErrors,
  qualifiedErrors,
  requiredLabelErrors,
  setErrors,
} from './sets.ts';

const MAX_DEVICES = 128;
const MAX_ADVANCED_DEVICES = 64;
const MAX_COUNTER_SETS = 8;
const MAX_COUNTERS = 32;
const MAX_CONSUMPTIONS = 2;
const MAX_ATTRIBUTES = 32;
const MAX_TAINTS = 16;
const MAX_TEXT_BYTES = 64;
const MANY = Number.POSITIVE_INFINITY;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const PER_DEVICE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const SLICE_NODES = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

function textErrors(text: string, path: string): FieldError[] {
  return Buffer.byteLength(text) > MAX_TEXT_BYTES ? [tooLong(path, MAX_TEXT_BYTES)] : [];
}

function versionErrors(text: string, path: string): FieldError[] {
  const wrong = SEMVER.test(text)
    ? []
    : [invalid(path, text, 'must be a string compatible with semver.org spec 2.0.0')];
  return [...wrong, ...textErrors(text, path)];
}

const VALUE_FIELDS = ['bool', 'int', 'string', 'version', 'bools', 'ints', 'strings', 'versions'] as const;

function attributeErrors(attribute: DeviceAttribute, path: string): FieldError[] {
  const set = VALUE_FIELDS.filter(field => attribute[field] !== undefined);
  const errors: FieldError[] = [];
  if (attribute.string !== undefined) errors.push(...textErrors(attribute.string, child(path, 'string')));
  if (attribute.version !== undefined) errors.push(...versionErrors(attribute.version, child(path, 'version')));
  for (const field of ['bools', 'ints', 'strings', 'versions'] as const)
    if (attribute[field]?.length === 0)
      errors.push(invalid(child(path, field), attribute[field], 'must not be empty if specified'));
  errors.push(...listErrors(attribute.strings, MANY, textErrors, child(path, 'strings')));
  errors.push(...listErrors(attribute.versions, MANY, versionErrors, child(path, 'versions')));
  if (set.length === 1) return errors;
  return [...errors, invalid(path, set.length === 0 ? '' : attribute, 'exactly one value must be specified')];
}

function taintErrors({ key = '', value = '', effect }: DeviceTaint, path: string): FieldError[] {
  const text: string = effect ?? '';
  const field = child(path, 'effect');
  const wrong = text === '' ? [required(field)] : [notSupported(field, text, EFFECTS)];
  return [
    ...invalidEach(child(path, 'key'), key, qualifiedNameErrors(key)),
    ...(value === '' ? [] : invalidEach(child(path, 'value'), value, labelValueErrors(value))),
    ...(EFFECTS.includes(text) ? [] : wrong),
  ];
}

const consumptionErrors = ({ counterSet, counters }: DeviceCounterConsumption, path: string): FieldError[] => [
  ...requiredLabelErrors(counterSet, child(path, 'counterSet')),
  ...counterErrors(counters, child(path, 'counters')),
];

function counterErrors(counters: CounterSet['counters'], path: string): FieldError[] {
  return Object.keys(counters ?? {}).length === 0
    ? [required(path)]
    : mapErrors(counters, MAX_COUNTERS, labelErrors, () => [], path);
}

interface Placed {
  readonly nodeName?: string | undefined;
  readonly nodeSelector?: ResourceSliceSpec['nodeSelector'];
  readonly allNodes?: boolean | undefined;
}

/** Where devices can be used from; the names of the fields that say it go into `set`. */
function placeErrors(place: Placed, path: string, set: string[], emptyText: string): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = place;
  const errors: FieldError[] = [];
  const name = child(path, 'nodeName');
  if (nodeName === '') errors.push(invalid(name, nodeName, emptyText));
  else if (nodeName !== undefined) {
    set.push('`nodeName`');
    errors.push(...invalidEach(name, nodeName, dns1123SubdomainErrors(nodeName)));
  }
  if (nodeSelector) {
    set.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector.nodeSelectorTerms, child(path, 'nodeSelector.nodeSelectorTerms')));
  }
  if (allNodes) set.push('`allNodes`');
  else if (allNodes === false)
    errors.push(invalid(child(path, 'allNodes'), allNodes, 'must be either unset or set to true'));
  return errors;
}

function devicePlaceErrors(device: Device, path: string, perDevice: boolean): FieldError[] {
  if (!perDevice)
    return device.nodeName !== undefined || device.nodeSelector || device.allNodes !== undefined
      ? [
          invalid(
            path,
            null,
            '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
          ),
        ]
      : [];
  const set: string[] = [];
  const errors = placeErrors(device, path, set, 'must not be empty');
  if (set.length === 0) errors.push(required(path, PER_DEVICE));
  if (set.length > 1) errors.push(invalid(path, `{${set.join(', ')}}`, PER_DEVICE));
  return errors;
}

function deviceErrors(device: Device, old: Device | undefined, path: string, perDevice: boolean): FieldError[] {
  const errors = labelErrors(device.name ?? '', child(path, 'name'));
  const count = Object.keys(device.attributes ?? {}).length + Object.keys(device.capacity ?? {}).length;
  if (count > MAX_ATTRIBUTES)
    errors.push(
      invalid(path, count, `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES}`),
    );
  errors.push(...mapErrors(device.attributes, MANY, qualifiedErrors, attributeErrors, child(path, 'attributes')));
  if (!old || !sameValue(old.capacity, device.capacity)) {
    const shared = device.allowMultipleAllocations === true;
    errors.push(
      ...mapErrors(
        device.capacity,
        MANY,
        qualifiedErrors,
        (capacity, at) => requestPolicyErrors(capacity, shared, child(at, 'requestPolicy')),
        child(path, 'capacity'),
      ),
    );
  }
  if (!old || !sameValue(old.taints, device.taints))
    errors.push(...listErrors(device.taints, MAX_TAINTS, taintErrors, child(path, 'taints')));
  errors.push(
    ...setErrors(
      device.consumesCounters,
      MAX_CONSUMPTIONS,
      consumptionErrors,
      consumption => consumption.counterSet,
      child(path, 'consumesCounters'),
    ),
  );
  return [...errors, ...devicePlaceErrors(device, path, perDevice)];
}

const isAdvanced = (device: Device): boolean =>
  (device.taints?.length ?? 0) > 0 || (device.consumesCounters?.length ?? 0) > 0;

function specErrors(spec: ResourceSliceSpec | undefined, old?: ResourceSliceSpec): FieldError[] {
  const pool = spec?.pool;
  const errors = [
    ...driverNameErrors('spec.driver', spec?.driver ?? ''),
    ...poolNameErrors(pool?.name ?? '', 'spec.pool.name'),
  ];
  const slices = pool?.resourceSliceCount ?? 0;
  if (slices <= 0) errors.push(invalid('spec.pool.resourceSliceCount', slices, 'must be greater than zero'));
  const generation = pool?.generation ?? 0;
  if (generation < 0) errors.push(invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'));
  if (old) {
    errors.push(...immutable('spec.pool.name', pool?.name, old.pool?.name));
    errors.push(...immutable('spec.driver', spec?.driver, old.driver));
    errors.push(...immutable('spec.nodeName', spec?.nodeName, old.nodeName));
  }
  const set: string[] = [];
  errors.push(...placeErrors(spec ?? {}, 'spec', set, 'must be either unset or set to a non-empty string'));
  const terms = spec?.nodeSelector?.nodeSelectorTerms;
  if (spec?.nodeSelector && terms?.length !== 1)
    errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'));
  const perDevice = spec?.perDeviceNodeSelection;
  if (perDevice) set.push('`perDeviceNodeSelection`');
  else if (perDevice === false)
    errors.push(invalid('spec.perDeviceNodeSelection', perDevice, 'must be either unset or set to true'));
  if (set.length === 0) errors.push(required('spec', SLICE_NODES));
  if (set.length > 1)
    errors.push(invalid('spec', `{${set.join(', ')}}`, `${SLICE_NODES}, but multiple fields are set`));
  if (spec?.sharedCounters && spec.devices)
    errors.push(invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'));
  const max = (spec?.devices ?? []).some(isAdvanced) ? MAX_ADVANCED_DEVICES : MAX_DEVICES;
  const before = (name: string): Device | undefined => old?.devices?.find(device => device.name === name);
  errors.push(
    ...setErrors(
      spec?.devices,
      max,
      (device, at) => deviceErrors(device, before(device.name), at, perDevice === true),
      device => device.name,
      'spec.devices',
    ),
  );
  return [
    ...errors,
    ...setErrors(
      spec?.sharedCounters,
      MAX_COUNTER_SETS,
      (counters, at) => [
        ...requiredLabelErrors(counters.name, child(at, 'name')),
        ...counterErrors(counters.counters, child(at, 'counters')),
      ],
      counters => counters.name,
      'spec.sharedCounters',
    ),
  ];
}

export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  selectableFieldNames: ['spec.nodeName', 'spec.driver'],
  selectableFields: o => ({ 'spec.nodeName': o.spec?.nodeName ?? '', 'spec.driver': o.spec?.driver ?? '' }),
  columns: [
    column(
      'Node',
      'string',
      'NodeName identifies the node which provides the resources in this pool.',
      o => o.spec?.nodeName ?? '<unset>',
    ),
    column(
      'Driver',
      'string',
      'Driver identifies the DRA driver providing the capacity information.',
      o => o.spec?.driver ?? '',
    ),
    column(
      'Pool',
      'string',
      'Pool describes the pool that this ResourceSlice belongs to.',
      o => o.spec?.pool?.name ?? '',
    ),
    ageColumn,
  ],
  validate: ({ spec }) => specErrors(spec),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => specErrors(object.spec, old.spec),
});
