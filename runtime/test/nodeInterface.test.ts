/** The node's own API through the cluster: the real API server, mutual TLS, RBAC, the real tunnel. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { Status } from '../src/api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { type NodeUpgradeReport, nodePath } from '../src/api/nodeUpgrade.ts';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { ClusterRoles } from '../src/client/resources.ts';
import type { KeyPair } from '../src/lib/pki.ts';
import { entry, type FolderMachine, ROOTHASH, startFolderMachine } from './nodeInterfaceFixture.ts';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

const DEADLINE_MS = 30_000;
const NODE = 'node-a';

describe("the node's own API", { timeout: 2 * DEADLINE_MS }, () => {
  let server: InProcessServer;
  let machine: FolderMachine;

  before(async () => {
    server = await startServer();
    machine = await startFolderMachine(server, NODE);
    const client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
    for (const [name, verbs] of [
      ['looker', ['get']],
      ['doer', ['create']],
    ] as const) {
      const rules = [{ apiGroups: [''], resources: ['nodes/proxy'], verbs: [...verbs] }];
      await client.create(ClusterRoles, { metadata: { name }, rules });
      await client.rawJson({
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(
          JSON.stringify({
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRoleBinding',
            metadata: { name },
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
            subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
          }),
        ),
      });
    }
  });
  after(async () => {
    await machine?.close();
    await server?.close();
  });

  interface Answer {
    readonly code: number;
    readonly json: unknown;
    readonly headers: IncomingMessage['headers'];
  }

  const open = async (path: string, body?: unknown, as?: KeyPair, type = 'application/json') => {
    const { certificatePem, privateKeyPem } = as ?? server.admin;
    const request = https.request(`${server.url}${nodePath(NODE, path)}`, {
      ca: server.ca,
      cert: certificatePem,
      key: privateKeyPem,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': type },
      agent: false,
      timeout: DEADLINE_MS,
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { request, response };
  };
  const ask = async (...of: Parameters<typeof open>): Promise<Answer> => {
    const { response } = await open(...of);
    const said = await text(response);
    const isJson = response.headers['content-type'] === 'application/json';
    return { code: response.statusCode ?? 0, json: isJson ? JSON.parse(said) : said, headers: response.headers };
  };
  const user = (name: string, ...groups: string[]): KeyPair => server.certificateFor(name, groups);

  const paths = ['upgrade', 'health', 'status', 'config', 'logs', 'upgrade?follow=true'];
  const posts = ['upgrade', 'upgrade/check', 'rollback', 'reset'];

  it('is nobody else’s: not an ordinary user’s, not another node’s, not the node’s itself', async () => {
    const strangers = [
      user('jane'),
      user('system:node:node-b', 'system:nodes'),
      user(`system:node:${NODE}`, 'system:nodes'),
    ];
    for (const as of strangers) {
      for (const path of paths) assert.equal((await ask(path, undefined, as)).code, 403, path);
      for (const path of posts) assert.equal((await ask(path, {}, as)).code, 403, path);
    }
    const { json } = await ask('upgrade', {}, user('jane'));
    assert.equal(
      (json as Status).message,
      `nodes "${NODE}" is forbidden: User "jane" cannot create resource "nodes/proxy" in API group "" at the cluster scope`,
    );
    assert.deepEqual(machine.started, []);
  });

  it('lets whoever may get look and not do, and whoever may create do and not look', async () => {
    const [looker, doer] = [user('looker'), user('doer')];
    assert.equal((await ask('upgrade', undefined, looker)).code, 200);
    assert.equal((await ask('rollback', {}, looker)).code, 403);
    assert.equal((await ask('upgrade', undefined, doer)).code, 403);
    assert.equal((await ask('rollback', {}, doer)).code, 202);
    assert.deepEqual(machine.started.splice(0), ['atoll-rollback: rollback --yes']);
  });

  it('tells what runs, what is tried, what was refused', async () => {
    const refusal = {
      id: '2.0.0-abababab',
      version: '2.0.0',
      roothash: ROOTHASH,
      slot: 'b',
      at: '',
      check: 'pods',
    } as const;
    await machine.state({
      refused: [{ ...refusal, reason: 'web-0 does not run', kept: '/secret/place' }],
      history: [entry('fell-back', '2.0.0', 'web-0 does not run')],
    });
    const report = (await ask('upgrade')).json as NodeUpgradeReport;
    assert.deepEqual(report.running, { version: '1.0.0', roothash: ROOTHASH, slot: 'a' });
    assert.equal(report.image, 'vm-x86_64');
    assert.equal(report.busy, false);
    assert.match(report.bootId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(report.refused, [
      { id: refusal.id, at: '', version: '2.0.0', check: 'pods', reason: 'web-0 does not run' },
    ]);
    assert.equal(report.history[0]?.event, 'fell-back');
    assert.deepEqual((await ask('status')).json, { hostName: NODE, ready: true });
    assert.deepEqual((await ask('config')).json, { state: 'applied', generation: 3 });
    assert.equal((await ask('health')).code, 404);
    await machine.state({});
  });

  it('starts an upgrade as a unit, once', async () => {
    const good = await ask('upgrade', { source: 'https://example.com/channel.json', version: '2.0.0', limit: '2M' });
    assert.equal(good.code, 202);
    assert.deepEqual(machine.started.splice(0), [
      'atoll-upgrade: upgrade --limit=2M --yes -- https://example.com/vm-x86_64-2.0.0.raucb',
    ]);
    await machine.progress({ phase: 'writing', version: '2.0.0' });
    const busy = await ask('upgrade', { source: 'https://example.com/channel.json' });
    assert.equal(busy.code, 409);
    assert.match((busy.json as Status).message ?? '', /an upgrade is under way on this node/);
    assert.equal((await ask('rollback', {})).code, 409);
    await machine.progress({ phase: 'failed', message: 'no space', mayPass: false });
    assert.deepEqual(machine.started, []);
  });

  it('takes a stick that is plugged in there, and how long a server may be away', async () => {
    assert.equal((await ask('upgrade', { source: 'usb', retryFor: '2h' })).code, 202);
    assert.deepEqual(machine.started.splice(0), ['atoll-upgrade: upgrade --retry-for=2h --yes -- usb']);
  });

  it('says what an upgrade would do', async () => {
    const stdout = '{"version":"2.0.0","running":{"version":"1.0.0"},"runs":false,"downloadBytes":5,"bundleBytes":90}';
    machine.finished = { code: 0, stdout, stderr: '' };
    assert.deepEqual((await ask('upgrade/check', { source: '/run/media/usb' })).json, {
      current: '1.0.0',
      version: '2.0.0',
      wanted: true,
      message: '2.0.0 can be installed over 1.0.0; 5 of 90 bytes are to be downloaded',
    });
    assert.deepEqual(machine.started.splice(0), ['run: upgrade --check --output=json -- /run/media/usb']);
    machine.finished = { code: 1, stdout: '', stderr: 'atoll upgrade: nobody answers\n' };
    const failed = await ask('upgrade/check', { source: '/run/media/usb' });
    assert.equal(failed.code, 422);
    assert.equal((failed.json as Status).message, 'nobody answers');
    machine.started.splice(0);
  });

  const wrong: readonly (readonly [path: string, body: unknown, code: number, said: RegExp, type?: string])[] = [
    ['upgrade', {}, 422, /nothing says where the upgrade is/],
    ['upgrade', { sauce: 'x' }, 400, /unknown field "sauce"/],
    ['upgrade', { source: 1 }, 400, /source: must be a string/],
    ['upgrade', { source: '' }, 400, /must be a text of 1 to 4096/],
    ['upgrade', { source: 'a\nb' }, 400, /without control characters/],
    ['upgrade', { source: '--check' }, 400, /neither a URL, nor a path/],
    ['upgrade', { source: '/usb', version: '../x' }, 400, /is no version/],
    ['upgrade', { source: 'usb', version: '2.0.0' }, 400, /of a stick it is the newest/],
    ['upgrade', ['x'], 400, /must be a JSON object/],
    ['upgrade', { source: 'x'.repeat(70_000) }, 413, /too large/],
    ['upgrade', { source: 'x' }, 415, /application\/json/, 'text/plain'],
    ['rollback', { to: 'x' }, 400, /unknown field "to"/],
    ['reset', {}, 422, /confirm has to be its name/],
    ['reset', { confirm: 'yes' }, 422, /this erases everything on node-a/],
    ['status', {}, 405, /only GET is allowed/],
    ['nonsense', {}, 404, /does not serve \/v1-atoll\/nonsense/],
    ['constructor', {}, 404, /does not serve/],
  ];
  for (const [path, body, code, said, type] of wrong)
    it(`answers ${code} to ${path} ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const { code: answered, json } = await ask(path, body, undefined, type);
      assert.equal(answered, code);
      assert.equal((json as Status).kind, 'Status');
      assert.match((json as Status).message ?? '', said);
      assert.deepEqual(machine.started, []);
    });

  it('says outside an image that this is no Atoll machine', async () => {
    machine.image = 'none';
    for (const [path, body] of [
      ['upgrade', { source: '/x' }],
      ['upgrade/check', { source: '/x' }],
      ['rollback', {}],
      ['reset', { confirm: NODE }],
    ] as const) {
      const { code, json } = await ask(path, body);
      assert.equal(code, 501, path);
      assert.match((json as Status).message ?? '', /^this is not an Atoll machine/);
    }
    machine.image = 'vm-x86_64';
    assert.deepEqual(machine.started, []);
    assert.equal((await ask('reset', { confirm: NODE, keepIdentity: true })).code, 202);
    assert.deepEqual(machine.started.splice(0), ['atoll-reset-now: reset --yes --keep-identity']);
  });

  it('follows an upgrade line by line', async () => {
    const { request, response } = await open('upgrade?follow=true');
    const reports = createInterface({ input: response })[Symbol.asyncIterator]();
    const next = async (): Promise<NodeUpgradeReport> => JSON.parse((await reports.next()).value as string);
    await next();
    await machine.progress({ phase: 'verifying', version: '3.0.0' });
    let report = await next();
    while (report.progress?.phase !== 'verifying') report = await next();
    assert.equal(report.busy, true);
    await machine.state({ history: [entry('installed', '3.0.0')] });
    while (report.history[0]?.version !== '3.0.0') report = await next();
    request.destroy();
    await machine.progress({ phase: 'done' });
    await machine.state({});
  });

  it('gives the journal, bounded', async () => {
    const said = (await ask('logs?part=server&lines=7&since=10m')).json as string;
    const words = said
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { MESSAGE: string }).MESSAGE);
    assert.deepEqual(words.slice(4), ['--unit=atoll-server.service', '--since=-600s', '--lines=7']);
    assert.match((await ask('logs?lines=7')).json as string, /atoll-agent\.service/);
    assert.match((await ask('logs')).json as string, /--lines=1000/);
    assert.equal((await ask('logs?lines=1000000')).code, 400);
    assert.equal((await ask('logs?part=sever')).code, 400);
    assert.equal((await ask('logs?since=--file=/etc/shadow')).code, 400);
    const following = [];
    for (let i = 0; i < 4; i++) following.push(await open('logs?follow=true'));
    assert.equal((await ask('logs')).code, 429);
    for (const { request } of following) request.destroy();
    for (let code = 429; code !== 200; ) ({ code } = await ask('logs'));
  });

  it('serves metrics to whoever may get them', async () => {
    const request = https.request(`${server.url}/api/v1/nodes/${NODE}/proxy/metrics`, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
      agent: false,
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(await text(response), 'atoll_test 1\n');
  });
});
