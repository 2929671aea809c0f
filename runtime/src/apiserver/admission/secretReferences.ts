/**
 * Which secrets a pod uses, and whether it may: the annotation `kubernetes.io/enforce-mountable-secrets` of a service account
 * ties its pods to the secrets it lists; mirror pods, which come from files of a node, may use nothing of the API. Pure; each
 * function gives what is wrong, in upstream's words.
 */
import type { Container, EphemeralContainer, Pod, ServiceAccount, Volume } from '../../api/generated/types/core.v1.ts';

type AnyContainer = Pick<Container, 'name' | 'env' | 'envFrom'>;

export function secretFault(pod: Pod, account: ServiceAccount): string | undefined {
  const { spec } = pod;
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const { name = '' } = account.metadata;
  for (const { secret } of spec?.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName ?? '')) {
      return `volume with secret.secretName="${secret.secretName ?? ''}" is not allowed because service account ${name} does not reference that secret`;
    }
  }
  const fault =
    faultOf('init container', spec?.initContainers, mountable, name) ??
    faultOf('container', spec?.containers, mountable, name);
  if (fault) return fault;
  const pullable = new Set((account.imagePullSecrets ?? []).map(secret => secret.name));
  for (const [i, secret] of (spec?.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(secret.name)) {
      return `imagePullSecrets[${i}].name="${secret.name ?? ''}" is not allowed because service account ${name} does not reference that imagePullSecret`;
    }
  }
}

/** Of ephemeral containers: only those that are new are looked at. */
export function secretFaultOfEphemeral(pod: Pod, old: Pod, account: ServiceAccount): string | undefined {
  const known = new Set((old.spec?.ephemeralContainers ?? []).map(({ name }) => name));
  const added = (pod.spec?.ephemeralContainers ?? []).filter(({ name }: EphemeralContainer) => !known.has(name));
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  return faultOf('ephemeral container', added, mountable, account.metadata.name ?? '');
}

function faultOf(
  what: string,
  containers: readonly AnyContainer[] | undefined,
  mountable: ReadonlySet<string | undefined>,
  account: string,
): string | undefined {
  for (const { name, env, envFrom } of containers ?? []) {
    for (const variable of env ?? []) {
      const reference = variable.valueFrom?.secretKeyRef;
      if (reference && !mountable.has(reference.name)) {
        return `${what} ${name} with envVar ${variable.name} referencing secret.secretName="${reference.name ?? ''}" is not allowed because service account ${account} does not reference that secret`;
      }
    }
    for (const { secretRef } of envFrom ?? []) {
      if (secretRef && !mountable.has(secretRef.name)) {
        return `${what} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ''}" is not allowed because service account ${account} does not reference that secret`;
      }
    }
  }
}

export function mirrorPodFault({ spec }: Pod): string | undefined {
  if ((spec?.serviceAccountName ?? '') !== '') return 'a mirror pod may not reference service accounts';
  const containers: readonly AnyContainer[] = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  const secrets =
    (spec?.imagePullSecrets ?? []).length > 0 ||
    (spec?.volumes ?? []).some(usesSecret) ||
    containers.some(
      ({ env, envFrom }) =>
        (env ?? []).some(({ valueFrom }) => valueFrom?.secretKeyRef) ||
        (envFrom ?? []).some(({ secretRef }) => secretRef),
    );
  if (secrets) return 'a mirror pod may not reference secrets';
  const tokens = (spec?.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken),
  );
  if (tokens) return 'a mirror pod may not use ServiceAccountToken volume projections';
}

/** Secrets are behind most of the volumes that need credentials. */
function usesSecret(volume: Volume): boolean {
  const { secret, projected, azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = volume;
  return Boolean(
    secret ||
      azureFile?.secretName ||
      projected?.sources?.some(source => source.secret) ||
      cephfs?.secretRef ||
      cinder?.secretRef ||
      flexVolume?.secretRef ||
      rbd?.secretRef ||
      scaleIO?.secretRef ||
      iscsi?.secretRef ||
      storageos?.secretRef ||
      csi?.nodePublishSecretRef,
  );
}
