import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parse } from 'yaml';
import { clusterPlan, smbiosOf } from './plan.ts';

it('a server and agents know each other by address, and have names and cards of their own', () => {
  const plans = clusterPlan(3, 'secret');
  assert.deepEqual(
    plans.map(({ name, role, address }) => [name, role, address]),
    [
      ['server', 'server', '10.77.0.1'],
      ['agent-1', 'agent', '10.77.0.2'],
      ['agent-2', 'agent', '10.77.0.3'],
    ],
  );
  assert.equal(new Set(plans.map(({ mac }) => mac)).size, 3);
  assert.deepEqual(parse(plans[1]?.documents['user-data'] ?? ''), {
    hostname: 'agent-1',
    atoll: { role: 'agent', server: 'https://10.77.0.1:6443', token: 'secret', 'node-ip': '10.77.0.2' },
  });
  const network = parse(plans[1]?.documents['network-config'] ?? '');
  assert.deepEqual(network.ethernets.cluster, { match: { macaddress: plans[1]?.mac }, addresses: ['10.77.0.2/24'] });
  const [first = ''] = smbiosOf(plans[1]?.documents ?? {});
  assert.match(first, /^io\.atoll\.user-data=/);
  assert.match(Buffer.from(first.split('=').slice(1).join('='), 'base64').toString(), /^#cloud-config\n/);
});
