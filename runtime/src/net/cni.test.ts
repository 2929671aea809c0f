import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatewayOf } from '../lib/podNetwork.ts';
import { CNI_FILE, cniConfigurationList, writeCniConfiguration } from './cni.ts';

test('the list holds the bridge with the pod range, and host ports', () => {
  const list = cniConfigurationList({ podCidr: '10.42.3.0/24' }) as { plugins: Record<string, unknown>[] };
  assert.deepEqual(
    list.plugins.map(p => p.type),
    ['bridge', 'portmap'],
  );
  assert.equal(list.plugins[0]?.bridge, 'cni0');
  assert.equal(list.plugins[0]?.ipMasq, true);
  assert.deepEqual(list.plugins[0]?.ipam, {
    type: 'host-local',
    dataDir: '/run/atoll/cni',
    ranges: [[{ subnet: '10.42.3.0/24' }]],
  });
});

test('it is written once, and again only when it differs', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-cni-'));
  t.after(() => rm(directory, { recursive: true }));
  const inner = join(directory, 'net.d');
  assert.equal(await writeCniConfiguration({ podCidr: '10.42.0.0/24' }, inner), true);
  assert.equal(await writeCniConfiguration({ podCidr: '10.42.0.0/24' }, inner), false);
  assert.equal(await writeCniConfiguration({ podCidr: '10.42.1.0/24' }, inner), true);
  assert.match(await readFile(join(inner, CNI_FILE), 'utf8'), /10\.42\.1\.0\/24/);
});

test('the gateway is the first address of the range', () => {
  for (const [range, gateway] of [
    ['10.42.0.0/24', '10.42.0.1'],
    ['192.168.7.64/26', '192.168.7.65'],
  ] as const)
    assert.equal(gatewayOf(range), gateway);
  assert.throws(() => gatewayOf('fd00::/64'), /not an IPv4 range/);
});
