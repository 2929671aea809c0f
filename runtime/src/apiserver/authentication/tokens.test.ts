/** Every kind of bearer token, over a store with the objects they are bound to. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import type { Clock } from '../../lib/clock.ts';
import { withStore } from '../../store/sqlite/testing.ts';
import type { Store } from '../../store/store.ts';
import { store } from '../authorization/testing.ts';
import { bootstrapTokens } from './bootstrapTokens.ts';
import { signingKey, signToken, verificationKey } from './jwt.ts';
import { type BoundObject, ServiceAccountTokens, type TokenFor } from './serviceAccount.ts';
import { parseTokenFile, staticTokens } from './staticTokens.ts';
import { tokenAuthenticators, type Verdict } from './tokens.ts';

const API = 'https://api';
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signing = signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
const verification = [verificationKey(publicKey.export({ type: 'spki', format: 'pem' }).toString())];

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const object = (kind: string, place: string, rest: object = {}, metadata: object = {}): KubeObject => {
  const [namespace, name] = place.includes('/') ? place.split('/') : [undefined, place];
  const at = { name: name ?? '', ...(namespace ? { namespace } : {}) };
  return { apiVersion: 'v1', kind, metadata: { ...at, uid: `uid-${name}`, ...metadata }, ...rest };
};

class TestClock implements Clock {
  nowMs = START_MS;
  now(): number {
    return this.nowMs;
  }
  after(): () => void {
    return () => undefined;
  }
}

async function withTokens(
  body: (parts: { tokens: ServiceAccountTokens; state: Store; clock: TestClock }) => Promise<void>,
): Promise<void> {
  await withStore({}, async state => {
    const clock = new TestClock();
    const tokens = new ServiceAccountTokens({
      store: state,
      clock,
      issuer: API,
      audiences: [API],
      signing,
      verification,
    });
    await store(
      state,
      object('ServiceAccount', 'a/robot'),
      object('Pod', 'a/pod'),
      object('Secret', 'a/secret'),
      object('Node', 'n1'),
    );
    await body({ tokens, state, clock });
  });
}

const wanted = (bound?: Partial<BoundObject>, more: Partial<TokenFor> = {}): TokenFor => ({
  namespace: 'a',
  name: 'robot',
  uid: 'uid-robot',
  audiences: [API],
  lifetimeSeconds: 600,
  ...(bound ? { bound: { kind: 'Pod', name: 'pod', uid: 'uid-pod', ...bound } } : {}),
  ...more,
});
const saidOf = (verdict: Verdict): string =>
  verdict.verified
    ? `${verdict.verified.user.name} ${verdict.verified.audiences.join()}`
    : (verdict.error ?? 'unknown');
const ROBOT = `system:serviceaccount:a:robot ${API}`;
const INVALIDATED = 'service account token has been invalidated';
const deletedAt = (secondsAgo: number): object => ({
  deletionTimestamp: new Date(START_MS - secondsAgo * 1000).toISOString(),
});

describe('a service account’s token', () => {
  const rows: readonly (readonly [
    what: string,
    token: TokenFor,
    change: readonly KubeObject[],
    laterSeconds: number,
    said: string,
  ])[] = [
    ['is good', wanted(), [], 0, ROBOT],
    ['is good until it expires', wanted(), [], 599, ROBOT],
    ['expires', wanted(), [], 600, 'service account token has expired'],
    [
      'goes with its account',
      wanted({}),
      [object('ServiceAccount', 'a/robot', {}, { uid: 'new' })],
      0,
      'service account UID (new) does not match claim (uid-robot)',
    ],
    [
      'outlives the deletion of its account by a minute',
      wanted(),
      [object('ServiceAccount', 'a/robot', {}, deletedAt(59))],
      0,
      ROBOT,
    ],
    [
      'does not outlive it longer',
      wanted(),
      [object('ServiceAccount', 'a/robot', {}, deletedAt(61))],
      0,
      'service account a/robot has been deleted',
    ],
    ['is good with its pod', wanted({}), [], 0, ROBOT],
    ['goes with its pod', wanted({ name: 'gone' }), [], 0, INVALIDATED],
    [
      'is of one pod, not of its name',
      wanted({}),
      [object('Pod', 'a/pod', {}, { uid: 'new' })],
      0,
      'pod UID (new) does not match service account pod ref claim (uid-pod)',
    ],
    ['ends a minute after its pod', wanted({}), [object('Pod', 'a/pod', {}, deletedAt(61))], 0, INVALIDATED],
    ['does not need its pod’s node', wanted({ node: { name: 'gone', uid: 'x' } }), [], 0, ROBOT],
    ['is good with its secret', wanted({ kind: 'Secret', name: 'secret', uid: 'uid-secret' }), [], 0, ROBOT],
    ['goes with its secret', wanted({ kind: 'Secret', name: 'gone', uid: 'x' }), [], 0, INVALIDATED],
    [
      'is of one secret',
      wanted({ kind: 'Secret', name: 'secret', uid: 'x' }),
      [],
      0,
      'secret UID (uid-secret) does not match service account secret ref claim (x)',
    ],
    ['is good with its node', wanted({ kind: 'Node', name: 'n1', uid: 'uid-n1' }), [], 0, ROBOT],
    ['goes with its node', wanted({ kind: 'Node', name: 'n2', uid: 'x' }), [], 0, INVALIDATED],
    [
      'is of one node',
      wanted({ kind: 'Node', name: 'n1', uid: 'x' }),
      [],
      0,
      'node UID (uid-n1) does not match service account node ref claim (x)',
    ],
    [
      'is for its audience',
      wanted(undefined, { audiences: ['vault'] }),
      [],
      0,
      `token audiences ["vault"] is invalid for the target audiences ["${API}"]`,
    ],
    ['may be for several', wanted(undefined, { audiences: ['vault', API] }), [], 0, ROBOT],
  ];
  for (const [what, token, change, laterSeconds, said] of rows) {
    it(what, async () => {
      await withTokens(async ({ tokens, state, clock }) => {
        await store(state, ...change);
        const issued = tokens.issue(token);
        clock.nowMs += laterSeconds * 1000;
        assert.equal(saidOf(await tokens.verify(issued.token)), said);
      });
    });
  }

  it('tells whose it is', async () => {
    await withTokens(async ({ tokens }) => {
      const { token } = tokens.issue(wanted({ node: { name: 'n1', uid: 'uid-n1' } }));
      const { verified } = await tokens.verify(token, ['x', API]);
      assert.deepEqual(verified?.audiences, [API]);
      const { user } = verified ?? {};
      assert.equal(user?.uid, 'uid-robot');
      assert.deepEqual(user?.groups, ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']);
      const { 'authentication.kubernetes.io/credential-id': credential, ...extra } = user?.extra ?? {};
      assert.match(credential?.[0] ?? '', /^JTI=[0-9a-f-]{36}$/);
      assert.deepEqual(extra, {
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': ['uid-n1'],
        'authentication.kubernetes.io/pod-name': ['pod'],
        'authentication.kubernetes.io/pod-uid': ['uid-pod'],
      });
    });
  });

  it('is believed for ten seconds', async () => {
    await withTokens(async ({ tokens, state, clock }) => {
      const { token } = tokens.issue(wanted({}));
      assert.equal(saidOf(await tokens.verify(token)), ROBOT);
      await state.commit({ key: '/registry/core/pods/a/pod', value: null });
      clock.nowMs += 9_000;
      assert.equal(saidOf(await tokens.verify(token)), ROBOT);
      clock.nowMs += 1_001;
      assert.equal(saidOf(await tokens.verify(token)), INVALIDATED);
    });
  });

  const claims = {
    iss: API,
    aud: API,
    exp: START_MS / 1000 + 60,
    'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'robot', uid: 'uid-robot' } },
  };
  const forged: readonly (readonly [what: string, token: string, said: string])[] = [
    ['garbage', 'x', 'unknown'],
    ['empty parts', '..', 'unknown'],
    ['another issuer', signToken({ ...claims, iss: 'https://other' }, signing), 'unknown'],
    ['no signature', `${signToken(claims, signing).split('.').slice(0, 2).join('.')}.`, 'unknown'],
    [
      'another key',
      signToken(claims, { ...signing, privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }),
      'unknown',
    ],
    [
      'algorithm none',
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${signToken(claims, signing).split('.')[1]}.`,
      'unknown',
    ],
    ['no namespace', signToken({ ...claims, 'kubernetes.io': {} }, signing), 'unknown'],
    ['no expiry', signToken({ ...claims, exp: undefined }, signing), 'service account token has expired'],
    ['not yet', signToken({ ...claims, nbf: START_MS / 1000 + 61 }, signing), 'service account token is not valid yet'],
    ['nearly yet', signToken({ ...claims, nbf: START_MS / 1000 + 59 }, signing), ROBOT],
    [
      'from the future',
      signToken({ ...claims, iat: START_MS / 1000 + 61 }, signing),
      'service account token is issued in the future',
    ],
    [
      'an account that is not there',
      signToken({ ...claims, 'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'x', uid: 'y' } } }, signing),
      'serviceaccounts "x" not found',
    ],
    ['the plain form', signToken(claims, signing), ROBOT],
  ];
  it(`that is made up is found out: ${forged.map(([what]) => what).join(', ')}`, async () => {
    await withTokens(async ({ tokens }) => {
      for (const [what, token, said] of forged) assert.equal(saidOf(await tokens.verify(token)), said, what);
    });
  });
});

describe('a token in a secret', () => {
  it('is good while it stands there', async () => {
    await withTokens(async ({ tokens, state, clock }) => {
      const token = tokens.issueForSecret({
        namespace: 'a',
        secretName: 's',
        accountName: 'robot',
        accountUid: 'uid-robot',
      });
      const later = async (): Promise<string> => {
        clock.nowMs += 11_000;
        return saidOf(await tokens.verify(token));
      };
      assert.equal(await later(), INVALIDATED, 'before it is there');
      await store(state, object('Secret', 'a/s', { data: { token: base64(token) } }));
      assert.equal(await later(), ROBOT);
      assert.match(saidOf(await tokens.verify(token, ['vault'])), /is invalid for the target audiences/);
      const invalid = { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } };
      await store(state, object('Secret', 'a/s', { data: { token: base64(token) } }, invalid));
      assert.match(await later(), /has been marked invalid/);
      await store(state, object('Secret', 'a/s', { data: { token: base64('other') } }));
      assert.equal(await later(), INVALIDATED);
      await store(state, object('Secret', 'a/s', { data: { token: base64(token) } }));
      await store(state, object('ServiceAccount', 'a/robot', {}, { uid: 'new' }));
      assert.match(await later(), /service account UID \(new\) does not match claim/);
    });
  });
});

describe('a bootstrap token', () => {
  const data = (fields: Record<string, string>): object => ({
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, base64(value)])),
  });
  const good = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' };
  const rows: readonly (readonly [
    what: string,
    secret: object,
    metadata: object,
    groups: readonly string[] | undefined,
  ])[] = [
    ['is of the bootstrappers', data(good), {}, ['system:bootstrappers', 'system:authenticated']],
    [
      'has more groups',
      data({ ...good, 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' }),
      {},
      ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b', 'system:authenticated'],
    ],
    ['has no other groups', data({ ...good, 'auth-extra-groups': 'system:masters' }), {}, undefined],
    [
      'has an end',
      data({ ...good, expiration: '2026-01-01T00:00:01Z' }),
      {},
      ['system:bootstrappers', 'system:authenticated'],
    ],
    ['ends', data({ ...good, expiration: '2025-12-31T23:59:59Z' }), {}, undefined],
    ['ends at a time that cannot be read', data({ ...good, expiration: 'soon' }), {}, undefined],
    ['is for authentication', data({ ...good, 'usage-bootstrap-authentication': 'false' }), {}, undefined],
    ['has a secret', data({ ...good, 'token-secret': '0123456789abcdee' }), {}, undefined],
    ['has its name', data({ ...good, 'token-id': 'abcdee' }), {}, undefined],
    ['has its type', { ...data(good), type: 'Opaque' }, {}, undefined],
    ['is not being deleted', data(good), deletedAt(0), undefined],
  ];
  for (const [what, secret, metadata, groups] of rows) {
    it(what, async () => {
      await withTokens(async ({ state, clock }) => {
        await store(state, object('Secret', 'kube-system/bootstrap-token-abcdef', secret, metadata));
        const bearer = bootstrapTokens({ store: state, clock, audiences: [API] });
        const { verified } = await bearer.verify('abcdef.0123456789abcdef');
        assert.deepEqual(verified?.user, groups && { name: 'system:bootstrap:abcdef', groups });
        assert.equal(saidOf(await bearer.verify('abcdef.0123456789abcdef', ['other'])), 'unknown');
        for (const wrong of [
          'abcdef',
          'abcdef.0123456789abcde',
          'ABCDEF.0123456789abcdef',
          'fedcba.0123456789abcdef',
        ]) {
          assert.equal(saidOf(await bearer.verify(wrong)), 'unknown', wrong);
        }
      });
    });
  }
});

describe('a file of tokens', () => {
  it('names users, uids and groups', async () => {
    const text = '# who\nt1,jane,u1,"dev,ops"\n\nt2,bob,\r\n"t,3",eve,u3,dev\n';
    const bearer = staticTokens(parseTokenFile(text, 'tokens.csv'), [API]);
    const user = async (token: string): Promise<unknown> => (await bearer.verify(token)).verified?.user;
    assert.deepEqual(await user('t1'), { name: 'jane', uid: 'u1', groups: ['dev', 'ops', 'system:authenticated'] });
    assert.deepEqual(await user('t2'), { name: 'bob', groups: ['system:authenticated'] });
    assert.deepEqual(await user('t,3'), { name: 'eve', uid: 'u3', groups: ['dev', 'system:authenticated'] });
    assert.equal(await user('t4'), undefined);
    assert.equal((await bearer.verify('t1', ['vault'])).verified, undefined);
  });
  const wrong: readonly (readonly [text: string, error: RegExp])[] = [
    ['a,b,c\nx\n', /^tokens\.csv:2: a line is token,user,uid/],
    ['a,b,c\na,d,e\n', /^tokens\.csv:2: the token stands in an earlier line/],
    ['a,b,c,d,e\n', /^tokens\.csv:1: more than four columns/],
    ['a,b,c,"d\n', /^tokens\.csv:1: a quote that does not end/],
  ];
  for (const [text, error] of wrong)
    it(String(error), () =>
      assert.throws(() => parseTokenFile(text, 'tokens.csv'), { name: 'ConfigFileError', message: error }),
    );
});

describe('all of them together', () => {
  it('tell why as upstream’s TokenReview does', async () => {
    await withTokens(async ({ tokens, state, clock }) => {
      const all = tokenAuthenticators([tokens, bootstrapTokens({ store: state, clock, audiences: [API] })]);
      assert.equal(saidOf(await all.verify('x')), 'invalid bearer token');
      const { token } = tokens.issue(wanted());
      clock.nowMs += 3_600_000;
      assert.equal(saidOf(await all.verify(token)), '[invalid bearer token, service account token has expired]');
    });
  });
});
