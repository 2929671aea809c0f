/** NetworkPolicies (upstream: `pkg/apis/networking/validation`). */
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../generated/types/networking.v1.ts';
import { cidrContains, parseCidr } from '../../ip.ts';
import { portNameErrors, portNumberErrors } from '../../names.ts';
import { ageColumn, column, selectorText } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import { cidrWarnings, looseCidrErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const POLICY_TYPES = ['Ingress', 'Egress'];

/** Every peer with its path. */
function peersOf({ spec }: NetworkPolicy): { readonly peer: NetworkPolicyPeer; readonly path: string }[] {
  const of = (peers: readonly NetworkPolicyPeer[] | undefined, path: string) =>
    (peers ?? []).map((peer, i) => ({ peer, path: at(path, i) }));
  return [
    ...(spec?.ingress ?? []).flatMap((rule, i) => of(rule.from, child(at('spec.ingress', i), 'from'))),
    ...(spec?.egress ?? []).flatMap((rule, i) => of(rule.to, child(at('spec.egress', i), 'to'))),
  ];
}

/** @param kept ranges of the old policy, which stay allowed whatever they are. */
function blockErrors({ cidr, except }: IPBlock, path: string, kept: readonly string[]): FieldError[] {
  const field = child(path, 'cidr');
  if (!cidr) return [required(field)];
  const errors = looseCidrErrors(field, cidr, kept);
  const range = parseCidr(cidr);
  if (!range) return errors;
  for (const [i, out] of (except ?? []).entries()) {
    const here = at(child(path, 'except'), i);
    errors.push(...looseCidrErrors(here, out, kept));
    const inner = parseCidr(out);
    if (inner && (!cidrContains(range, { ...inner.ip, bits: inner.first }) || range.length >= inner.length))
      errors.push(invalid(here, out, 'must be a strict subset of `cidr`'));
  }
  return errors;
}

function peerErrors(peer: NetworkPolicyPeer, path: string, kept: readonly string[]): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const errors = [
    ...validateLabelSelector(podSelector, child(path, 'podSelector')),
    ...validateLabelSelector(namespaceSelector, child(path, 'namespaceSelector')),
    ...(ipBlock ? blockErrors(ipBlock, child(path, 'ipBlock'), kept) : []),
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'));
  else if (ipBlock && (podSelector || namespaceSelector))
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  return errors;
}

function portErrors({ protocol, port, endPort }: NetworkPolicyPort, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const end = child(path, 'endPort');
  if (protocol !== undefined && !PROTOCOLS.includes(protocol))
    errors.push(notSupported(child(path, 'protocol'), protocol, PROTOCOLS));
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is not specified'));
  } else if (typeof port === 'number') {
    errors.push(...invalidEach(child(path, 'port'), port, portNumberErrors(port)));
    if (endPort !== undefined && endPort < port)
      errors.push(invalid(end, endPort, 'must be greater than or equal to `port`'));
    if (endPort !== undefined) errors.push(...invalidEach(end, endPort, portNumberErrors(endPort)));
  } else {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'));
    errors.push(...invalidEach(child(path, 'port'), port, portNameErrors(port)));
  }
  return errors;
}

function specErrors({ spec }: NetworkPolicy, old?: NetworkPolicy): FieldError[] {
  const kept = (old ? peersOf(old) : []).flatMap(({ peer: { ipBlock } }) =>
    ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : [],
  );
  const errors = validateLabelSelector(spec?.podSelector, 'spec.podSelector');
  const rules = (
    list: readonly { readonly ports: NetworkPolicyPort[]; readonly peers: NetworkPolicyPeer[] }[],
    path: string,
    peerField: string,
  ): void => {
    for (const [i, { ports, peers }] of list.entries()) {
      const here = at(path, i);
      errors.push(...ports.flatMap((port, j) => portErrors(port, at(child(here, 'ports'), j))));
      errors.push(...peers.flatMap((peer, j) => peerErrors(peer, at(child(here, peerField), j), kept)));
    }
  };
  rules(
    (spec?.ingress ?? []).map(r => ({ ports: r.ports ?? [], peers: r.from ?? [] })),
    'spec.ingress',
    'from',
  );
  rules(
    (spec?.egress ?? []).map(r => ({ ports: r.ports ?? [], peers: r.to ?? [] })),
    'spec.egress',
    'to',
  );
  const types = spec?.policyTypes ?? [];
  if (types.length > POLICY_TYPES.length)
    return [...errors, invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')];
  for (const [i, type] of types.entries())
    if (!POLICY_TYPES.includes(type)) errors.push(notSupported(at('spec.policyTypes', i), type, POLICY_TYPES));
  return errors;
}

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  shortNames: ['netpol'],
  columns: [
    column('Pod-Selector', 'string', 'Selects the pods to which this policy applies.', o =>
      selectorText(o.spec?.podSelector),
    ),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    for (const port of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap(rule => rule.ports ?? []))
      port.protocol ??= 'TCP';
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate: object => specErrors(object),
  validateUpdateAlone: true,
  validateUpdate: specErrors,
  warnings: object =>
    peersOf(object).flatMap(({ peer: { ipBlock }, path }) =>
      ipBlock
        ? [
            ...cidrWarnings(`${path}.ipBlock.cidr`, ipBlock.cidr),
            ...(ipBlock.except ?? []).flatMap((out, i) => cidrWarnings(`${path}.ipBlock.except[${i}]`, out)),
          ]
        : [],
    ),
});
