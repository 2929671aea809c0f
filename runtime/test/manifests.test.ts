/** Manifests in a folder of the server, applied and removed through the real API. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isNotFound } from '../src/client/apiError.ts';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { ConfigMaps, type ResourceRef, Services } from '../src/client/resources.ts';
import { manifestsUser } from '../src/controllers/identities.ts';
import { startControllers } from '../src/controllers/index.ts';
import { recordName } from '../src/controllers/manifests/applied.ts';
import { deployManifests } from '../src/controllers/manifests/index.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: default\ndata:\n  key: "${value}"\n`;
const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions:
  - name: v1
    served: true
    storage: true
    schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
---
apiVersion: example.com/v1
kind: Widget
metadata: { name: first }
size: 3
`;
const Widgets: ResourceRef = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

describe('manifests that are applied by themselves', { timeout: 120_000 }, () => {
  let server: InProcessServer;
  let client: Client;
  /** Of what applies them, who may do it by the policy of the start. */
  let own: Client;
  let controllers: Promise<void> = Promise.resolve();
  const stopControllers = new AbortController();
  let root: string;
  let folder: string;
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let problems: Readonly<Record<string, string>> = {};

  before(async () => {
    server = await startServer();
    client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
    own = new Client(inProcessTransport(server.apiServer.handler, manifestsUser));
    // Definitions are served when the controllers have looked at their names.
    controllers = startControllers(
      { client, logger: silentLogger, options: { rootCaPem: server.ca } },
      stopControllers.signal,
    );
  });
  after(async () => {
    stopControllers.abort();
    await controllers;
    await server.close();
  });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-manifests-'));
    folder = join(root, 'manifests');
    await mkdir(folder);
    problems = {};
  });
  afterEach(async () => {
    await end();
    await rm(root, { recursive: true });
  });

  const start = (disabled: readonly string[] = []): void => {
    stop = new AbortController();
    running = deployManifests(
      {
        client: own,
        folders: [folder, join(root, 'second')],
        disabled,
        clock: systemClock,
        logger: silentLogger,
        onProblems: found => {
          problems = found;
        },
      },
      stop.signal,
    );
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const keyOf = async (name: string): Promise<string | undefined> => {
    try {
      return (await client.get(ConfigMaps, { namespace: 'default', name })).data?.key;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
    for (const deadline = Date.now() + 30_000; !(await holds()); await setTimeout(25))
      assert.ok(Date.now() < deadline, `${what}; problems: ${JSON.stringify(problems)}`);
  };

  it('are applied, changed, and removed with the file', async () => {
    await write('a.yaml', `${configMap('a', '1')}---\n${configMap('b', '1')}`);
    start();
    await until('both are there', async () => (await keyOf('a')) === '1' && (await keyOf('b')) === '1');
    await until('it is recorded', async () => {
      const records = await client.list(ConfigMaps, { namespace: 'kube-system', labelSelector: 'atoll.dev/manifest' });
      return records.items.some(({ metadata, data }) => metadata.name === recordName('a') && data?.checksum !== '');
    });
    const { metadata } = await client.get(ConfigMaps, { namespace: 'default', name: 'a' });
    assert.equal(metadata.managedFields?.[0]?.manager, 'atoll-manifests');
    assert.equal(metadata.managedFields?.[0]?.operation, 'Apply');
    await write('a.yaml', configMap('a', '2'));
    await until('one has changed, the other is gone', async () => {
      return (await keyOf('a')) === '2' && (await keyOf('b')) === undefined;
    });
    await rm(join(folder, 'a.yaml'));
    await until('all is gone', async () => (await keyOf('a')) === undefined);
    await until('the record, too', async () => {
      const records = await client.list(ConfigMaps, { namespace: 'kube-system', labelSelector: 'atoll.dev/manifest' });
      return records.items.length === 0;
    });
  });

  it('what was taken away while the server was down is removed at the next start; what is unchanged is not written', async () => {
    await write('one.yaml', configMap('one', '1'));
    await write('two.yaml', configMap('two', '1'));
    start();
    await until('both are there', async () => (await keyOf('one')) === '1' && (await keyOf('two')) === '1');
    await until('they are recorded', async () => {
      const records = await client.list(ConfigMaps, { namespace: 'kube-system', labelSelector: 'atoll.dev/manifest' });
      return records.items.filter(record => record.data?.checksum !== '').length === 2;
    });
    await end();
    const before = (await client.get(ConfigMaps, { namespace: 'default', name: 'two' })).metadata.resourceVersion;
    await rm(join(folder, 'one.yaml'));
    start();
    await until('one is gone', async () => (await keyOf('one')) === undefined);
    const two = await client.get(ConfigMaps, { namespace: 'default', name: 'two' });
    assert.equal(two.metadata.resourceVersion, before);
    await rm(join(folder, 'two.yaml'));
    await until('two is gone', async () => (await keyOf('two')) === undefined);
  });

  it('a definition and an object of it in one file', async () => {
    await write('crd.yaml', crd);
    start();
    const found = async (): Promise<boolean> =>
      client.get(Widgets, { namespace: 'default', name: 'first' }).then(
        () => true,
        () => false,
      );
    await until('the widget is there', found);
    await until('nothing is wrong', () => Object.keys(problems).length === 0);
    await rm(join(folder, 'crd.yaml'));
    await until('it is gone', async () => !(await found()));
  });

  it('.skip: nothing is done about the file, and what it made stays', async () => {
    await write('skip.yaml', configMap('skipped', '1'));
    await write('skip.yaml.skip', '');
    await write('other.yaml', configMap('other', '1'));
    start();
    await until('the other is there', async () => (await keyOf('other')) === '1');
    assert.equal(await keyOf('skipped'), undefined);
    await rm(join(folder, 'skip.yaml.skip'));
    await until('it is there', async () => (await keyOf('skipped')) === '1');
    await write('skip.yaml.skip', '');
    await write('skip.yaml', configMap('skipped', '2'));
    await write('other.yaml', configMap('other', '2'));
    await until('the other has changed', async () => (await keyOf('other')) === '2');
    assert.equal(await keyOf('skipped'), '1');
  });

  it('disabled: it is not applied, and removed where it was', async () => {
    await write('gone.yaml', configMap('gone', '1'));
    start();
    await until('it is there', async () => (await keyOf('gone')) === '1');
    await end();
    start(['gone']);
    await until('it is gone', async () => (await keyOf('gone')) === undefined);
  });

  it('one that is wrong is told with the reason, does not hold up the others, and is applied when it is right', async () => {
    await write('bad.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad\n');
    await write('none.yaml', 'apiVersion: nowhere.example.com/v1\nkind: Nothing\nmetadata: {name: x}\n');
    await write(
      'refused.yaml',
      'apiVersion: v1\nkind: Service\nmetadata: {name: refused}\nspec: {ports: [{port: 99999}]}\n',
    );
    await write('Big_Name.yaml', configMap('big', '1'));
    await write('good.yaml', configMap('good', '1'));
    start();
    await until('the good one is there', async () => (await keyOf('good')) === '1');
    await until('all are told', () => Object.keys(problems).length === 4);
    assert.match(problems[join(folder, 'bad.yaml')] ?? '', /line 4, column 1/);
    assert.match(problems[join(folder, 'none.yaml')] ?? '', /Nothing x: the server does not serve Nothing of nowhere/);
    assert.match(problems[join(folder, 'refused.yaml')] ?? '', /Service refused: .*must be between 1 and 65535/);
    assert.match(problems[join(folder, 'Big_Name.yaml')] ?? '', /lower-case/);
    await write(
      'refused.yaml',
      'apiVersion: v1\nkind: Service\nmetadata: {name: refused}\nspec: {ports: [{port: 80}]}\n',
    );
    for (const name of ['bad.yaml', 'none.yaml', 'Big_Name.yaml']) await rm(join(folder, name));
    await until('nothing is wrong any more', () => Object.keys(problems).length === 0);
    await client.get(Services, { namespace: 'default', name: 'refused' });
  });

  it('the later folder wins, whenever it comes', async () => {
    await write('same.yaml', configMap('same', 'first'));
    start();
    await until('the first', async () => (await keyOf('same')) === 'first');
    await writeFile(join(root, 'second', 'same.yaml'), configMap('same', 'second'));
    await until('the second', async () => (await keyOf('same')) === 'second');
  });

  it('a list is its items', async () => {
    const item = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'listed' }, data: { key: 'yes' } };
    await write('list.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item] }));
    start();
    await until('it is there', async () => (await keyOf('listed')) === 'yes');
  });
});
