import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration, type MachineStatus, renderStatus } from './status.ts';

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
