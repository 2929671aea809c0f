/** EndpointSlices: where a service's traffic goes (upstream: `pkg/apis/discovery/validation`). */
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../../generated/types/discovery.v1.ts';
import { parseIp } from '../../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import {
  at,
  child,
  duplicate,
  immutable,
  invalid,
  invalidEach,
  notSupported,
  required,
  sameValue,
  tooMany,
} from '../errors.ts';
import { ipWarnings, looseIpErrors, specialIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabels } from '../objectMeta.ts';
import { shortened } from '../shortened.ts';

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MAX_TOPOLOGY_LABELS = 16;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;
const MAX_ENDPOINTS = 1000;
const MAX_HINTS = 8;

/** Fully qualified: two labels or more, a dot at the end allowed. */
function domainErrors(field: string, name: string): FieldError[] {
  if (name === '') return [required(field)];
  const bare = name.replace(/\.$/, '');
  const texts = dns1123SubdomainErrors(bare);
  if (texts.length > 0) return [invalid(field, bare, texts.join(','))];
  const labels = bare.split('.');
  if (labels.length < 2)
    return [invalid(field, bare, 'should be a domain with at least two segments separated by dots')];
  for (const label of labels) {
    const wrong = dns1123LabelErrors(label);
    if (wrong.length > 0) return [invalid(field, label, wrong.join(','))];
  }
  return [];
}

function addressErrors(field: string, address: string, type: string, kept: readonly string[]): FieldError[] {
  if (type === 'FQDN') return domainErrors(field, address);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const errors = looseIpErrors(field, address, kept);
  if (errors.length > 0) return errors;
  if (parseIp(address)?.family !== (type === 'IPv4' ? 4 : 6))
    errors.push(invalid(field, address, `must be an ${type} address`));
  return [...errors, ...specialIpErrors(field, address)];
}

function hintErrors(
  hints: readonly { readonly name: string }[] | undefined,
  path: string,
  rule: (name: string) => string[],
): FieldError[] {
  if (!hints) return [];
  if (hints.length > MAX_HINTS) return [tooMany(path, hints.length, MAX_HINTS)];
  const seen = new Set<string>();
  return hints.flatMap(({ name }, i) => {
    const here = child(at(path, i), 'name');
    const errors = seen.has(name) ? [duplicate(here, name)] : [];
    seen.add(name);
    return [...errors, ...invalidEach(here, name, rule(name))];
  });
}

const allHintErrors = (hints: EndpointHints, path: string): FieldError[] => [
  ...hintErrors(hints.forZones, child(path, 'forZones'), labelValueErrors),
  ...hintErrors(hints.forNodes, child(path, 'forNodes'), dns1123SubdomainErrors),
];

function endpointErrors(endpoint: Endpoint, path: string, type: string, kept: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const { addresses = [], nodeName, deprecatedTopology, hostname, hints } = endpoint;
  const field = child(path, 'addresses');
  if (addresses.length === 0) errors.push(required(field, 'must contain at least 1 address'));
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(field, addresses.length, MAX_ADDRESSES));
  errors.push(...addresses.flatMap((address, i) => addressErrors(at(field, i), address, type, kept)));
  if (nodeName !== undefined)
    errors.push(...invalidEach(child(path, 'nodeName'), nodeName, dns1123SubdomainErrors(nodeName)));
  const topology = child(path, 'deprecatedTopology');
  const labels = Object.keys(deprecatedTopology ?? {}).length;
  if (labels > MAX_TOPOLOGY_LABELS) errors.push(tooMany(topology, labels, MAX_TOPOLOGY_LABELS));
  errors.push(...validateLabels(deprecatedTopology, topology));
  if (hostname !== undefined)
    errors.push(...invalidEach(child(path, 'hostname'), hostname, dns1123LabelErrors(hostname)));
  return hints ? [...errors, ...allHintErrors(hints, child(path, 'hints'))] : errors;
}

function portErrors(ports: readonly EndpointPort[]): FieldError[] {
  if (ports.length > MAX_PORTS) return [tooMany('ports', ports.length, MAX_PORTS)];
  const seen = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, i) => {
    const path = at('ports', i);
    const errors = name === '' ? [] : invalidEach(child(path, 'name'), name, dns1123LabelErrors(name));
    if (seen.has(name)) errors.push(duplicate(child(path, 'name'), name));
    seen.add(name);
    if (protocol === undefined) errors.push(required(child(path, 'protocol')));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(child(path, 'protocol'), protocol, PROTOCOLS));
    if (appProtocol !== undefined)
      errors.push(...invalidEach(child(path, 'appProtocol'), appProtocol, qualifiedNameErrors(appProtocol)));
    return errors;
  });
}

function sliceErrors(object: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const type: string = object.addressType ?? '';
  const errors: FieldError[] = [];
  if (type === '') errors.push(required('addressType'));
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported('addressType', type, ADDRESS_TYPES));
  const endpoints = object.endpoints ?? [];
  const kept = (old?.endpoints ?? []).flatMap(e => e.addresses ?? []);
  if (endpoints.length > MAX_ENDPOINTS) errors.push(tooMany('endpoints', endpoints.length, MAX_ENDPOINTS));
  else errors.push(...endpoints.flatMap((e, i) => endpointErrors(e, at('endpoints', i), type, kept)));
  return [...errors, ...portErrors(object.ports ?? [])];
}

/** What the generation counts: everything but metadata, and the labels. */
const counted = ({ addressType, endpoints, ports, metadata }: EndpointSlice): unknown => ({
  addressType,
  endpoints,
  ports,
  labels: metadata.labels,
});

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
    column('Ports', 'string', 'ports specifies the list of network ports exposed by each endpoint in this slice.', o =>
      shortened(
        (o.ports ?? []).map(p => String(p.port ?? p.name ?? '*')),
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
  prepareForUpdate: (object, old) => {
    const generation = old.metadata.generation ?? 0;
    object.metadata.generation = sameValue(counted(object), counted(old)) ? generation : generation + 1;
  },
  validate: object => sliceErrors(object),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...sliceErrors(object, old),
    ...immutable('addressType', object.addressType, old.addressType),
  ],
  warnings: object =>
    object.addressType === 'FQDN'
      ? ['addressType: FQDN endpoints are deprecated']
      : (object.endpoints ?? []).flatMap((endpoint, i) =>
          (endpoint.addresses ?? []).flatMap((address, j) => ipWarnings(`endpoints[${i}].addresses[${j}]`, address)),
        ),
});
