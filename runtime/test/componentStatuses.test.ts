/** `kubectl get componentstatuses`: what runs in the server's process and its store, as they are now. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ask } from './apiserverAsk.ts';
import { Kubectl, kubectlPath, kubectlVersions } from './kubectl.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const PATH = '/api/v1/componentstatuses';
const WARNING = '299 - "v1 ComponentStatus is deprecated in v1.19+"';

describe('componentstatuses', () => {
  let server: InProcessServer;
  /** Why the scheduler does not work; empty: it does. */
  let wrong = '';
  const of = (name: string, condition: object): object => ({
    metadata: { name },
    conditions: [{ type: 'Healthy', ...condition }],
  });
  const healthy = { status: 'True', message: 'ok' };

  before(async () => {
    const components = [
      { name: 'scheduler', check: () => wrong },
      { name: 'controller-manager', check: () => '' },
    ];
    server = await startServer({ api: { components } });
  });
  after(() => server.close());

  for (const version of kubectlVersions)
    it(`kubectl ${version} prints them as upstream's, with its warning`, async () => {
      const kubectl = new Kubectl(await kubectlPath(version), server.kubeconfig, join(server.directory, version));
      const { out, err } = await kubectl.run('get componentstatuses');
      assert.equal(
        out.replace(/ +$/gm, ''),
        [
          'NAME                 STATUS    MESSAGE   ERROR',
          'scheduler            Healthy   ok',
          'controller-manager   Healthy   ok',
          'etcd-0               Healthy   ok',
          '',
        ].join('\n'),
      );
      assert.equal(err, 'Warning: v1 ComponentStatus is deprecated in v1.19+\n');
      assert.equal(await kubectl.ok('get cs scheduler -o name'), 'componentstatus/scheduler\n');
      assert.match(await kubectl.ok('get cs -o yaml'), /kind: ComponentStatus\n/);
      assert.match(await kubectl.fails('get cs other'), /\(NotFound\): componentstatuses "other" not found/);
      assert.match(await kubectl.fails('delete cs scheduler'), /MethodNotAllowed/);
    });

  it('is a list without revisions, and one by its name', async () => {
    const { handler } = server.apiServer;
    const { json, headers } = await ask(handler, `GET ${PATH}`);
    assert.deepEqual(json, {
      kind: 'ComponentStatusList',
      apiVersion: 'v1',
      metadata: {},
      items: [of('scheduler', healthy), of('controller-manager', healthy), of('etcd-0', healthy)],
    });
    assert.equal(headers.warning, WARNING);
    const one = await ask(handler, `GET ${PATH}/etcd-0`);
    assert.deepEqual(one.json, { kind: 'ComponentStatus', apiVersion: 'v1', ...of('etcd-0', healthy) });
    assert.equal(one.headers.warning, WARNING);
  });

  it('says what is wrong, and is the truth of the moment', async () => {
    wrong = 'it waits for the first list of pods';
    const asked = `GET ${PATH}?fieldSelector=metadata.name%3Dscheduler`;
    const { json } = await ask(server.apiServer.handler, asked);
    assert.deepEqual(json.items, [of('scheduler', { status: 'False', error: wrong })]);
    const headers = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };
    const table = await ask(server.apiServer.handler, asked, { headers });
    assert.deepEqual(table.json.rows[0].cells, ['scheduler', 'Unhealthy', '', wrong]);
    wrong = '';
    const again = await ask(server.apiServer.handler, asked);
    assert.deepEqual(again.json.items, [of('scheduler', healthy)]);
  });

  it('can be had in every form', async () => {
    const { handler } = server.apiServer;
    const answered = async (accept: string): Promise<string> => {
      const { status, headers } = await ask(handler, `GET ${PATH}`, { headers: { accept } });
      return `${status} ${headers['content-type']}`;
    };
    assert.equal(await answered('application/yaml'), '200 application/yaml');
    assert.equal(await answered('application/vnd.kubernetes.protobuf'), '200 application/vnd.kubernetes.protobuf');
    assert.equal(
      await answered('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'),
      '200 application/json',
    );
    assert.match(await answered('application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'), /^406 /);
  });
});
