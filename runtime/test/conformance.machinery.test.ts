/** What the suite asks of lists, watches, discovery, namespaces and the garbage collector. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { assertIncludes, update } from './conformance/lifecycle.ts';
import { conformance, suite } from './conformance/suite.ts';
import type { Encoding, Event, Json, Wire } from './conformance/wire.ts';

const encodings: readonly Encoding[] = ['json', 'protobuf'];
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const configMap = (name: string, labels: object = {}, data: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});
const pod = (name: string, more: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...more },
  spec: { containers: [{ name: 'main', image: 'example.test/main:1' }] },
});
const replicationController = (name: string): Json => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name },
  spec: { replicas: 0, selector: { of: name }, template: { metadata: { labels: { of: name } }, spec: pod('').spec } },
});
const ownedBy = (...owners: Json[]): object => ({
  ownerReferences: owners.map(({ apiVersion, kind, metadata: { name, uid } }, i) => ({
    apiVersion,
    kind,
    name,
    uid,
    ...(i === 0 ? { controller: true } : {}),
    blockOwnerDeletion: true,
  })),
});
const deployment = (name: string, replicas = 2): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: pod('').spec },
  },
});

describe('the server', { timeout: 300_000 }, () => {
  const { cluster, wire, namespace } = suite(['node-1', 'node-2']);
  const each = async (body: (wire: Wire, namespace: string) => Promise<void>): Promise<void> => {
    for (const encoding of encodings) await body(wire(encoding), await namespace());
  };

  describe('discovery', () => {
    conformance(
      '[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup',
      async () => {
        const { groups } = await wire().get('/apis');
        for (const { versions } of groups) {
          for (const { groupVersion } of versions) {
            const list = await wire().get(`/apis/${groupVersion}`);
            assert.equal(list.kind, 'APIResourceList');
            assert.equal(list.groupVersion, groupVersion);
            assert.ok(list.resources.length > 0, groupVersion);
          }
        }
      },
    );
    conformance('[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup', async () => {
      const { groups } = await wire().get('/apis');
      assert.ok(groups.length > 15);
      for (const { name, preferredVersion, versions } of groups) {
        const one = await wire().get(`/apis/${name}`);
        assert.equal(one.kind, 'APIGroup');
        assert.deepEqual(one.preferredVersion, preferredVersion);
        const named = versions.map((v: Json) => v.groupVersion);
        assert.ok(named.includes(preferredVersion.groupVersion), `${name}: ${preferredVersion.groupVersion}`);
      }
    });
    conformance('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface', async () => {
      for (const path of ['/api', '/apis']) {
        const { object, headers } = await wire().send('GET', path, { headers: { accept: AGGREGATED } });
        assert.equal(object.kind, 'APIGroupDiscoveryList');
        assert.equal(object.apiVersion, 'apidiscovery.k8s.io/v2');
        assert.ok(headers.etag);
      }
      const { items } = await wire().expect(200, 'GET', '/apis', { headers: { accept: AGGREGATED } });
      const expected: readonly [string, string, string][] = [
        ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'],
        ['apiregistration.k8s.io', 'v1', 'apiservices'],
        ['apps', 'v1', 'deployments'],
        ['apps', 'v1', 'daemonsets'],
        ['apps', 'v1', 'replicasets'],
        ['apps', 'v1', 'statefulsets'],
        ['batch', 'v1', 'jobs'],
        ['autoscaling', 'v1', 'horizontalpodautoscalers'],
        ['coordination.k8s.io', 'v1', 'leases'],
        ['networking.k8s.io', 'v1', 'ingresses'],
      ];
      for (const [group, version, resource] of expected) {
        const of = items
          .find((i: Json) => i.metadata.name === group)
          ?.versions.find((v: Json) => v.version === version);
        assert.ok(
          of?.resources.some((r: Json) => r.resource === resource),
          `${group}/${version} ${resource}`,
        );
      }
    });
    conformance(
      '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers',
      async () => {
        for (const [accept, kind] of [
          [AGGREGATED, 'APIGroupDiscoveryList'],
          [`${AGGREGATED},application/json`, 'APIGroupDiscoveryList'],
          ['application/json', 'APIGroupList'],
          ['', 'APIGroupList'],
        ] as const) {
          const { object } = await wire().send('GET', '/apis', { headers: { accept } });
          assert.equal(object.kind, kind, accept);
        }
      },
    );
    conformance(
      '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents',
      async () => {
        const { groups } = await wire().get('/apis');
        const group = groups.find((g: Json) => g.name === 'admissionregistration.k8s.io');
        assert.ok(group.versions.some((v: Json) => v.groupVersion === 'admissionregistration.k8s.io/v1'));
        const { resources } = await wire().get('/apis/admissionregistration.k8s.io/v1');
        const names = resources.map((r: Json) => r.name);
        for (const name of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])
          assert.ok(names.includes(name), name);
      },
    );
    conformance('[sig-api-machinery] server version should find the server version', async () => {
      const version = await wire().get('/version');
      assert.match(version.major, /^\d+$/);
      assert.match(version.minor, /^\d+$/);
      assert.match(version.gitVersion, /^v\d+\.\d+\.\d+/);
    });
  });

  describe('lists', () => {
    const TEMPLATES = 60;
    const templates = async (admin: Wire, here: string): Promise<string> => {
      const path = `/api/v1/namespaces/${here}/podtemplates`;
      const template = { metadata: {}, spec: pod('').spec };
      const made = Array.from({ length: TEMPLATES }, (_, i) =>
        admin.create(path, {
          apiVersion: 'v1',
          kind: 'PodTemplate',
          metadata: { name: `template-${String(i).padStart(4, '0')}` },
          template,
        }),
      );
      await Promise.all(made);
      return path;
    };
    conformance(
      '[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls',
      () =>
        each(async (admin, here) => {
          const path = await templates(admin, here);
          const seen: string[] = [];
          let token = '';
          let revision: string | undefined;
          do {
            const next = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
            const { metadata, items } = await admin.get(`${path}?limit=17${next}`);
            assert.ok(items.length <= 17);
            revision ??= metadata.resourceVersion;
            assert.equal(metadata.resourceVersion, revision);
            seen.push(...items.map((i: Json) => i.metadata.name));
            token = metadata.continue ?? '';
            const left = token === '' ? undefined : TEMPLATES - seen.length;
            assert.equal(
              metadata.remainingItemCount === undefined ? undefined : Number(metadata.remainingItemCount),
              left,
            );
          } while (token !== '');
          assert.equal(seen.length, TEMPLATES);
          const whole = await admin.get(path);
          assert.deepEqual(
            whole.items.map((i: Json) => i.metadata.name),
            seen,
          );
          assert.ok(!whole.metadata.continue);
        }),
    );
    conformance(
      '[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]',
      async () => {
        const admin = wire();
        const path = await templates(admin, await namespace());
        const first = await admin.get(`${path}?limit=17`);
        // What the server does by itself after some minutes.
        const later = await admin.create(path.replace('podtemplates', 'configmaps'), configMap('later'));
        await cluster().server.store.compact(Number(later.metadata.resourceVersion));
        const old = encodeURIComponent(first.metadata.continue);
        const expired = await admin.refused(410, 'GET', `${path}?limit=17&continue=${old}`);
        assert.equal(expired.reason, 'Expired');
        assert.ok(expired.metadata.continue);
        const seen = first.items.map((i: Json) => i.metadata.name);
        for (let token = expired.metadata.continue; token; ) {
          const list: Json = await admin.get(`${path}?limit=17&continue=${encodeURIComponent(token)}`);
          assert.ok(list.items.length <= 17);
          seen.push(...list.items.map((i: Json) => i.metadata.name));
          token = list.metadata.continue;
          if (token) assert.equal(list.metadata.remainingItemCount, TEMPLATES - seen.length);
        }
        assert.equal(new Set(seen).size, TEMPLATES);
      },
    );
    conformance(
      '[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata',
      async () => {
        const { status, object } = await wire().send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { namespace: 'default', verb: 'create', resource: 'pods' } },
          },
          headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
        });
        assert.equal(status, 406);
        assert.equal(object.reason, 'NotAcceptable');
      },
    );
  });

  describe('watchers', () => {
    const mapsOf = (here: string): string => `/api/v1/namespaces/${here}/configmaps`;
    const select = (selector: string): string => `labelSelector=${encodeURIComponent(selector)}`;
    const told = (event: Event): string =>
      `${event.type} ${event.object.metadata.name} ${event.object.data?.mutation ?? ''}`.trim();
    const mutate = (admin: Wire, path: string, mutation: string): Promise<Json> =>
      admin.patch(path, { data: { mutation } });

    conformance(
      '[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps',
      () =>
        each(async (admin, here) => {
          const maps = mapsOf(here);
          const [a, b, both] = await Promise.all([
            admin.watch(`${maps}?${select('w=A')}`),
            admin.watch(`${maps}?${select('w=B')}`),
            admin.watch(`${maps}?${select('w in (A,B)')}`),
          ]);
          await admin.create(maps, configMap('a', { w: 'A' }));
          await mutate(admin, `${maps}/a`, '1');
          await mutate(admin, `${maps}/a`, '2');
          await admin.delete(`${maps}/a`);
          await admin.create(maps, configMap('b', { w: 'B' }));
          await admin.delete(`${maps}/b`);
          const lifeOfA = ['ADDED a', 'MODIFIED a 1', 'MODIFIED a 2', 'DELETED a 2'];
          const lifeOfB = ['ADDED b', 'DELETED b'];
          for (const [watch, life] of [
            [a, lifeOfA],
            [b, lifeOfB],
            [both, [...lifeOfA, ...lifeOfB]],
          ] as const) {
            for (const expected of life) assert.equal(told(await watch.next()), expected);
            watch.close();
          }
        }),
    );
    conformance('[sig-api-machinery] Watchers should be able to start watching from a specific resource version', () =>
      each(async (admin, here) => {
        const maps = mapsOf(here);
        await admin.create(maps, configMap('it'));
        const first = await mutate(admin, `${maps}/it`, '1');
        await mutate(admin, `${maps}/it`, '2');
        await admin.delete(`${maps}/it`);
        const since = first.metadata.resourceVersion;
        const watch = await admin.watch(`${maps}?fieldSelector=metadata.name%3Dit&resourceVersion=${since}`);
        assert.equal(told(await watch.next()), 'MODIFIED it 2');
        assert.equal(told(await watch.next()), 'DELETED it 2');
        watch.close();
      }),
    );
    conformance(
      '[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch',
      () =>
        each(async (admin, here) => {
          const maps = `${mapsOf(here)}?${select('it=yes')}`;
          const before = await admin.watch(maps);
          await admin.create(mapsOf(here), configMap('it', { it: 'yes' }));
          await mutate(admin, `${mapsOf(here)}/it`, '1');
          assert.equal(told(await before.next()), 'ADDED it');
          const last = await before.next();
          assert.equal(told(last), 'MODIFIED it 1');
          before.close();
          await mutate(admin, `${mapsOf(here)}/it`, '2');
          const after = await admin.watch(`${maps}&resourceVersion=${last.object.metadata.resourceVersion}`);
          await admin.delete(`${mapsOf(here)}/it`);
          assert.equal(told(await after.next()), 'MODIFIED it 2');
          assert.equal(told(await after.next()), 'DELETED it 2');
          after.close();
        }),
    );
    conformance(
      '[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector',
      () =>
        each(async (admin, here) => {
          const maps = mapsOf(here);
          const watch = await admin.watch(`${maps}?${select('fits=yes')}`);
          const label = (fits: string): Promise<Json> => admin.patch(`${maps}/it`, { metadata: { labels: { fits } } });
          await admin.create(maps, configMap('it', { fits: 'yes' }));
          await mutate(admin, `${maps}/it`, '1');
          await label('no');
          await mutate(admin, `${maps}/it`, '2');
          await label('yes');
          await mutate(admin, `${maps}/it`, '3');
          await admin.delete(`${maps}/it`);
          const life = ['ADDED it', 'MODIFIED it 1', 'DELETED it 1', 'ADDED it 2', 'MODIFIED it 3', 'DELETED it 3'];
          for (const expected of life) assert.equal(told(await watch.next()), expected);
          watch.close();
        }),
    );
    conformance('[sig-api-machinery] Watchers should receive events on concurrent watches in same order', async () => {
      const admin = wire();
      const maps = mapsOf(await namespace());
      const { metadata } = await admin.get(maps);
      const first = await admin.watch(`${maps}?resourceVersion=${metadata.resourceVersion}`);
      const ROUNDS = 20;
      const writing = (async () => {
        for (let i = 0; i < ROUNDS; i++) {
          await admin.create(maps, configMap(`m-${i}`));
          if (i % 2 === 0) await mutate(admin, `${maps}/m-${i}`, String(i));
          if (i % 3 === 0) await admin.delete(`${maps}/m-${i}`);
        }
      })();
      // Each further watch begins at what the first has just told; all must tell what follows in the first's order.
      const told: string[] = [];
      const others: { readonly from: number; readonly watch: Awaited<ReturnType<Wire['watch']>> }[] = [];
      const total = ROUNDS + Math.ceil(ROUNDS / 2) + Math.ceil(ROUNDS / 3) + 1; // kube-root-ca.crt
      const seen = new Set<string>();
      while (told.length < total) {
        const { object } = await first.next();
        const revision = object.metadata.resourceVersion as string;
        if (object.metadata.name === 'kube-root-ca.crt') seen.add(revision);
        told.push(revision);
        if (told.length % 5 === 0)
          others.push({ from: told.length, watch: await admin.watch(`${maps}?resourceVersion=${revision}`) });
        if (told.length === total - 1 && seen.size === 0) break; // it was made before the first list
      }
      await writing;
      for (const { from, watch } of others) {
        for (const revision of told.slice(from)) {
          assert.equal((await watch.next()).object.metadata.resourceVersion, revision);
        }
        watch.close();
      }
      first.close();
    });
  });

  describe('namespaces', () => {
    const make = (admin: Wire, name: string): Promise<Json> =>
      admin.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

    conformance('[sig-api-machinery] Namespaces [Serial] should patch a Namespace', () =>
      each(async (admin, here) => {
        await admin.patch(
          `/api/v1/namespaces/${here}`,
          { metadata: { labels: { testLabel: 'testValue' } } },
          'strategic',
        );
        assert.equal((await admin.get(`/api/v1/namespaces/${here}`)).metadata.labels.testLabel, 'testValue');
      }),
    );
    conformance('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace', () =>
      each(async (admin, here) => {
        const updated = await update(admin, `/api/v1/namespaces/${here}`, object => {
          object.metadata.labels[here] = 'updated';
        });
        assert.equal(updated.metadata.labels[here], 'updated');
      }),
    );
    conformance('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status', () =>
      each(async (admin, here) => {
        const path = `/api/v1/namespaces/${here}/status`;
        assert.equal((await admin.get(path)).status.phase, 'Active');
        const condition = (type: string) => ({ type, status: 'True', reason: 'E2E', message: 'Set by a test' });
        const patched = await admin.patch(path, {
          metadata: { annotations: { e2e: 'patched' } },
          status: { conditions: [condition('StatusPatch')] },
        });
        assertIncludes(patched.status.conditions, [condition('StatusPatch')], 'the patched status');
        assert.equal(patched.metadata.annotations.e2e, 'patched');
        const updated = await update(admin, path, object => {
          object.status.conditions.push(condition('StatusUpdate'));
        });
        assert.equal(updated.status.conditions.length, 2);
        assert.equal(updated.status.phase, 'Active');
      }),
    );
    conformance('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace', () =>
      each(async (admin, here) => {
        const path = `/api/v1/namespaces/${here}`;
        const finalize = async (change: (finalizers: string[]) => string[]): Promise<Json> => {
          const object = await admin.get(path);
          object.spec.finalizers = change(object.spec.finalizers);
          return admin.update(`${path}/finalize`, object);
        };
        assert.ok((await finalize(all => [...all, 'e2e.test/fake'])).spec.finalizers.includes('e2e.test/fake'));
        assert.deepEqual((await finalize(all => all.filter(f => f !== 'e2e.test/fake'))).spec.finalizers, [
          'kubernetes',
        ]);
      }),
    );
    conformance(
      '[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted',
      () =>
        each(async (admin, here) => {
          const path = `/api/v1/namespaces/${here}`;
          await admin.create(`${path}/pods`, pod('running'));
          await admin.until(
            'the pod runs',
            async () => (await admin.get(`${path}/pods/running`)).status.phase === 'Running',
          );
          await admin.delete(path);
          await admin.gone(path);
          await make(admin, here);
          assert.deepEqual(await admin.names(`${path}/pods`), []);
        }),
    );
    conformance(
      '[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted',
      () =>
        each(async (admin, here) => {
          const path = `/api/v1/namespaces/${here}`;
          await admin.create(`${path}/services`, {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: 'it' },
            spec: { ports: [{ port: 80, targetPort: 80 }], selector: { name: 'nobody' } },
          });
          await admin.delete(path);
          await admin.gone(path);
          await make(admin, here);
          assert.deepEqual(await admin.names(`${path}/services`), []);
        }),
    );
    conformance('[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first', async () => {
      const admin = wire();
      const here = await namespace();
      const path = `/api/v1/namespaces/${here}`;
      await admin.create(`${path}/pods`, pod('stays', { finalizers: ['e2e.test/finalizer'] }));
      await admin.create(`${path}/configmaps`, configMap('waits'));
      await admin.delete(path);
      await admin.until('the pod is told to end', async () => {
        return (await admin.get(`${path}/pods/stays`)).metadata.deletionTimestamp !== undefined;
      });
      await admin.until('the namespace tells why it waits', async () => {
        const { status } = await admin.get(path);
        return status.conditions?.some((c: Json) => c.type === 'NamespaceDeletionContentFailure');
      });
      assert.equal((await admin.get(`${path}/configmaps/waits`)).metadata.deletionTimestamp, undefined);
      await admin.patch(`${path}/pods/stays`, { metadata: { finalizers: null } });
      await admin.gone(path);
    });
  });

  // The replication controllers' pods are made by the tests themselves: no controller takes part in what is asked here.
  describe('the garbage collector', () => {
    const pods = (here: string): string => `/api/v1/namespaces/${here}/pods`;
    const controllers = (here: string): string => `/api/v1/namespaces/${here}/replicationcontrollers`;
    const populate = async (
      admin: Wire,
      here: string,
      word: string,
      count: number,
      ...owners: Json[]
    ): Promise<void> => {
      for (let i = 0; i < count; i++) await admin.create(pods(here), pod(`${word}-${i}`, ownedBy(...owners)));
    };

    conformance('[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning', () =>
      each(async (admin, here) => {
        const owner = await admin.create(controllers(here), replicationController('rc'));
        await populate(admin, here, 'p', 2, owner);
        await admin.delete(`${controllers(here)}/rc`, { propagationPolicy: 'Background' });
        await admin.until('the pods are gone', async () => (await admin.names(pods(here))).length === 0);
      }),
    );
    conformance(
      '[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so [Serial]',
      () =>
        each(async (admin, here) => {
          const owner = await admin.create(controllers(here), replicationController('rc'));
          await populate(admin, here, 'p', 5, owner);
          await admin.delete(`${controllers(here)}/rc`, { propagationPolicy: 'Orphan' });
          await admin.gone(`${controllers(here)}/rc`);
          const { items } = await admin.get(pods(here));
          assert.equal(items.length, 5);
          for (const { metadata } of items) {
            assert.equal(metadata.deletionTimestamp, undefined);
            assert.deepEqual(metadata.ownerReferences ?? [], []);
          }
        }),
    );
    conformance(
      '[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial]',
      () =>
        each(async (admin, here) => {
          const owner = await admin.create(controllers(here), replicationController('rc'));
          await populate(admin, here, 'p', 5, owner);
          await admin.patch(`${pods(here)}/p-0`, { metadata: { finalizers: ['e2e.test/holds'] } });
          await admin.delete(`${controllers(here)}/rc`, { propagationPolicy: 'Foreground' });
          await admin.until('one pod is left', async () => (await admin.names(pods(here))).length === 1);
          const waiting = await admin.get(`${controllers(here)}/rc`);
          assert.ok(waiting.metadata.deletionTimestamp);
          assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion']);
          await admin.patch(`${pods(here)}/p-0`, { metadata: { finalizers: null } });
          await admin.gone(`${controllers(here)}/rc`);
          assert.deepEqual(await admin.names(pods(here)), []);
        }),
    );
    conformance(
      "[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted [Serial]",
      () =>
        each(async (admin, here) => {
          const dying = await admin.create(controllers(here), replicationController('dying'));
          const staying = await admin.create(controllers(here), replicationController('staying'));
          await populate(admin, here, 'dies', 3, dying);
          await populate(admin, here, 'stays', 3, dying, staying);
          await admin.delete(`${controllers(here)}/dying`, { propagationPolicy: 'Foreground' });
          await admin.gone(`${controllers(here)}/dying`);
          const { items } = await admin.get(pods(here));
          assert.deepEqual(items.map((p: Json) => p.metadata.name).sort(), ['stays-0', 'stays-1', 'stays-2']);
          for (const { metadata } of items) {
            assert.equal(metadata.deletionTimestamp, undefined);
            assert.deepEqual(
              metadata.ownerReferences.map((o: Json) => o.name),
              ['staying'],
            );
          }
        }),
    );
    conformance('[sig-api-machinery] Garbage collector should not be blocked by dependency circle', () =>
      each(async (admin, here) => {
        const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(name => admin.create(pods(here), pod(name))));
        for (const [it, owner] of [
          [a, c],
          [b, a],
          [c, b],
        ]) {
          await admin.patch(`${pods(here)}/${it.metadata.name}`, { metadata: ownedBy(owner) });
        }
        await admin.expect(200, 'DELETE', `${pods(here)}/a`, {
          body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' },
        });
        await admin.until('all are gone', async () => (await admin.names(pods(here))).length === 0);
      }),
    );
    const sets = (here: string): string => `/apis/apps/v1/namespaces/${here}/replicasets`;
    const deployed = async (admin: Wire, here: string): Promise<string> => {
      const path = `/apis/apps/v1/namespaces/${here}/deployments`;
      await admin.create(path, deployment('it'));
      await admin.until('it has a replica set with pods', async () => {
        const { items } = await admin.get(sets(here));
        return items.length === 1 && (await admin.names(pods(here))).length === 2;
      });
      return `${path}/it`;
    };
    conformance('[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning', () =>
      each(async (admin, here) => {
        await admin.delete(await deployed(admin, here), { propagationPolicy: 'Background' });
        await admin.until('its replica set and pods are gone', async () => {
          return (await admin.names(sets(here))).length === 0 && (await admin.names(pods(here))).length === 0;
        });
      }),
    );
    conformance(
      '[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan',
      () =>
        each(async (admin, here) => {
          const path = await deployed(admin, here);
          await admin.delete(path, { propagationPolicy: 'Orphan' });
          await admin.gone(path);
          const { items } = await admin.get(sets(here));
          assert.equal(items.length, 1);
          assert.deepEqual(items[0].metadata.ownerReferences ?? [], []);
          assert.equal((await admin.names(pods(here))).length, 2);
        }),
    );
  });

  conformance('[sig-architecture] Conformance Tests should have at least two untainted nodes', async () => {
    await wire().until('two nodes without taints', async () => {
      const { items } = await wire().get('/api/v1/nodes');
      return items.filter((n: Json) => !n.spec.taints?.length).length >= 2;
    });
  });
});
