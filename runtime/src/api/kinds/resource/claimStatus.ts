/** What has become of a claim (upstream: `pkg/apis/resource/validation`). */
import type {
  AllocatedDeviceStatus,
  DeviceAllocationResult,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../generated/types/resource.v1.ts';
import { validateNodeSelector } from '../core/placementValidation.ts';
import { child, forbidden, immutable, invalid, notSupported, required, tooLong } from '../errors.ts';
import { cidrErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { metaConditionErrors } from '../metaConditions.ts';
import { driverNameErrors } from '../storage/driverName.ts';
import {
  configurationErrors,
  requestNames,
  requestReferenceErrors,
  requestReferencesErrors,
  tolerationErrors,
} from './claimSpec.ts';
import { labelErrors, listErrors, poolNameErrors, setErrors } from './sets.ts';

const MAX_RESERVED = 256;
const MAX_RESULTS = 32;
const MAX_CONFIG = 64;
const MAX_INTERFACE_BYTES = 256;
const MAX_HARDWARE_BYTES = 128;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SOURCES = ['FromClaim', 'FromClass'];

type Device = Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>;

const deviceKey = ({ driver, pool, device, shareID }: Device): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');

function shareErrors(shareID: string | undefined, path: string): FieldError[] {
  if (shareID === undefined || UUID.test(shareID)) return [];
  return [
    invalid(
      child(path, 'shareID'),
      shareID,
      'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
    ),
  ];
}

function resultErrors(result: DeviceRequestAllocationResult, path: string, names: ReadonlySet<string>): FieldError[] {
  return [
    ...requestReferenceErrors(result.request ?? '', child(path, 'request'), names),
    ...driverNameErrors(child(path, 'driver'), result.driver ?? ''),
    ...poolNameErrors(result.pool ?? '', child(path, 'pool')),
    ...labelErrors(result.device ?? '', child(path, 'device')),
    ...tolerationErrors(result.tolerations, path),
    ...shareErrors(result.shareID, path),
  ];
}

function allocationErrors(
  devices: DeviceAllocationResult | undefined,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] {
  return [
    ...listErrors(devices?.results, MAX_RESULTS, (r, at) => resultErrors(r, at, names), child(path, 'results')),
    ...listErrors(
      devices?.config,
      MAX_CONFIG,
      (config, at) => {
        const field = child(at, 'source');
        const source: string = config.source ?? '';
        const wrong = source === '' ? [required(field)] : [notSupported(field, source, SOURCES)];
        return [
          ...(SOURCES.includes(source) ? [] : wrong),
          ...requestReferencesErrors(config.requests, at, names),
          ...configurationErrors(config, at),
        ];
      },
      child(path, 'config'),
    ),
  ];
}

function deviceStatusErrors(device: AllocatedDeviceStatus, path: string, allocated: ReadonlySet<string>): FieldError[] {
  const errors = [
    ...driverNameErrors(child(path, 'driver'), device.driver ?? ''),
    ...poolNameErrors(device.pool ?? '', child(path, 'pool')),
    ...labelErrors(device.device ?? '', child(path, 'device')),
    ...shareErrors(device.shareID, path),
  ];
  if (!allocated.has(deviceKey(device)))
    errors.push(invalid(path, deviceKey(device), 'must be an allocated device in the claim'));
  errors.push(...metaConditionErrors(device.conditions, child(path, 'conditions')));
  const network = device.networkData;
  if (!network) return errors;
  const here = child(path, 'networkData');
  if (Buffer.byteLength(network.interfaceName ?? '') > MAX_INTERFACE_BYTES)
    errors.push(tooLong(child(here, 'interfaceName'), MAX_INTERFACE_BYTES));
  if (Buffer.byteLength(network.hardwareAddress ?? '') > MAX_HARDWARE_BYTES)
    errors.push(tooLong(child(here, 'hardwareAddress'), MAX_HARDWARE_BYTES));
  return [...errors, ...setErrors(network.ips, 16, interfaceAddressErrors, ip => ip, child(here, 'ips'))];
}

/** `192.0.2.5/24`: an address with its network's length. */
function interfaceAddressErrors(text: string, path: string): FieldError[] {
  const errors = cidrErrors(path, text).filter(error => !error.message.includes('beyond the prefix length'));
  return errors.length === 0
    ? []
    : [invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')];
}

export function claimStatusErrors(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor, devices } = claim.status ?? {};
  const before = old.status?.allocation;
  const names = requestNames(claim.spec?.devices);
  const errors = setErrors(
    reservedFor,
    MAX_RESERVED,
    (consumer, at) =>
      (['resource', 'name', 'uid'] as const).flatMap(field => (consumer[field] ? [] : [required(child(at, field))])),
    consumer => consumer.uid,
    'status.reservedFor',
  );
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey));
  errors.push(
    ...setErrors(
      devices,
      Number.POSITIVE_INFINITY,
      (d, at) => deviceStatusErrors(d, at, allocated),
      deviceKey,
      'status.devices',
    ),
  );
  if (reservedFor?.length && !allocation)
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  else if (reservedFor?.length && claim.metadata.deletionTimestamp !== undefined) {
    const known = new Set((old.status?.reservedFor ?? []).map(consumer => consumer.uid));
    if (reservedFor.some(consumer => !known.has(consumer.uid)))
      errors.push(
        forbidden(
          'status.reservedFor',
          'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
        ),
      );
  }
  if (allocation && before) errors.push(...immutable('status.allocation', allocation, before));
  else if (allocation) {
    errors.push(...allocationErrors(allocation.devices, 'status.allocation.devices', names));
    if (allocation.nodeSelector)
      errors.push(
        ...validateNodeSelector(
          allocation.nodeSelector.nodeSelectorTerms,
          'status.allocation.nodeSelector.nodeSelectorTerms',
        ),
      );
  }
  return errors;
}
