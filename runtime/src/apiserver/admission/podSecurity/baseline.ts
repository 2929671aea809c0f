/** The checks of the level `baseline` (https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline). */
import type { LifecycleHandler, Probe, SELinuxOptions } from '../../../api/generated/types/core.v1.ts';
import type { Check, Violation } from './checks.ts';
import { containers, containersOf, counted, namesOf, type PodLike, quoted, setters, sorted } from './words.ts';

const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/';

/** `RuntimeDefault` or `Localhost`, of AppArmor and seccomp alike. */
export const isConfined = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

/** Not in the host's user namespace: root in it is nobody outside. */
export const hasOwnUsers = ({ spec }: PodLike): boolean => spec?.hostUsers === false;

function appArmorProfile(pod: PodLike): Violation | undefined {
  const ofPod = pod.spec?.securityContext?.appArmorProfile;
  const podIsBad = ofPod !== undefined && !isConfined(ofPod.type);
  const bad = containersOf(pod).filter(
    ({ securityContext }) => securityContext?.appArmorProfile && !isConfined(securityContext.appArmorProfile.type),
  );
  const values = sorted([
    ...(podIsBad ? [ofPod.type] : []),
    ...bad.map(({ securityContext }) => securityContext?.appArmorProfile?.type ?? ''),
  ]);
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APP_ARMOR_ANNOTATION) && !isAllowedAppArmor(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const all = [...values, ...annotations];
  if (all.length === 0) return;
  const who = [
    ...(podIsBad ? ['pod'] : []),
    ...(bad.length > 0 ? [containers(bad.map(({ name }) => name))] : []),
    ...(annotations.length > 0 ? [annotations.length === 1 ? 'annotation' : 'annotations'] : []),
  ].join(' and ');
  return {
    reason: all.length === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles',
    detail: `${who} must not set AppArmor profile type to ${quoted(all)}`,
  };
}

const isAllowedAppArmor = (profile: string): boolean =>
  profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');

const allowedCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

function capabilities(pod: PodLike): Violation | undefined {
  const forbidden = (add: readonly string[] | undefined): string[] =>
    (add ?? []).filter(name => !allowedCapabilities.has(name));
  const bad = containersOf(pod).filter(c => forbidden(c.securityContext?.capabilities?.add).length > 0);
  if (bad.length === 0) return;
  const names = sorted(bad.flatMap(c => forbidden(c.securityContext?.capabilities?.add)));
  return {
    reason: 'non-default capabilities',
    detail: `${containers(bad.map(c => c.name))} must not include ${quoted(names)} in securityContext.capabilities.add`,
  };
}

function hostNamespaces({ spec }: PodLike): Violation | undefined {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(name => spec?.[name]);
  if (used.length > 0) return { reason: 'host namespaces', detail: used.map(name => `${name}=true`).join(', ') };
}

function hostPathVolumes({ spec }: PodLike): Violation | undefined {
  const names = (spec?.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length > 0) return { reason: 'hostPath volumes', detail: counted('volume', 'volumes', names) };
}

function hostPorts(pod: PodLike): Violation | undefined {
  const bad = containersOf(pod).filter(({ ports }) => ports?.some(({ hostPort = 0 }) => hostPort !== 0));
  if (bad.length === 0) return;
  const ports = sorted(bad.flatMap(c => (c.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [`${hostPort}`] : []))));
  const names = bad.map(({ name }) => name);
  return {
    reason: 'hostPort',
    detail: `${containers(names)} ${names.length === 1 ? 'uses' : 'use'} ${ports.length === 1 ? 'hostPort' : 'hostPorts'} ${ports.join(', ')}`,
  };
}

type Reaching = Pick<Probe & LifecycleHandler, 'httpGet' | 'tcpSocket'>;

