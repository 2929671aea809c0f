/**
 * CertificateApproval, CertificateSigning, ClusterTrustBundleAttest: a signer's name is a permission of its own, beside that to
 * write the object. CertificateSubjectRestriction: nobody asks his way into `system:masters`.
 * (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization)
 */
import { isDeepStrictEqual } from 'node:util';
import type { CertificateSigningRequest } from '../../api/generated/types/certificates.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, on, refused } from './admission.ts';

const REQUESTS = 'certificatesigningrequests.certificates.k8s.io';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** Whether the user may `approve`, `sign` or `attest` for this signer, or for all of its domain (`example.com/*`). */
async function mayFor(
  authorizer: Authorizer,
  { user }: AdmissionAttributes,
  verb: string,
  signerName: string,
): Promise<boolean> {
  const domain = signerName.split('/', 1)[0] ?? '';
  for (const name of [signerName, `${domain}/*`]) {
    const { opinion } = await authorizer.authorize({
      user,
      verb,
      isResource: true,
      path: '',
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      fieldSelector: '',
    });
    if (opinion === 'allow') return true;
  }
  return false;
}

const onSubresource =
  (name: string): NonNullable<AdmissionPlugin['handles']> =>
  (operation, resource, subresource) =>
    operation === 'UPDATE' && subresource === name && groupResourceOf(resource) === REQUESTS;

const signerOf = (object: KubeObject | undefined): string =>
  (object as unknown as CertificateSigningRequest | undefined)?.spec?.signerName ?? '';

export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: onSubresource('approval'),
    async validate(attributes) {
      const signer = signerOf(attributes.old); // it cannot change
      if (await mayFor(authorizer, attributes, 'approve', signer)) return;
      throw refused(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: onSubresource('status'),
    async validate(attributes) {
      const [status, before] = [attributes.object?.status ?? {}, attributes.old?.status ?? {}] as [
        CertificateSigningRequest['status'],
        CertificateSigningRequest['status'],
      ];
      const same =
        status?.certificate === before?.certificate &&
        isDeepStrictEqual(status?.conditions ?? [], before?.conditions ?? []);
      if (same) return;
      const signer = signerOf(attributes.old);
      if (await mayFor(authorizer, attributes, 'sign', signer)) return;
      throw refused(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

export function clusterTrustBundleAttest(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'ClusterTrustBundleAttest',
    handles: on('clustertrustbundles.certificates.k8s.io', 'CREATE', 'UPDATE'),
    async validate(attributes) {
      const signer = signerOf(attributes.object);
      // A bundle of no signer is anybody's who may write it.
      if (signer === '' || (await mayFor(authorizer, attributes, 'attest', signer))) return;
      throw refused(attributes, `user not permitted to attest for signerName ${JSON.stringify(signer)}`);
    },
  };
}

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: on(REQUESTS, 'CREATE'),
  async validate(attributes) {
    const { spec } = attributes.object as unknown as CertificateSigningRequest;
    if (spec.signerName !== CLIENT_SIGNER) return;
    const { organizationsOfRequest } = await import('./certificateSubject.ts');
    let organizations: readonly string[];
    try {
      organizations = organizationsOfRequest(spec.request);
    } catch (error) {
      throw refused(attributes, `failed to parse CSR: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (organizations.includes('system:masters')) {
      throw refused(attributes, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
    }
  },
};
