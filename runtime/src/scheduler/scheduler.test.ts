/** The scheduler against a real API server, with nodes without containers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, startCluster, type TestCluster } from '../../test/cluster.ts';
import type { Pod } from '../api/generated/types/core.v1.ts';
import { podCondition } from '../api/pods.ts';
import { Events, Nodes, Pods, PriorityClasses } from '../client/resources.ts';

let cluster: TestCluster;
const NAMESPACE = 'default';

before(async () => {
  cluster = await startCluster();
  await eventually('the default service account', async () =>
    (await cluster.kubectl('get', 'serviceaccounts', '-n', NAMESPACE, '-o', 'name')).includes('default'),
  );
});
after(() => cluster.close());

const create = (name: string, cpu: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Promise<Pod> =>
  cluster.client.create(Pods, {
    metadata: { namespace: NAMESPACE, name },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
  });
const get = (name: string): Promise<Pod> => cluster.client.get(Pods, { namespace: NAMESPACE, name });
const placed = (name: string): Promise<string> =>
  eventually(`${name} placed`, async () => (await get(name)).spec?.nodeName || undefined);
const refused = (name: string, pattern: RegExp): Promise<string> =>
  eventually(`${name} refused`, async () => {
    const condition = podCondition(await get(name), 'PodScheduled');
    const message = condition?.reason === 'Unschedulable' ? condition.message : undefined;
    return message && pattern.test(message) ? message : undefined;
  });

test('without a node, then with one that is too small, then with room', async () => {
  await create('a', '3');
  assert.equal(await refused('a', /./), 'no nodes available to schedule pods');
  cluster.addNode({ name: 'small', allocatable: { cpu: '2', memory: '2Gi', pods: '10' } });
  assert.equal(
    await refused('a', /Insufficient/),
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  );
  const { items } = await cluster.client.list(Events, { namespace: NAMESPACE, fieldSelector: 'involvedObject.name=a' });
  assert.ok(
    items.some(
      ({ reason, type, source }) =>
        reason === 'FailedScheduling' && type === 'Warning' && source?.component === 'default-scheduler',
    ),
  );
  cluster.addNode({ name: 'large', allocatable: { cpu: '4', memory: '4Gi', pods: '10' } });
  assert.equal(await placed('a'), 'large');
  await eventually('the event', async () => {
    const found = await cluster.client.list(Events, { namespace: NAMESPACE, fieldSelector: 'involvedObject.name=a' });
    return found.items.some(({ message }) => message === `Successfully assigned ${NAMESPACE}/a to large`);
  });
});

test('a cordoned node is left alone until it is uncordoned', async () => {
  await cluster.kubectl('cordon', 'small');
  await eventually(
    'the taint',
    async () => (await cluster.client.get(Nodes, { name: 'small' })).spec?.taints?.length === 1,
  );
  await create('b', '2');
  await refused('b', /1 Insufficient cpu, 1 node\(s\) were unschedulable/);
  await cluster.kubectl('uncordon', 'small');
  assert.equal(await placed('b'), 'small');
});

test('a more important pod takes the place of a less important one', async () => {
  await cluster.client.create(PriorityClasses, { metadata: { name: 'urgent' }, value: 1000 });
  await create('urgent', '3', { priorityClassName: 'urgent', priority: 1000 });
  assert.equal(await placed('urgent'), 'large');
  await assert.rejects(get('a'), /not found/);
  assert.equal((await get('b')).metadata.deletionTimestamp, undefined);
});

test('gated pods and pods of another scheduler are not ours', async () => {
  await create('gated', '100m', { schedulingGates: [{ name: 'example.com/wait' }] });
  await create('foreign', '100m', { schedulerName: 'other' });
  await create('ours', '100m');
  await placed('ours');
  assert.equal((await get('gated')).spec?.nodeName, undefined);
  assert.equal((await get('foreign')).spec?.nodeName, undefined);
  await cluster.client.patch(
    Pods,
    { namespace: NAMESPACE, name: 'gated' },
    { spec: { schedulingGates: [] } },
    { type: 'merge' },
  );
  await placed('gated');
});
