import assert from 'node:assert/strict';
import { it } from 'node:test';
import { failureOf, linkAnswers } from './network.ts';

const failed = (code: string): Error => new Error('fetch failed', { cause: Object.assign(new Error(code), { code }) });
const rows: readonly (readonly [code: string, kind: ReturnType<typeof failureOf>])[] = [
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'refused'],
  ['ETIMEDOUT', 'silent'],
  ['EHOSTUNREACH', 'silent'],
  ['ENOTFOUND', 'unresolved'],
  ['EAI_AGAIN', 'unresolved'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'untrusted'],
];
for (const [code, kind] of rows) it(`${code} is ${kind}`, () => assert.equal(failureOf(failed(code)), kind));

it('a neighbour has answered on the link that leads there, and on no other', () => {
  const neighbours = [
    { dev: 'eth0', state: ['FAILED'] },
    { dev: 'eth1', state: ['STALE'] },
  ];
  assert.deepEqual(
    [linkAnswers(neighbours, ['eth0']), linkAnswers(neighbours, ['eth1']), linkAnswers(neighbours, [])],
    [false, true, true],
  );
});
