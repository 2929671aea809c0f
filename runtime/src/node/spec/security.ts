/** Security contexts as the runtime wants them (kubelet `kuberuntime/security_context.go`; KEP-135 seccomp, KEP-24 AppArmor). */
import { join } from 'node:path';
import type { Container, Pod, SeccompProfile, SecurityContext } from '../../api/generated/types/core.v1.ts';
import type { ContainerConfig, NamespaceOption, SandboxConfig, SecurityProfile } from '../cri/types.ts';
import { ContainerConfigError } from './env.ts';

/** What the image says about its user. */
export interface ImageUser {
  readonly uid: number | undefined;
  readonly username: string;
}

type ContainerSecurity = NonNullable<NonNullable<ContainerConfig['linux']>['securityContext']>;
type SandboxSecurity = NonNullable<NonNullable<SandboxConfig['linux']>['securityContext']>;

const SECCOMP_ROOT = '/var/lib/atoll/agent/seccomp';

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function namespaceOptions(pod: Pod): NamespaceOption {
  const spec = pod.spec ?? { containers: [] };
  return {
    network: spec.hostNetwork ? 'NODE' : 'POD',
    pid: spec.hostPID ? 'NODE' : spec.shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: spec.hostIPC ? 'NODE' : 'POD',
  };
}

/** The container's own settings win over the pod's. */
export function effectiveContext(pod: Pod, container: Pick<Container, 'securityContext'>): SecurityContext {
  const { runAsUser, runAsGroup, runAsNonRoot, seccompProfile, appArmorProfile, seLinuxOptions } =
    pod.spec?.securityContext ?? {};
  const fromPod: SecurityContext = {
    runAsUser,
    runAsGroup,
    runAsNonRoot,
    seccompProfile,
    appArmorProfile,
    seLinuxOptions,
  };
  const merged: SecurityContext = { ...fromPod };
  for (const [key, value] of Object.entries(container.securityContext ?? {}))
    if (value !== undefined) Object.assign(merged, { [key]: value });
  return merged;
}

/** @throws ContainerConfigError when the container must not run as root and would. */
export function containerSecurity(pod: Pod, container: Container, image: ImageUser): ContainerSecurity {
  const context = effectiveContext(pod, container);
  requireNonRoot(pod, container, context, image);
  const privileged = context.privileged === true;
  const uid = context.runAsUser ?? image.uid;
  const unmasked = privileged || context.procMount === 'Unmasked';
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged,
    capabilities: {
      addCapabilities: context.capabilities?.add ?? [],
      dropCapabilities: context.capabilities?.drop ?? [],
    },
    readonlyRootfs: context.readOnlyRootFilesystem === true,
    noNewPrivs: context.allowPrivilegeEscalation === false,
    supplementalGroups: supplementalGroups(pod),
    maskedPaths: unmasked ? [] : MASKED_PATHS,
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    ...(privileged ? {} : { seccomp: profile(context.seccompProfile, SECCOMP_ROOT) }),
    ...(context.appArmorProfile && !privileged ? { apparmor: profile(context.appArmorProfile, '') } : {}),
    ...(uid !== undefined ? { runAsUser: { value: uid } } : image.username ? { runAsUsername: image.username } : {}),
    ...(context.runAsGroup !== undefined && (uid !== undefined || image.username)
      ? { runAsGroup: { value: context.runAsGroup } }
      : {}),
  };
}

export function sandboxSecurity(pod: Pod): SandboxSecurity {
  const context = pod.spec?.securityContext;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged: containers.some(c => c.securityContext?.privileged),
    supplementalGroups: supplementalGroups(pod),
    seccomp: { profileType: 'RuntimeDefault' },
    ...(context?.runAsUser !== undefined ? { runAsUser: { value: context.runAsUser } } : {}),
    ...(context?.runAsUser !== undefined && context.runAsGroup !== undefined
      ? { runAsGroup: { value: context.runAsGroup } }
      : {}),
  };
}

function supplementalGroups(pod: Pod): number[] {
  const { fsGroup, supplementalGroups = [] } = pod.spec?.securityContext ?? {};
  return fsGroup === undefined ? [...supplementalGroups] : [fsGroup, ...supplementalGroups];
}

function profile(asked: Pick<SeccompProfile, 'type' | 'localhostProfile'> | undefined, root: string): SecurityProfile {
  if (asked?.type === 'Localhost')
    return { profileType: 'Localhost', localhostRef: join(root, asked.localhostProfile ?? '') };
  return { profileType: asked?.type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}

function requireNonRoot(pod: Pod, container: Container, context: SecurityContext, image: ImageUser): void {
  if (!context.runAsNonRoot) return;
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (context.runAsUser !== undefined) {
    if (context.runAsUser !== 0) return;
    throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
  }
  if (image.uid === undefined && image.username) {
    const said = `image has non-numeric user (${image.username}), cannot verify user is non-root`;
    throw new ContainerConfigError(`container has runAsNonRoot and ${said} ${where}`);
  }
  if ((image.uid ?? 0) === 0)
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
