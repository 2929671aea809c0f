/**
 * Kubelets' requests for their client certificates are approved where the one who asks may have them approved: RBAC says so of
 * `certificatesigningrequests/nodeclient` and `/selfnodeclient`.
 */
import type { SubjectAccessReview } from '../../api/generated/types/authorization.v1.ts';
import type { CertificateSigningRequest as Csr } from '../../api/generated/types/certificates.v1.ts';
import { isConflict, isNotFound } from '../../client/apiError.ts';
import { CertificateSigningRequests } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { CertificateRequestError, parseCertificateRequest } from '../../lib/csr.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { KUBELET_CLIENT_SIGNER, nodeClientKind } from './rules.ts';

const MESSAGES = {
  selfnodeclient: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  nodeclient: 'Auto approving kubelet client certificate after SubjectAccessReview.',
} as const;

const isUndecided = (csr: Csr): boolean =>
  csr.spec.signerName === KUBELET_CLIENT_SIGNER &&
  !csr.status?.certificate &&
  !(csr.status?.conditions ?? []).some(c => c.type === 'Approved' || c.type === 'Denied');

function kindOf(csr: Csr): ReturnType<typeof nodeClientKind> {
  try {
    return nodeClientKind(
      csr.spec,
      parseCertificateRequest(Buffer.from(csr.spec.request, 'base64').toString('latin1')),
    );
  } catch (error) {
    if (error instanceof CertificateRequestError) return undefined;
    throw error;
  }
}

function reviewOf({ spec }: Csr, subresource: string): Pick<SubjectAccessReview, 'apiVersion' | 'kind' | 'spec'> {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: spec.username,
      uid: spec.uid,
      groups: spec.groups,
      extra: spec.extra,
      resourceAttributes: {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        subresource,
      },
    },
  };
}

export const certificateApprover: Controller = (context, signal) => {
  const { client, informers, clock } = context;
  const requests = informers.of(CertificateSigningRequests);
  const queue = newQueue(context);
  const enqueue = (csr: Csr): void => {
    if (isUndecided(csr)) queue.add(csr.metadata.name ?? '');
  };
  requests.on({ add: enqueue, update: enqueue });
  const work = async (name: string): Promise<undefined> => {
    const cached = requests.get(undefined, name);
    if (!cached || !isUndecided(cached)) return;
    const kind = kindOf(cached);
    if (!kind) return;
    const review = await client.rawJson<SubjectAccessReview>(
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(reviewOf(cached, kind))),
        signal,
      },
      { signal },
    );
    if (review.status?.allowed !== true) return;
    const csr = structuredClone(cached);
    const time = wireTime(clock.now());
    const approved = {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: MESSAGES[kind],
      lastUpdateTime: time,
      lastTransitionTime: time,
    };
    csr.status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), approved] };
    try {
      await client.updateSubresource(CertificateSigningRequests, csr, 'approval', { signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };
  return reconcile(context, queue, [requests], work, signal, 1);
};
