/**
 * ServiceAccount: every pod has one, with its token mounted where client libraries look for it
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount).
 */
import type { Pod, ServiceAccount, Volume } from '../../api/generated/types/core.v1.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Mirrors } from '../mirrors.ts';
import { generateName } from '../objectMeta.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, refused } from './admission.ts';
import { mirrorPodFault, secretFault, secretFaultOfEphemeral } from './secretReferences.ts';

const TOKEN_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour, and seven seconds by which such tokens are told from others (as upstream). */
const TOKEN_SECONDS = 3607;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
/** The controller makes `default` a moment after its namespace; upstream looks ten times within 1 to 2 s. */
const DEFAULT_WAIT_MS = 1500;

const isMirrorPod = (pod: Pod): boolean => pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;

export function serviceAccount({ serviceAccounts: accounts }: Mirrors, clock: Clock): AdmissionPlugin {
  const arrivals = new Map<string, (() => void)[]>();
  accounts.listen({
    changed: key => {
      for (const arrived of arrivals.get(key) ?? []) arrived();
    },
    reset: () => {
      for (const waiting of arrivals.values()) for (const arrived of waiting) arrived();
    },
  });
  /** Resolves when something is known of `key`, or after {@link DEFAULT_WAIT_MS}. */
  const arrival = (key: string): Promise<void> =>
    new Promise(resolve => {
      const arrived = (): void => {
        cancel();
        const rest = (arrivals.get(key) ?? []).filter(other => other !== arrived);
        if (rest.length > 0) arrivals.set(key, rest);
        else arrivals.delete(key);
        resolve();
      };
      const cancel = clock.after(DEFAULT_WAIT_MS, arrived);
      arrivals.set(key, [...(arrivals.get(key) ?? []), arrived]);
    });
  const keyOf = (namespace: string, name: string): string => `/registry/core/serviceaccounts/${namespace}/${name}`;
  const accountOf = (attributes: AdmissionAttributes, name: string): ServiceAccount => {
    const { namespace } = attributes;
    const account = accounts.get(keyOf(namespace, name));
    if (account) return account;
    throw refused(
      attributes,
      `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
    );
  };

  const settle = (attributes: AdmissionAttributes): void | Promise<void> => {
    const pod = attributes.object as unknown as Pod;
    if (!pod.spec || isMirrorPod(pod)) return;
    const name = pod.spec.serviceAccountName || 'default';
    pod.spec.serviceAccountName = name;
    pod.spec.serviceAccount = name;
    const key = keyOf(attributes.namespace, name);
    if (name === 'default' && !accounts.has(key)) {
      return arrival(key).then(() => complete(pod, accountOf(attributes, name)));
    }
    complete(pod, accountOf(attributes, name));
  };

  return {
    name: 'ServiceAccount',
    handles: (operation, resource, subresource) =>
      groupResourceOf(resource) === 'pods' &&
      (operation === 'CREATE' ? subresource === '' : operation === 'UPDATE' && subresource === 'ephemeralcontainers'),
    mutate(attributes) {
      if (attributes.operation !== 'CREATE') return;
      if (accounts.ready) return settle(attributes);
      return accounts.start().then(() => settle(attributes));
    },
    validate(attributes) {
      const { operation, object, old } = attributes;
      const pod = object as unknown as Pod;
      if (isMirrorPod(pod)) {
        const fault = operation === 'CREATE' ? mirrorPodFault(pod) : undefined;
        if (fault) throw refused(attributes, fault);
        return;
      }
      const name = pod.spec?.serviceAccountName ?? '';
      if (operation === 'CREATE') {
        if (name === '')
          throw refused(attributes, `no service account specified for pod ${attributes.namespace}/${attributes.name}`);
        const account = accountOf(attributes, name);
        const fault = enforces(account) ? secretFault(pod, account) : undefined;
        if (fault) throw refused(attributes, fault);
        return;
      }
      const account = accounts.get(keyOf(attributes.namespace, name));
      if (!account || !enforces(account)) return;
      const fault = secretFaultOfEphemeral(pod, old as unknown as Pod, account);
      if (fault) throw refused(attributes, fault);
    },
  };
}

/** What Go's `strconv.ParseBool` takes for true. */
const enforces = ({ metadata }: ServiceAccount): boolean =>
  ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(metadata.annotations?.[ENFORCE_ANNOTATION] ?? '');

function complete(pod: Pod, account: ServiceAccount): void {
  const { spec } = pod;
  if (!spec) return;
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod);
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map(secret => ({ ...secret }));
  }
}

function mountToken(pod: Pod): void {
  const { spec } = pod;
  if (!spec) return;
  const existing = spec.volumes?.find(({ name }) => (name ?? '').startsWith(VOLUME_PREFIX))?.name;
  const name = existing ?? generateName(VOLUME_PREFIX);
  let used = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
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
