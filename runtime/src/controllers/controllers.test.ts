/** The controllers as a user meets them: a real API server, real kubectl, nodes without containers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, startCluster, type TestCluster } from '../../test/cluster.ts';
import { isNotFound } from '../client/apiError.ts';
import { ConfigMaps, Deployments, Namespaces, Nodes, Pods, ReplicaSets } from '../client/resources.ts';

let cluster: TestCluster;
const lines = (text: string): string[] => text.split('\n').filter(Boolean);

before(async () => {
  cluster = await startCluster();
  cluster.addNode({ name: 'n1', isHealthy: pod => pod.spec?.containers[0]?.image !== 'broken' });
  await eventually('the default service account', async () =>
    (await cluster.kubectl('get', 'serviceaccounts', '-n', 'default', '-o', 'name')).includes('default'),
  );
});
after(() => cluster.close());

test('every namespace gets a service account and the root authority; they come back when deleted', async () => {
  const { kubectl, client } = cluster;
  await kubectl('create', 'namespace', 'fresh');
  const names = () =>
    kubectl('get', 'serviceaccounts,configmaps', '-n', 'fresh', '-o', 'name').then(text => lines(text).sort());
  const want = ['configmap/kube-root-ca.crt', 'serviceaccount/default'];
  await eventually('both', async () => JSON.stringify(await names()) === JSON.stringify(want));
  await kubectl('delete', 'serviceaccount/default', 'configmap/kube-root-ca.crt', '-n', 'fresh');
  await eventually('both again', async () => JSON.stringify(await names()) === JSON.stringify(want));
  const key = { namespace: 'fresh', name: 'kube-root-ca.crt' };
  await client.patch(ConfigMaps, key, { data: { 'ca.crt': 'wrong' } }, { type: 'merge' });
  await eventually(
    'the right authority',
    async () => (await client.get(ConfigMaps, key)).data?.['ca.crt'] === cluster.server.ca,
  );
});

test('a node gets its pod addresses', async () => {
  const node = await eventually('podCIDR', async () => {
    const found = await cluster.client.get(Nodes, { name: 'n1' });
    return found.spec?.podCIDR ? found : undefined;
  });
  assert.deepEqual(node.spec?.podCIDRs, [node.spec?.podCIDR]);
  assert.match(node.spec?.podCIDR ?? '', /^10\.42\.\d+\.0\/24$/);
});

test('a Deployment: create, update, history, undo, restart, scale', async () => {
  const { kubectl, client } = cluster;
  await kubectl('create', 'deployment', 'web', '--image=one', '--replicas=3');
  assert.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s'), /successfully rolled out/);
  await kubectl('set', 'image', 'deployment/web', 'one=two');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  assert.deepEqual(
    lines(await kubectl('rollout', 'history', 'deployment/web'))
      .slice(-2)
      .map(line => line.split(/\s+/)[0]),
    ['1', '2'],
  );
  await kubectl('rollout', 'undo', 'deployment/web');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  const undone = await client.get(Deployments, { namespace: 'default', name: 'web' });
  assert.equal(undone.spec?.template.spec?.containers[0]?.image, 'one');
  assert.equal(undone.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  await kubectl('rollout', 'restart', 'deployment/web');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  await kubectl('scale', 'deployment/web', '--replicas=5');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  await eventually(
    '5 of 5',
    async () => (await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.availableReplicas}')) === '5',
  );
  const sets = (await client.list(ReplicaSets, { namespace: 'default', labelSelector: 'app=web' })).items;
  assert.equal(sets.length, 3, 'the undone revision took its old ReplicaSet again');
  const description = await kubectl('describe', 'deployment', 'web');
  assert.match(description, /Available\s+True\s+MinimumReplicasAvailable/);
  assert.match(description, /Progressing\s+True\s+NewReplicaSetAvailable/);
  assert.match(description, /ScalingReplicaSet/);
});

test('a rollout that cannot become available keeps the old pods and says so in time', async () => {
  const { kubectl } = cluster;
  await kubectl('create', 'deployment', 'stuck', '--image=good', '--replicas=2');
  await kubectl('rollout', 'status', 'deployment/stuck', '--timeout=30s');
  await kubectl('patch', 'deployment', 'stuck', '-p', '{"spec":{"progressDeadlineSeconds":2}}');
  await kubectl('set', 'image', 'deployment/stuck', 'good=broken');
  await assert.rejects(
    kubectl('rollout', 'status', 'deployment/stuck', '--timeout=30s'),
    /exceeded its progress deadline/,
  );
  assert.equal(await kubectl('get', 'deployment', 'stuck', '-o', 'jsonpath={.status.availableReplicas}'), '2');
  await kubectl('rollout', 'undo', 'deployment/stuck');
  assert.match(await kubectl('rollout', 'status', 'deployment/stuck', '--timeout=30s'), /successfully rolled out/);
});

test('Recreate: no new pod while an old one is there', async () => {
  const { kubectl, client } = cluster;
  await kubectl('create', 'deployment', 'one-by-one', '--image=one', '--replicas=2');
  await kubectl(
    'patch',
    'deployment',
    'one-by-one',
    '-p',
    '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}',
  );
  await kubectl('rollout', 'status', 'deployment/one-by-one', '--timeout=30s');
  const stop = new AbortController();
  const alive = new Map<string, string>();
  const { resourceVersion } = (await client.list(Pods, { namespace: 'default' })).metadata;
  for (const pod of (await client.list(Pods, { namespace: 'default', labelSelector: 'app=one-by-one' })).items) {
    alive.set(pod.metadata.uid ?? '', pod.spec?.containers[0]?.image ?? '');
  }
  const watching = (async () => {
    for await (const { type, object } of client.watch(Pods, {
      namespace: 'default',
      labelSelector: 'app=one-by-one',
      resourceVersion,
      signal: stop.signal,
    })) {
      if (type === 'DELETED') alive.delete(object.metadata.uid ?? '');
      else if (type !== 'BOOKMARK') alive.set(object.metadata.uid ?? '', object.spec?.containers[0]?.image ?? '');
      assert.equal(new Set(alive.values()).size <= 1, true, 'both revisions were there at once');
    }
  })();
  await kubectl('set', 'image', 'deployment/one-by-one', 'one=two');
  await kubectl('rollout', 'status', 'deployment/one-by-one', '--timeout=30s');
  stop.abort();
  await watching;
  assert.deepEqual([...alive.values()], ['two', 'two']);
});

test('a ReplicaSet adopts orphans it matches and releases pods whose labels change', async () => {
  const { kubectl, client } = cluster;
  await kubectl('create', 'deployment', 'claims', '--image=one');
  await kubectl('rollout', 'status', 'deployment/claims', '--timeout=30s');
  const [pod] = (await client.list(Pods, { namespace: 'default', labelSelector: 'app=claims' })).items;
  const name = pod?.metadata.name ?? '';
  await kubectl('label', 'pod', name, 'app=other', '--overwrite');
  await eventually(
    'released',
    async () => !(await client.get(Pods, { namespace: 'default', name })).metadata.ownerReferences?.length,
  );
  await eventually(
    'replaced',
    async () => lines(await kubectl('get', 'pods', '-l', 'app=claims', '-o', 'name')).length === 1,
  );
  await kubectl('label', 'pod', name, 'app=claims', '--overwrite');
  // Adopted, one is too many, and the set gives one up.
  await eventually('one again', async () => {
    const { items } = await client.list(Pods, { namespace: 'default', labelSelector: 'app=claims' });
    return items.length === 1 && items[0]?.metadata.ownerReferences?.length === 1;
  });
});

test('garbage: background, foreground and orphan', async () => {
  const { kubectl } = cluster;
  const left = async (): Promise<string[]> =>
    lines(await kubectl('get', 'replicasets,pods', '-l', 'app=bin', '-o', 'name'));
  const create = async (): Promise<void> => {
    await kubectl('create', 'deployment', 'bin', '--image=one', '--replicas=2');
    await kubectl('rollout', 'status', 'deployment/bin', '--timeout=30s');
  };
  await create();
  await kubectl('delete', 'deployment', 'bin');
  await eventually('all gone', async () => (await left()).length === 0);
  await create();
  await kubectl('delete', 'deployment', 'bin', '--cascade=foreground', '--timeout=30s');
  assert.deepEqual(await left(), [], 'the owner goes last');
  await create();
  await kubectl('delete', 'deployment', 'bin', '--cascade=orphan', '--timeout=30s');
  assert.equal((await left()).length, 3);
  await kubectl('create', 'deployment', 'bin', '--image=one', '--replicas=2');
  await kubectl('rollout', 'status', 'deployment/bin', '--timeout=30s');
  assert.equal((await left()).length, 3, 'the new Deployment adopted the old ReplicaSet');
});

test('an object whose owner never was goes; one with a living owner besides only loses the dead one', async () => {
  const { client } = cluster;
  const dead = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: '00000000-0000-0000-0000-000000000000' };
  const parent = await client.create(ConfigMaps, { metadata: { namespace: 'default', name: 'parent' } });
  const living = { apiVersion: 'v1', kind: 'ConfigMap', name: 'parent', uid: parent.metadata.uid ?? '' };
  await client.create(ConfigMaps, {
    metadata: { namespace: 'default', name: 'both', ownerReferences: [dead, living] },
  });
  await client.create(ConfigMaps, { metadata: { namespace: 'default', name: 'orphaned', ownerReferences: [dead] } });
  const gone = (name: string) =>
    eventually(`${name} gone`, () =>
      client.get(ConfigMaps, { namespace: 'default', name }).then(
        () => false as const,
        error => isNotFound(error),
      ),
    );
  await gone('orphaned');
  await eventually('the dead owner is off', async () => {
    const { ownerReferences } = (await client.get(ConfigMaps, { namespace: 'default', name: 'both' })).metadata;
    return ownerReferences?.length === 1 && ownerReferences[0]?.uid === living.uid;
  });
  await client.delete(ConfigMaps, { namespace: 'default', name: 'parent' });
  await gone('both');
});

test('a namespace goes with all it holds, and says what holds it', async () => {
  const { kubectl, client } = cluster;
  await kubectl('create', 'namespace', 'doomed');
  await kubectl('create', 'deployment', 'web', '-n', 'doomed', '--image=one', '--replicas=2');
  await kubectl('rollout', 'status', 'deployment/web', '-n', 'doomed', '--timeout=30s');
  await client.create(ConfigMaps, {
    metadata: { namespace: 'doomed', name: 'held', finalizers: ['example.com/hold'] },
  });
  await kubectl('delete', 'namespace', 'doomed', '--wait=false');
  const condition = await eventually('the condition', async () => {
    const { status } = await client.get(Namespaces, { name: 'doomed' });
    const found = status?.conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining');
    return found?.status === 'True' ? found : undefined;
  });
  assert.match(condition.message ?? '', /example\.com\/hold in 1 resource instances/);
  await client.patch(
    ConfigMaps,
    { namespace: 'doomed', name: 'held' },
    { metadata: { finalizers: null } },
    { type: 'merge' },
  );
  await kubectl('wait', '--for=delete', 'namespace/doomed', '--timeout=40s');
});
