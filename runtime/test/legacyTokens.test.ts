/** The life of a Secret's token, over years, with time in the test's hand: made, used, forgotten, refused, gone (KEP-2799). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditor } from '../src/apiserver/audit/auditor.ts';
import { Client } from '../src/client/client.ts';
import { EventRecorder } from '../src/client/events.ts';
import { Informers } from '../src/client/informers.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { ConfigMaps, Secrets, ServiceAccounts } from '../src/client/resources.ts';
import { legacyTokenCleaner } from '../src/controllers/legacyTokenCleaner.ts';
import { legacyTokenTracking, TRACKING } from '../src/controllers/legacyTokenTracking.ts';
import { serviceAccountTokens } from '../src/controllers/serviceAccountTokens.ts';
import { silentLogger } from '../src/lib/log.ts';
import { ManualClock } from '../src/lib/testing/manualClock.ts';
import { ask } from './apiserverAsk.ts';
import { eventually } from './cluster.ts';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

const DAY_MS = 24 * 3600 * 1000;
const TYPE = 'kubernetes.io/service-account-token';
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const at = { namespace: 'default', name: 'robot-token' };

const anything = {
  users: [],
  userGroups: [],
  verbs: [],
  resources: [],
  namespaces: [],
  nonResourceURLs: [],
  omitStages: [],
};

const clock = new ManualClock(Date.parse('2026-01-01T12:00:00Z'));
const stop = new AbortController();
const events: { user?: { username?: string }; annotations?: Record<string, string> }[] = [];
let server: InProcessServer;
let client: Client;
let work: Promise<unknown>;

before(async () => {
  const policy = { rules: [{ level: 'Metadata' as const, ...anything }], omitStages: [], omitManagedFields: false };
  const write = (line: string): void => void events.push(JSON.parse(line));
  server = await startServer({ api: { clock, auditor: auditor({ policy, clock, write }) } });
  client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
  // Caches live in real time.
  const informers = new Informers({ client, logger: silentLogger });
  const recorder = new EventRecorder({ client, logger: silentLogger, component: 'test' });
  const context = { client, informers, events: recorder, logger: silentLogger, clock };
  const tokens = serviceAccountTokens({ rootCaPem: server.ca, issue: server.apiServer.issueSecretToken });
  work = Promise.all(
    [tokens, legacyTokenTracking, legacyTokenCleaner()].map(controller => controller(context, stop.signal)),
  );
  informers.start(stop.signal);
  await informers.synced(AbortSignal.timeout(20_000));
});
after(async () => {
  stop.abort();
  await work;
  await server.close();
});

interface Said {
  readonly status: number;
  readonly warning: string | undefined;
}

async function come(token: string): Promise<Said> {
  // Good tokens are believed for ten seconds.
  await clock.advance(11_000);
  const { status, headers } = await server.apiServer.handler({
    method: 'GET',
    path: '/api/v1/namespaces/default/pods',
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${token}` },
    body: Buffer.alloc(0),
    signal: new AbortController().signal,
    remoteAddress: '127.0.0.1',
  });
  return { status, warning: headers.warning };
}

const labelOf = async (label: string): Promise<string | undefined> =>
  (await client.get(Secrets, at)).metadata.labels?.[label];
const today = (): string => new Date(clock.now()).toISOString().slice(0, 10);
const annotation = (key: string): string | undefined => events.at(-1)?.annotations?.[key];
/** Day by day, as the cleaner looks once a day. */
const days = async (count: number): Promise<void> => {
  for (let day = 0; day < count; day += 30) await clock.advance(30 * DAY_MS);
};

test('since when uses are written down is told, and told again when somebody has taken it away', async () => {
  const since = async (): Promise<string | undefined> => (await client.get(ConfigMaps, TRACKING)).data?.since;
  await eventually('the ConfigMap', () => since().catch(() => undefined));
  assert.equal(await since(), '2026-01-01');
  await client.patch(ConfigMaps, TRACKING, { data: { since: 'long ago' } }, { type: 'merge' });
  await eventually('a day again', async () => (await since()) === '2026-01-01');
  await client.delete(ConfigMaps, TRACKING, {});
  await eventually('the ConfigMap again', () => since().catch(() => undefined));
});

