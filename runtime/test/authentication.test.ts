/** Who one is: certificates and tokens of every kind over the wire, reviews of them, and what the audit log says of it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type OpenAudit, openAudit } from '../src/apiserver/audit/open.ts';
import { parseTokenFile } from '../src/apiserver/authentication/staticTokens.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { Kubectl, kubectlPath } from './kubectl.ts';
import { kubeconfigText } from './startServer.ts';

const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:admin]
  verbs: [get, list, watch]
- level: RequestResponse
  omitManagedFields: true
  resources: [{group: "", resources: [configmaps]}]
- level: Request
  resources: [{group: "", resources: [secrets]}]
- level: Metadata
`;

let cluster: TestCluster;
let admin: Kubectl;
let audit: OpenAudit;
let directory: string;

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** Over TLS, without a certificate. */
function curl(path: string, headers: Record<string, string> = {}, body?: object): Promise<Reply> {
  const { server } = cluster;
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: '127.0.0.1',
        port: server.port,
        ca: server.ca,
        path,
        method: body ? 'POST' : 'GET',
        headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
        agent: false,
        timeout: 30_000,
      },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isObject = text.startsWith('{') && !path.includes('watch=');
          const json = isObject ? JSON.parse(text) : text;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, json });
        });
      },
    );
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const REVIEW = '/apis/authentication.k8s.io/v1/tokenreviews';

