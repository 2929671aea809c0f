/** Custom resources in the shape of Argo's and of system-upgrade-controller's, with an operator on our own client. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { Client } from '../src/client/client.ts';
import { Informer } from '../src/client/informer.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import type { ApiObject, ResourceRef } from '../src/client/resources.ts';
import { silentLogger } from '../src/lib/log.ts';
import { eventually } from './cluster.ts';
import { customResourceCluster, definition, KUBECTL_TIMEOUT_MS, MERGE, version } from './customResourcesFixture.ts';
import { adminUser } from './startServer.ts';

const { cluster, handler, ok, fails, asks, define } = customResourceCluster();

/** In the shape of Argo's Workflow: most of it is not described. */
const workflows = definition(
  { plural: 'workflows', kind: 'Workflow', group: 'flows.example.com', more: { shortNames: ['wf'] } },
  version('v1alpha1', {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      entrypoint: { type: 'string' },
      podSpec: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  }),
);

describe('custom resources of which little is described', { timeout: 120_000 }, () => {
  it('keep what they are given', async () => {
    await define(workflows);
    const path = '/apis/flows.example.com/v1alpha1/namespaces/default/workflows';
    const spec = { entrypoint: 'main', templates: [{ name: 'main', steps: [[{ x: { y: [1, null, { z: true }] } }]] }] };
    const wf = { apiVersion: 'flows.example.com/v1alpha1', kind: 'Workflow', metadata: { name: 'w' }, spec };
    assert.deepEqual((await asks(`POST ${path}`, wf)).json.spec, spec);
    await ok('apply -f -', { ...wf, spec: { ...spec, more: { deep: 1 } } });
    assert.equal((await asks(`GET ${path}/w`)).json.spec.more.deep, 1);
    await ok('apply --server-side --force-conflicts -f -', { ...wf, spec: { args: { a: 'b' } } });
    assert.equal((await asks(`GET ${path}/w`)).json.spec.args.a, 'b');
    const podSpec = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n', bogus: 1 }, anything: [1] };
    const embedded = await asks(`PATCH ${path}/w?fieldValidation=Warn`, { spec: { podSpec } }, MERGE);
    assert.deepEqual(embedded.json.spec.podSpec, { ...podSpec, metadata: { name: 'n' } });
    assert.match(embedded.headers.warning ?? '', /unknown field \\"spec\.podSpec\.metadata\.bogus\\"/);
    const bad = await asks(`PATCH ${path}/w`, { spec: { podSpec: { kind: null } } }, MERGE);
    assert.match(bad.json.message, /spec\.podSpec\.kind: Required value/);
  });

  it('can be edited', async () => {
    const edit = (script: string) =>
      new Promise<{ code: number; out: string; err: string }>((resolve, reject) => {
        const args = ['--kubeconfig', cluster().server.kubeconfig, 'edit', 'wf', 'w'];
        execFile(
          'kubectl',
          args,
          { timeout: KUBECTL_TIMEOUT_MS, env: { ...process.env, KUBE_EDITOR: script } },
          (error, out, err) => {
            if (error && typeof error.code !== 'number') reject(error);
            else resolve({ code: Number(error?.code ?? 0), out, err });
          },
        );
      });
    const edited = await edit('sed -i s/entrypoint:.*/entrypoint:\\ other/');
    assert.match(edited.out, /workflow\.flows\.example\.com\/w edited/, edited.err);
    assert.equal(await ok('get wf w -o jsonpath={.spec.entrypoint}'), 'other');
  });
});

/** In the shape of system-upgrade-controller's Plan, with an operator on our own client. */
const plans = definition(
  { plural: 'plans', kind: 'Plan', group: 'upgrade.example.com', scope: 'Namespaced' },
  version(
    'v1',
    {
      type: 'object',
      required: ['upgrade'],
      properties: {
        concurrency: { type: 'integer', format: 'int64', default: 1, minimum: 0 },
        version: { type: 'string' },
        upgrade: {
          type: 'object',
          required: ['image'],
          properties: { image: { type: 'string' }, command: { type: 'array', items: { type: 'string' } } },
        },
        nodeSelector: {
          type: 'object',
          nullable: true,
          properties: { matchLabels: { type: 'object', nullable: true, additionalProperties: { type: 'string' } } },
        },
      },
    },
    {
      subresources: {
        status: {},
        scale: {
          specReplicasPath: '.spec.concurrency',
          statusReplicasPath: '.status.applied',
          labelSelectorPath: '.status.selector',
        },
      },
      additionalPrinterColumns: [
        { name: 'Image', type: 'string', jsonPath: '.spec.upgrade.image' },
        { name: 'Version', type: 'string', jsonPath: '.spec.version' },
      ],
    },
  ),
);

