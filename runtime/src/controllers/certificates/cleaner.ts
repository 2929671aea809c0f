/** Requests go when nobody needs them any more: an hour after they were issued, denied or failed, a day after nobody answered them. */
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest as Csr } from '../../api/generated/types/certificates.v1.ts';
import { isNotFound } from '../../client/apiError.ts';
import { CertificateSigningRequests } from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { KEPT_DONE_MS, KEPT_PENDING_MS } from './rules.ts';

function expiryMs(certificate: string | undefined): number {
  if (!certificate) return Number.POSITIVE_INFINITY;
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** When the request may go, in ms since 1970. */
export function goneAtMs({ metadata, status }: Csr): number {
  const conditions = status?.conditions ?? [];
  const created = Date.parse(metadata.creationTimestamp ?? '');
  const updated = (type: string): number | undefined => {
    const condition = conditions.find(c => c.type === type);
    return condition && Date.parse(condition.lastUpdateTime ?? metadata.creationTimestamp ?? '');
  };
  const times: number[] = [expiryMs(status?.certificate)];
  const [approved, denied, failed] = [updated('Approved'), updated('Denied'), updated('Failed')];
  if (denied !== undefined) times.push(denied + KEPT_DONE_MS);
  if (failed !== undefined) times.push(failed + KEPT_DONE_MS);
  // Approved by somebody whose signer never answers: as long as one that nobody approved.
  if (approved !== undefined) times.push(approved + (status?.certificate ? KEPT_DONE_MS : KEPT_PENDING_MS));
  if (approved === undefined && denied === undefined && failed === undefined) times.push(created + KEPT_PENDING_MS);
  return Math.min(...times);
}

export const certificateCleaner: Controller = (context, signal) => {
  const { client, informers, clock } = context;
  const requests = informers.of(CertificateSigningRequests);
  const queue = newQueue(context);
  const enqueue = (csr: Csr): void => queue.add(csr.metadata.name ?? '');
  requests.on({ add: enqueue, update: enqueue });
  const work = async (name: string): Promise<number | undefined> => {
    const csr = requests.get(undefined, name);
    if (!csr) return undefined;
    const waitMs = goneAtMs(csr) - clock.now();
    if (waitMs > 0) return waitMs;
    const { uid, resourceVersion } = csr.metadata;
    try {
      await client.delete(
        CertificateSigningRequests,
        { name },
        { preconditions: { uid, resourceVersion } },
        { signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  };
  return reconcile(context, queue, [requests], work, signal, 1);
};
