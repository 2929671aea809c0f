import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../machine/config/types.ts';
import { readiness } from './status.ts';
import { formatBytes, formatDuration, renderStatus } from './statusPage.ts';
import type { MachineStatus } from './statusReport.ts';

const base: MachineStatus = {
  release: { version: '0.1.0', image: 'vm-x86_64', kubernetes: 'v1.36.0' },
  hostName: 'gw-1',
  uptimeSeconds: 3 * 86_400,
  components: [],
  memory: { totalBytes: 512 * 1024 * 1024, availableBytes: 200 * 1024 * 1024 },
  data: { totalBytes: 4 * 1024 ** 3, freeBytes: 3 * 1024 ** 3 },
  certificates: [{ name: 'serving', expires: '2027-01-01T00:00:00Z' }],
  cluster: { error: 'the API server does not answer: refused' },
};
const component = { phase: 'ready', message: '', pid: 1, since: '', uptimeSeconds: 21.5 } as const;

test('durations and sizes read well', () => {
  for (const [seconds, text] of [
    [0, '0 s'],
    [59.9, '59 s'],
    [119, '119 s'],
    [120, '2 min'],
    [7_200, '2 h'],
    [172_800, '2 d'],
  ] as const)
    assert.equal(formatDuration(seconds), text);
  for (const [bytes, text] of [
    [0, '0 MiB'],
    [1.5 * 1024 ** 2, '2 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
  ] as const)
    assert.equal(formatBytes(bytes), text);
});

test('a machine that has just started, and why', () => {
  const text = renderStatus(base, Date.parse('2026-01-01T00:00:00Z'));
  assert.match(text, /Server {8}has not started in this boot/);
  assert.match(text, /Cluster {7}the API server does not answer: refused/);
  assert.match(text, /Certificates {2}serving is the first to expire, in 365 d/);
});

test('a machine that is well, and one that is not', () => {
  const text = renderStatus(
    {
      ...base,
      components: [
        { ...component, component: 'server' },
        { ...component, component: 'agent', phase: 'not-ready', message: 'containerd does not answer' },
      ],
      cluster: {
        nodes: [
          { name: 'gw-1', ready: true, reason: '', addresses: ['192.0.2.1'] },
          { name: 'gw-2', ready: false, reason: 'no lease for 40 s', addresses: [] },
        ],
        pods: { Running: 3, Pending: 1 },
      },
    },
    0,
  );
  assert.match(text, /Server {8}ready, 21\.5 s after power-on/);
  assert.match(text, /Agent {9}NOT-READY: containerd does not answer/);
  assert.match(text, /Nodes {9}gw-1 {2}Ready {2}192\.0\.2\.1/);
  assert.match(text, /gw-2 {2}NotReady: no lease for 40 s/);
  assert.match(text, /Pods {10}3 Running, 1 Pending/);
});

test('the headline says whether it is ready, and why not', () => {
  const ready = { ...component, component: 'server' } as const;
  const waiting = {
    ...component,
    component: 'agent',
    phase: 'not-ready',
    message: 'containerd is not up yet',
  } as const;
  for (const [states, role, expected] of [
    [[], 'server and node', { ready: false, reason: 'the control plane has not started' }],
    [[ready], 'server and node', { ready: false, reason: 'the node agent has not started' }],
    [[ready], 'server', { ready: true }],
    [[ready, waiting], 'server and node', { ready: false, reason: 'containerd is not up yet' }],
    [[{ ...component, component: 'agent' as const }], 'node', { ready: true }],
  ] as const)
    assert.deepEqual(readiness(states, role), expected);
  assert.match(renderStatus({ ...base, nodeName: 'left', ready: true }, 0), /^\n {2}left {2}Ready\n/);
  assert.match(renderStatus({ ...base, ready: false, reason: 'no server' }, 0), /gw-1 {2}not ready: no server/);
});

test('a role has its daemons only', () => {
  const text = renderStatus({ ...base, role: 'node', addresses: [] }, 0);
  assert.doesNotMatch(text, /Server/);
  assert.match(text, /Agent {9}has not started/);
  assert.match(text, /Address {7}none: no network/);
});

test('the configuration: in force, refused with place and reason, what needs a reboot', () => {
  const place = { source: 'esp', location: '/dev/vda1 (ESP)', document: 'user-data', line: 3, column: 7 } as const;
  const sources = [{ source: 'esp', location: '/dev/vda1 (ESP)', documents: ['user-data'] }] as const;
  const good = renderStatus(
    { ...base, configuration: { state: 'applied', generation: 4, sources, problems: [], rebootNeeded: ['network'] } },
    0,
  );
  assert.match(good, /Configuration generation 4\n +from esp \(user-data\)\n +Reboot +needed for network/);
  const problem = { severity: 'error', place, path: 'hostname', message: 'must be a name' } as const;
  const bad = renderStatus(
    {
      ...base,
      configuration: {
        state: 'refused',
        generation: 4,
        sources,
        problems: [problem, { ...problem, path: 'users' }],
        rebootNeeded: [],
      },
    },
    0,
  );
  assert.match(bad, /Configuration the new configuration is refused; generation 4 is in force\..*line 3, column 7/);
  assert.match(bad, /\n {16}user-data .*users: must be a name/);
  const failures = ['/var/a/b cannot be written: Not a directory', 'runcmd[0] ended with 1'];
  const partly = renderStatus(
    {
      ...base,
      configuration: { state: 'applied', generation: 4, sources, problems: [], rebootNeeded: [], failures },
    },
    0,
  );
  assert.match(
    partly,
    /Configuration generation 4\n.*\n {16}not done: \/var\/a\/b cannot be written: Not a directory\n {16}not done: runcmd\[0\] ended with 1\n/,
  );
});

test('a refusal is said once, and no warning is lost beside it', () => {
  const place = { source: 'esp', location: 'ESP', document: 'user-data', line: 3, column: 7 } as const;
  const warning = { severity: 'warning', place, path: 'locale', message: 'has no value' } as const;
  const errors = Array.from({ length: 10 }, (_, i) => ({
    ...warning,
    severity: 'error' as const,
    path: `key${i}`,
    message: 'is not known',
  }));
  const page = (problems: readonly Problem[]): string =>
    renderStatus(
      { ...base, configuration: { state: 'refused', generation: 4, sources: [], problems, rebootNeeded: [] } },
      0,
    );
  const one = page([warning, ...errors.slice(0, 1)]);
  assert.equal(one.split('key0').length, 2, one);
  assert.match(one, /locale: has no value/);
  assert.match(page([warning, ...errors]), /key7[\s\S]*\n {16}and 2 more: atoll config diff\n/);
});

test('time, and what is not in force, are said', () => {
  const at = Date.parse('2026-11-21T22:00:00Z');
  const now = new Date(at).toISOString();
  const synced = { now, synchronized: true, lastSync: '2026-11-21T21:30:00.000Z' };
  assert.match(renderStatus({ ...base, time: synced }, at), /2026-11-21 22:00:00 UTC, set by a time server 30 min ago/);
  const alone = { now, synchronized: false, floor: '2026-10-01T00:00:00.000Z' };
  assert.match(
    renderStatus({ ...base, time: alone }, at),
    /not set by a time server in this boot; .* behind 2026-10-01/,
  );
  const wrong = renderStatus(
    { ...base, manifests: { '/m/a.yaml': 'line 4' }, images: { '/i/a.tar': 'cut short' } },
    at,
  );
  assert.match(wrong, /Manifests {5}\/m\/a\.yaml is not applied: line 4/);
  assert.match(wrong, /Images {8}\/i\/a\.tar: cut short/);
});
