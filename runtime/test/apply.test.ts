/** Server-side apply and managedFields: over the wire's own handler, and with what people do with the real kubectl. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Answered, ask } from './apiserverAsk.ts';
import { Kubectl, kubectlPath, kubectlVersions } from './kubectl.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const APPLY = 'application/apply-patch+yaml';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';

let server: InProcessServer;

interface Entry {
  readonly manager?: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1: Record<string, unknown>;
}

const entriesOf = ({ json }: Answered): Entry[] => json.metadata.managedFields ?? [];
/** `manager operation subresource` of each entry, in their order. */
const managers = (answer: Answered): string[] =>
  entriesOf(answer).map(e => [e.manager, e.operation, e.subresource].filter(Boolean).join(' '));

function entry(answer: Answered, manager: string, operation = 'Apply'): Entry {
  const found = entriesOf(answer).find(e => e.manager === manager && e.operation === operation);
  return found ?? assert.fail(`${manager} has no ${operation} entry among ${managers(answer).join(', ')}`);
}

/** Every path of a set: `f:spec.f:replicas`. */
function paths(set: object, prefix = ''): string[] {
  return Object.entries(set).flatMap(([key, inner]) => {
    if (key === '.') return [prefix];
    const path = prefix === '' ? key : `${prefix} ${key}`;
    return Object.keys(inner).length === 0 ? [path] : paths(inner, path);
  });
}
const owns = (answer: Answered, manager: string, operation = 'Apply'): string[] =>
  paths(entry(answer, manager, operation).fieldsV1).sort();

const get = (path: string): Promise<Answered> => ask(server.apiServer.handler, `GET ${path}`);
const remove = (path: string): Promise<Answered> => ask(server.apiServer.handler, `DELETE ${path}`);

/** @param query further than the manager: `force=true`. */
function apply(path: string, manager: string, body: unknown, query = ''): Promise<Answered> {
  const line = `PATCH ${path}?fieldManager=${manager}${query === '' ? '' : `&${query}`}`;
  return ask(server.apiServer.handler, line, { body, headers: { 'content-type': APPLY } });
}

function write(
  method: string,
  path: string,
  manager: string,
  body: unknown,
  type = 'application/json',
): Promise<Answered> {
  const headers = { 'content-type': type, 'user-agent': `${manager}/v1.0 (linux)` };
  return ask(server.apiServer.handler, `${method} ${path}`, { body, headers });
}
const merge = (path: string, manager: string, body: unknown): Promise<Answered> =>
  write('PATCH', path, manager, body, 'application/merge-patch+json');

async function done(answer: Promise<Answered>, status = 200): Promise<Answered> {
  const answered = await answer;
  assert.equal(answered.status, status, answered.bytes.toString());
  return answered;
}

const configMap = (name: string, data?: object, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  ...(data ? { data } : {}),
});

const container = (name: string, more: object = {}): object => ({ name, image: `example.test/${name}:1`, ...more });

const deployment = (name: string, spec: object = {}, containers: readonly object[] = [container('web')]): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
    ...spec,
  },
});

