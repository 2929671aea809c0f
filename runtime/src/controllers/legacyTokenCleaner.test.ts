/** Which tokens go, and when (upstream: `pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Secret, ServiceAccount } from '../api/generated/types/core.v1.ts';
import { isUnused, next, type Step } from './legacyTokenCleaner.ts';
import { parseDay } from './legacyTokenTracking.ts';

const DAY_MS = 24 * 3600 * 1000;
const age = { nowMs: Date.parse('2026-11-21T12:00:00Z'), periodMs: 10 * DAY_MS };
const OLD = '2026-11-01T00:00:00Z';

const secret = (labels: Record<string, string> = {}, more: Partial<Secret> = {}, metadata: object = {}): Secret => ({
  type: 'kubernetes.io/service-account-token',
  metadata: { name: 's', namespace: 'default', creationTimestamp: OLD, labels, ...metadata },
  ...more,
});
const used = (day: string): Record<string, string> => ({ 'kubernetes.io/legacy-token-last-used': day });
const invalid = (day: string): Record<string, string> => ({ 'kubernetes.io/legacy-token-invalid-since': day });

describe('a token that may be unused', () => {
  const rows: readonly (readonly [what: string, secret: Secret, unused: boolean])[] = [
    ['never used', secret(), true],
    ['used long ago', secret(used('2026-11-10')), true],
    ['used on the last day that counts', secret(used('2026-11-11')), false],
    ['used today', secret(used('2026-11-21')), false],
    ['used on a day that is none', secret(used('2026-11-31')), false],
    ['used at some time', secret(used('yesterday')), false],
    ['new', secret({}, {}, { creationTimestamp: '2026-11-11T12:00:00Z' }), false],
    ['just old enough', secret({}, {}, { creationTimestamp: '2026-11-11T11:59:59Z' }), true],
    ['of no time', secret({}, {}, { creationTimestamp: undefined }), false],
    ['of another type', secret({}, { type: 'Opaque' }), false],
    ['going already', secret({}, {}, { deletionTimestamp: OLD }), false],
  ];
  for (const [what, of, unused] of rows) it(what, () => assert.equal(isUnused(of, age), unused));
});

describe('an unused token', () => {
  const account: ServiceAccount = { metadata: { name: 'robot', uid: 'u1' }, secrets: [{ name: 's' }] };
  const of = (uid: string): object => ({ annotations: { 'kubernetes.io/service-account.uid': uid } });
  const rows: readonly (readonly [string, Secret, ServiceAccount | undefined, readonly string[], Step])[] = [
    ['is marked', secret(), account, [], 'invalidate'],
    ['is marked again when the mark is no day', secret(invalid('x')), account, [], 'invalidate'],
    ['stays a while when it is marked', secret(invalid('2026-11-11')), account, [], 'keep'],
    ['goes when the mark is old', secret(invalid('2026-11-10')), account, [], 'delete'],
    ['that a pod refers to stays', secret(invalid('2026-11-01')), account, ['s'], 'keep'],
    ['that a pod does not refer to goes', secret(invalid('2026-11-01')), account, ['t'], 'delete'],
    ['that somebody made stays', secret(), { ...account, secrets: [{ name: 't' }] }, [], 'keep'],
    ['of an account without secrets stays', secret(), { metadata: { name: 'robot', uid: 'u1' } }, [], 'keep'],
    ['of no account stays', secret(), undefined, [], 'keep'],
    ['of this very account is marked', secret({}, {}, of('u1')), account, [], 'invalidate'],
    ['of an account of before stays', secret({}, {}, of('u0')), account, [], 'keep'],
  ];
  for (const [what, given, whose, mounted, step] of rows)
    it(what, () => assert.equal(next(given, whose, new Set(mounted), age), step));
});

describe('a day', () => {
  for (const [text, ms] of [
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    ['2026-02-29', undefined],
    ['2026-1-1', undefined],
    ['2026-11-21T00:00:00Z', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    it(String(text), () => assert.equal(parseDay(text), ms));
});
