/**
 * What each of the cluster's own signers signs (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
 * #kubernetes-signers; upstream: `pkg/apis/certificates/helpers.go`, `pkg/controller/certificates/signer`). Pure.
 */
import type { CertificateSigningRequestSpec } from '../../api/generated/types/certificates.v1.ts';
import type { ParsedRequest } from '../../lib/csr.ts';

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

const NODE_PREFIX = 'system:node:';
const ENCIPHER = 'key encipherment';
const CLIENT_USAGES = ['client auth', 'digital signature', ENCIPHER];

type Spec = Pick<CertificateSigningRequestSpec, 'signerName' | 'usages'>;

/** Exactly these, with or without key encipherment. */
function usagesText(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const asked = usages.filter(usage => usage !== ENCIPHER);
  const same = asked.length === wanted.length && wanted.every(usage => asked.includes(usage));
  return same ? undefined : `usages did not match [${[...wanted].sort().join(' ')}]`;
}

function nodeText(request: ParsedRequest): string | undefined {
  const { organizations, commonName } = request.subject;
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'subject organization is not system:nodes';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return commonName.startsWith(NODE_PREFIX) ? undefined : 'subject common name does not begin with system:node:';
}

function kubeletClientText(request: ParsedRequest, usages: readonly string[]): string | undefined {
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  return nodeText(request) ?? usagesText(usages, ['client auth', 'digital signature']);
}

function kubeletServingText(request: ParsedRequest, usages: readonly string[]): string | undefined {
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0)
    return 'at least one DNS or IP subjectAltName is required';
  return nodeText(request) ?? usagesText(usages, ['digital signature', 'server auth']);
}

function clientText(usages: readonly string[]): string | undefined {
  const fits = usages.includes('client auth') && usages.every(usage => CLIENT_USAGES.includes(usage));
  return fits ? undefined : `usages did not match [${CLIENT_USAGES.join(' ')}]`;
}

/** Whether the signer is one of ours. */
export const isOwnSigner = (name: string): boolean =>
  name === CLIENT_SIGNER || name === KUBELET_CLIENT_SIGNER || name === KUBELET_SERVING_SIGNER;

/** Why the signer does not sign such a request; undefined: it does. */
export function refusalOf({ signerName, usages = [] }: Spec, request: ParsedRequest): string | undefined {
  if (signerName === KUBELET_CLIENT_SIGNER) return kubeletClientText(request, usages);
  if (signerName === KUBELET_SERVING_SIGNER) return kubeletServingText(request, usages);
  return clientText(usages);
}

/** A kubelet's request for its client certificate: its own (`selfnodeclient`) or one asked for it (`nodeclient`). */
export function nodeClientKind(
  spec: CertificateSigningRequestSpec,
  request: ParsedRequest,
): 'selfnodeclient' | 'nodeclient' | undefined {
  if (spec.signerName !== KUBELET_CLIENT_SIGNER || refusalOf(spec, request) !== undefined) return undefined;
  return spec.username === request.subject.commonName ? 'selfnodeclient' : 'nodeclient';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LONGEST_MS = 365 * DAY_MS;
const SHORTEST_MS = 10 * MINUTE_MS;
/** For clocks that are behind. */
const BACKDATE_MS = 5 * MINUTE_MS;

/** From when until when a certificate signed now is valid. */
export function validityOf(
  expirationSeconds: number | undefined,
  nowMs: number,
): { readonly notBefore: Date; readonly notAfter: Date } {
  const asked = expirationSeconds === undefined ? LONGEST_MS : expirationSeconds * 1000;
  const lasts = Math.min(Math.max(asked, SHORTEST_MS), LONGEST_MS);
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs - BACKDATE_MS + lasts) };
}

/** Requests that are done with are kept an hour, others a day (upstream: `pkg/controller/certificates/cleaner`). */
export const KEPT_DONE_MS = HOUR_MS;
export const KEPT_PENDING_MS = DAY_MS;
