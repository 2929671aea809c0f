/** What the suite asks of deployments, preemption and eviction by taints: on nodes without containers. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { update } from './conformance/lifecycle.ts';
import { conformance, suite } from './conformance/suite.ts';
import type { Json, Wire } from './conformance/wire.ts';

const IMAGE = 'example.test/main:1';
const pod = (name: string, spec: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { name } },
  spec: { containers: [{ name: 'main', image: IMAGE }], terminationGracePeriodSeconds: 0, ...spec },
});
const deployment = (replicas: number, spec: object = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'it', labels: { static: 'true' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'it' } },
    template: { metadata: { labels: { app: 'it' } }, spec: { containers: [{ name: 'main', image: IMAGE }] } },
    ...spec,
  },
});

describe('workloads', { timeout: 300_000 }, () => {
  const { wire, namespace } = suite(['node-1', 'node-2']);
  const path = (here: string): string => `/apis/apps/v1/namespaces/${here}/deployments/it`;
  const sets = async (here: string): Promise<Json[]> =>
    (await wire().get(`/apis/apps/v1/namespaces/${here}/replicasets`)).items;
  const start = async (replicas: number, spec?: object): Promise<string> => {
    const here = await namespace();
    await wire().create(`/apis/apps/v1/namespaces/${here}/deployments`, deployment(replicas, spec));
    await complete(wire(), here, replicas);
    return here;
  };
  const complete = (admin: Wire, here: string, replicas: number): Promise<unknown> =>
    admin.until(`${replicas} of the newest are available`, async () => {
      const { metadata, status } = await admin.get(path(here));
      return (
        status.observedGeneration >= metadata.generation &&
        status.updatedReplicas === replicas &&
        status.availableReplicas === replicas &&
        status.replicas === replicas
      );
    });
  const roll = (here: string, image: string): Promise<Json> =>
    wire().patch(path(here), { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }, 'strategic');

  for (const [title, type] of [
    ['[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones', 'RollingUpdate'],
    ['[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones', 'Recreate'],
  ] as const) {
    conformance(title, async () => {
      const here = await start(2, { strategy: { type } });
      await roll(here, 'example.test/main:2');
      await complete(wire(), here, 2);
      const { items } = await wire().get(`/api/v1/namespaces/${here}/pods`);
      const alive = items.filter((p: Json) => !p.metadata.deletionTimestamp);
      for (const { spec } of alive) assert.equal(spec.containers[0].image, 'example.test/main:2');
      assert.deepEqual((await sets(here)).map(s => s.spec.replicas).sort(), [0, 2]);
    });
  }
  conformance('[sig-apps] Deployment deployment should delete old replica sets', async () => {
    const here = await start(1, { revisionHistoryLimit: 0 });
    await roll(here, 'example.test/main:2');
    await wire().until('only the newest is left', async () => {
      const all = await sets(here);
      return all.length === 1 && all[0].spec.template.spec.containers[0].image === 'example.test/main:2';
    });
  });
  conformance('[sig-apps] Deployment deployment should support rollover', async () => {
    const here = await start(1);
    for (const n of [2, 3, 4]) await roll(here, `example.test/main:${n}`);
    await complete(wire(), here, 1);
    const kept = (await sets(here)).filter(s => s.spec.replicas > 0);
    assert.equal(kept.length, 1);
    assert.equal(kept[0].spec.template.spec.containers[0].image, 'example.test/main:4');
  });
  conformance('[sig-apps] Deployment deployment should support proportional scaling', async () => {
    const here = await start(10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
    const settle = (first: number, second: number): Promise<unknown> =>
      wire().until(`the old set has ${first}, the new one ${second}`, async () => {
        const all = await sets(here);
        const sizeOf = (image: string): unknown =>
          all.find(set => set.spec.template.spec.containers[0].image === image)?.spec.replicas;
        const { metadata, status } = await wire().get(path(here));
        return (
          sizeOf(IMAGE) === first &&
          sizeOf('example.test/main:404') === second &&
          status.observedGeneration >= metadata.generation
        );
      });
    // Nobody has the new image: the rollout stays where the bounds stop it.
    await roll(here, 'example.test/main:404');
    await settle(8, 5);
    await wire().until(
      'eight are available',
      async () => (await wire().get(path(here))).status.availableReplicas === 8,
    );
    await wire().patch(path(here), { spec: { replicas: 30 } });
    await settle(20, 13);
  });
  conformance('[sig-apps] Deployment should run the lifecycle of a Deployment', async () => {
    const here = await start(1);
    await wire().patch(path(here), { metadata: { labels: { patched: 'yes' } }, spec: { replicas: 2 } });
    await complete(wire(), here, 2);
    await update(wire(), path(here), object => {
      object.spec.template.spec.containers[0].image = 'example.test/main:2';
    });
    await complete(wire(), here, 2);
    const { status } = await wire().get(`${path(here)}/status`);
    assert.equal(status.readyReplicas, 2);
    await wire().expect(200, 'DELETE', `${path(here).replace(/\/it$/, '')}?labelSelector=static%3Dtrue`);
    await wire().gone(path(here));
  });
  conformance('[sig-apps] DisruptionController should observe PodDisruptionBudget status updated', async () => {
    const here = await start(3);
    const budgets = `/apis/policy/v1/namespaces/${here}/poddisruptionbudgets`;
    await wire().create(budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'it' },
      spec: { selector: { matchLabels: { app: 'it' } }, minAvailable: 1 },
    });
    await wire().until('its status is right', async () => {
      const { status } = await wire().get(`${budgets}/it`);
      return status?.currentHealthy === 3 && status.disruptionsAllowed === 2 && status.expectedPods === 3;
    });
  });

  for (const [title, more] of [
    ['[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works', { priorityClassName: 'high' }],
    [
      '[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod',
      { priorityClassName: 'system-cluster-critical' },
    ],
  ] as const) {
    conformance(title, async () => {
      const admin = wire();
      const pods = `/api/v1/namespaces/${await namespace()}/pods`;
      for (const [name, value] of [
        ['low', 1],
        ['high', 1000],
      ]) {
        const made = await admin.send('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
          body: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value },
        });
        assert.ok(made.status === 201 || made.status === 409);
      }
      const large = (priority: object): object => ({
        ...priority,
        nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
        containers: [{ name: 'main', image: IMAGE, resources: { requests: { cpu: '3' } } }],
      });
      await admin.create(pods, pod('lower', large({ priorityClassName: 'low' })));
      const runs = (name: string): Promise<unknown> =>
        admin.until(`${name} runs`, async () => (await admin.get(`${pods}/${name}`)).status.phase === 'Running');
      await runs('lower');
      await admin.create(pods, pod('higher', large(more)));
      await runs('higher');
      await admin.gone(`${pods}/lower`);
      await admin.delete(`${pods}/higher`);
      await admin.gone(`${pods}/higher`);
    });
  }

  const taint = { key: 'kubernetes.io/e2e-evict', value: 'yes', effect: 'NoExecute' };
  const setTaints = (taints: object[] | null): Promise<Json> =>
    wire().patch('/api/v1/nodes/node-2', { spec: { taints } });
  const tolerant = (name: string, tolerationSeconds: number): Json =>
    pod(name, {
      nodeSelector: { 'kubernetes.io/hostname': 'node-2' },
      tolerations: [{ ...taint, operator: 'Equal', tolerationSeconds }],
    });
  const place = async (...made: Json[]): Promise<string> => {
    const pods = `/api/v1/namespaces/${await namespace()}/pods`;
    for (const one of made) await wire().create(pods, one);
    await wire().until('they run', async () => {
      const { items } = await wire().get(pods);
      return items.every((p: Json) => p.status.phase === 'Running');
    });
    return pods;
  };
  conformance(
    '[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive]',
    async () => {
      const pods = await place(tolerant('short', 1), tolerant('long', 600));
      await setTaints([taint]);
      await wire().gone(`${pods}/short`);
      assert.equal((await wire().get(`${pods}/long`)).metadata.deletionTimestamp, undefined);
      await setTaints(null);
    },
  );
  conformance(
    '[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive]',
    async () => {
      const pods = await place(tolerant('spared', 12), tolerant('other', 1));
      await setTaints([taint]);
      const evictedMs = performance.now() + 12_000;
      await wire().gone(`${pods}/other`);
      await setTaints(null);
      // What would have gone then is there after it.
      await new Promise(resolve => setTimeout(resolve, evictedMs + 1000 - performance.now()));
      assert.equal((await wire().get(`${pods}/spared`)).metadata.deletionTimestamp, undefined);
    },
  );
});
