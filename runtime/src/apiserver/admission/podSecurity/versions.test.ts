/**
 * Every check at every level and every version, as upstream's fixtures have them (`pod-security-admission/test/testdata`: a folder
 * a level and version, with the pods that pass and those that fail): from which version to which a pod is refused.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { violationsOf } from './checks.ts';
import { type Level, standardOf } from './policy.ts';
import { type Change, podOf } from './testing.ts';

const NEWEST = 36;
const versions = [...Array.from({ length: NEWEST + 1 }, (_, minor) => `v1.${minor}`), 'latest', 'v1.99'];
const windows = { os: { name: 'windows' } };
const ownUsers = { hostUsers: false };

type Range = readonly [from: number, to?: number];
const always: Range = [0];

const rows: readonly (readonly [
  what: string,
  change: Change,
  refused: { readonly baseline?: Range; readonly restricted?: Range },
])[] = [
  ['the least pod', {}, {}],
  // Of the baseline, and so of both.
  [
    'appArmorProfile',
    { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' } },
    { baseline: always, restricted: always },
  ],
  ['appArmorProfile', { pod: { appArmorProfile: { type: 'Unconfined' } } }, { baseline: always, restricted: always }],
  [
    'capabilities_baseline',
    { main: { capabilities: { add: ['NET_RAW'], drop: ['ALL'] } } },
    { baseline: always, restricted: always },
  ],
  ['hostNamespaces', { spec: { hostNetwork: true } }, { baseline: always, restricted: always }],
  ['hostNamespaces', { spec: { hostPID: true } }, { baseline: always, restricted: always }],
  ['hostNamespaces', { spec: { hostIPC: true } }, { baseline: always, restricted: always }],
  [
    'hostPathVolumes',
    { spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } },
    { baseline: always, restricted: always },
  ],
  [
    'hostPorts',
    { container: { ports: [{ containerPort: 80, hostPort: 80 }] } },
    { baseline: always, restricted: always },
  ],
  [
    'hostProbesAndHostLifecycle',
    { container: { livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } } },
    { baseline: [34], restricted: [34] },
  ],
  [
    'hostProbesAndHostLifecycle',
    { container: { lifecycle: { preStop: { tcpSocket: { host: '10.0.0.1', port: 80 } } } } },
    { baseline: [34], restricted: [34] },
  ],
  ['privileged', { main: { privileged: true } }, { baseline: always, restricted: always }],
  ['procMount', { main: { procMount: 'Unmasked' } }, { baseline: always, restricted: always }],
  [
    'procMount with own users',
    { spec: ownUsers, init: { procMount: 'Unmasked' } },
    { baseline: [0, 34], restricted: always },
  ],
  ['seLinuxOptions', { pod: { seLinuxOptions: { type: 'foo' } } }, { baseline: always, restricted: always }],
  ['seLinuxOptions', { main: { seLinuxOptions: { user: 'u' } } }, { baseline: always, restricted: always }],
  [
    'seLinuxOptions',
    { init: { seLinuxOptions: { type: 'container_engine_t' } } },
    { baseline: [0, 30], restricted: [0, 30] },
  ],
  [
    'seccompProfile_baseline as annotation',
    { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } },
    { baseline: [0, 18], restricted: [0, 18] },
  ],
  [
    'seccompProfile_baseline',
    { main: { seccompProfile: { type: 'Unconfined' } } },
    { baseline: [19], restricted: [19] },
  ],
  ...(
    [
      ['kernel.msgmax', always],
      ['net.ipv4.ip_local_reserved_ports', [0, 26]],
      ['net.ipv4.tcp_keepalive_time', [0, 28]],
      ['net.ipv4.tcp_fin_timeout', [0, 28]],
      ['net.ipv4.tcp_keepalive_intvl', [0, 28]],
      ['net.ipv4.tcp_keepalive_probes', [0, 28]],
      ['net.ipv4.tcp_rmem', [0, 31]],
      ['net.ipv4.tcp_wmem', [0, 31]],
    ] as const
  ).map(
    ([name, refused]) =>
      [
        `sysctl ${name}`,
        { pod: { sysctls: [{ name, value: '1' }] } },
        { baseline: refused, restricted: refused },
      ] as const,
  ),
  [
    'sysctls that are safe',
    {
      pod: {
        sysctls: [
          'kernel.shm_rmid_forced',
          'net.ipv4.ip_local_port_range',
          'net.ipv4.tcp_syncookies',
          'net.ipv4.ping_group_range',
          'net.ipv4.ip_unprivileged_port_start',
        ].map(name => ({ name, value: '0' })),
      },
    },
    {},
  ],
  ['windowsHostProcess', { pod: { windowsOptions: { hostProcess: true } } }, { baseline: always, restricted: always }],
  // Of the restricted level alone.
  ['allowPrivilegeEscalation', { main: { allowPrivilegeEscalation: true } }, { restricted: [8] }],
  [
    'allowPrivilegeEscalation on Windows',
    { spec: windows, init: { allowPrivilegeEscalation: undefined } },
    { restricted: [8, 24] },
  ],
  ['capabilities_restricted', { main: { capabilities: {} } }, { restricted: [22] }],
  ['capabilities_restricted', { main: { capabilities: { drop: ['ALL'], add: ['CHOWN'] } } }, { restricted: [22] }],
  ['capabilities_restricted', { main: { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }, {}],
  ['capabilities_restricted on Windows', { spec: windows, main: { capabilities: {} } }, { restricted: [22, 24] }],
  [
    'restrictedVolumes',
    { spec: { volumes: [{ name: 'v', nfs: { server: 'a', path: '/' } }] } },
    { restricted: always },
  ],
  ['restrictedVolumes', { spec: { volumes: [{ name: 'v', image: { reference: 'x' } }] } }, {}],
  ['runAsNonRoot', { pod: { runAsNonRoot: false } }, { restricted: always }],
  ['runAsNonRoot', { pod: { runAsNonRoot: undefined } }, { restricted: always }],
  ['runAsNonRoot', { init: { runAsNonRoot: false } }, { restricted: always }],
  ['runAsNonRoot with own users', { spec: ownUsers, pod: { runAsNonRoot: false } }, { restricted: [0, 34] }],
  ['runAsUser', { pod: { runAsUser: 0 } }, { restricted: [23] }],
  ['runAsUser', { main: { runAsUser: 0 } }, { restricted: [23] }],
  ['runAsUser with own users', { spec: ownUsers, main: { runAsUser: 0 } }, { restricted: [23, 34] }],
  ['seccompProfile_restricted', { pod: { seccompProfile: undefined } }, { restricted: [19] }],
  [
    'seccompProfile_restricted on Windows',
    { spec: windows, pod: { seccompProfile: undefined } },
    { restricted: [19, 24] },
  ],
];

const isIn = (version: string, range: Range | undefined): boolean => {
  if (!range) return false;
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : Number(version.slice(3));
  const [from, to = Number.POSITIVE_INFINITY] = range;
  return minor >= from && minor <= to;
};

describe('pod security at every version', () => {
  for (const [what, change, refused] of rows) {
    for (const level of ['baseline', 'restricted'] as const satisfies readonly Level[]) {
      const of = refused[level];
      it(`${what} ${JSON.stringify(change)}: ${level} ${of ? `refused from ${of.join(' to ')}` : 'lets in'}`, () => {
        const pod = podOf(level, change);
        const wrong = versions.filter(version => {
          return violationsOf(pod, standardOf(level, version)).length > 0 !== isIn(version, of);
        });
        assert.deepEqual(wrong, []);
        for (const version of versions) assert.deepEqual(violationsOf(pod, standardOf('privileged', version)), []);
      });
    }
  }
});
