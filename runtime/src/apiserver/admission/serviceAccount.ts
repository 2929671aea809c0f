/** ServiceAccount: every pod has one, with its token mounted where client libraries look for it. */
import type { Pod, ServiceAccount, Volume } from '../../api/generated/types/core.v1.ts';
import { forbidden } from '../../api/status.ts';
import type { Mirrors } from '../mirrors.ts';
import { generateName } from '../objectMeta.ts';
import type { AdmissionPlugin } from './admission.ts';

const TOKEN_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour, and seven seconds by which such tokens are told from others (as upstream). */
const TOKEN_SECONDS = 3607;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export function serviceAccount(mirrors: Mirrors): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    async mutate({ operation, resource, subresource, object, namespace, name }) {
      if (operation !== 'CREATE' || subresource !== '' || resource.group !== '' || resource.resource !== 'pods') return;
      const pod = object as unknown as Pod;
      if (!pod.spec || pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return;
      const accountName = pod.spec.serviceAccountName || 'default';
      pod.spec.serviceAccountName = accountName;
      pod.spec.serviceAccount = accountName;
      await mirrors.serviceAccounts.start();
      const account = mirrors.serviceAccounts.get(`/registry/core/serviceaccounts/${namespace}/${accountName}`);
      if (!account) {
        throw forbidden(
          { group: '', resource: 'pods' },
          name,
          `error looking up service account ${namespace}/${accountName}: serviceaccount ${JSON.stringify(accountName)} not found`,
        );
      }
      complete(pod, account);
    },
  };
}

function complete(pod: Pod, account: ServiceAccount): void {
  const { spec } = pod;
  if (!spec) return;
  if ((spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) === true) mountToken(pod);
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map(secret => ({ ...secret }));
  }
}

function mountToken(pod: Pod): void {
  const { spec } = pod;
  if (!spec) return;
  const existing = spec.volumes?.find(volume => volume.name.startsWith(VOLUME_PREFIX))?.name;
  const name = existing ?? generateName(VOLUME_PREFIX);
  let used = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === TOKEN_DIRECTORY)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_DIRECTORY }];
    used = true;
  }
  if (used && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});