describe('server-side apply', { timeout: 300_000 }, () => {
  before(async () => {
    server = await startServer();
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await done(write('POST', '/api/v1/namespaces/default/serviceaccounts', 'tests', account), 201);
  });
  after(() => server.close());

  describe('managedFields of other writes', () => {
    it('record who created, with what upstream records', async () => {
      const created = await done(
        write('POST', DEPLOYMENTS, 'kubectl-create', deployment('recorded', { replicas: 1 })),
        201,
      );
      assert.deepEqual(managers(created), ['kubectl-create Update']);
      const { apiVersion, time, fieldsV1 } = entry(created, 'kubectl-create', 'Update');
      assert.equal(apiVersion, 'apps/v1');
      assert.match(time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.deepEqual(fieldsV1, {
        'f:spec': {
          'f:progressDeadlineSeconds': {},
          'f:replicas': {},
          'f:revisionHistoryLimit': {},
          'f:selector': {},
          'f:strategy': {
            'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
            'f:type': {},
          },
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': {
              'f:containers': {
                'k:{"name":"web"}': {
                  '.': {},
                  'f:image': {},
                  'f:imagePullPolicy': {},
                  'f:name': {},
                  'f:resources': {},
                  'f:terminationMessagePath': {},
                  'f:terminationMessagePolicy': {},
                },
              },
              'f:dnsPolicy': {},
              'f:restartPolicy': {},
              'f:schedulerName': {},
              'f:securityContext': {},
              'f:terminationGracePeriodSeconds': {},
            },
          },
        },
      });
    });

    it('move to who changes a field, and go with a field that goes', async () => {
      await done(write('POST', CONFIG_MAPS, 'one', configMap('moved', { a: '1', b: '1', c: '1' })), 201);
      const changed = await done(merge(`${CONFIG_MAPS}/moved`, 'two', { data: { a: '2', b: null, d: '2' } }));
      assert.deepEqual(owns(changed, 'one', 'Update'), ['f:data', 'f:data f:c']);
      assert.deepEqual(owns(changed, 'two', 'Update'), ['f:data f:a', 'f:data f:d']);
    });

    it('stay as they are when nothing changes, times and revision too', async () => {
      const before = await done(write('POST', CONFIG_MAPS, 'one', configMap('same', { a: '1' })), 201);
      const after = await done(merge(`${CONFIG_MAPS}/same`, 'two', { data: { a: '1' } }));
      assert.deepEqual(after.json, before.json);
      const put = await done(write('PUT', `${CONFIG_MAPS}/same`, 'three', configMap('same', { a: '1' })));
      assert.deepEqual(put.json, before.json);
    });

    const names: readonly (readonly [agent: string, query: string, name: string])[] = [
      ['kubectl/v1.32.3 (linux/amd64) kubernetes/abc', '', 'kubectl'],
      ['curl', '', 'curl'],
      ['', '', 'unknown'],
      ['kubectl/v1', '?fieldManager=me', 'me'],
      [`${'x'.repeat(200)}/1`, '', 'x'.repeat(128)],
      ['my\u0007agent/1', '', 'myagent'],
    ];
    for (const [agent, query, name] of names) {
      it(`name ${JSON.stringify(agent.slice(0, 20))}${query} ${name.slice(0, 20)}`, async () => {
        const headers = { 'content-type': 'application/json', 'user-agent': agent };
        const body = configMap('named', { a: '1' });
        const created = await done(
          ask(server.apiServer.handler, `POST ${CONFIG_MAPS}${query}`, { body, headers }),
          201,
        );
        assert.deepEqual(managers(created), [`${name} Update`]);
        await done(remove(`${CONFIG_MAPS}/named`));
      });
    }

    it('are kept apart by subresource and version, and status is not the spec', async () => {
      await done(write('POST', DEPLOYMENTS, 'me', { ...deployment('parts'), status: { replicas: 7 } }), 201);
      const spec = await done(merge(`${DEPLOYMENTS}/parts`, 'me', { status: { replicas: 7 } }));
      assert.deepEqual(managers(spec), ['me Update']);
      assert.ok(!owns(spec, 'me', 'Update').some(path => path.startsWith('f:status')));
      const status = await done(
        merge(`${DEPLOYMENTS}/parts/status`, 'me', { status: { replicas: 7 }, spec: { replicas: 9 } }),
      );
      assert.deepEqual(managers(status), ['me Update', 'me Update status']);
      assert.deepEqual(paths(entriesOf(status)[1]?.fieldsV1 ?? {}), ['f:status f:replicas']);
      assert.equal(status.json.spec.replicas, 1);
    });

    it('start anew when a client says so, and are tracked again from the next apply on', async () => {
      for (const [index, reset] of [[{}], []].entries()) {
        const name = `reset-${index}`;
        await done(write('POST', CONFIG_MAPS, 'one', configMap(name, { a: '1' })), 201);
        const cleared = await done(merge(`${CONFIG_MAPS}/${name}`, 'two', { metadata: { managedFields: reset } }));
        assert.deepEqual(managers(cleared), []);
        const untracked = await done(merge(`${CONFIG_MAPS}/${name}`, 'two', { data: { b: '1' } }));
        assert.deepEqual(managers(untracked), []);
        const applied = await done(apply(`${CONFIG_MAPS}/${name}`, 'me', configMap(name, { a: '1', c: '1' })));
        assert.deepEqual(managers(applied), ['me Apply', 'before-first-apply Update']);
        assert.deepEqual(owns(applied, 'before-first-apply', 'Update'), ['f:data', 'f:data f:a', 'f:data f:b']);
        assert.deepEqual(owns(applied, 'me'), ['f:data f:a', 'f:data f:c']);
      }
    });

    it('can be written by a client that understands them; others cannot destroy them', async () => {
      const created = await done(write('POST', CONFIG_MAPS, 'one', configMap('sent', { a: '1' })), 201);
      const [own] = entriesOf(created);
      const path = `${CONFIG_MAPS}/sent`;
      for (const wrong of [
        [{ ...own, operation: 'Smile' }],
        [{ ...own, apiVersion: '' }],
        [{ ...own, fieldsType: 'FieldsV9' }],
        [{ ...own, fieldsV1: { nonsense: {} } }],
        [{ ...own, fieldsV1: { 'k:{': {} } }],
        null,
      ]) {
        const kept = await done(merge(path, 'two', { metadata: { managedFields: wrong } }));
        assert.deepEqual(entriesOf(kept), entriesOf(created), JSON.stringify(wrong));
      }
      const renamed = [{ ...own, manager: 'other', fieldsV1: { 'f:data': { 'f:a': {}, '.': {} }, 'x:future': {} } }];
      const taken = await done(merge(path, 'two', { metadata: { managedFields: renamed } }));
      assert.deepEqual(managers(taken), ['other Update']);
      assert.equal(JSON.stringify(entry(taken, 'other', 'Update').fieldsV1), '{"f:data":{".":{},"f:a":{}}}');
    });

    it('of more than ten who update are put together', async () => {
      await done(write('POST', CONFIG_MAPS, 'm00', configMap('many', { k00: '1' })), 201);
      let last: Answered | undefined;
      for (let index = 1; index < 14; index++) {
        const name = `m${String(index).padStart(2, '0')}`;
        last = await done(merge(`${CONFIG_MAPS}/many`, name, { data: { [`k${name}`]: '1' } }));
      }
      assert.ok(last);
      assert.equal(entriesOf(last).length, 10);
      assert.ok(owns(last, 'ancient-changes', 'Update').length >= 4);
      assert.ok(managers(last).includes('m13 Update'));
    });
  });

  describe('apply', () => {
    it('creates what is not there, and says so', async () => {
      const path = `${CONFIG_MAPS}/made`;
      const created = await done(
        apply(path, 'me', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: made\ndata: {a: "1"}\n'),
        201,
      );
      assert.deepEqual(managers(created), ['me Apply']);
      assert.deepEqual(owns(created, 'me'), ['f:data f:a']);
      const again = await done(apply(path, 'me', configMap('made', { a: '1' })));
      assert.deepEqual(again.json, created.json);
    });

    it('creates nothing in a dry run', async () => {
      const tried = await done(apply(`${CONFIG_MAPS}/tried`, 'me', configMap('tried', { a: '1' }), 'dryRun=All'), 201);
      assert.deepEqual(managers(tried), ['me Apply']);
      assert.equal(tried.json.metadata.resourceVersion, undefined);
      assert.equal((await get(`${CONFIG_MAPS}/tried`)).status, 404);
    });

    it('is refused where others own what it changes, and forced', async () => {
      const path = `${DEPLOYMENTS}/fought`;
      await done(apply(path, 'one', deployment('fought', { replicas: 1 })), 201);
      const refused = await done(apply(path, 'two', deployment('fought', { replicas: 2 })), 409);
      assert.equal(refused.json.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
      assert.equal(refused.json.reason, 'Conflict');
      assert.deepEqual(refused.json.details.causes, [
        { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' },
      ]);
      await done(merge(path, 'hand', { spec: { replicas: 3, paused: true } }));
      const both = await done(
        apply(
          path,
          'two',
          deployment('fought', { replicas: 2, paused: false }, [container('web', { image: 'other' })]),
        ),
        409,
      );
      assert.equal(
        both.json.message,
        [
          'Apply failed with 3 conflicts: conflicts with "hand" using apps/v1:',
          '- .spec.paused',
          '- .spec.replicas',
          'conflicts with "one":',
          '- .spec.template.spec.containers[name="web"].image',
        ].join('\n'),
      );
      const forced = await done(apply(path, 'two', deployment('fought', { replicas: 2 }), 'force=true'));
      assert.equal(forced.json.spec.replicas, 2);
      assert.ok(!owns(forced, 'one').includes('f:spec f:replicas'));
      assert.ok(owns(forced, 'two').includes('f:spec f:replicas'));
      assert.deepEqual(owns(forced, 'hand', 'Update'), ['f:spec f:paused']);
    });

    it('shares what two agree on, and removes it when the last of them lets go', async () => {
      const path = `${CONFIG_MAPS}/shared`;
      await done(apply(path, 'one', configMap('shared', { a: '1', b: '1' })), 201);
      const both = await done(apply(path, 'two', configMap('shared', { a: '1' })));
      assert.deepEqual(owns(both, 'one'), ['f:data f:a', 'f:data f:b']);
      assert.deepEqual(owns(both, 'two'), ['f:data f:a']);
      const first = await done(apply(path, 'one', configMap('shared', { b: '1' })));
      assert.deepEqual(first.json.data, { a: '1', b: '1' });
      const last = await done(apply(path, 'two', configMap('shared')));
      assert.deepEqual(last.json.data, { b: '1' });
      assert.deepEqual(managers(last), ['one Apply']);
    });

    it('merges items of lists by their keys: containers, ports, env', async () => {
      const path = `${DEPLOYMENTS}/lists`;
      const env = (...names: string[]): object[] => names.map(name => ({ name, value: '1' }));
      const ports = [{ containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }];
      await done(apply(path, 'one', deployment('lists', {}, [container('web', { env: env('A', 'B'), ports })])), 201);
      const side = { name: 'side', image: 'side' };
      const more = await done(
        apply(path, 'two', deployment('lists', {}, [{ name: 'web', env: env('C') }, side]), 'force=true'),
      );
      const containers = more.json.spec.template.spec.containers;
      assert.deepEqual(
        containers.map((c: { name: string }) => c.name),
        ['web', 'side'],
      );
      assert.deepEqual(
        containers[0].env.map((e: { name: string }) => e.name),
        ['A', 'B', 'C'],
      );
      assert.deepEqual(containers[0].ports.length, 2);
      const prefix = 'f:spec f:template f:spec f:containers k:{"name":"web"}';
      assert.ok(
        owns(more, 'one').includes(`${prefix} f:ports k:{"containerPort":53,"protocol":"TCP"} f:containerPort`),
      );
      assert.ok(owns(more, 'two').includes(`${prefix} f:env k:{"name":"C"} f:value`));
      const less = await done(
        apply(path, 'one', deployment('lists', {}, [container('web', { env: env('B'), ports: ports.slice(1) })])),
      );
      const [web] = less.json.spec.template.spec.containers;
      assert.deepEqual(
        web.env.map((e: { name: string }) => e.name),
        ['B', 'C'],
      );
      assert.deepEqual(web.ports, [{ containerPort: 53, protocol: 'TCP' }]);
      const gone = await done(apply(path, 'two', deployment('lists', {}, [{ name: 'web' }])));
      assert.deepEqual(
        gone.json.spec.template.spec.containers.map((c: { name: string }) => c.name),
        ['web'],
      );
    });

    it('merges sets, and owns atomic values as a whole', async () => {
      const path = `${CONFIG_MAPS}/sets`;
      const withFinalizers = (...finalizers: string[]): object => configMap('sets', undefined, { finalizers });
      await done(apply(path, 'one', withFinalizers('example.test/a')), 201);
      const two = await done(apply(path, 'two', withFinalizers('example.test/b')));
      assert.deepEqual(two.json.metadata.finalizers, ['example.test/a', 'example.test/b']);
      assert.deepEqual(owns(two, 'two'), ['f:metadata f:finalizers v:"example.test/b"']);
      const one = await done(apply(path, 'one', configMap('sets')));
      assert.deepEqual(one.json.metadata.finalizers, ['example.test/b']);
      const service = (selector: object): object => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'atomic' },
        spec: { selector, ports: [{ port: 80 }] },
      });
      const services = '/api/v1/namespaces/default/services';
      await done(apply(`${services}/atomic`, 'one', service({ a: '1' })), 201);
      const refused = await done(apply(`${services}/atomic`, 'two', service({ b: '1' })), 409);
      assert.match(refused.json.message, /conflict with "one": \.spec\.selector$/);
      await done(merge(path, 'two', { metadata: { finalizers: null } }));
    });

    it('applies to status, where only the status counts', async () => {
      const path = `${DEPLOYMENTS}/stated`;
      await done(apply(path, 'one', deployment('stated')), 201);
      const status = await done(
        apply(`${path}/status`, 'two', { ...deployment('stated', { replicas: 9 }), status: { replicas: 3 } }),
      );
      assert.equal(status.json.spec.replicas, 1);
      assert.equal(status.json.status.replicas, 3);
      assert.deepEqual(managers(status), ['one Apply', 'two Apply status']);
      assert.deepEqual(owns(status, 'two'), ['f:status f:replicas']);
      assert.equal((await apply(`${DEPLOYMENTS}/nowhere/status`, 'two', deployment('nowhere'))).status, 404);
    });

    it('applies to scale: a field of the object', async () => {
      const path = `${DEPLOYMENTS}/scaled`;
      await done(apply(path, 'one', deployment('scaled', { replicas: 1 })), 201);
      const scale = (replicas?: number): object => ({
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'scaled' },
        spec: replicas === undefined ? {} : { replicas },
      });
      const refused = await done(apply(`${path}/scale`, 'two', scale(4)), 409);
      assert.match(refused.json.message, /^Apply failed with 1 conflict: conflict with "one": \.spec\.replicas$/);
      const forced = await done(apply(`${path}/scale`, 'two', scale(4), 'force=true'));
      assert.equal(forced.json.kind, 'Scale');
      assert.equal(forced.json.spec.replicas, 4);
      const after = await get(path);
      assert.deepEqual(managers(after), ['one Apply', 'two Apply scale']);
      assert.deepEqual(owns(after, 'two'), ['f:spec f:replicas']);
      const hand = await done(merge(`${path}/scale`, 'hand', { spec: { replicas: 5 } }));
      assert.equal(hand.json.spec.replicas, 5);
      assert.deepEqual(managers(await get(path)), ['one Apply', 'hand Update scale']);
      const wrong = await done(apply(`${path}/scale`, 'two', deployment('scaled')), 400);
      assert.equal(wrong.json.message, 'invalid object type: apps/v1, Kind=Deployment');
    });

    it('knows who owns what across the versions of a kind', async () => {
      const path = (version: string): string =>
        `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/hpa`;
      const hpa = (version: string, maxReplicas: number, more: object = {}): object => ({
        apiVersion: `autoscaling/${version}`,
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'hpa' },
        spec: { maxReplicas, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, ...more },
      });
      await done(apply(path('v2'), 'two', hpa('v2', 2, { minReplicas: 1 })), 201);
      const refused = await done(apply(path('v1'), 'one', hpa('v1', 3)), 409);
      assert.equal(refused.json.message, 'Apply failed with 1 conflict: conflict with "two": .spec.maxReplicas');
      const forced = await done(apply(path('v1'), 'one', hpa('v1', 3), 'force=true'));
      assert.deepEqual(managers(forced), ['one Apply', 'two Apply']);
      assert.ok(!owns(forced, 'two').includes('f:spec f:maxReplicas'));
      const again = await done(apply(path('v1'), 'two', hpa('v1', 3)));
      assert.equal(entry(again, 'two').apiVersion, 'autoscaling/v1');
      const seen = await get(path('v2'));
      assert.equal(seen.json.spec.maxReplicas, 3);
    });

    it('writes nothing where only the spelling differs', async () => {
      const path = `${DEPLOYMENTS}/spelled`;
      const withCpu = (cpu: string): object =>
        deployment('spelled', {}, [container('a', { resources: { limits: { cpu, memory: '1024Mi' } } })]);
      const first = await done(apply(path, 'me', withCpu('0.5')), 201);
      assert.equal(first.json.spec.template.spec.containers[0].resources.limits.cpu, '500m');
      for (const cpu of ['0.5', '500m', '0.50']) {
        const again = await done(apply(path, 'me', withCpu(cpu)));
        assert.deepEqual(again.json, first.json, cpu);
      }
    });

    it('lives with duplicates that were there before', async () => {
      const twice = [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ];
      const path = `${DEPLOYMENTS}/doubled`;
      const created = await done(
        write('POST', DEPLOYMENTS, 'one', deployment('doubled', {}, [container('a', { env: twice })])),
        201,
      );
      const env = 'f:spec f:template f:spec f:containers k:{"name":"a"} f:env';
      assert.ok(owns(created, 'one', 'Update').includes(`${env} k:{"name":"A"}`));
      const applied = await done(
        apply(path, 'two', deployment('doubled', {}, [{ name: 'a', env: [{ name: 'B', value: '3' }] }]), 'force=true'),
      );
      const names = applied.json.spec.template.spec.containers[0].env.map((e: { name: string }) => e.name);
      assert.deepEqual(names, ['A', 'A', 'B']);
      const settled = await done(
        apply(path, 'two', deployment('doubled', {}, [{ name: 'a', env: [{ name: 'A', value: '3' }] }]), 'force=true'),
      );
      assert.deepEqual(settled.json.spec.template.spec.containers[0].env, [{ name: 'A', value: '3' }]);
      assert.ok(owns(settled, 'two').includes(`${env} k:{"name":"A"} f:value`));
    });

    it('records what comes through a part of a pod as that part', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'parted' },
        spec: { containers: [container('c')] },
      };
      await done(apply(`${PODS}/parted`, 'me', pod), 201);
      const debug = { name: 'debug', image: 'example.test/debug:1' };
      const path = `${PODS}/parted/ephemeralcontainers`;
      const added = await done(
        write(
          'PATCH',
          path,
          'debugger',
          { spec: { ephemeralContainers: [debug] } },
          'application/strategic-merge-patch+json',
        ),
      );
      assert.deepEqual(managers(added), ['me Apply', 'debugger Update ephemeralcontainers']);
      assert.ok(owns(added, 'debugger', 'Update').every(name => name.startsWith('f:spec f:ephemeralContainers')));
      const forged = [{ manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }];
      const kept = await done(merge(`${PODS}/parted/status`, 'me', { metadata: { managedFields: forged } }));
      assert.deepEqual(managers(kept), managers(added));
    });

    it('defaults, admits and validates as every write', async () => {
      const path = `${PODS}/ready`;
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'ready' },
        spec: { containers: [container('c')] },
      };
      const created = await done(apply(path, 'me', pod), 201);
      assert.equal(created.json.spec.containers[0].imagePullPolicy, 'IfNotPresent');
      assert.equal(created.json.spec.serviceAccountName, 'default');
      assert.ok(!owns(created, 'me').some(name => name.includes('imagePullPolicy')));
      const invalid = await done(apply(path, 'me', { ...pod, spec: { containers: [{ name: 'c', image: '' }] } }), 422);
      assert.equal(invalid.json.reason, 'Invalid');
    });

    const config = configMap('asked', { a: '1' });
    const text = (body: object): string => JSON.stringify(body);
    const refusals: readonly (readonly [
      name: string,
      body: string,
      query: string,
      status: number,
      message: string | RegExp,
    ])[] = [
      [
        'without a manager',
        text(config),
        '',
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      ],
      [
        'with a manager that cannot be printed',
        text(config),
        'fieldManager=%01',
        422,
        /fieldManager: Invalid value: .* invalid character U\+0001 \(at position 0\)/,
      ],
      [
        'with a manager too long',
        text(config),
        `fieldManager=${'x'.repeat(129)}`,
        422,
        /fieldManager: Too long: may not be more than 128 bytes/,
      ],
      [
        'of another name',
        text(configMap('other')),
        'fieldManager=me',
        400,
        'the name of the object (other) does not match the name on the URL (asked)',
      ],
      ['of no name', text({ apiVersion: 'v1', kind: 'ConfigMap' }), 'fieldManager=me', 400, /name must be provided/],
      [
        'of another kind',
        text({ ...config, kind: 'Secret' }),
        'fieldManager=me',
        400,
        'invalid object type: /v1, Kind=Secret',
      ],
      [
        'of another version',
        text({ ...config, apiVersion: 'v2' }),
        'fieldManager=me',
        400,
        'invalid object type: /v2, Kind=ConfigMap',
      ],
      ['of no kind', text({ metadata: { name: 'asked' } }), 'fieldManager=me', 400, 'invalid object type: /, Kind='],
      [
        'with managedFields',
        text(configMap('asked', {}, { managedFields: [{ manager: 'x' }] })),
        'fieldManager=me',
        400,
        'metadata.managedFields must be nil',
      ],
      [
        'with an unknown field',
        text({ ...config, dat: 1 }),
        'fieldManager=me',
        400,
        'failed to create typed patch object (/asked; /v1, Kind=ConfigMap): .dat: field not declared in schema',
      ],
      [
        'with a value of another type',
        text(configMap('asked', { a: 1 })),
        'fieldManager=me',
        400,
        /\.data\.a: expected string, got/,
      ],
      [
        'with an identity it cannot have',
        text(configMap('asked', {}, { uid: 'x' })),
        'fieldManager=me',
        409,
        'Operation cannot be fulfilled on configmaps "asked": uid mismatch: the provided object specified uid x, and no existing object was found',
      ],
      ['that is no YAML', '{"a": [}', 'fieldManager=me', 400, /^error decoding YAML: /],
      [
        'that is a list',
        '[]',
        'fieldManager=me',
        400,
        /json: cannot unmarshal array into Go value of type map\[string\]interface {}/,
      ],
      ['that is empty', '', 'fieldManager=me', 400, 'invalid object type: /, Kind='],
      [
        'with a field said twice, strictly',
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: asked}\ndata:\n  a: "1"\n  a: "2"\n',
        'fieldManager=me&fieldValidation=Strict',
        400,
        /^error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n {2}line 6: key "a" already set in map$/,
      ],
      [
        'with a field said twice in JSON, strictly',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"asked"},"data":{"a":"1","a":"2"}}',
        'fieldManager=me&fieldValidation=Strict',
        400,
        /line 1: key "a" already set in map/,
      ],
    ];
    for (const [name, body, query, status, message] of refusals) {
      it(`refuses a configuration ${name}`, async () => {
        const headers = { 'content-type': APPLY };
        const path = `${CONFIG_MAPS}/asked${query === '' ? '' : `?${query}`}`;
        const answer = await done(ask(server.apiServer.handler, `PATCH ${path}`, { body, headers }), status);
        if (typeof message === 'string') assert.equal(answer.json.message, message);
        else assert.match(answer.json.message, message);
        assert.equal((await get(`${CONFIG_MAPS}/asked`)).status, 404);
      });
    }

    it('warns of a field said twice, and takes the last', async () => {
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata:\n  a: "1"\n  a: "2"\n';
      const answer = await done(apply(`${CONFIG_MAPS}/twice`, 'me', body), 201);
      assert.match(answer.headers.warning ?? '', /line 6: key \\"a\\" already set in map/);
      assert.deepEqual(answer.json.data, { a: '2' });
    });

    it('refuses duplicate items, and CBOR, and force without apply', async () => {
      const twice = deployment('twice', {}, [container('a'), container('a')]);
      const refused = await done(apply(`${DEPLOYMENTS}/twice`, 'me', twice), 400);
      assert.match(refused.json.message, /\.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]$/);
      const headers = { 'content-type': 'application/apply-patch+cbor' };
      const line = `PATCH ${CONFIG_MAPS}/x?fieldManager=me`;
      const cbor = await ask(server.apiServer.handler, line, { body: Buffer.from([0xa0]), headers });
      assert.equal(cbor.status, 415);
      assert.match(cbor.json.message, /accepted media types include: .*application\/apply-patch\+yaml/);
      const forced = await done(merge(`${CONFIG_MAPS}/x?force=true`, 'me', {}), 422);
      assert.match(forced.json.message, /force: Forbidden: may not be specified for non-apply patch/);
    });

    it('means the revision and the identity it names', async () => {
      const path = `${CONFIG_MAPS}/precise`;
      const made = await done(apply(path, 'me', configMap('precise', { a: '1' })), 201);
      const { resourceVersion, uid } = made.json.metadata;
      await done(apply(path, 'me', configMap('precise', { a: '2' }, { resourceVersion, uid })));
      const stale = await done(apply(path, 'me', configMap('precise', { a: '3' }, { resourceVersion })), 409);
      assert.match(stale.json.message, /the object has been modified/);
      const other = await done(apply(path, 'me', configMap('precise', { a: '3' }, { uid: 'other' })), 409);
      assert.match(other.json.message, /Precondition failed: UID in precondition: other/);
    });

    it('creates only for those who may create', async () => {
      const user = { name: 'patcher', groups: ['system:authenticated'] };
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
      const metadata = { name: 'patcher' };
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch', 'get'] }];
      const apiVersion = 'rbac.authorization.k8s.io/v1';
      await done(write('POST', `${rbac}/roles`, 'me', { apiVersion, kind: 'Role', metadata, rules }), 201);
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patcher' };
      const subjects = [{ kind: 'User', name: 'patcher', apiGroup: 'rbac.authorization.k8s.io' }];
      const binding = { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects };
      await done(write('POST', `${rbac}/rolebindings`, 'me', binding), 201);
      const asPatcher = (name: string): Promise<Answered> =>
        ask(server.apiServer.handler, `PATCH ${CONFIG_MAPS}/${name}?fieldManager=me`, {
          body: configMap(name, { z: '1' }),
          headers: { 'content-type': APPLY },
          user,
        });
      const refused = await done(asPatcher('not-there'), 403);
      assert.match(refused.json.message, /User "patcher" cannot create resource "configmaps"/);
      await done(apply(`${CONFIG_MAPS}/there`, 'other', configMap('there')), 201);
      await done(asPatcher('there'));
    });

    it('answers whatever it is sent', async () => {
      const junk: readonly unknown[] = [
        null,
        1,
        '',
        true,
        [],
        {},
        [null],
        [{}],
        [[]],
        { a: 1 },
        [{ name: 'x' }, { name: 'x' }],
        [{ name: 1 }],
      ];
      let state = 11;
      const next = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const spoiled = (value: unknown): unknown => {
        if (next() < 0.015) return junk[Math.floor(next() * junk.length)];
        if (Array.isArray(value)) return value.map(spoiled);
        if (typeof value !== 'object' || value === null) return value;
        return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, spoiled(inner)]));
      };
      const path = `${DEPLOYMENTS}/spoiled`;
      const ports = [{ containerPort: 80 }];
      const good = deployment('spoiled', { replicas: 2 }, [
        container('a', { ports, env: [{ name: 'A', value: '1' }] }),
      ]);
      await done(apply(path, 'me', good), 201);
      const entries = [
        {
          manager: 'x',
          operation: 'Apply',
          apiVersion: 'apps/v1',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:spec': { 'f:a': {} } },
        },
      ];
      const seen = new Set<number>();
      for (let round = 0; round < 400; round++) {
        const where = ['', '', '/status', '/scale'][round % 4] ?? '';
        const answer = await apply(`${path}${where}`, `m${round % 3}`, spoiled(good), 'force=true');
        const reset = await merge(path, 'me', { metadata: { managedFields: spoiled(entries) } });
        for (const { status, json } of [answer, reset]) {
          assert.ok(status < 500, JSON.stringify(json));
          if (status >= 300) assert.equal(json.kind, 'Status');
          seen.add(status);
        }
      }
      for (const status of [200, 400, 422]) assert.ok(seen.has(status), `${status}`);
    });

    it('loses no race: many appliers at once, each with a field of his own', async () => {
      const path = `${CONFIG_MAPS}/race`;
      const all = Array.from({ length: 16 }, (_, index) => `m${index}`);
      const answers = await Promise.all(all.map(name => apply(path, name, configMap('race', { [name]: '1' }))));
      assert.deepEqual(new Set(answers.map(a => a.status)), new Set([200, 201]));
      const final = await get(path);
      assert.deepEqual(Object.keys(final.json.data).sort(), [...all].sort());
      assert.equal(entriesOf(final).length, all.length);
    });
  });

  for (const version of kubectlVersions) {
    describe(`kubectl ${version}`, () => {
      let kubectl: Kubectl;
      before(async () => {
        kubectl = new Kubectl(
          await kubectlPath(version),
          server.kubeconfig,
          join(server.directory, `cache-${version}`),
        );
      });
      const yaml = (image: string, more = ''): string =>
        `apiVersion: apps/v1
kind: Deployment
metadata: {name: app, labels: {app: app}}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: web
        image: ${image}
${more}`;
      const who = '-o jsonpath={range .metadata.managedFields[*]}{.manager}:{.operation};{end}';

      it('applies, shows and hides the managers, meets a conflict and forces it', async () => {
        const apply = 'apply --server-side -f -';
        assert.equal(await kubectl.ok(apply, yaml('a:1')), 'deployment.apps/app serverside-applied\n');
        assert.ok(!(await kubectl.ok('get deploy app -o yaml')).includes('managedFields'));
        assert.match(await kubectl.ok('get deploy app -o yaml --show-managed-fields'), /manager: kubectl\n/);
        await kubectl.ok('set image deploy/app web=b:1');
        const conflict = await kubectl.fails(apply, yaml('a:1'));
        assert.match(
          conflict,
          /Apply failed with 1 conflict: conflict with "kubectl-set" using apps\/v1: \.spec\.template\.spec\.containers\[name="web"\]\.image/,
        );
        await kubectl.ok(`${apply} --force-conflicts`, yaml('a:1'));
        assert.equal(await kubectl.ok('get deploy app -o jsonpath={..image}'), 'a:1');
        await kubectl.ok(`${apply} --field-manager=other`, yaml('a:1', '        env: [{name: A, value: "1"}]\n'));
        await kubectl.ok(`${apply} --field-manager=other`, yaml('a:1'));
        assert.equal(await kubectl.ok('get deploy app -o jsonpath={..env}'), '');
        await kubectl.ok('delete deploy app');
      });

      it('shows what an apply would change', async () => {
        await kubectl.ok('apply --server-side -f -', yaml('a:1'));
        const { code, out, err } = await kubectl.run('diff --server-side -f -', yaml('c:1'));
        assert.equal(code, 1, err);
        assert.match(out, /^\+ .*image: c:1$/m);
        assert.equal((await kubectl.run('diff --server-side -f -', yaml('a:1'))).code, 0);
        await kubectl.ok('delete deploy app');
      });

      it('goes over from client-side apply, and back', async () => {
        await kubectl.ok('apply -f -', yaml('a:1'));
        assert.match(await kubectl.ok('apply view-last-applied deploy app'), /image: a:1/);
        assert.equal(await kubectl.ok(['get', 'deploy', 'app', ...split(who)]), 'kubectl-client-side-apply:Update;');
        await kubectl.ok('apply --server-side -f -', yaml('a:2'));
        const after = await kubectl.ok(['get', 'deploy', 'app', ...split(who)]);
        assert.ok(after.includes('kubectl:Apply;') && !after.includes('kubectl-client-side-apply'), after);
        assert.match(await kubectl.ok('apply view-last-applied deploy app'), /image: a:2/);
        assert.match(await kubectl.ok('apply -f -', yaml('a:3')), /configured/);
        assert.equal(await kubectl.ok('get deploy app -o jsonpath={..image}'), 'a:3');
        await kubectl.ok('delete deploy app');
      });
    });
  }
});

/** `-o jsonpath={…}` holds spaces of its own. */
const split = (flag: string): string[] => ['-o', flag.slice('-o '.length)];
