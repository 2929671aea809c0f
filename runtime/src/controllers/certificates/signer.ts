/** Approved requests to the cluster's own signers get their certificate, or the condition Failed with the reason. */
import { createPrivateKey } from 'node:crypto';
import type { CertificateSigningRequest as Csr } from '../../api/generated/types/certificates.v1.ts';
import { isConflict, isNotFound } from '../../client/apiError.ts';
import { CertificateSigningRequests } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { CertificateRequestError, type ParsedRequest, parseCertificateRequest } from '../../lib/csr.ts';
import { createCertificate } from '../../lib/x509.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { isOwnSigner, KUBELET_SERVING_SIGNER, refusalOf, validityOf } from './rules.ts';
import { usageBits, usagePurposes } from './usages.ts';

export interface Authority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Authorities {
  /** Trusted by the API server for clients. */
  readonly clientCa: Authority;
  /** Trusted by clients for servers: kubelets' serving certificates are its. */
  readonly serverCa: Authority;
}

const has = ({ status }: Csr, type: string): boolean => (status?.conditions ?? []).some(c => c.type === type);

/** Approved, of a signer of ours, and neither issued nor failed yet. */
export const isToBeSigned = (csr: Csr): boolean =>
  isOwnSigner(csr.spec.signerName) &&
  has(csr, 'Approved') &&
  !has(csr, 'Denied') &&
  !has(csr, 'Failed') &&
  !csr.status?.certificate;

function certificateFor({ spec }: Csr, request: ParsedRequest, authority: Authority, nowMs: number): string {
  const usages = spec.usages ?? [];
  const { notBefore, notAfter } = validityOf(spec.expirationSeconds, nowMs);
  return createCertificate({
    subject: request.subject,
    rawSubject: request.rawSubject,
    publicKey: request.publicKey,
    issuer: { certificatePem: authority.certificatePem, privateKey: createPrivateKey(authority.privateKeyPem) },
    dnsNames: request.dnsNames,
    ipAddresses: request.ipAddresses.map(textOfAddress),
    emailAddresses: request.emailAddresses,
    uris: request.uris,
    keyUsageBits: usageBits(usages),
    usages: usagePurposes(usages),
    notBefore,
    notAfter,
  });
}

/** 4 or 16 octets as text. */
function textOfAddress(octets: Buffer): string {
  if (octets.length === 4) return [...octets].join('.');
  return Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16)).join(':');
}

/** Why it cannot be signed; undefined: `request` is set. */
function readRequest(csr: Csr): { readonly request?: ParsedRequest; readonly refusal?: string } {
  try {
    const request = parseCertificateRequest(Buffer.from(csr.spec.request, 'base64').toString('latin1'));
    const refusal = refusalOf(csr.spec, request);
    return refusal === undefined ? { request } : { refusal };
  } catch (error) {
    if (!(error instanceof CertificateRequestError)) throw error;
    return { refusal: `unable to parse csr: ${error.message}` };
  }
}

export function certificateSigner(authorities: Authorities): Controller {
  return (context, signal) => {
    const { client, informers, clock } = context;
    const requests = informers.of(CertificateSigningRequests);
    const queue = newQueue(context);
    const enqueue = (csr: Csr): void => {
      if (isToBeSigned(csr)) queue.add(csr.metadata.name ?? '');
    };
    requests.on({ add: enqueue, update: enqueue });
    const work = async (name: string): Promise<undefined> => {
      const cached = requests.get(undefined, name);
      if (!cached || !isToBeSigned(cached)) return;
      const csr = structuredClone(cached);
      const { request, refusal } = readRequest(csr);
      const status = csr.status ?? {};
      if (request) {
        const authority = csr.spec.signerName === KUBELET_SERVING_SIGNER ? authorities.serverCa : authorities.clientCa;
        const certificate = certificateFor(csr, request, authority, clock.now());
        status.certificate = Buffer.from(certificate).toString('base64');
      } else {
        const time = wireTime(clock.now());
        status.conditions = [
          ...(status.conditions ?? []),
          {
            type: 'Failed',
            status: 'True',
            reason: 'SignerValidationFailure',
            message: refusal ?? '',
            lastUpdateTime: time,
            lastTransitionTime: time,
          },
        ];
      }
      csr.status = status;
      try {
        await client.updateStatus(CertificateSigningRequests, csr, { signal });
      } catch (error) {
        // A conflict means that a newer one is on its way to the cache.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
    return reconcile(context, queue, [requests], work, signal, 1);
  };
}