interface Plan extends ApiObject {
  spec: { version?: string; concurrency?: number; upgrade: { image: string } };
  status?: { latestVersion?: string; applied?: number };
}
const Plans: ResourceRef<Plan> = {
  group: 'upgrade.example.com',
  version: 'v1',
  resource: 'plans',
  kind: 'Plan',
  namespaced: true,
};

describe('an operator', { timeout: 120_000 }, () => {
  it('watches its kind from before it exists, and writes status', async () => {
    const client = new Client(inProcessTransport(handler(), adminUser));
    const stop = new AbortController();
    const informer = new Informer(Plans, { client, logger: silentLogger });
    const reconciled = new Set<string>();
    const reconcile = (plan: Plan): void => {
      if (plan.status?.latestVersion === plan.spec.version) {
        reconciled.add(plan.metadata.name ?? '');
        return;
      }
      const status = { latestVersion: plan.spec.version, applied: plan.spec.concurrency };
      void client.updateStatus(Plans, { ...plan, status } as Plan).catch(() => undefined);
    };
    informer.on({ add: reconcile, update: reconcile });
    const running = informer.run(stop.signal);
    try {
      await define(plans);
      await ok('create -f -', {
        apiVersion: 'upgrade.example.com/v1',
        kind: 'Plan',
        metadata: { name: 'os' },
        spec: { version: 'v2', upgrade: { image: 'example.test/os' } },
      });
      await eventually('the plan is reconciled', async () => reconciled.has('os'));
      const plan = await client.get(Plans, { namespace: 'default', name: 'os' });
      assert.deepEqual(plan.status, { latestVersion: 'v2', applied: 1 });
      assert.equal(plan.metadata.generation, 1);
    } finally {
      stop.abort();
      await running;
    }
  });

  it('is scaled as a HorizontalPodAutoscaler does it', async () => {
    // The cluster's own upgrades have a kind of that name.
    const plans = 'plans.upgrade.example.com';
    assert.match(await ok(`scale ${plans} os --replicas=4`), /scaled/);
    assert.equal(await ok(`get ${plans} os -o jsonpath={.spec.concurrency}`), '4');
    const path = '/apis/upgrade.example.com/v1/namespaces/default/plans/os/scale';
    await ok(['patch', plans, 'os', '--subresource=status', '--type=merge', '-p', '{"status":{"selector":"app=os"}}']);
    const scale = (await asks(`GET ${path}`)).json;
    assert.equal(scale.apiVersion, 'autoscaling/v1');
    assert.deepEqual(scale.spec, { replicas: 4 });
    assert.deepEqual(scale.status, { replicas: 1, selector: 'app=os' });
    const written = await asks(`PUT ${path}`, { ...scale, spec: { replicas: 2 } });
    assert.deepEqual(written.json.spec, { replicas: 2 });
    assert.equal((await asks(`PUT ${path}`, { ...scale, spec: { replicas: 3 } })).status, 409);
    assert.equal((await asks(`PATCH ${path}`, { spec: { replicas: -1 } }, MERGE)).status, 422);
    assert.match(
      await fails(`scale ${plans} os --current-replicas=9 --replicas=1`),
      /Expected replicas to be 9, was 2/,
    );
    const bad = await asks(
      'PATCH /apis/upgrade.example.com/v1/namespaces/default/plans/os',
      { spec: { concurrency: 2147483648 } },
      MERGE,
    );
    assert.equal(bad.status, 422);
    assert.match(
      bad.json.message,
      /\.spec\.concurrency: Invalid value: 2147483648: should be less than or equal to 2147483647/,
    );
  });

  it('sees nulls where they may be', async () => {
    const path = '/apis/upgrade.example.com/v1/namespaces/default/plans';
    const spec = { upgrade: { image: 'i' }, version: null, nodeSelector: { matchLabels: null } };
    const made = await asks(`POST ${path}`, {
      apiVersion: 'upgrade.example.com/v1',
      kind: 'Plan',
      metadata: { name: 'nulls' },
      spec,
    });
    assert.deepEqual(made.json.spec, { upgrade: { image: 'i' }, nodeSelector: { matchLabels: null }, concurrency: 1 });
  });
});
