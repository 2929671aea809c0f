/** Endpoints: where a service's traffic goes, as it was said before EndpointSlices. */
import { isIP } from 'node:net';
import type { Endpoints } from '../../generated/types/core.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, invalid, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { shortened } from '../shortened.ts';

const IP_TEXT = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
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
