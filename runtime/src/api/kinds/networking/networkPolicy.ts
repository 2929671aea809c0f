import { isIP } from 'node:net';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../generated/types/networking.v1.ts';
import { ageColumn, column, selectorText } from '../columns.ts';
import { portOrNameErrors } from '../core/probeValidation.ts';
import { defineKind } from '../define.ts';
import { at, child, forbidden, invalid, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

function isCidr(text: string): boolean {
  const [address = '', bits = ''] = text.split('/');
  const family = isIP(address);
  return family !== 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

function peerErrors(peer: NetworkPolicyPeer, path: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(peer.podSelector, child(path, 'podSelector')),
    ...validateLabelSelector(peer.namespaceSelector, child(path, 'namespaceSelector')),
  ];
  if (peer.ipBlock) {
    const { cidr, except } = peer.ipBlock;
    const here = child(path, 'ipBlock');
    if (peer.podSelector || peer.namespaceSelector)
      errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
    if (!cidr) errors.push(required(child(here, 'cidr')));
    else if (!isCidr(cidr))
      errors.push(
        invalid(child(here, 'cidr'), cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
      );
    for (const [i, out] of (except ?? []).entries())
      if (!isCidr(out))
        errors.push(
          invalid(at(child(here, 'except'), i), out, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
        );
  } else if (!peer.podSelector && !peer.namespaceSelector) errors.push(required(path, 'must specify a peer'));
  return errors;
}

function portErrors(port: NetworkPolicyPort, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (port.protocol !== undefined && !PROTOCOLS.includes(port.protocol))
    errors.push(notSupported(child(path, 'protocol'), port.protocol, PROTOCOLS));
  if (port.port !== undefined) errors.push(...portOrNameErrors(port.port, child(path, 'port')));
  if (port.endPort !== undefined && (typeof port.port !== 'number' || port.endPort < port.port))
    errors.push(invalid(child(path, 'endPort'), port.endPort, 'must be greater than or equal to `port`'));
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
  validate: ({ spec }) => {
    const errors = validateLabelSelector(spec?.podSelector, 'spec.podSelector');
    for (const [i, rule] of (spec?.ingress ?? []).entries()) {
      const path = at('spec.ingress', i);
      for (const [j, port] of (rule.ports ?? []).entries())
        errors.push(...portErrors(port, at(child(path, 'ports'), j)));
      for (const [j, peer] of (rule.from ?? []).entries()) errors.push(...peerErrors(peer, at(child(path, 'from'), j)));
    }
    for (const [i, rule] of (spec?.egress ?? []).entries()) {
      const path = at('spec.egress', i);
      for (const [j, port] of (rule.ports ?? []).entries())
        errors.push(...portErrors(port, at(child(path, 'ports'), j)));
      for (const [j, peer] of (rule.to ?? []).entries()) errors.push(...peerErrors(peer, at(child(path, 'to'), j)));
    }
    for (const [i, type] of (spec?.policyTypes ?? []).entries())
      if (type !== 'Ingress' && type !== 'Egress')
        errors.push(notSupported(at('spec.policyTypes', i), type, ['Egress', 'Ingress']));
    return errors;
  },
});
