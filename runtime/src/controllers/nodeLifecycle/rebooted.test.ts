import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { adminUser, type InProcessServer, startServer } from '../../../test/startServer.ts';
import type { Node } from '../../api/generated/types/core.v1.ts';
import { Client } from '../../client/client.ts';
import { inProcessTransport } from '../../client/inProcess.ts';
import { Nodes } from '../../client/resources.ts';
import { forgetEarlierBoot, isOfEarlierBoot } from './rebooted.ts';

const here = { machineID: 'm', bootID: 'second' };

for (const [what, nodeInfo, boot, expected] of [
  ['an earlier boot', { machineID: 'm', bootID: 'first' }, here, true],
  ['this boot', here, here, false],
  ['another machine', { machineID: 'n', bootID: 'first' }, here, false],
  ['a node that has not reported', undefined, here, false],
  ['a machine without an id', { machineID: '', bootID: 'first' }, { machineID: '', bootID: 'second' }, false],
  ['a kernel that does not say', { machineID: 'm', bootID: 'first' }, { machineID: 'm', bootID: '' }, false],
] as const) {
  test(`of an earlier boot: ${what}: ${expected}`, () => {
    assert.equal(isOfEarlierBoot({ metadata: {}, status: nodeInfo ? { nodeInfo } : {} } as Node, boot), expected);
  });
}

let server: InProcessServer;
let client: Client;
before(async () => {
  server = await startServer();
  client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
});
after(() => server.close());

test('only the node of this machine, and only once, is not Ready any more', async () => {
  for (const [name, machineID] of [
    ['mine', 'm'],
    ['other', 'n'],
  ] as const) {
    await client.create(Nodes, { metadata: { name } });
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
      { type: 'ConfigurationRefused', status: 'False', reason: 'ConfigurationInForce', message: 'generation 1' },
    ];
    const status = { nodeInfo: { machineID, bootID: 'first' }, conditions };
    await client.patch(Nodes, { name }, { status }, { type: 'strategic', subresource: 'status' });
  }
  assert.deepEqual(await forgetEarlierBoot(client, here, Date.now()), ['mine']);
  const conditions = async (name: string): Promise<string[]> =>
    ((await client.get(Nodes, { name })).status?.conditions ?? [])
      .map(({ type, status }) => `${type}=${status}`)
      .sort();
  assert.deepEqual(await conditions('other'), ['ConfigurationRefused=False', 'Ready=True']);
  assert.deepEqual(await conditions('mine'), [
    'ConfigurationRefused=False',
    'DiskPressure=Unknown',
    'MemoryPressure=Unknown',
    'PIDPressure=Unknown',
    'Ready=Unknown',
  ]);
  assert.deepEqual(await forgetEarlierBoot(client, here, Date.now()), []);
});