test('a token is used, forgotten, refused, taken up again, and gone', async () => {
  await client.create(ServiceAccounts, { metadata: { namespace: 'default', name: 'robot' } });
  const annotations = { 'kubernetes.io/service-account.name': 'robot' };
  await client.create(Secrets, { metadata: { ...at, annotations }, type: TYPE });
  const token = await eventually('the token', async () => (await client.get(Secrets, at)).data?.token);
  const text = Buffer.from(token, 'base64').toString('utf8');

  // Made by somebody: no complaint; the day of its use is written once a day.
  assert.deepEqual(await come(text), { status: 403, warning: undefined });
  assert.equal(annotation('authentication.k8s.io/legacy-token-manual-secret'), 'robot-token');
  await eventually('the day of its use', async () => (await labelOf(LAST_USED)) === today());
  const { resourceVersion } = (await client.get(Secrets, at)).metadata;
  assert.equal((await come(text)).status, 403);
  assert.equal((await client.get(Secrets, at)).metadata.resourceVersion, resourceVersion);
  const owner = (await client.get(Secrets, at)).metadata.managedFields?.find(entry =>
    JSON.stringify(entry.fieldsV1).includes(LAST_USED),
  );
  assert.equal(`${owner?.manager} ${owner?.operation}`, 'kube-apiserver Update');

  // Two years without any use: it stays, as somebody made it.
  await days(800);
  assert.equal(await labelOf(INVALID_SINCE), undefined);

  // Named by its account, it counts as one that was made by the control plane.
  await client.patch(
    ServiceAccounts,
    { namespace: 'default', name: 'robot' },
    { secrets: [{ name: at.name }] },
    { type: 'merge' },
  );
  const said = await come(text);
  assert.equal(said.status, 403);
  assert.match(
    said.warning ?? '',
    /^299 - "Use tokens from the TokenRequest API or manually created secret-based tokens inst/,
  );
  assert.equal(annotation('authentication.k8s.io/legacy-token-autogenerated-secret'), 'robot-token');
  await eventually('the day of its use', async () => (await labelOf(LAST_USED)) === today());

  await days(300);
  assert.equal(await labelOf(INVALID_SINCE), undefined, 'a year has not passed');
  await days(90);
  await eventually('the mark', async () => {
    await clock.advance(DAY_MS);
    return (await labelOf(INVALID_SINCE)) !== undefined;
  });
  assert.equal((await come(text)).status, 401);
  const review = await ask(server.apiServer.handler, 'POST /apis/authentication.k8s.io/v1/tokenreviews', {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: text } },
  });
  assert.match(
    review.json.status.error,
    /the token in secret default\/robot-token for service account default\/robot has been marked invalid\. Use tokens from the Tok/,
  );

  // Whoever needs it takes the mark off.
  await client.patch(Secrets, at, { metadata: { labels: { [INVALID_SINCE]: null } } }, { type: 'merge' });
  assert.equal((await come(text)).status, 403);
  await eventually('the day of its use', async () => (await labelOf(LAST_USED)) === today());

  await eventually('its end', async () => {
    await clock.advance(30 * DAY_MS);
    return (await ask(server.apiServer.handler, 'GET /api/v1/namespaces/default/secrets/robot-token')).status === 404;
  });
  assert.equal((await come(text)).status, 401);
  const metrics = (await ask(server.apiServer.handler, 'GET /metrics')).bytes.toString('utf8');
  assert.match(metrics, /^serviceaccount_legacy_auto_token_uses_total 2$/m);
  assert.match(metrics, /^serviceaccount_legacy_manual_token_uses_total 2$/m);
  assert.match(metrics, /^serviceaccount_invalid_legacy_auto_token_uses_total [12]$/m);
});

test('a pod’s token that should have been read anew is told to the audit log', async () => {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3607 } };
  await client.create(ServiceAccounts, { metadata: { namespace: 'default', name: 'other' } });
  const pod = {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'other', containers: [{ name: 'c', image: 'x' }] },
  };
  const made = await ask(server.apiServer.handler, 'POST /api/v1/namespaces/default/pods', {
    body: { apiVersion: 'v1', kind: 'Pod', ...pod },
  });
  assert.equal(made.status, 201);
  const bound = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: made.json.metadata.uid };
  const asked = await ask(server.apiServer.handler, 'POST /api/v1/namespaces/default/serviceaccounts/other/token', {
    body: { ...body, spec: { ...body.spec, boundObjectRef: bound } },
  });
  const { token } = asked.json.status as { token: string };
  assert.equal((await come(token)).status, 403);
  assert.equal(annotation('authentication.k8s.io/stale-token'), undefined);
  await clock.advance(4000_000);
  assert.equal((await come(token)).status, 403);
  assert.match(
    annotation('authentication.k8s.io/stale-token') ?? '',
    /^subject: system:serviceaccount:default:other, seconds after warning threshold: \d+$/,
  );
});
