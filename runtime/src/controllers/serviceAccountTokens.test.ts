import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Secret } from '../api/generated/types/core.v1.ts';
import { next, type Step } from './serviceAccountTokens.ts';

const TYPE = 'kubernetes.io/service-account-token';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const options = {
  rootCaPem: 'CA',
  issue: ({ secretName, accountUid }: { secretName: string; accountUid: string }) =>
    `token of ${secretName} ${accountUid}`,
};
const secret = (
  rest: Partial<Secret> = {},
  annotations: Record<string, string> = {},
  metadata: object = {},
): Secret => ({
  type: TYPE,
  metadata: {
    name: 's',
    namespace: 'default',
    resourceVersion: '7',
    annotations: { 'kubernetes.io/service-account.name': 'robot', ...annotations },
    ...metadata,
  },
  ...rest,
});
const full = { 'ca.crt': base64('CA'), namespace: base64('default'), token: base64('t') };
const uid = { 'kubernetes.io/service-account.uid': 'u1' };
const patch = (data: object): Step => ({ patch: { metadata: { resourceVersion: '7', annotations: uid }, data } });

describe('a service account token secret', () => {
  const rows: readonly (readonly [what: string, secret: Secret, accountUid: string | undefined, step: Step])[] = [
    ['is filled', secret(), 'u1', patch({ ...full, token: base64('token of s u1') })],
    [
      'keeps its token',
      secret({ data: { token: base64('t') } }, uid),
      'u1',
      patch({ 'ca.crt': full['ca.crt'], namespace: full.namespace }),
    ],
    ['is left when it is full', secret({ data: full }, uid), 'u1', 'leave'],
    ['gets the uid of its account', secret({ data: full }), 'u1', patch({})],
    [
      'follows the authority',
      secret({ data: { ...full, 'ca.crt': base64('old') } }, uid),
      'u1',
      patch({ 'ca.crt': base64('CA') }),
    ],
    [
      'keeps a namespace somebody has put in',
      secret({ data: { ...full, namespace: base64('x') } }, uid),
      'u1',
      'leave',
    ],
    ['goes with its account', secret({ data: full }, uid), undefined, 'delete'],
    ['goes when another account has the name', secret({ data: full }, uid), 'u2', 'delete'],
    ['goes when there never was an account', secret(), undefined, 'delete'],
    ['without a name is nobody’s', secret({}, { 'kubernetes.io/service-account.name': '' }), undefined, 'leave'],
    ['of another type is left', secret({ type: 'Opaque' }), undefined, 'leave'],
    ['that is going is left', secret({}, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'u1', 'leave'],
  ];
  for (const [what, of, accountUid, step] of rows)
    it(what, () => assert.deepEqual(next(of, accountUid, options), step));
});