/** `undefined`: 401. */
async function who(token: string): Promise<{ username: string; groups: string[]; uid?: string } | undefined> {
  const { status, json } = await curl(WHOAMI, bearer(token), {});
  if (status === 401) return undefined;
  assert.equal(status, 201, JSON.stringify(json));
  return json.status.userInfo;
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

// biome-ignore lint/suspicious/noExplicitAny: events are looked into as they are
async function events(): Promise<any[]> {
  const text = await readFile(join(directory, 'audit.log'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

describe('authentication', { timeout: 300_000 }, () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-authentication-'));
    const policyFile = join(directory, 'policy.yaml');
    await writeFile(policyFile, POLICY);
    audit = await openAudit({
      policyFile,
      logPath: join(directory, 'audit.log'),
      maxSizeBytes: 0,
      maxBackups: 0,
      maxAgeDays: 0,
      clock: systemClock,
      logger: silentLogger,
    });
    const staticTokens = parseTokenFile('secret-of-jane,jane,u1,"dev,ops"\n', 'tokens.csv');
    cluster = await startCluster({ api: { auditor: audit.auditor, staticTokens } });
    admin = new Kubectl(await kubectlPath('1.36'), cluster.server.kubeconfig, join(directory, 'cache'));
    await admin.ok('create namespace a');
    await admin.ok('create serviceaccount robot -n a');
    const pod = {
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'x.test/c' }] },
    };
    await admin.ok('create -n a -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }));
  });
  after(async () => {
    await cluster?.close();
    await audit?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('by certificate: name, groups, and which certificate it was', async () => {
    const said = await admin.ok('auth whoami -o json');
    const { userInfo } = JSON.parse(said).status;
    assert.equal(userInfo.username, 'system:admin');
    assert.deepEqual(userInfo.groups, ['system:masters', 'system:authenticated']);
    assert.match(userInfo.extra['authentication.kubernetes.io/credential-id'][0], /^X509SHA256=[0-9a-f]{64}$/);
  });

  it('by nothing at all: what everybody may see, and no more', async () => {
    const rows: readonly (readonly [path: string, status: number])[] = [
      ['/version', 200],
      ['/version/', 200],
      ['/healthz', 200],
      ['/livez', 200],
      ['/readyz', 200],
      ['/cacerts', 200],
      ['/api', 403],
      ['/apis', 403],
      ['/metrics', 403],
      ['/openapi/v2', 403],
      ['/livez/ping', 403],
      ['/api/v1/namespaces', 403],
      ['/.well-known/openid-configuration', 403],
    ];
    for (const [path, status] of rows) assert.equal((await curl(path)).status, status, path);
    const { json } = await curl('/api/v1/nodes');
    assert.equal(
      json.message,
      'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
    );
  });

  it('by credentials that are not good: 401, and never as nobody', async () => {
    for (const header of ['Bearer x', 'bearer x.y.z', 'BEARER abcdef.0123456789abcdef']) {
      const { status, json } = await curl('/version', { authorization: header });
      assert.equal(status, 401, header);
      assert.equal(json.reason, 'Unauthorized');
    }
    assert.equal((await curl('/version', { authorization: 'Basic eDp5' })).status, 200, 'another scheme is none');
  });

  it('by a token from a file', async () => {
    assert.deepEqual(await who('secret-of-jane'), {
      username: 'jane',
      uid: 'u1',
      groups: ['dev', 'ops', 'system:authenticated'],
    });
  });

  it('by a service account’s token, in a kubeconfig as people make them', async () => {
    const token = (await admin.ok('create token robot -n a --duration=20m')).trim();
    const claims = claimsOf(token);
    assert.equal(claims.exp - claims.iat, 1200);
    assert.equal(claims.sub, 'system:serviceaccount:a:robot');
    assert.equal(claims.nbf, claims.iat);
    const config = JSON.parse(kubeconfigText(cluster.server.url, cluster.server.ca, cluster.server.admin));
    config.users[0].user = { token };
    const kubeconfig = join(directory, 'robot.kubeconfig');
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    const robot = new Kubectl(admin.path, kubeconfig, join(directory, 'cache'));
    assert.match(await robot.ok('auth whoami'), /Username\s+system:serviceaccount:a:robot/);
    assert.match(
      await robot.fails('get pods -n a'),
      /User "system:serviceaccount:a:robot" cannot list resource "pods"/,
    );
    await admin.ok('create rolebinding robot --clusterrole=view --serviceaccount=a:robot -n a');
    assert.equal((await robot.run('get pods -n a')).code, 0);
    assert.equal((await robot.run('auth can-i get secrets -n a')).out, 'no\n');
    const discovery = await curl('/.well-known/openid-configuration', bearer(token));
    assert.equal(discovery.json.issuer, claims.iss);
    assert.equal(discovery.headers['cache-control'], 'public, max-age=3600');
    const keys = await curl('/openid/v1/jwks', bearer(token));
    assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    assert.ok(keys.json.keys.some((key: { kid: string }) => key.kid === kid));
  });

  it('by a token bound to a pod or a secret, as long as that is there', async () => {
    await admin.ok('create secret generic anchor -n a');
    const { uid } = JSON.parse(await admin.ok('get secret anchor -n a -o json')).metadata;
    const bound = 'create token robot -n a --bound-object-kind Secret --bound-object-name anchor';
    const token = (await admin.ok(`${bound} --bound-object-uid ${uid}`)).trim();
    assert.deepEqual(claimsOf(token)['kubernetes.io'].secret, { name: 'anchor', uid });
    assert.match(
      await admin.fails(`${bound} --bound-object-uid wrong`),
      /Operation cannot be fulfilled on Secret "anchor": the UID in the bound object reference \(wrong\) does not match the UID in record/,
    );
    const ofPod = (await admin.ok('create token robot -n a --bound-object-kind Pod --bound-object-name p')).trim();
    assert.equal(claimsOf(ofPod)['kubernetes.io'].pod.name, 'p');
    assert.match(
      await admin.fails('create token default -n a --bound-object-kind Pod --bound-object-name p'),
      /cannot bind token for serviceaccount "default" to pod running with different serviceaccount name/,
    );
    await admin.ok('delete secret anchor -n a');
    assert.equal(await who(token), undefined);
    const { json } = await review(token);
    assert.deepEqual(json.status, {
      user: {},
      error: '[invalid bearer token, service account token has been invalidated]',
    });
  });

  it('by the year-long token that pods’ volumes get, which says when it is stale', async () => {
    const { uid } = JSON.parse(await admin.ok('get pod p -n a -o json')).metadata;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid } },
    };
    const made = await admin.ok(
      'create --raw /api/v1/namespaces/a/serviceaccounts/robot/token -f -',
      JSON.stringify(request),
    );
    const { status, spec } = JSON.parse(made);
    const claims = claimsOf(status.token);
    assert.equal(claims.exp - claims.iat, 365 * 24 * 3600);
    assert.equal(claims['kubernetes.io'].warnafter - claims.iat, 3607);
    assert.equal(spec.expirationSeconds, 3607);
    assert.ok(Math.abs(Date.parse(status.expirationTimestamp) / 1000 - claims.iat - 3607) <= 1);
  });

  it('refuses requests for tokens that nobody may have', async () => {
    const path = 'create --raw /api/v1/namespaces/a/serviceaccounts/robot/token -f -';
    const rows: readonly (readonly [body: object, message: RegExp])[] = [
      [
        { spec: { expirationSeconds: 599 } },
        /spec\.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes/,
      ],
      [{ spec: { expirationSeconds: 2 ** 33 } }, /may not specify a duration larger than 2\^32 seconds/],
      [
        { metadata: { name: 'other' }, spec: {} },
        /metadata\.name: Invalid value: "other": must match the service account name if specified/,
      ],
      [
        { metadata: { namespace: 'b' }, spec: {} },
        /metadata\.namespace: Invalid value: "b": must match the service account namespace if specified/,
      ],
      [
        { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'x' } } },
        /cannot bind token to object of type \/v1, Kind=ConfigMap/,
      ],
      [
        { spec: { boundObjectRef: { apiVersion: 'apps/v1', kind: 'Pod', name: 'x' } } },
        /cannot bind token to object of type apps\/v1, Kind=Pod/,
      ],
      [{ spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'x' } } }, /pods "x" not found/],
    ];
    for (const [body, message] of rows) assert.match(await admin.fails(path, JSON.stringify(body)), message);
  });

  it('by the token in a Secret, which the controller fills and takes away', async () => {
    await admin.ok('create serviceaccount old -n a');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: 'old-token', namespace: 'a', annotations: { 'kubernetes.io/service-account.name': 'old' } },
    };
    await admin.ok('apply -f -', JSON.stringify(secret));
    const { data } = await eventually('the secret is filled', async () => {
      const found = JSON.parse(await admin.ok('get secret old-token -n a -o json'));
      return found.data?.token ? found : undefined;
    });
    const decoded = (key: string): string => Buffer.from(data[key], 'base64').toString();
    assert.equal(decoded('namespace'), 'a');
    assert.equal(decoded('ca.crt'), cluster.server.ca);
    assert.equal((await who(decoded('token')))?.username, 'system:serviceaccount:a:old');
    await admin.ok('delete serviceaccount old -n a');
    await eventually('the secret is gone', async () => (await admin.run('get secret old-token -n a')).code !== 0);
    // A good token is believed for ten seconds, as upstream does.
    await eventually('the token is no longer good', async () => (await who(decoded('token'))) === undefined);
  });

  it('by a bootstrap token', async () => {
    const literals = ['token-id=abcdef', 'token-secret=0123456789abcdef', 'usage-bootstrap-authentication=true'];
    await admin.ok([
      ...'create secret generic bootstrap-token-abcdef -n kube-system --type bootstrap.kubernetes.io/token'.split(' '),
      ...literals.map(literal => `--from-literal=${literal}`),
    ]);
    assert.deepEqual(await who('abcdef.0123456789abcdef'), {
      username: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:authenticated'],
    });
    assert.equal(await who('abcdef.0123456789abcdee'), undefined);
    await admin.ok('delete secret bootstrap-token-abcdef -n kube-system');
    assert.equal(await who('abcdef.0123456789abcdef'), undefined);
  });

  it('writes down what was done, as the policy says', async () => {
    await admin.ok('create configmap noted -n a --from-literal=a=b');
    await admin.ok('create secret generic hidden -n a --from-literal=password=x');
    await admin.fails('delete configmap noted -n a --as jane');
    assert.equal((await curl('/version', bearer('nobody-knows'))).status, 401);
    await admin.ok('get configmap noted -n a');
    const all = await eventually('the events are written', async () => {
      const written = await events();
      return written.some(event => event.responseStatus.code === 401) ? written : undefined;
    });
    const of = (verb: string, resource: string, name: string) =>
      all.find(event => event.verb === verb && event.objectRef?.resource === resource && event.objectRef.name === name);
    const made = of('create', 'configmaps', 'noted');
    assert.equal(made.level, 'RequestResponse');
    assert.equal(made.stage, 'ResponseComplete');
    assert.deepEqual(made.requestObject.data, { a: 'b' });
    assert.deepEqual(made.responseObject.data, { a: 'b' });
    assert.equal(made.responseObject.metadata.managedFields, undefined);
    assert.deepEqual(made.objectRef, { resource: 'configmaps', namespace: 'a', name: 'noted', apiVersion: 'v1' });
    assert.equal(made.responseStatus.code, 201);
    assert.match(made.userAgent, /^kubectl\//);
    assert.deepEqual(made.sourceIPs, ['127.0.0.1']);
    assert.match(made.requestReceivedTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const hidden = of('create', 'secrets', 'hidden');
    assert.equal(hidden.level, 'Request');
    assert.equal(hidden.responseObject, undefined);
    const refused = of('delete', 'configmaps', 'noted');
    assert.equal(refused.user.username, 'system:admin');
    assert.equal(refused.impersonatedUser.username, 'jane');
    assert.equal(refused.responseStatus.code, 403);
    assert.equal(refused.responseStatus.reason, 'Forbidden');
    assert.equal(refused.annotations['authorization.k8s.io/decision'], 'forbid');
    assert.ok(!all.some(event => event.verb === 'get' && event.user.username === 'system:admin'));
    const unknown = all.find(event => event.responseStatus.code === 401);
    assert.deepEqual(unknown.user, {});
    const { headers } = await curl('/version', { 'audit-id': 'mine' });
    assert.equal(headers['audit-id'], 'mine');
    await eventually('a watch’s beginning and end', async () => {
      const stages = (await events())
        .filter(event => event.verb === 'watch' && event.user.username === 'jane')
        .map(event => event.stage);
      if (stages.length === 0) await watchBriefly();
      return stages.includes('ResponseStarted') && stages.includes('ResponseComplete');
    });
  });
});

const review = (token: string): Promise<Reply> =>
  admin.ok(`create --raw ${REVIEW} -f -`, JSON.stringify({ spec: { token } })).then(text => ({
    status: 201,
    headers: {},
    json: JSON.parse(text),
  }));

async function watchBriefly(): Promise<void> {
  await admin.ok('create clusterrolebinding jane --clusterrole=view --user=jane');
  await curl('/api/v1/namespaces/a/configmaps?watch=1&timeoutSeconds=1', bearer('secret-of-jane'));
}

describe('a server without anonymous access', { timeout: 60_000 }, () => {
  it('answers nobody without credentials', async () => {
    const closed = await startCluster({ api: { anonymous: false } });
    const open = cluster;
    cluster = closed;
    try {
      for (const path of ['/version', '/livez', '/api', '/api/v1/pods']) {
        assert.equal((await curl(path)).status, 401, path);
      }
    } finally {
      cluster = open;
      await closed.close();
    }
  });
});
