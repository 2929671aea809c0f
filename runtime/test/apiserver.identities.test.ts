/** Who may do what: joining, nodes, service accounts, nobody; and the subresources that go with them. */
import assert from 'node:assert/strict';
import { createPublicKey, sign } from 'node:crypto';
import https from 'node:https';
import { after, before, describe, it } from 'node:test';
import type { User } from '../src/lib/exchange.ts';
import { generateKeyPair } from '../src/lib/x509.ts';
import { type Answered, ask, type Question } from './apiserverAsk.ts';
import { type InProcessServer, NODE_SECRET, startServer } from './startServer.ts';

let server: InProcessServer;
const call = (line: string, question?: Question): Promise<Answered> => ask(server.apiServer.handler, line, question);

const node = (name: string): User => ({ name: `system:node:${name}`, groups: ['system:nodes'] });
const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const someone: User = { name: 'jane', groups: ['system:authenticated'] };
const PODS = '/api/v1/namespaces/default/pods';
const mergePatch = { 'content-type': 'application/merge-patch+json' };

const pod = (name: string, spec: object = {}): object => ({
  metadata: { name },
  spec: {
    containers: [{ name: 'a', image: 'example.test/a:1', envFrom: [{ secretRef: { name: 'used' } }] }],
    ...spec,
  },
});

async function must(status: number, line: string, question?: Question): Promise<Answered> {
  const answer = await call(line, question);
  assert.equal(answer.status, status, `${line}: ${answer.bytes.toString().slice(0, 500)}`);
  return answer;
}

