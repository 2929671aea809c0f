/** Endpoints and EndpointSlices: where a service's traffic goes. */
import { isIP } from 'node:net';
import type { Endpoints } from '../../generated/types/core.v1.ts';
import type { EndpointSlice } from '../../generated/types/discovery.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, immutable, invalid, notSupported, required, tooMany } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const IP_TEXT = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const SHOWN = 3;

/** The first three, and how many more. */
function shortened(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const rest = items.length - SHOWN;
  return rest > 0 ? `${items.slice(0, SHOWN).join(',')} + ${rest} more...` : items.join(',');
}

function addresses(object: Endpoints): string {
  const all = (object.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(a => a.ip)
      : ports.flatMap(port =>
          addresses.map(a => (isIP(a.ip) === 6 ? `[${a.ip}]:${port.port}` : `${a.ip}:${port.port}`)),
        ),
  );
  return shortened(all, '<none>');
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  shortNames: ['ep'],
  columns: [column('Endpoints', 'string', 'The set of all endpoints.', addresses), ageColumn],
  defaults: object => {
    for (const port of (object.subsets ?? []).flatMap(s => s.ports ?? [])) if (!port.protocol) port.protocol = 'TCP';
  },
  validate: object =>
    (object.subsets ?? []).flatMap((subset, i) => {
      const path = at('subsets', i);
      const errors: FieldError[] = [];
      if (!subset.addresses?.length && !subset.notReadyAddresses?.length)
        errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
      for (const field of ['addresses', 'notReadyAddresses'] as const)
        for (const [j, { ip }] of (subset[field] ?? []).entries())
          if (isIP(ip) === 0) errors.push(invalid(child(at(child(path, field), j), 'ip'), ip, IP_TEXT));
      return errors;
    }),
});

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  columns: [
    column(
      'AddressType',
      'string',
      'addressType specifies the type of address carried by this EndpointSlice.',
      o => o.addressType,
    ),
    column('Ports', 'string', 'ports of each endpoint in this slice.', o =>
      shortened(
        (o.ports ?? []).map(p => (p.name && p.port === undefined ? p.name : String(p.port ?? '*'))),
        '<unset>',
      ),
    ),
    column('Endpoints', 'string', 'endpoints is a list of unique endpoints in this slice.', o =>
      shortened(
        (o.endpoints ?? []).flatMap(e => e.addresses ?? []),
        '<unset>',
      ),
    ),
    ageColumn,
  ],
  defaults: object => {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
  },
  validate: object => {
    const errors: FieldError[] = [];
    if (!object.addressType) errors.push(required('addressType'));
    else if (!ADDRESS_TYPES.includes(object.addressType))
      errors.push(notSupported('addressType', object.addressType, ADDRESS_TYPES));
    const all = object.endpoints ?? [];
    if (all.length > 1000) errors.push(tooMany('endpoints', all.length, 1000));
    for (const [i, { addresses }] of all.entries()) {
      if (!addresses?.length)
        errors.push(required(child(at('endpoints', i), 'addresses'), 'must contain at least 1 address'));
      for (const [j, address] of (addresses ?? []).entries()) {
        const family = object.addressType === 'IPv6' ? 6 : 4;
        if (object.addressType !== 'FQDN' && isIP(address) !== family)
          errors.push(
            invalid(at(child(at('endpoints', i), 'addresses'), j), address, `must be an ${object.addressType} address`),
          );
      }
    }
    return errors;
  },
  validateUpdate: (object, old) => immutable('addressType', object.addressType, old.addressType),
});
