/** No more is let in than fits, whoever writes at the same time: against a real store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { formatQuantities } from '../../../api/quantities.ts';
import { evaluatorOf } from '../../../api/quota/index.ts';
import { forbidden } from '../../../api/status.ts';
import type { SqliteStore } from '../../../store/sqlite/store.ts';
import { withStore } from '../../../store/sqlite/testing.ts';
import { Mirrors } from '../../mirrors.ts';
import { deserialize, serialize } from '../../serialized.ts';
import { ByNamespace } from '../byNamespace.ts';
import { type Charge, Charges } from './charges.ts';
import { recount } from './recount.ts';

const PREFIX = '/registry/core/resourcequotas/';
const KEY = `${PREFIX}ns/q`;

function quota(name: string, hard: Record<string, string>, used: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace: 'ns', name },
    spec: { hard },
    status: { hard, used },
  };
}

const pod = (cpu = '100m'): KubeObject =>
  ({
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
  }) as unknown as KubeObject;

function chargeOf(object: KubeObject, dryRun = false): Charge {
  const evaluator = evaluatorOf('pods');
  assert.ok(evaluator);
  const request = { evaluator, object, old: undefined, isStatus: false };
  return { request, dryRun, refused: why => forbidden({ group: '', resource: 'pods' }, 'p', why) };
}

async function withCharges(
  quotas: readonly KubeObject[],
  body: (
    charges: Charges,
    store: SqliteStore,
    used: (name?: string) => Promise<Record<string, string> | undefined>,
  ) => Promise<void>,
): Promise<void> {
  await withStore({}, async store => {
    for (const one of quotas)
      await store.commit({ key: `${PREFIX}ns/${one.metadata.name}`, value: serialize(one), expect: 0 });
    const mirrors = new Mirrors(store);
    const byNamespace = new ByNamespace<ResourceQuota & KubeObject>(mirrors.resourceQuotas, PREFIX);
    await mirrors.resourceQuotas.start();
    const charges = new Charges(
      store,
      namespace => byNamespace.of(namespace),
      () => 0,
    );
    try {
      await body(charges, store, async (name = 'q') => {
        const stored = await store.get(`${PREFIX}ns/${name}`);
        return stored && (deserialize(stored.value, stored.modRevision) as unknown as ResourceQuota).status?.used;
      });
    } finally {
      mirrors.close();
    }
  });
}

const outcomes = (results: readonly PromiseSettledResult<void>[]): { in: number; out: string[] } => ({
  in: results.filter(({ status }) => status === 'fulfilled').length,
  out: results.flatMap(result => (result.status === 'rejected' ? [(result.reason as Error).message] : [])),
});

describe('charging quotas', () => {
  it('lets in what fits, of a hundred at once', async () => {
    await withCharges(
      [quota('q', { pods: '10', 'requests.cpu': '2' }, { pods: '0', 'requests.cpu': '0' })],
      async (charges, store, used) => {
        const before = store.stats().commits;
        const all = await Promise.allSettled(Array.from({ length: 100 }, () => charges.charge('ns', chargeOf(pod()))));
        const { in: inside, out } = outcomes(all);
        assert.equal(inside, 10);
        assert.equal(out.length, 90);
        assert.equal(new Set(out).size, 1);
        assert.equal(
          out[0],
          'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10',
        );
        assert.deepEqual(await used(), { pods: '10', 'requests.cpu': '1' });
        assert.ok(store.stats().commits - before <= 3, 'those that wait together are charged together');
      },
    );
  });

  it('loses no charge to others who write the quota meanwhile', async () => {
    await withCharges([quota('q', { pods: '30' }, { pods: '0' })], async (charges, store, used) => {
      let writing = true;
      // Somebody who changes other fields of the quota, again and again, as fast as he can.
      const other = (async () => {
        for (let i = 0; writing; i++) {
          const stored = await store.get(KEY);
          assert.ok(stored);
          const object = deserialize(stored.value, stored.modRevision);
          object.metadata.labels = { i: String(i) };
          await store.commit({ key: KEY, value: serialize(object), expect: stored.modRevision });
        }
      })();
      let inside = 0;
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          for (let i = 0; i < 5; i++) {
            try {
              await charges.charge('ns', chargeOf(pod()));
              inside++;
            } catch (error) {
              assert.match((error as Error).message, /exceeded quota|Operation cannot be fulfilled/);
            }
          }
        }),
      );
      writing = false;
      await other;
      assert.ok(inside > 0 && inside <= 30, `${inside} were let in`);
      const { pods } = (await used()) ?? {};
      assert.ok(Number(pods) >= inside && Number(pods) <= 30, `${inside} were let in, ${pods} are charged`);
    });
  });

  it('charges every quota that concerns a request', async () => {
    const quotas = [quota('a', { pods: '5' }, { pods: '0' }), quota('b', { 'count/pods': '3' }, { 'count/pods': '0' })];
    await withCharges(quotas, async (charges, _store, used) => {
      const all = await Promise.allSettled(Array.from({ length: 20 }, () => charges.charge('ns', chargeOf(pod()))));
      assert.equal(outcomes(all).in, 3);
      assert.deepEqual(await used('b'), { 'count/pods': '3' });
      assert.deepEqual(await used('a'), { pods: '3' });
    });
  });

  it('a dry run is asked, and charged nothing', async () => {
    await withCharges([quota('q', { pods: '1' }, { pods: '0' })], async (charges, _store, used) => {
      await charges.charge('ns', chargeOf(pod(), true));
      await charges.charge('ns', chargeOf(pod(), true));
      assert.deepEqual(await used(), { pods: '0' });
      await charges.charge('ns', chargeOf(pod()));
      await assert.rejects(charges.charge('ns', chargeOf(pod(), true)), /exceeded quota/);
    });
  });

  it('a quota that is gone binds nobody', async () => {
    await withCharges([quota('q', { pods: '0' }, { pods: '0' })], async (charges, store) => {
      await assert.rejects(charges.charge('ns', chargeOf(pod())), /exceeded quota/);
      await store.commit({ key: KEY, value: null });
      await charges.charge('ns', chargeOf(pod()));
    });
  });

  it('namespaces do not wait for each other', async () => {
    await withCharges([quota('q', { pods: '1' }, { pods: '0' })], async charges => {
      await Promise.all([charges.charge('ns', chargeOf(pod())), charges.charge('other', chargeOf(pod()))]);
    });
  });
});

describe('counting what is charged', () => {
  const named = (name: string): KubeObject => ({
    ...pod(),
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { namespace: 'ns', name },
  });
  const counted = async (
    store: SqliteStore,
    charges: Charges,
    of = quota('q', {}, { pods: '0', 'requests.cpu': '0' }),
  ): Promise<unknown> =>
    formatQuantities(await recount(store, of as unknown as ResourceQuota, charges.unsettled('ns'), 0));
  const write = (store: SqliteStore, object: KubeObject) =>
    store.commit({ key: `/registry/core/pods/ns/${object.metadata.name}`, value: serialize(object) });

  it('what is charged and not written counts, and once', async () => {
    await withCharges(
      [quota('q', { pods: '9', 'requests.cpu': '9' }, { pods: '0', 'requests.cpu': '0' })],
      async (charges, store) => {
        assert.equal(charges.isBusy('ns'), false);
        await write(store, named('old'));
        const [a, b] = [chargeOf(named('a')), chargeOf(named('b'))];
        await Promise.all([charges.charge('ns', a), charges.charge('ns', b)]);
        assert.ok(charges.isBusy('ns'));
        assert.deepEqual(await counted(store, charges), { pods: '3', 'requests.cpu': '300m' });
        await write(store, named('a'));
        assert.deepEqual(
          await counted(store, charges),
          { pods: '3', 'requests.cpu': '300m' },
          'written, and not known to be',
        );
        charges.settle('ns', a);
        assert.deepEqual(await counted(store, charges), { pods: '3', 'requests.cpu': '300m' });
        charges.settle('ns', b); // its write failed
        assert.deepEqual(await counted(store, charges), { pods: '2', 'requests.cpu': '200m' });
        assert.ok(charges.isBusy('ns'), 'who counted before may not know yet');
      },
    );
  });

  it('by scope, by name and by number', async () => {
    await withCharges([quota('q', { pods: '9' }, { pods: '0' })], async (charges, store) => {
      await write(store, named('old'));
      await store.commit({ key: '/registry/apps/deployments/ns/d', value: serialize(named('d')) });
      await store.commit({ key: '/registry/apps/deployments/other/d', value: serialize(named('d')) });
      await charges.charge('ns', chargeOf(named('a')));
      const best = { ...quota('q', {}, { pods: '0' }), spec: { scopes: ['BestEffort'] } };
      assert.deepEqual(await counted(store, charges, best), { pods: '0' });
      const of = quota('q', {}, { 'count/deployments.apps': '7', 'count/pods': '7', 'who.knows/what': '7' });
      assert.deepEqual(await counted(store, charges, of), {
        'count/deployments.apps': '1',
        'count/pods': '2',
        'who.knows/what': '7',
      });
    });
  });

  it('a charge that is refused or asked for dry is not waited for', async () => {
    await withCharges([quota('q', { pods: '0' }, { pods: '0' })], async charges => {
      await assert.rejects(charges.charge('ns', chargeOf(pod())));
      await assert.rejects(charges.charge('ns', chargeOf(pod(), true)));
      assert.equal(charges.isBusy('ns'), false);
    });
  });
});
