/** The checks `restricted` adds to `baseline` (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted). */
import type { Volume } from '../../../api/generated/types/core.v1.ts';
import { hasOwnUsers, isConfined, procMount, seccompProfile } from './baseline.ts';
import type { Check, CheckPod, Violation } from './checks.ts';
import { containers, containersOf, counted, namesOf, type PodLike, quoted, setters, sorted } from './words.ts';

/** Fields of Linux mean nothing on Windows, and may not even be set there since 1.25. */
const unlessWindows =
  (check: CheckPod): CheckPod =>
  pod =>
    pod.spec?.os?.name === 'windows' ? undefined : check(pod);

const unlessOwnUsers =
  (check: CheckPod): CheckPod =>
  pod =>
    hasOwnUsers(pod) ? undefined : check(pod);

function allowPrivilegeEscalation(pod: PodLike): Violation | undefined {
  const names = namesOf(pod, context => context?.allowPrivilegeEscalation !== false);
  if (names.length > 0) {
    return {
      reason: 'allowPrivilegeEscalation != false',
      detail: `${containers(names)} must set securityContext.allowPrivilegeEscalation=false`,
    };
  }
}

function capabilities(pod: PodLike): Violation | undefined {
  const keeping = namesOf(pod, context => !context?.capabilities?.drop?.includes('ALL'));
  const forbidden = (add: readonly string[] | undefined): string[] =>
    (add ?? []).filter(name => name !== 'NET_BIND_SERVICE');
  const adding = containersOf(pod).filter(c => forbidden(c.securityContext?.capabilities?.add).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${containers(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const names = sorted(adding.flatMap(c => forbidden(c.securityContext?.capabilities?.add)));
    details.push(
      `${containers(adding.map(c => c.name))} must not include ${quoted(names)} in securityContext.capabilities.add`,
    );
  }
  if (details.length > 0) return { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const satisfies readonly (keyof Volume)[];

/** In the order in which the first counts. */
const restrictedVolumes = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const satisfies readonly (keyof Volume)[];

function volumes({ spec }: PodLike): Violation | undefined {
  const bad = (spec?.volumes ?? []).filter(volume => !allowedVolumes.some(type => volume[type]));
  if (bad.length === 0) return;
  const types = sorted(bad.map(volume => restrictedVolumes.find(type => volume[type]) ?? 'unknown'));
  const names = bad.map(({ name }) => name);
  return {
    reason: 'restricted volume types',
    detail: `${counted('volume', 'volumes', names)} ${names.length === 1 ? 'uses' : 'use'} ${counted('restricted volume type', 'restricted volume types', types)}`,
  };
}

function runAsNonRoot(pod: PodLike): Violation | undefined {
  const byPod = pod.spec?.securityContext?.runAsNonRoot;
  const said = namesOf(pod, context => context?.runAsNonRoot === false);
  const reason = 'runAsNonRoot != true';
  if (byPod === false || said.length > 0) {
    return { reason, detail: `${setters(byPod === false, said)} must not set securityContext.runAsNonRoot=false` };
  }
  const unsaid = byPod === true ? [] : namesOf(pod, context => context?.runAsNonRoot === undefined);
  if (unsaid.length > 0) {
    return { reason, detail: `pod or ${containers(unsaid)} must set securityContext.runAsNonRoot=true` };
  }
}

function runAsUser(pod: PodLike): Violation | undefined {
  const byPod = pod.spec?.securityContext?.runAsUser === 0;
  const names = namesOf(pod, context => context?.runAsUser === 0);
  if (byPod || names.length > 0) {
    return { reason: 'runAsUser=0', detail: `${setters(byPod, names)} must not set runAsUser=0` };
  }
}

/** A profile must be set, and confine. */
function seccompProfileSet(pod: PodLike): Violation | undefined {
  const bad = seccompProfile(pod);
  if (bad) return bad;
  if (isConfined(pod.spec?.securityContext?.seccompProfile?.type)) return;
  const names = namesOf(pod, context => context?.seccompProfile === undefined);
  if (names.length > 0) {
    return {
      reason: 'seccompProfile',
      detail: `pod or ${containers(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
    };
  }
}

/** In the order of their ids, as violations are listed. */
export const restricted: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    since: [
      [8, allowPrivilegeEscalation],
      [25, unlessWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    since: [
      [22, capabilities],
      [25, unlessWindows(capabilities)],
    ],
    instead: 'capabilities_baseline',
  },
  { id: 'procMount_restricted', since: [[35, procMount]], instead: 'procMount' },
  { id: 'restrictedVolumes', since: [[0, volumes]], instead: 'hostPathVolumes' },
  {
    id: 'runAsNonRoot',
    since: [
      [0, runAsNonRoot],
      [35, unlessOwnUsers(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    since: [
      [23, runAsUser],
      [35, unlessOwnUsers(runAsUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    since: [
      [19, seccompProfileSet],
      [25, unlessWindows(seccompProfileSet)],
    ],
    instead: 'seccompProfile_baseline',
  },
];
