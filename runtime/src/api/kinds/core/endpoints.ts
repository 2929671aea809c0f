/** Endpoints: where a service's traffic goes, as it was said before EndpointSlices. */
import { isIP } from 'node:net';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, portNumberErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, invalidEach, notSupported, required, sameValue } from '../errors.ts';
import { ipWarnings, looseIpErrors, specialIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { shortened } from '../shortened.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

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

function addressErrors({ ip = '', hostname, nodeName }: EndpointAddress, path: string): FieldError[] {
  const errors = looseIpErrors(child(path, 'ip'), ip);
  if (hostname) errors.push(...invalidEach(child(path, 'hostname'), hostname, dns1123LabelErrors(hostname)));
  if (nodeName !== undefined)
    errors.push(...invalidEach(child(path, 'nodeName'), nodeName, dns1123SubdomainErrors(nodeName)));
  return [...errors, ...specialIpErrors(child(path, 'ip'), ip)];
}

function portErrors(port: EndpointPort, named: boolean, path: string): FieldError[] {
  const { name = '', appProtocol } = port;
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...invalidEach(child(path, 'name'), name, dns1123LabelErrors(name)));
  else if (named) errors.push(required(child(path, 'name')));
  errors.push(...invalidEach(child(path, 'port'), port.port ?? 0, portNumberErrors(port.port ?? 0)));
  if (!port.protocol) errors.push(required(child(path, 'protocol')));
  else if (!PROTOCOLS.includes(port.protocol))
    errors.push(notSupported(child(path, 'protocol'), port.protocol, PROTOCOLS));
  if (appProtocol !== undefined)
    errors.push(...invalidEach(child(path, 'appProtocol'), appProtocol, qualifiedNameErrors(appProtocol)));
  return errors;
}

function subsetErrors(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  path: string,
): FieldError[] {
  return [
    ...(addresses.length + notReadyAddresses.length === 0
      ? [required(path, 'must specify `addresses` or `notReadyAddresses`')]
      : []),
    ...addresses.flatMap((address, i) => addressErrors(address, at(child(path, 'addresses'), i))),
    ...notReadyAddresses.flatMap((address, i) => addressErrors(address, at(child(path, 'notReadyAddresses'), i))),
    ...ports.flatMap((port, i) => portErrors(port, ports.length > 1, at(child(path, 'ports'), i))),
  ];
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  shortNames: ['ep'],
  deprecated: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [column('Endpoints', 'string', 'The set of all endpoints.', addresses), ageColumn],
  defaults: object => {
    for (const port of (object.subsets ?? []).flatMap(s => s.ports ?? [])) if (!port.protocol) port.protocol = 'TCP';
  },
  validate: ({ subsets }) => (subsets ?? []).flatMap((subset, i) => subsetErrors(subset, at('subsets', i))),
  // What was accepted once and has not been touched stays.
  validateUpdate: ({ subsets }, old) => {
    const errors = (subsets ?? []).flatMap((subset, i) => subsetErrors(subset, at('subsets', i)));
    return errors.length > 0 && sameValue(subsets, old.subsets) ? [] : errors;
  },
  validateUpdateAlone: true,
  warnings: ({ subsets }) =>
    (subsets ?? []).flatMap((subset, i) =>
      (['addresses', 'notReadyAddresses'] as const).flatMap(field =>
        (subset[field] ?? []).flatMap(({ ip }, j) => ipWarnings(`subsets[${i}].${field}[${j}].ip`, ip)),
      ),
    ),
});