function hostProbes(pod: PodLike): Violation | undefined {
  const hostsOf = (handler: Reaching | undefined): string[] =>
    [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter(host => host !== '');
  const found = containersOf(pod).map(({ name, livenessProbe, readinessProbe, startupProbe, lifecycle }) => ({
    name,
    hosts: [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf),
  }));
  const bad = sorted(found.filter(({ hosts }) => hosts.length > 0).map(({ name }) => name));
  if (bad.length === 0) return;
  const hosts = sorted(found.flatMap(one => one.hosts));
  return {
    reason: 'probe or lifecycle host',
    detail: `${containers(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${counted('probe or lifecycle host', 'probe or lifecycle hosts', hosts)}`,
  };
}

function privileged(pod: PodLike): Violation | undefined {
  const names = namesOf(pod, context => context?.privileged === true);
  if (names.length > 0) {
    return { reason: 'privileged', detail: `${containers(names)} must not set securityContext.privileged=true` };
  }
}

export function procMount(pod: PodLike): Violation | undefined {
  const bad = containersOf(pod).filter(c => (c.securityContext?.procMount ?? 'Default') !== 'Default');
  if (bad.length === 0) return;
  const types = sorted(bad.map(c => c.securityContext?.procMount ?? ''));
  return {
    reason: 'procMount',
    detail: `${containers(bad.map(c => c.name))} must not set securityContext.procMount to ${quoted(types)}`,
  };
}

const seLinuxOptions =
  (allowed: ReadonlySet<string>) =>
  (pod: PodLike): Violation | undefined => {
    const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
      options !== undefined && (!allowed.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
    const ofPod = pod.spec?.securityContext?.seLinuxOptions;
    const names = namesOf(pod, context => isBad(context?.seLinuxOptions));
    if (!isBad(ofPod) && names.length === 0) return;
    const all = [ofPod, ...containersOf(pod).map(c => c.securityContext?.seLinuxOptions)].filter(isBad);
    const types = sorted(all.map(({ type = '' }) => type).filter(type => !allowed.has(type)));
    const faults = [
      ...(types.length > 0 ? [counted('type', 'types', types)] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${setters(isBad(ofPod), names)} set forbidden securityContext.seLinuxOptions: ${faults.join('; ')}`,
    };
  };

/** Until 1.18, when annotations said it. */
function seccompAnnotations(pod: PodLike): Violation | undefined {
  const annotations = pod.metadata?.annotations ?? {};
  const isAllowed = (value: string): boolean =>
    value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const keys = [SECCOMP_POD_ANNOTATION, ...containersOf(pod).map(({ name }) => SECCOMP_CONTAINER_ANNOTATION + name)];
  const bad = sorted(
    keys.flatMap(key => {
      const value = annotations[key];
      return value === undefined || isAllowed(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (bad.length === 0) return;
  const word = bad.length === 1 ? 'annotation' : 'annotations';
  return { reason: 'seccompProfile', detail: `forbidden ${word} ${bad.join(', ')}` };
}

/** A profile that is set must confine. */
export function seccompProfile(pod: PodLike): Violation | undefined {
  const ofPod = pod.spec?.securityContext?.seccompProfile;
  const podIsBad = ofPod !== undefined && !isConfined(ofPod.type);
  const bad = containersOf(pod).filter(
    ({ securityContext }) => securityContext?.seccompProfile && !isConfined(securityContext.seccompProfile.type),
  );
  if (!podIsBad && bad.length === 0) return;
  const types = sorted([
    ...(podIsBad ? [ofPod.type] : []),
    ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type ?? ''),
  ]);
  const who = setters(
    podIsBad,
    bad.map(({ name }) => name),
  );
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
  };
}

const sysctls =
  (allowed: ReadonlySet<string>) =>
  ({ spec }: PodLike): Violation | undefined => {
    const bad = (spec?.securityContext?.sysctls ?? []).map(({ name }) => name).filter(name => !allowed.has(name));
    if (bad.length > 0) return { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };

function windowsHostProcess(pod: PodLike): Violation | undefined {
  const names = namesOf(pod, context => context?.windowsOptions?.hostProcess === true);
  const byPod = pod.spec?.securityContext?.windowsOptions?.hostProcess === true;
  if (!byPod && names.length === 0) return;
  return {
    reason: 'hostProcess',
    detail: `${setters(byPod, names)} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}

const seLinux10 = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const sysctls10 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const sysctls27 = [...sysctls10, 'net.ipv4.ip_local_reserved_ports'];
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];

/** In the order of their ids, as violations are listed. */
export const baseline: readonly Check[] = [
  { id: 'appArmorProfile', since: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', since: [[0, capabilities]] },
  { id: 'hostNamespaces', since: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', since: [[0, hostPathVolumes]] },
  { id: 'hostPorts', since: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', since: [[34, hostProbes]] },
  { id: 'privileged', since: [[0, privileged]] },
  {
    id: 'procMount',
    since: [
      [0, procMount],
      [35, pod => (hasOwnUsers(pod) ? undefined : procMount(pod))],
    ],
  },
  {
    id: 'seLinuxOptions',
    since: [
      [0, seLinuxOptions(new Set(seLinux10))],
      [31, seLinuxOptions(new Set([...seLinux10, 'container_engine_t']))],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    since: [
      [0, seccompAnnotations],
      [19, seccompProfile],
    ],
  },
  {
    id: 'sysctls',
    since: [
      [0, sysctls(new Set(sysctls10))],
      [27, sysctls(new Set(sysctls27))],
      [29, sysctls(new Set(sysctls29))],
      [32, sysctls(new Set(sysctls32))],
    ],
  },
  { id: 'windowsHostProcess', since: [[0, windowsHostProcess]] },
];
