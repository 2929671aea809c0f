/**
 * The pod security standards, check by check: pods as in upstream's own fixtures (`pod-security-admission/test/fixtures_*.go`),
 * each the smallest pod its level lets in with one thing changed, and what upstream says of it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeViolations, violationsOf } from './checks.ts';
import { type Level, standardOf } from './policy.ts';
import { type Change, podOf, restrictedContext } from './testing.ts';
import type { PodLike } from './words.ts';

type Row = readonly [what: string, version: string, change: Change, violations: string];

const both = '"i", "c"';
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';

/** Checks of the baseline: they say the same of restricted pods, but for those that restricted replaces. */
const baselineRows: readonly Row[] = [
  ['the least pod', 'v1.0', {}, ''],
  ['the least pod', 'v1.18', {}, ''],
  ['the least pod', 'v1.19', {}, ''],
  ['the least pod', 'v1.34', {}, ''],
  ['the least pod', 'latest', {}, ''],
  ['the least pod', 'v1.99', {}, ''],
  // appArmorProfile
  ['AppArmor runtime/default', 'v1.0', { annotations: { [`${APPARMOR}c`]: 'runtime/default' } }, ''],
  ['AppArmor localhost', 'v1.0', { annotations: { [`${APPARMOR}c`]: 'localhost/foo' } }, ''],
  ['AppArmor empty', 'v1.0', { annotations: { [`${APPARMOR}c`]: '' } }, ''],
  [
    'AppArmor fields',
    'latest',
    {
      pod: { appArmorProfile: { type: 'RuntimeDefault' } },
      main: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } },
    },
    '',
  ],
  [
    'AppArmor unconfined',
    'v1.0',
    { annotations: { [`${APPARMOR}c`]: 'unconfined' } },
    `forbidden AppArmor profile (annotation must not set AppArmor profile type to "${APPARMOR}c="unconfined"")`,
  ],
  [
    'AppArmor unconfined twice',
    'v1.0',
    { annotations: { [`${APPARMOR}c`]: 'unconfined', [`${APPARMOR}i`]: 'unconfined' } },
    `forbidden AppArmor profiles (annotations must not set AppArmor profile type to "${APPARMOR}c="unconfined"", "${APPARMOR}i="unconfined"")`,
  ],
  [
    'AppArmor field of the pod',
    'v1.0',
    { pod: { appArmorProfile: { type: 'Unconfined' } } },
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  ],
  [
    'AppArmor field of containers',
    'latest',
    { main: { appArmorProfile: { type: 'Unconfined' } }, init: { appArmorProfile: { type: 'Unconfined' } } },
    `forbidden AppArmor profile (containers ${both} must not set AppArmor profile type to "Unconfined")`,
  ],
  [
    'AppArmor everywhere',
    'latest',
    {
      pod: { appArmorProfile: { type: 'Unconfined' } },
      main: { appArmorProfile: { type: 'Unconfined' } },
      annotations: { [`${APPARMOR}c`]: 'unconfined' },
    },
    `forbidden AppArmor profiles (pod and container "c" and annotation must not set AppArmor profile type to "Unconfined", "${APPARMOR}c="unconfined"")`,
  ],
  // hostNamespaces
  ['hostNetwork', 'v1.0', { spec: { hostNetwork: true } }, 'host namespaces (hostNetwork=true)'],
  ['hostPID', 'v1.0', { spec: { hostPID: true } }, 'host namespaces (hostPID=true)'],
  ['hostIPC', 'latest', { spec: { hostIPC: true } }, 'host namespaces (hostIPC=true)'],
  [
    'all host namespaces',
    'latest',
    { spec: { hostIPC: true, hostNetwork: true, hostPID: true } },
    'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
  ],
  ['host namespaces off', 'latest', { spec: { hostIPC: false, hostNetwork: false, hostPID: false } }, ''],
  // hostPorts
  ['a port', 'v1.0', { container: { ports: [{ containerPort: 1 }] } }, ''],
  ['a host port of zero', 'v1.0', { container: { ports: [{ containerPort: 1, hostPort: 0 }] } }, ''],
  [
    'a host port',
    'v1.0',
    { container: { ports: [{ containerPort: 1, hostPort: 8080 }] } },
    'hostPort (container "c" uses hostPort 8080)',
  ],
  [
    'host ports',
    'latest',
    {
      container: {
        ports: [
          { containerPort: 1, hostPort: 9090 },
          { containerPort: 2, hostPort: 8080 },
        ],
      },
    },
    'hostPort (container "c" uses hostPorts 8080, 9090)',
  ],
  [
    'host ports in two containers',
    'latest',
    {
      spec: {
        containers: [
          { name: 'a', ports: [{ containerPort: 1, hostPort: 1 }], securityContext: restrictedContext },
          { name: 'b', ports: [{ containerPort: 1, hostPort: 2 }], securityContext: restrictedContext },
        ],
      },
    },
    'hostPort (containers "a", "b" use hostPorts 1, 2)',
  ],
  // hostProbesAndHostLifecycle
  ['a probe with a host, before', 'v1.33', { container: { livenessProbe: { httpGet: { port: 1, host: 'a' } } } }, ''],
  [
    'a probe with a host',
    'v1.34',
    { container: { livenessProbe: { httpGet: { port: 1, host: 'a' } } } },
    'probe or lifecycle host (container "c" uses probe or lifecycle host "a")',
  ],
  [
    'probes with hosts',
    'latest',
    {
      container: {
        readinessProbe: { tcpSocket: { port: 1, host: 'b' } },
        startupProbe: { httpGet: { port: 1, host: 'a' } },
      },
    },
    'probe or lifecycle host (container "c" uses probe or lifecycle hosts "a", "b")',
  ],
  [
    'lifecycle hooks with hosts',
    'latest',
    {
      container: {
        lifecycle: { preStop: { httpGet: { port: 1, host: 'a' } }, postStart: { tcpSocket: { port: 1, host: 'a' } } },
      },
    },
    'probe or lifecycle host (container "c" uses probe or lifecycle host "a")',
  ],
  ['a probe without a host', 'latest', { container: { livenessProbe: { httpGet: { port: 1, host: '' } } } }, ''],
  // privileged
  [
    'privileged',
    'v1.0',
    { main: { privileged: true } },
    'privileged (container "c" must not set securityContext.privileged=true)',
  ],
  [
    'both privileged',
    'latest',
    { main: { privileged: true }, init: { privileged: true } },
    `privileged (containers ${both} must not set securityContext.privileged=true)`,
  ],
  ['not privileged', 'latest', { main: { privileged: false } }, ''],
  // procMount
  ['procMount Default', 'v1.0', { main: { procMount: 'Default' } }, ''],
  [
    'procMount Unmasked',
    'v1.0',
    { main: { procMount: 'Unmasked' } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'procMount Unmasked twice',
    'latest',
    { main: { procMount: 'Unmasked' }, init: { procMount: 'Unmasked' } },
    `procMount (containers ${both} must not set securityContext.procMount to "Unmasked")`,
  ],
  [
    'procMount Unmasked with own users, before',
    'v1.34',
    { spec: { hostUsers: false }, main: { procMount: 'Unmasked' } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  // seLinuxOptions
  ['SELinux level', 'v1.0', { pod: { seLinuxOptions: { level: 's0' } } }, ''],
  [
    'SELinux container_t',
    'v1.0',
    {
      pod: { seLinuxOptions: { type: 'container_t' } },
      main: { seLinuxOptions: { type: 'container_init_t' } },
      init: { seLinuxOptions: { type: 'container_kvm_t' } },
    },
    '',
  ],
  [
    'SELinux container_engine_t, before',
    'v1.30',
    { main: { seLinuxOptions: { type: 'container_engine_t' } } },
    'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
  ],
  ['SELinux container_engine_t', 'v1.31', { main: { seLinuxOptions: { type: 'container_engine_t' } } }, ''],
  [
    'SELinux other type',
    'latest',
    { pod: { seLinuxOptions: { type: 'spc_t' } } },
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t")',
  ],
  [
    'SELinux user',
    'latest',
    { main: { seLinuxOptions: { user: 'u' } } },
    'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: user may not be set)',
  ],
  [
    'SELinux role',
    'latest',
    { init: { seLinuxOptions: { role: 'r' } } },
    'seLinuxOptions (container "i" set forbidden securityContext.seLinuxOptions: role may not be set)',
  ],
  [
    'SELinux all',
    'latest',
    {
      pod: { seLinuxOptions: { type: 'b', user: 'u' } },
      main: { seLinuxOptions: { type: 'a', role: 'r' } },
      init: { seLinuxOptions: { type: 'a' } },
    },
    `seLinuxOptions (pod and containers ${both} set forbidden securityContext.seLinuxOptions: types "a", "b"; user may not be set; role may not be set)`,
  ],
  // sysctls
  ['a safe sysctl', 'v1.0', { pod: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } }, ''],
  [
    'an unsafe sysctl',
    'v1.0',
    { pod: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
    'forbidden sysctls (kernel.msgmax)',
  ],
  ['unsafe sysctls', 'latest', { pod: { sysctls: [{ name: 'b' }, { name: 'a' }] } }, 'forbidden sysctls (b, a)'],
  [
    'reserved ports, before',
    'v1.26',
    { pod: { sysctls: [{ name: 'net.ipv4.ip_local_reserved_ports' }] } },
    'forbidden sysctls (net.ipv4.ip_local_reserved_ports)',
  ],
  ['reserved ports', 'v1.27', { pod: { sysctls: [{ name: 'net.ipv4.ip_local_reserved_ports' }] } }, ''],
  [
    'keepalive, before',
    'v1.28',
    { pod: { sysctls: [{ name: 'net.ipv4.tcp_keepalive_time' }] } },
    'forbidden sysctls (net.ipv4.tcp_keepalive_time)',
  ],
  [
    'keepalive',
    'v1.29',
    {
      pod: {
        sysctls: [
          { name: 'net.ipv4.tcp_keepalive_time' },
          { name: 'net.ipv4.tcp_fin_timeout' },
          { name: 'net.ipv4.tcp_keepalive_intvl' },
          { name: 'net.ipv4.tcp_keepalive_probes' },
        ],
      },
    },
    '',
  ],
  [
    'buffers, before',
    'v1.31',
    { pod: { sysctls: [{ name: 'net.ipv4.tcp_rmem' }] } },
    'forbidden sysctls (net.ipv4.tcp_rmem)',
  ],
  ['buffers', 'v1.32', { pod: { sysctls: [{ name: 'net.ipv4.tcp_rmem' }, { name: 'net.ipv4.tcp_wmem' }] } }, ''],
  // windowsHostProcess
  [
    'a host process',
    'v1.0',
    { pod: { windowsOptions: { hostProcess: true } } },
    'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    'host processes',
    'latest',
    { pod: { windowsOptions: { hostProcess: true } }, main: { windowsOptions: { hostProcess: true } } },
    'hostProcess (pod and container "c" must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  ['no host process', 'latest', { pod: { windowsOptions: { hostProcess: false } } }, ''],
];

/** Of baseline pods only: restricted says these in its own words, or not at all. */
const onlyBaselineRows: readonly Row[] = [
  ['a default capability', 'v1.0', { main: { capabilities: { add: ['AUDIT_WRITE', 'SYS_CHROOT'] } } }, ''],
  [
    'another capability',
    'v1.0',
    { main: { capabilities: { add: ['NET_RAW'] } } },
    'non-default capabilities (container "c" must not include "NET_RAW" in securityContext.capabilities.add)',
  ],
  [
    'other capabilities',
    'latest',
    { main: { capabilities: { add: ['SYS_ADMIN', 'CHOWN'] } }, init: { capabilities: { add: ['BPF'] } } },
    `non-default capabilities (containers ${both} must not include "BPF", "SYS_ADMIN" in securityContext.capabilities.add)`,
  ],
  [
    'a capability without its case',
    'latest',
    { main: { capabilities: { add: ['chown'] } } },
    'non-default capabilities (container "c" must not include "chown" in securityContext.capabilities.add)',
  ],
  [
    'a hostPath',
    'v1.0',
    { spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } },
    'hostPath volumes (volume "v")',
  ],
  [
    'hostPaths',
    'latest',
    {
      spec: {
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', hostPath: { path: '/' } },
        ],
      },
    },
    'hostPath volumes (volumes "a", "b")',
  ],
  ['an NFS volume', 'latest', { spec: { volumes: [{ name: 'v', nfs: { server: 'a', path: '/' } }] } }, ''],
  ['procMount Unmasked with own users', 'v1.35', { spec: { hostUsers: false }, main: { procMount: 'Unmasked' } }, ''],
  [
    'procMount Unmasked with the host’s users',
    'v1.35',
    { spec: { hostUsers: true }, main: { procMount: 'Unmasked' } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'seccomp annotation unconfined',
    'v1.18',
    { annotations: { [SECCOMP]: 'unconfined' } },
    `seccompProfile (forbidden annotation ${SECCOMP}="unconfined")`,
  ],
  [
    'seccomp annotations',
    'v1.0',
    { annotations: { [SECCOMP]: 'unconfined', [`${SECCOMP_CONTAINER}c`]: 'unconfined' } },
    `seccompProfile (forbidden annotations ${SECCOMP_CONTAINER}c="unconfined", ${SECCOMP}="unconfined")`,
  ],
  [
    'seccomp annotations that confine',
    'v1.0',
    {
      annotations: {
        [SECCOMP]: 'docker/default',
        [`${SECCOMP_CONTAINER}c`]: 'localhost/x',
        [`${SECCOMP_CONTAINER}other`]: 'unconfined',
      },
    },
    '',
  ],
  ['seccomp annotations that count no more', 'v1.19', { annotations: { [SECCOMP]: 'unconfined' } }, ''],
  ['seccomp field unconfined, before', 'v1.18', { pod: { seccompProfile: { type: 'Unconfined' } } }, ''],
  [
    'seccomp field unconfined',
    'v1.19',
    { pod: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'seccomp fields of containers',
    'latest',
    { main: { seccompProfile: { type: 'Unconfined' } }, init: { seccompProfile: { type: 'Unconfined' } } },
    `seccompProfile (containers ${both} must not set securityContext.seccompProfile.type to "Unconfined")`,
  ],
  ['runs as root', 'latest', { pod: { runAsUser: 0, runAsNonRoot: false } }, ''],
];

const restrictedVolume = (type: string): Row => [
  `a volume of type ${type}`,
  'latest',
  { spec: { volumes: [{ name: 'v', [type]: {} }] } },
  `restricted volume types (volume "v" uses restricted volume type "${type}")`,
];

const restrictedRows: readonly Row[] = [
  // allowPrivilegeEscalation
  ['privilege escalation, before', 'v1.7', { main: { allowPrivilegeEscalation: true } }, ''],
  [
    'privilege escalation',
    'v1.8',
    { main: { allowPrivilegeEscalation: true } },
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
  ],
  [
    'privilege escalation left open',
    'latest',
    { main: { allowPrivilegeEscalation: undefined }, init: { allowPrivilegeEscalation: undefined } },
    `allowPrivilegeEscalation != false (containers ${both} must set securityContext.allowPrivilegeEscalation=false)`,
  ],
  [
    'privilege escalation on Windows, before',
    'v1.24',
    { spec: { os: { name: 'windows' } }, main: { allowPrivilegeEscalation: undefined } },
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
  ],
  [
    'privilege escalation on Windows',
    'v1.25',
    { spec: { os: { name: 'windows' } }, main: { allowPrivilegeEscalation: undefined } },
    '',
  ],
  // capabilities
  ['keeps capabilities, before', 'v1.21', { main: { capabilities: undefined } }, ''],
  [
    'adds a capability, before',
    'v1.21',
    { main: { capabilities: { add: ['NET_RAW'] } } },
    'non-default capabilities (container "c" must not include "NET_RAW" in securityContext.capabilities.add)',
  ],
  [
    'keeps capabilities',
    'v1.22',
    { main: { capabilities: undefined } },
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
  ],
  [
    'drops too little',
    'latest',
    { main: { capabilities: { drop: ['all', 'NET_RAW'] } }, init: { capabilities: {} } },
    `unrestricted capabilities (containers ${both} must set securityContext.capabilities.drop=["ALL"])`,
  ],
  ['may bind low ports', 'latest', { main: { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }, ''],
  [
    'adds a default capability',
    'latest',
    { main: { capabilities: { drop: ['ALL'], add: ['CHOWN'] } } },
    'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    'keeps and adds',
    'latest',
    { main: { capabilities: { add: ['BPF', 'ALL'] } } },
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "ALL", "BPF" in securityContext.capabilities.add)',
  ],
  [
    'keeps capabilities on Windows',
    'v1.25',
    { spec: { os: { name: 'windows' } }, main: { capabilities: undefined } },
    '',
  ],
  // procMount
  [
    'procMount Unmasked even with own users',
    'v1.35',
    { spec: { hostUsers: false }, main: { procMount: 'Unmasked' } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  // volumes
  [
    'the volumes of every pod',
    'v1.0',
    {
      spec: {
        volumes: [
          'configMap',
          'csi',
          'downwardAPI',
          'emptyDir',
          'ephemeral',
          'image',
          'persistentVolumeClaim',
          'projected',
          'secret',
        ].map(type => ({ name: type.toLowerCase(), [type]: {} })),
      },
    },
    '',
  ],
  ...[
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
  ].map(restrictedVolume),
  [
    'several volumes',
    'v1.0',
    {
      spec: {
        volumes: [
          { name: 'a', nfs: {} },
          { name: 'b', hostPath: {} },
          { name: 'c', nfs: {} },
        ],
      },
    },
    'restricted volume types (volumes "a", "b", "c" use restricted volume types "hostPath", "nfs")',
  ],
  [
    'a volume of no type',
    'latest',
    { spec: { volumes: [{ name: 'a' }] } },
    'restricted volume types (volume "a" uses restricted volume type "unknown")',
  ],
  // runAsNonRoot
  [
    'may be root',
    'v1.0',
    { pod: { runAsNonRoot: undefined } },
    `runAsNonRoot != true (pod or containers ${both} must set securityContext.runAsNonRoot=true)`,
  ],
  [
    'a container may be root',
    'latest',
    { pod: { runAsNonRoot: undefined }, init: { runAsNonRoot: true } },
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
  ],
  [
    'containers say they are not',
    'latest',
    { pod: { runAsNonRoot: undefined }, main: { runAsNonRoot: true }, init: { runAsNonRoot: true } },
    '',
  ],
  [
    'says it may be root',
    'latest',
    { pod: { runAsNonRoot: false }, main: { runAsNonRoot: true } },
    'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
  ],
  [
    'a container says it may be',
    'latest',
    { main: { runAsNonRoot: false } },
    'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
  ],
  [
    'all say they may be',
    'latest',
    { pod: { runAsNonRoot: false }, main: { runAsNonRoot: false }, init: { runAsNonRoot: false } },
    `runAsNonRoot != true (pod and containers ${both} must not set securityContext.runAsNonRoot=false)`,
  ],
  [
    'root of its own users, before',
    'v1.34',
    { spec: { hostUsers: false }, pod: { runAsNonRoot: false } },
    'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
  ],
  ['root of its own users', 'v1.35', { spec: { hostUsers: false }, pod: { runAsNonRoot: false, runAsUser: 0 } }, ''],
  // runAsUser
  ['is root, before', 'v1.22', { pod: { runAsUser: 0 } }, ''],
  ['is root', 'v1.23', { pod: { runAsUser: 0 } }, 'runAsUser=0 (pod must not set runAsUser=0)'],
  ['a container is root', 'latest', { main: { runAsUser: 0 } }, 'runAsUser=0 (container "c" must not set runAsUser=0)'],
  [
    'all are root',
    'latest',
    { pod: { runAsUser: 0 }, main: { runAsUser: 0 }, init: { runAsUser: 0 } },
    `runAsUser=0 (pod and containers ${both} must not set runAsUser=0)`,
  ],
  ['is somebody', 'latest', { pod: { runAsUser: 1000 }, main: { runAsUser: 1 } }, ''],
  // seccompProfile
  ['no seccomp, before', 'v1.18', { pod: { seccompProfile: undefined } }, ''],
  [
    'no seccomp',
    'v1.19',
    { pod: { seccompProfile: undefined } },
    `seccompProfile (pod or containers ${both} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
  ],
  [
    'seccomp of one container',
    'latest',
    { pod: { seccompProfile: undefined }, init: { seccompProfile: { type: 'Localhost' } } },
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  [
    'seccomp of all containers',
    'latest',
    {
      pod: { seccompProfile: undefined },
      main: { seccompProfile: { type: 'RuntimeDefault' } },
      init: { seccompProfile: { type: 'Localhost' } },
    },
    '',
  ],
  [
    'unconfined',
    'latest',
    { pod: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'a container unconfined',
    'latest',
    { main: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  ['no seccomp on Windows', 'v1.25', { spec: { os: { name: 'windows' } }, pod: { seccompProfile: undefined } }, ''],
  [
    'what everybody writes first',
    'latest',
    {
      pod: { runAsNonRoot: undefined, seccompProfile: undefined },
      spec: { initContainers: [], containers: [{ name: 'c', image: 'x' }] },
    },
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  [
    'baseline comes first',
    'latest',
    {
      spec: { hostNetwork: true, volumes: [{ name: 'v', hostPath: {} }] },
      main: { privileged: true, allowPrivilegeEscalation: true },
    },
    'host namespaces (hostNetwork=true), privileged (container "c" must not set securityContext.privileged=true), ' +
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'restricted volume types (volume "v" uses restricted volume type "hostPath")',
  ],
];

function check(level: Level, [what, version, change, expected]: Row): void {
  it(`${level}:${version} ${what}`, () => {
    const pod = podOf(level, change);
    assert.equal(describeViolations(violationsOf(pod, standardOf(level, version))), expected);
    assert.deepEqual(violationsOf(pod, standardOf('privileged', version)), []);
  });
}

describe('pod security standards', () => {
  for (const row of [...baselineRows, ...onlyBaselineRows]) check('baseline', row);
  for (const row of [...baselineRows, ...restrictedRows]) check('restricted', row);

  it('looks at ephemeral containers too', () => {
    const pod = {
      spec: { containers: [], ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }] },
    };
    assert.equal(
      describeViolations(violationsOf(pod as PodLike, standardOf('baseline'))),
      'privileged (container "e" must not set securityContext.privileged=true)',
    );
  });
});
