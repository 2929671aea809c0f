/** What the suite asks of pods, the scheduler, quotas and workloads: beside the controllers, on nodes without containers. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { assertIncludes, update } from './conformance/lifecycle.ts';
import { conformance, suite } from './conformance/suite.ts';
import type { Json, Wire } from './conformance/wire.ts';

const container = (more: object = {}): object => ({ name: 'main', image: 'example.test/main:1', ...more });
const pod = (name: string, spec: object = {}, metadata: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { name, time: 'now' }, ...metadata },
  spec: { containers: [container()], terminationGracePeriodSeconds: 0, ...spec },
});
const using = (requests: object, limits: object = requests): object => ({
  containers: [container({ resources: { requests, limits } })],
});
const replicaSet = (name: string, replicas: number): Json => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, labels: { name } },
  spec: {
    replicas,
    selector: { matchLabels: { name } },
    template: { metadata: { labels: { name } }, spec: { containers: [container()] } },
  },
});
const core = (here: string, resource: string): string => `/api/v1/namespaces/${here}/${resource}`;
const apps = (here: string, resource: string): string => `/apis/apps/v1/namespaces/${here}/${resource}`;

describe('pods and what is made of them', { timeout: 300_000, concurrency: 4 }, () => {
  const { wire, namespace } = suite(['node-1', 'node-2']);
  const running = (admin: Wire, path: string): Promise<Json> =>
    admin.until(`${path} runs`, async () => {
      const got = await admin.get(path);
      return got.status.phase === 'Running' && got;
    });
  const unschedulable = (admin: Wire, path: string): Promise<Json> =>
    admin.until(`${path} fits nowhere`, async () => {
      const { status } = await admin.get(path);
      return status.conditions?.find((c: Json) => c.type === 'PodScheduled' && c.reason === 'Unschedulable');
    });

  conformance('[sig-node] Pods should be submitted and removed [NodeConformance]', async () => {
    const admin = wire('protobuf');
    const pods = core(await namespace(), 'pods');
    const watch = await admin.watch(`${pods}?labelSelector=time%3Dnow`);
    await admin.create(pods, pod('it'));
    assert.deepEqual(await admin.names(`${pods}?labelSelector=time%3Dnow`), ['it']);
    await watch.find('it is added', e => e.type === 'ADDED');
    await watch.find('it runs', e => e.object.status.phase === 'Running');
    await admin.delete(`${pods}/it`, { gracePeriodSeconds: 5 });
    const { object } = await watch.find('it is deleted', e => e.type === 'DELETED');
    assert.ok(object.metadata.deletionTimestamp);
    assert.deepEqual(await admin.names(`${pods}?labelSelector=time%3Dnow`), []);
    watch.close();
  });
  conformance('[sig-node] Pods should be updated [NodeConformance]', async () => {
    const admin = wire('protobuf');
    const pods = core(await namespace(), 'pods');
    await admin.create(pods, pod('it'));
    await running(admin, `${pods}/it`);
    await update(admin, `${pods}/it`, object => {
      object.metadata.labels.time = 'later';
    });
    assert.deepEqual(await admin.names(`${pods}?labelSelector=time%3Dlater`), ['it']);
  });
  conformance('[sig-node] Pods should delete a collection of pods', async () => {
    const admin = wire();
    const pods = core(await namespace(), 'pods');
    for (const name of ['a', 'b', 'c']) await admin.create(pods, pod(name));
    await admin.expect(200, 'DELETE', `${pods}?labelSelector=time%3Dnow`);
    await admin.until('all are gone', async () => (await admin.names(pods)).length === 0);
  });
  conformance('[sig-node] Pods should patch a pod status', async () => {
    const admin = wire();
    const pods = core(await namespace(), 'pods');
    await admin.create(pods, pod('it'));
    await running(admin, `${pods}/it`);
    const patched = await admin.patch(
      `${pods}/it/status`,
      { status: { message: 'Patched', reason: 'E2E' } },
      'strategic',
    );
    assertIncludes(patched.status, { message: 'Patched', reason: 'E2E', phase: 'Running' }, 'the status');
  });
  conformance('[sig-node] Pods should run through the lifecycle of Pods and PodStatus', async () => {
    const admin = wire();
    const pods = core(await namespace(), 'pods');
    await admin.create(pods, pod('it'));
    await running(admin, `${pods}/it`);
    const spec = { containers: [{ name: 'main', image: 'example.test/main:2' }], terminationGracePeriodSeconds: 0 };
    await admin.patch(`${pods}/it`, { metadata: { labels: { time: 'patched' } }, spec }, 'strategic');
    const got = await admin.get(`${pods}/it`);
    assert.equal(got.spec.containers[0].image, 'example.test/main:2');
    assert.equal(got.metadata.labels.time, 'patched');
    const replaced = await update(
      admin,
      `${pods}/it/status`,
      object => {
        const ready = object.status.conditions.find((c: Json) => c.type === 'Ready');
        ready.status = 'False';
        object.status.phase = 'Failed';
      },
      `${pods}/it/status`,
    );
    assert.equal(replaced.status.phase, 'Failed');
    await admin.delete(`${pods}/it`);
    await admin.gone(`${pods}/it`);
  });
  conformance(
    '[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu',
    async () => {
      const admin = wire('protobuf');
      const made = await admin.create(
        core(await namespace(), 'pods'),
        pod('it', using({ cpu: '100m', memory: '100Mi' })),
      );
      assert.equal(made.status.qosClass, 'Guaranteed');
    },
  );
  conformance(
    '[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34]',
    async () => {
      const admin = wire();
      const pods = core(await namespace(), 'pods');
      assert.equal((await admin.create(pods, pod('it'))).metadata.generation, 1);
      const labelled = await admin.patch(`${pods}/it`, { metadata: { labels: { a: 'b' } } });
      assert.equal(labelled.metadata.generation, 1);
      const deadline = await admin.patch(`${pods}/it`, { spec: { activeDeadlineSeconds: 5000 } });
      assert.equal(deadline.metadata.generation, 2);
      const image = await admin.patch(
        `${pods}/it`,
        { spec: { containers: [{ name: 'main', image: 'b:2' }] } },
        'strategic',
      );
      assert.equal(image.metadata.generation, 3);
    },
  );
  conformance(
    '[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete',
    async () => {
      const admin = wire();
      const pods = core(await namespace(), 'pods');
      const metadata = { generation: 100, finalizers: ['e2e.test/holds'] };
      const made = await admin.create(pods, pod('it', { terminationGracePeriodSeconds: 30 }, metadata));
      assert.equal(made.metadata.generation, 1);
      await running(admin, `${pods}/it`);
      await admin.delete(`${pods}/it`, { gracePeriodSeconds: 20 });
      const leaving = await admin.get(`${pods}/it`);
      assert.ok(leaving.metadata.deletionTimestamp);
      assert.ok(leaving.metadata.generation >= 2);
      await admin.patch(`${pods}/it`, { metadata: { finalizers: null } });
      await admin.gone(`${pods}/it`);
    },
  );
  conformance('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls', async () => {
    const sysctls = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'].map(name => ({ name, value: '1' }));
    const pods = core(await namespace(), 'pods');
    const { message } = await wire().refused(422, 'POST', pods, pod('it', { securityContext: { sysctls } }));
    for (const [i, bad] of [
      [0, 'foo-'],
      [3, 'bar..'],
    ] as const) {
      assert.ok(message.includes(`spec.securityContext.sysctls[${i}].name: Invalid value: "${bad}"`), message);
    }
    assert.ok(!message.includes('kernel.shmmax'));
  });
  conformance('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API', async () => {
    const admin = wire('protobuf');
    const pods = core(await namespace(), 'pods');
    const volumes = [{ name: 'inline', csi: { driver: 'driver.example.com', fsType: 'ext4', readOnly: true } }];
    await admin.create(pods, pod('it', { volumes, nodeSelector: { no: 'such' } }));
    assertIncludes((await admin.get(`${pods}/it`)).spec.volumes[0], volumes[0], 'the volume');
    assert.deepEqual(await admin.names(pods), ['it']);
    await admin.patch(`${pods}/it`, { metadata: { labels: { patched: 'yes' } } });
    await admin.delete(`${pods}/it`);
    await admin.gone(`${pods}/it`);
  });

  const CLASSES = '/apis/node.k8s.io/v1/runtimeclasses';
  const runtimeClass = (name: string, more: object = {}): object => ({
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name },
    handler: 'runc',
    ...more,
  });
  conformance(
    '[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]',
    async () => {
      const refused = await wire().refused(
        403,
        'POST',
        core(await namespace(), 'pods'),
        pod('it', { runtimeClassName: 'none' }),
      );
      assert.match(refused.message, /RuntimeClass "none" not found/);
    },
  );
  conformance(
    '[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]',
    async () => {
      await wire().create(CLASSES, runtimeClass('goes'));
      await wire().delete(`${CLASSES}/goes`);
      const refused = await wire().refused(
        403,
        'POST',
        core(await namespace(), 'pods'),
        pod('it', { runtimeClassName: 'goes' }),
      );
      assert.match(refused.message, /RuntimeClass "goes" not found/);
    },
  );
  conformance(
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance]',
    async () => {
      const pods = core(await namespace(), 'pods');
      await wire().create(CLASSES, runtimeClass('plain'));
      await wire().create(pods, pod('it', { runtimeClassName: 'plain' }));
      assert.equal((await running(wire(), `${pods}/it`)).spec.overhead, undefined);
    },
  );
  conformance(
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance]',
    async () => {
      const pods = core(await namespace(), 'pods');
      const podFixed = { cpu: '10m', memory: '1Mi' };
      await wire().create(CLASSES, runtimeClass('heavy', { overhead: { podFixed } }));
      await wire().create(pods, pod('it', { runtimeClassName: 'heavy' }));
      assert.deepEqual((await running(wire(), `${pods}/it`)).spec.overhead, podFixed);
    },
  );

  for (const [title, resource, kind, object] of [
    ['[sig-node] ConfigMap should fail to create ConfigMap with empty key', 'configmaps', 'ConfigMap', { '': 'value' }],
    [
      '[sig-node] Secrets should fail to create secret due to empty secret key',
      'secrets',
      'Secret',
      { '': 'dmFsdWU=' },
    ],
  ] as const) {
    conformance(title, async () => {
      for (const encoding of ['json', 'protobuf'] as const) {
        const body = { apiVersion: 'v1', kind, metadata: { name: 'it' }, data: object };
        const refused = await wire(encoding).refused(422, 'POST', core(await namespace(), resource), body);
        assert.equal(refused.reason, 'Invalid');
      }
    });
  }
  for (const [title, resource, kind, before, after] of [
    ['[sig-storage] ConfigMap should be immutable if `immutable` field is set', 'configmaps', 'ConfigMap', 'a', 'b'],
    ['[sig-storage] Secrets should be immutable if `immutable` field is set', 'secrets', 'Secret', 'YQ==', 'Yg=='],
  ] as const) {
    conformance(title, async () => {
      const admin = wire();
      const path = core(await namespace(), resource);
      await admin.create(path, { apiVersion: 'v1', kind, metadata: { name: 'it' }, data: { key: before } });
      await admin.patch(`${path}/it`, { data: { key: after } });
      await admin.patch(`${path}/it`, { immutable: true });
      await admin.refused(422, 'PATCH', `${path}/it`, { data: { key: before } });
      await admin.refused(422, 'PATCH', `${path}/it`, { immutable: false });
      await admin.patch(`${path}/it`, { metadata: { labels: { still: 'yes' } } });
      await admin.delete(`${path}/it`);
      await admin.gone(`${path}/it`);
    });
  }

  conformance(
    '[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run',
    async () => {
      const pods = core(await namespace(), 'pods');
      await wire().create(pods, pod('too-large', using({ cpu: '400' })));
      assert.match((await unschedulable(wire(), `${pods}/too-large`)).message, /Insufficient cpu/);
    },
  );
  conformance(
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching',
    async () => {
      const pods = core(await namespace(), 'pods');
      await wire().create(pods, pod('nowhere', { nodeSelector: { label: 'nonempty' } }));
      await unschedulable(wire(), `${pods}/nowhere`);
    },
  );
  conformance(
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching',
    async () => {
      const pods = core(await namespace(), 'pods');
      await wire().patch('/api/v1/nodes/node-2', { metadata: { labels: { 'e2e.test/here': '42' } } });
      await wire().create(pods, pod('there', { nodeSelector: { 'e2e.test/here': '42' } }));
      assert.equal((await running(wire(), `${pods}/there`)).spec.nodeName, 'node-2');
    },
  );
  conformance(
    '[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP',
    async () => {
      const pods = core(await namespace(), 'pods');
      const ports = (hostIP?: string): object => ({
        nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
        containers: [container({ ports: [{ containerPort: 8080, hostPort: 54322, ...(hostIP ? { hostIP } : {}) }] })],
      });
      await wire().create(pods, pod('first', ports()));
      await running(wire(), `${pods}/first`);
      await wire().create(pods, pod('second', ports('127.0.0.1')));
      await unschedulable(wire(), `${pods}/second`);
    },
  );

  conformance(
    '[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.',
    async () => {
      const admin = wire('protobuf');
      const here = await namespace();
      const [min, max] = [
        { cpu: '50m', memory: '100Mi' },
        { cpu: '500m', memory: '500Mi' },
      ];
      const defaultRequest = { cpu: '100m', memory: '200Mi' };
      await admin.create(core(here, 'limitranges'), {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name: 'it' },
        spec: { limits: [{ type: 'Container', min, max, default: max, defaultRequest }] },
      });
      const pods = core(here, 'pods');
      const bare = await admin.create(pods, pod('bare'));
      assertIncludes(
        bare.spec.containers[0].resources,
        { requests: defaultRequest, limits: max },
        'what the range gives',
      );
      const some = await admin.create(
        pods,
        pod('some', { containers: [container({ resources: { requests: { cpu: '60m' } } })] }),
      );
      assertIncludes(
        some.spec.containers[0].resources.requests,
        { cpu: '60m', memory: '200Mi' },
        'what was asked stays',
      );
      await admin.refused(403, 'POST', pods, pod('small', using({ cpu: '10m', memory: '50Mi' }, max)));
      await admin.refused(403, 'POST', pods, pod('large', using({ cpu: '600m', memory: '600Mi' })));
    },
  );

  describe('quotas', { concurrency: 4 }, () => {
    const quota = (hard: object, scopes?: string[]): Json => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: scopes?.[0]?.toLowerCase() ?? 'quota' },
      spec: { hard, ...(scopes ? { scopes } : {}) },
    });
    const used = (admin: Wire, path: string, expected: Record<string, string>): Promise<unknown> =>
      admin.until(`${path} uses ${JSON.stringify(expected)}`, async () => {
        const { status } = await admin.get(path);
        return Object.entries(expected).every(([name, value]) => status.used?.[name] === value);
      });

    conformance(
      '[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.',
      async () => {
        const quotas = core(await namespace(), 'resourcequotas');
        await wire().create(quotas, quota({ pods: '5', services: '10', resourcequotas: '1' }));
        await used(wire(), `${quotas}/quota`, { pods: '0', services: '0', resourcequotas: '1' });
      },
    );
    conformance('[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota.', async () => {
      const quotas = core(await namespace(), 'resourcequotas');
      await wire().create(quotas, quota({ cpu: '1', memory: '500Mi' }));
      const updated = await update(wire(), `${quotas}/quota`, object => {
        object.spec.hard = { cpu: '2', memory: '1Gi' };
      });
      assert.deepEqual(updated.spec.hard, { cpu: '2', memory: '1Gi' });
      await wire().delete(`${quotas}/quota`);
      await wire().gone(`${quotas}/quota`);
    });
    conformance('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status', async () => {
      const quotas = core(await namespace(), 'resourcequotas');
      const hard = { 'requests.cpu': '1', 'requests.memory': '500Mi' };
      await wire().create(quotas, quota(hard));
      await used(wire(), `${quotas}/quota`, { 'requests.cpu': '0' });
      const patched = await wire().patch(`${quotas}/quota/status`, { status: { hard: { 'requests.cpu': '3' } } });
      assert.equal(patched.status.hard['requests.cpu'], '3');
      assert.deepEqual(patched.spec.hard, hard);
      await wire().until('the controller sets it right', async () => {
        return (await wire().get(`${quotas}/quota/status`)).status.hard['requests.cpu'] === '1';
      });
    });
    const counted = [
      [
        '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap.',
        'configmaps',
        { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } },
        ['1', '2'], // kube-root-ca.crt is there
      ],
      [
        '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret.',
        'secrets',
        { apiVersion: 'v1', kind: 'Secret', stringData: { a: 'b' } },
        ['0', '1'],
      ],
      [
        '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service.',
        'services',
        { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } },
        ['0', '1'],
      ],
      [
        '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller.',
        'replicationcontrollers',
        {
          apiVersion: 'v1',
          kind: 'ReplicationController',
          spec: {
            replicas: 0,
            selector: { a: 'b' },
            template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container()] } },
          },
        },
        ['0', '1'],
      ],
      [
        '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set.',
        'count/replicasets.apps',
        replicaSet('it', 0),
        ['0', '1'],
      ],
    ] as const;
    for (const [title, name, object, [none, one]] of counted) {
      conformance(title, async () => {
        const admin = wire();
        const here = await namespace();
        const path = core(here, 'resourcequotas/quota');
        const objects = name.includes('/') ? apps(here, 'replicasets') : core(here, name);
        await admin.until(
          'the root certificate is there',
          async () => (await admin.names(core(here, 'configmaps'))).length > 0,
        );
        await admin.create(core(here, 'resourcequotas'), quota({ [name]: one }));
        await used(admin, path, { [name]: none });
        await admin.create(objects, { ...object, metadata: { name: 'it', labels: { name: 'it' } } });
        await used(admin, path, { [name]: one });
        const refused = await admin.refused(403, 'POST', objects, { ...object, metadata: { name: 'more' } });
        assert.match(refused.message, /exceeded quota: quota/);
        await admin.delete(`${objects}/it`);
        await used(admin, path, { [name]: none });
      });
    }
    conformance(
      '[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod.',
      async () => {
        const admin = wire();
        const here = await namespace();
        const hard = {
          pods: '5',
          cpu: '1',
          memory: '500Mi',
          'requests.ephemeral-storage': '50Gi',
          'requests.example.com/dongle': '3',
        };
        await admin.create(core(here, 'resourcequotas'), quota(hard));
        const path = core(here, 'resourcequotas/quota');
        await used(admin, path, { pods: '0', cpu: '0', memory: '0' });
        const resources = (cpu: string): object => ({
          nodeSelector: { no: 'such' },
          containers: [
            container({
              resources: {
                requests: { cpu, memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' },
                limits: { 'example.com/dongle': '2' },
              },
            }),
          ],
        });
        const pods = core(here, 'pods');
        await admin.create(pods, pod('it', resources('500m')));
        const all = {
          pods: '1',
          cpu: '500m',
          memory: '252Mi',
          'requests.ephemeral-storage': '30Gi',
          'requests.example.com/dongle': '2',
        };
        await used(admin, path, all);
        await admin.refused(403, 'POST', pods, pod('more', resources('600m')));
        await admin.refused(422, 'PATCH', `${pods}/it`, {
          spec: { containers: [container({ resources: { requests: { cpu: '100m' } } })] },
        });
        await used(admin, path, all);
        await admin.delete(`${pods}/it`, { gracePeriodSeconds: 0 });
        await used(admin, path, { pods: '0', cpu: '0', memory: '0' });
      },
    );
    for (const [title, [one, other], specs] of [
      [
        '[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope.',
        ['BestEffort', 'NotBestEffort'],
        [{}, using({ cpu: '100m', memory: '10Mi' })],
      ],
      [
        '[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes.',
        ['Terminating', 'NotTerminating'],
        [{ activeDeadlineSeconds: 3600 }, {}],
      ],
    ] as const) {
      conformance(title, async () => {
        const admin = wire();
        const here = await namespace();
        const quotas = core(here, 'resourcequotas');
        for (const scope of [one, other]) await admin.create(quotas, quota({ pods: '5' }, [scope]));
        for (const [spec, its, not] of [
          [specs[0], one, other],
          [specs[1], other, one],
        ] as const) {
          await admin.create(core(here, 'pods'), pod('it', { ...spec, nodeSelector: { no: 'such' } }));
          await used(admin, `${quotas}/${its.toLowerCase()}`, { pods: '1' });
          await used(admin, `${quotas}/${not.toLowerCase()}`, { pods: '0' });
          await admin.delete(core(here, 'pods/it'), { gracePeriodSeconds: 0 });
          await used(admin, `${quotas}/${its.toLowerCase()}`, { pods: '0' });
        }
      });
    }
  });

  for (const [title, resource, api] of [
    ['[sig-apps] Deployment Deployment should have a working scale subresource', 'deployments', 'apps/v1'],
    ['[sig-apps] ReplicaSet Replicaset should have a working scale subresource', 'replicasets', 'apps/v1'],
    [
      '[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource',
      'statefulsets',
      'apps/v1',
    ],
    [
      '[sig-apps] ReplicationController should get and update a ReplicationController scale',
      'replicationcontrollers',
      'v1',
    ],
  ] as const) {
    conformance(title, async () => {
      const admin = wire('protobuf');
      const here = await namespace();
      const kinds = {
        deployments: 'Deployment',
        replicasets: 'ReplicaSet',
        statefulsets: 'StatefulSet',
        replicationcontrollers: 'ReplicationController',
      };
      const path = api === 'v1' ? core(here, resource) : apps(here, resource);
      const object = { ...replicaSet('it', 1), apiVersion: api, kind: kinds[resource] };
      if (api === 'v1') object.spec = { ...object.spec, selector: { name: 'it' } };
      await admin.create(path, object);
      const scale = await admin.get(`${path}/it/scale`);
      assert.equal(scale.kind, 'Scale');
      assert.equal(scale.spec.replicas, 1);
      const updated = await update(
        admin,
        `${path}/it/scale`,
        read => {
          read.spec.replicas = 2;
        },
        `${path}/it/scale`,
      );
      assert.equal(updated.spec.replicas, 2);
      assert.equal((await admin.get(`${path}/it`)).spec.replicas, 2);
      await admin.patch(`${path}/it/scale`, { spec: { replicas: 4 } });
      assert.equal((await admin.get(`${path}/it`)).spec.replicas, 4);
    });
  }
  conformance(
    '[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods',
    async () => {
      const admin = wire();
      const here = await namespace();
      const pods = core(here, 'pods');
      await admin.create(pods, pod('adopted'));
      await admin.create(apps(here, 'replicasets'), replicaSet('adopted', 1));
      const ownerOf = async (): Promise<string | undefined> =>
        (await admin.get(`${pods}/adopted`)).metadata.ownerReferences?.find((o: Json) => o.controller)?.name;
      await admin.until('it is adopted', async () => (await ownerOf()) === 'adopted');
      await admin.patch(`${pods}/adopted`, { metadata: { labels: { name: 'not-matching' } } });
      await admin.until('it is released', async () => (await ownerOf()) === undefined);
    },
  );
  conformance('[sig-apps] ReplicaSet Replace and Patch tests', async () => {
    const admin = wire();
    const here = await namespace();
    const path = apps(here, 'replicasets');
    await admin.create(path, replicaSet('it', 1));
    await update(admin, `${path}/it`, object => {
      object.spec.replicas = 2;
    });
    const ready = (count: number): Promise<unknown> =>
      admin.until(`${count} are ready`, async () => (await admin.get(`${path}/it`)).status.readyReplicas === count);
    await ready(2);
    await admin.patch(`${path}/it`, { metadata: { labels: { patched: 'yes' } }, spec: { replicas: 3 } }, 'strategic');
    await ready(3);
  });
  conformance(
    '[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it',
    async () => {
      const admin = wire();
      const here = await namespace();
      const budgets = `/apis/policy/v1/namespaces/${here}/poddisruptionbudgets`;
      const pods = core(here, 'pods');
      await admin.create(budgets, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'it' },
        spec: { selector: { matchLabels: { time: 'now' } }, minAvailable: 2 },
      });
      for (const name of ['a', 'b']) await admin.create(pods, pod(name));
      for (const name of ['a', 'b']) await running(admin, `${pods}/${name}`);
      const healthy = (allowed: number): Promise<unknown> =>
        admin.until(`${allowed} may go`, async () => {
          const { status } = await admin.get(`${budgets}/it`);
          return status.currentHealthy === 2 && status.disruptionsAllowed === allowed;
        });
      await healthy(0);
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } };
      await admin.refused(429, 'POST', `${pods}/a/eviction`, eviction);
      await admin.patch(`${budgets}/it`, { spec: { minAvailable: 1 } });
      await healthy(1);
      await admin.expect(201, 'POST', `${pods}/a/eviction`, { body: eviction });
      await admin.gone(`${pods}/a`);
    },
  );
});