describe('identities', { timeout: 120_000 }, () => {
  before(async () => {
    server = await startServer();
    await must(201, 'POST /api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
    for (const name of ['used', 'unused']) {
      await must(201, 'POST /api/v1/namespaces/default/secrets', {
        body: { metadata: { name }, stringData: { a: 'b' } },
      });
    }
  });
  after(() => server.close());

  const allowed: readonly (readonly [who: string, user: User, line: string, status: number])[] = [
    ['nobody', nobody, 'GET /livez', 200],
    ['nobody', nobody, 'GET /readyz', 200],
    ['nobody', nobody, 'GET /version', 200],
    ['nobody', nobody, 'GET /cacerts', 200],
    ['nobody', nobody, 'GET /metrics', 403],
    ['nobody', nobody, 'GET /api', 403],
    ['nobody', nobody, 'GET /apis', 403],
    ['nobody', nobody, 'GET /openapi/v2', 403],
    ['nobody', nobody, 'GET /api/v1/namespaces', 403],
    ['nobody', nobody, 'GET /nothing', 403],
    ['someone', someone, 'GET /api', 200],
    ['someone', someone, 'GET /apis/apps/v1', 200],
    ['someone', someone, 'GET /openapi/v3', 200],
    ['someone', someone, 'GET /metrics', 403],
    ['someone', someone, 'GET /api/v1/pods', 403],
    ['a node', node('n1'), 'GET /api/v1/nodes', 200],
    ['a node', node('n1'), 'GET /api/v1/services', 200],
    ['a node', node('n1'), 'GET /apis/discovery.k8s.io/v1/endpointslices', 200],
    ['a node', node('n1'), 'GET /api/v1/pods', 403],
    ['a node', node('n1'), 'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn1', 200],
    ['a node', node('n1'), 'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn2', 403],
    ['a node', node('n1'), 'GET /api/v1/secrets', 403],
    ['a node', node('n1'), 'GET /api/v1/namespaces/default/secrets', 403],
    ['a node', node('n1'), 'GET /apis/apps/v1/deployments', 403],
    ['a node', node('n1'), 'DELETE /api/v1/nodes/n1', 403],
    ['a node', node('n1'), 'GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2', 403],
    ['a node', node('n1'), 'GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1', 404],
  ];
  for (const [who, user, line, status] of allowed) {
    it(`${who}: ${line} → ${status}`, async () => {
      await must(status, line, { user });
    });
  }

  it('a node makes and changes itself, its lease and its pods’ status, and nobody else’s', async () => {
    const n1 = node('n1');
    await must(201, 'POST /api/v1/nodes', { user: n1, body: { metadata: { name: 'n1' } } });
    await must(403, 'POST /api/v1/nodes', { user: n1, body: { metadata: { name: 'n2' } } });
    await must(201, 'POST /api/v1/nodes', { user: node('n2'), body: { metadata: { name: 'n2' } } });
    const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    await must(200, 'PATCH /api/v1/nodes/n1/status', { user: n1, body: status, headers: mergePatch });
    await must(403, 'PATCH /api/v1/nodes/n2/status', { user: n1, body: status, headers: mergePatch });
    const lease = { metadata: { name: 'n1' }, spec: { holderIdentity: 'n1' } };
    await must(201, 'POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', { user: n1, body: lease });
    const foreign = { ...lease, metadata: { name: 'n2' } };
    await must(403, 'POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', { user: n1, body: foreign });

    await must(201, `POST ${PODS}`, { body: pod('mine') });
    await must(403, `PATCH ${PODS}/mine/status`, { user: n1, body: {}, headers: mergePatch });
    await must(201, `POST ${PODS}/mine/binding`, {
      body: { metadata: { name: 'mine' }, target: { kind: 'Node', name: 'n1' } },
    });
    const again = await must(409, `POST ${PODS}/mine/binding`, {
      body: { metadata: { name: 'mine' }, target: { name: 'n2' } },
    });
    assert.match(again.json.message, /pod mine is already assigned to node "n1"/);
    const running = { status: { phase: 'Running' } };
    const changed = await must(200, `PATCH ${PODS}/mine/status`, { user: n1, body: running, headers: mergePatch });
    assert.equal(changed.json.status.phase, 'Running');
    assert.equal(changed.json.status.conditions[0].type, 'PodScheduled');
    await must(403, `PATCH ${PODS}/mine/status`, { user: node('n2'), body: running, headers: mergePatch });
    await must(403, `PATCH ${PODS}/mine`, { user: n1, body: {}, headers: mergePatch });
    await must(200, 'GET /api/v1/namespaces/default/secrets/used', { user: n1 });
    await must(403, 'GET /api/v1/namespaces/default/secrets/unused', { user: n1 });
    await must(403, 'GET /api/v1/namespaces/default/secrets/used', { user: node('n2') });
    await must(403, `POST ${PODS}`, { user: n1, body: pod('other', { nodeName: 'n1' }) });
  });

  it('a pod’s token ends with the pod', async () => {
    const mine = await must(200, `GET ${PODS}/mine`);
    const request = {
      spec: {
        expirationSeconds: 600,
        boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'mine', uid: mine.json.metadata.uid },
      },
    };
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    await must(403, `POST ${path}`, { user: node('n2'), body: request });
    const { json } = await must(201, `POST ${path}`, { user: node('n1'), body: request });
    const review = async (): Promise<{
      authenticated: boolean;
      user: { username: string; extra: Record<string, string[]> };
    }> =>
      (
        await must(201, 'POST /apis/authentication.k8s.io/v1/tokenreviews', {
          body: { spec: { token: json.status.token } },
        })
      ).json.status;
    const good = await review();
    assert.equal(good.user.username, 'system:serviceaccount:default:default');
    assert.deepEqual(good.user.extra['authentication.kubernetes.io/pod-name'], ['mine']);
    const other = await must(201, 'POST /apis/authentication.k8s.io/v1/tokenreviews', {
      body: { spec: { token: json.status.token, audiences: ['other'] } },
    });
    assert.ok(!other.json.status.authenticated);
    const wrongUid = { spec: { ...request.spec, boundObjectRef: { ...request.spec.boundObjectRef, uid: 'other' } } };
    await must(409, `POST ${path}`, { body: wrongUid });
    await must(422, `POST ${path}`, { body: { spec: { expirationSeconds: 10 } } });
    await must(200, `DELETE ${PODS}/mine?gracePeriodSeconds=0`);
  });

  it('says who one is and what one may', async () => {
    const whoami = await must(201, 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', {
      user: someone,
      body: {},
    });
    assert.equal(whoami.json.status.userInfo.username, 'jane');
    const may = async (attributes: object, user = someone): Promise<boolean> =>
      (
        await must(201, 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          user,
          body: { spec: { resourceAttributes: attributes } },
        })
      ).json.status.allowed === true;
    const reads = { verb: 'get', resource: 'pods', namespace: 'default' };
    assert.equal(await may(reads), false);
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await must(201, `POST ${rbac}/clusterroles`, {
      body: { metadata: { name: 'pods' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
    });
    await must(201, `POST ${rbac}/namespaces/default/rolebindings`, {
      body: {
        metadata: { name: 'jane' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pods' },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
      },
    });
    assert.equal(await may(reads), true);
    assert.equal(await may({ ...reads, namespace: 'kube-system' }), false);
    assert.equal(await may({ ...reads, verb: 'delete' }), false);
    assert.equal(await may({ ...reads, subresource: 'log' }), false);
    await must(200, `DELETE ${rbac}/namespaces/default/rolebindings/jane`);
    assert.equal(await may(reads), false);
  });

  it('takes containers to look at a pod with, through their subresource only, and keeps them', async () => {
    await must(201, `POST ${PODS}`, { body: pod('seen', { nodeName: 'n1' }) });
    const merge = (path: string, spec: object, status: number): Promise<Answered> =>
      must(status, `PATCH ${PODS}/seen${path}`, { headers: mergePatch, body: { spec } });
    const look = { name: 'look', image: 'example.test/tools:1', targetContainerName: 'a' };
    await merge('', { ephemeralContainers: [look] }, 422);
    const { json } = await merge('/ephemeralcontainers', { ephemeralContainers: [look], hostname: 'other' }, 200);
    assert.equal(json.spec.ephemeralContainers[0].terminationMessagePath, '/dev/termination-log');
    assert.equal(json.spec.hostname, undefined, 'nothing else comes this way');
    assert.equal(json.metadata.generation, 2);
    const added = json.spec.ephemeralContainers[0];
    for (const [containers, told] of [
      [[], /existing ephemeral containers "look" may not be removed/],
      [[{ ...added, image: 'x' }], /existing ephemeral containers "look" may not be changed/],
      [[added, { ...look, name: 'a' }], /\[1\]\.name: Duplicate value: "a"/],
      [[added, { ...look, name: 'b', targetContainerName: 'c' }], /targetContainerName: Not found: "c"/],
      [
        [added, { ...look, name: 'b', ports: [{ containerPort: 1 }] }],
        /ports: Forbidden: cannot be set for an Ephemeral/,
      ],
    ] as const)
      assert.match((await merge('/ephemeralcontainers', { ephemeralContainers: containers }, 422)).json.message, told);
    await must(200, `DELETE ${PODS}/seen?gracePeriodSeconds=0`);
  });

  it('lets those act as others who may, and only as those', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await must(201, `POST ${rbac}/clusterroles`, {
      body: {
        metadata: { name: 'actor' },
        rules: [
          { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['bob'] },
          { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
          { verbs: ['impersonate'], apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes'] },
        ],
      },
    });
    await must(201, `POST ${rbac}/clusterrolebindings`, {
      body: {
        metadata: { name: 'actor' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'actor' },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
      },
    });
    const admin: User = { name: 'system:admin', groups: ['system:masters'] };
    const account = 'system:serviceaccount:default:robot';
    const table: readonly (readonly [user: User, headers: Record<string, string>, told: RegExp])[] = [
      [admin, { 'impersonate-user': 'bob' }, /^bob \[system:authenticated\]$/],
      [admin, { 'impersonate-user': 'bob', 'impersonate-group': 'a, b' }, /^bob \[a b system:authenticated\]$/],
      [
        admin,
        { 'impersonate-user': account },
        /^\S+:robot \[system:serviceaccounts system:serviceaccounts:default system:authenticated\]$/,
      ],
      [admin, { 'impersonate-user': 'system:anonymous' }, /^403 .*User "system:anonymous" cannot create/],
      [admin, { 'impersonate-group': 'a' }, /^400 requested .* without impersonating a user/],
      [someone, { 'impersonate-user': 'bob' }, /^bob \[system:authenticated\]$/],
      [someone, { 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'x' }, /^bob .*"scopes":\["x"\]/],
      [someone, { 'impersonate-user': account }, /robot/],
      [
        someone,
        { 'impersonate-user': 'eve' },
        /^403 users "eve" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope/,
      ],
      [someone, { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' }, /^403 groups "system:masters" /],
      [someone, { 'impersonate-user': 'bob', 'impersonate-uid': '7' }, /^403 uids\.authentication\.k8s\.io "7" /],
      [nobody, { 'impersonate-user': 'bob' }, /^403 users "bob" is forbidden/],
    ];
    for (const [user, headers, told] of table) {
      const { status, json } = await call('POST /apis/authentication.k8s.io/v1/selfsubjectreviews', {
        user,
        headers,
        body: {},
      });
      const { username, groups = [], extra } = json.status.userInfo ?? {};
      const text = status === 201 ? `${username} [${groups.join(' ')}]` : `${status} ${json.message}`;
      assert.match(`${text}${extra ? ` ${JSON.stringify(extra)}` : ''}`, told, JSON.stringify(headers));
    }
    // What is done is done as the other.
    await must(403, `GET ${PODS}`, { user: admin, headers: { 'impersonate-user': 'bob' } });
  });

  it('lets a node in with the token, and its name to no other key', async () => {
    const first = generateKeyPair();
    const joined = await join(first.privateKey, 'edge-1', NODE_SECRET);
    assert.equal(joined.status, 200, joined.text);
    const { clientCertificatePem, clientCaPem, serverCaPem } = JSON.parse(joined.text);
    assert.match(clientCertificatePem, /BEGIN CERTIFICATE/);
    assert.equal(clientCaPem, server.pki.clientCa.certificatePem);
    assert.equal(serverCaPem, server.ca);
    const key = first.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const own = await overTls('GET', '/api/v1/nodes', undefined, { cert: clientCertificatePem, key });
    assert.equal(own.status, 200, own.text);
    assert.equal((await join(first.privateKey, 'edge-1', NODE_SECRET)).status, 200); // again, with the same key
    const stolen = await join(generateKeyPair().privateKey, 'edge-1', NODE_SECRET);
    assert.equal(stolen.status, 403);
    assert.match(stolen.text, /kubectl delete secret -n kube-system edge-1\.node-identity\.atoll/);
    assert.equal((await join(first.privateKey, 'edge-2', NODE_SECRET, 'edge-3')).status, 403); // the proof is of another name
    assert.equal((await join(first.privateKey, 'Edge_2', NODE_SECRET)).status, 400);
    const refusals: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++)
      refusals.push((await join(first.privateKey, 'edge-2', 'wrong')).status);
    assert.deepEqual(
      refusals.slice(0, 10),
      Array.from({ length: 10 }, () => 401),
    );
    assert.equal(refusals.at(-1), 429);
  });

  it('a certificate of another authority is nobody’s', async () => {
    const { serverCa } = server.pki;
    const answer = await overTls('GET', '/api/v1/nodes', undefined, {
      cert: serverCa.certificatePem,
      key: serverCa.privateKeyPem,
    });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /system:anonymous/);
  });

  it('publishes the keys of its tokens', async () => {
    const configuration = await must(200, 'GET /.well-known/openid-configuration');
    assert.equal(configuration.json.issuer, 'https://kubernetes.default.svc.cluster.local');
    const keys = JSON.parse((await must(200, 'GET /openid/v1/jwks')).bytes.toString());
    assert.equal(keys.keys[0].kty, 'EC');
    assert.equal(keys.keys[0].d, undefined);
  });

  it('namespaces end only when they are empty and finalized', async () => {
    await must(201, 'POST /api/v1/namespaces', { body: { metadata: { name: 'ending' } } });
    const deleted = await must(200, 'DELETE /api/v1/namespaces/ending');
    assert.equal(deleted.json.status.phase, 'Terminating');
    const refused = await must(403, 'POST /api/v1/namespaces/ending/configmaps', {
      body: { metadata: { name: 'late' } },
    });
    assert.equal(refused.json.details.causes[0].reason, 'NamespaceTerminating');
    const finalized = { ...deleted.json, spec: { finalizers: [] } };
    await must(200, 'PUT /api/v1/namespaces/ending/finalize', { body: finalized });
    await must(404, 'GET /api/v1/namespaces/ending');
  });

  it('finalizers and propagation hold an object until they are gone', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    await must(201, `POST ${maps}`, { body: { metadata: { name: 'held', finalizers: ['example.test/hold'] } } });
    const held = await must(200, `DELETE ${maps}/held?propagationPolicy=Foreground`);
    assert.deepEqual(held.json.metadata.finalizers, ['example.test/hold', 'foregroundDeletion']);
    await must(422, `PATCH ${maps}/held`, {
      body: { metadata: { finalizers: ['example.test/hold', 'example.test/new'] } },
      headers: mergePatch,
    });
    await must(200, `PATCH ${maps}/held`, {
      body: { metadata: { finalizers: ['example.test/hold'] } },
      headers: mergePatch,
    });
    await must(200, `GET ${maps}/held`);
    await must(200, `PATCH ${maps}/held`, { body: { metadata: { finalizers: null } }, headers: mergePatch });
    await must(404, `GET ${maps}/held`);
  });

  it('16 writers of one object all get through without conflicts they did not ask for', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    await must(201, `POST ${maps}`, { body: { metadata: { name: 'busy' } } });
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        must(200, `PATCH ${maps}/busy`, { body: { data: { [`k${index}`]: 'v' } }, headers: mergePatch }),
      ),
    );
    const { json } = await must(200, `GET ${maps}/busy`);
    assert.equal(Object.keys(json.data).length, 16);
    await must(409, `PATCH ${maps}/busy`, {
      body: { metadata: { resourceVersion: '1' }, data: { z: 'z' } },
      headers: mergePatch,
    });
  });
});

function join(
  privateKey: ReturnType<typeof generateKeyPair>['privateKey'],
  nodeName: string,
  secret: string,
  proven = nodeName,
): Promise<{ status: number; text: string }> {
  const proof = sign('sha256', Buffer.from(`atoll-join:${proven}`), privateKey).toString('base64');
  const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const authorization = `Basic ${Buffer.from(`node:${secret}`).toString('base64')}`;
  return overTls(
    'POST',
    '/v1-atoll/certificates',
    JSON.stringify({ nodeName, publicKeyPem, proof }),
    {},
    { authorization },
  );
}

function overTls(
  method: string,
  path: string,
  body: string | undefined,
  identity: { readonly cert?: string; readonly key?: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      `${server.url}${path}`,
      { method, ca: server.ca, agent: false, headers, ...identity },
      response => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
