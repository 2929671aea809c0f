import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caHashOf, formatToken, parseToken, TokenError } from './token.ts';

const HASH = 'a'.repeat(64);

test('tokens in every form K3s writes', () => {
  assert.deepEqual(parseToken(`K10${HASH}::node:s3cret`), { caHash: HASH, user: 'node', secret: 's3cret' });
  assert.deepEqual(parseToken(`K10${HASH.toUpperCase()}::server:x:y\n`), {
    caHash: HASH,
    user: 'server',
    secret: 'x:y',
  });
  assert.deepEqual(parseToken('s3cret'), { user: 'node', secret: 's3cret' });
});

test('what formatToken writes, parseToken reads', () => {
  const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.deepEqual(parseToken(formatToken(ca, 'abc')), { caHash: caHashOf(ca), user: 'node', secret: 'abc' });
});

test('damaged tokens say how, without the secret', () => {
  const table = [
    '',
    '  \n',
    `K10${HASH}`,
    `K10${HASH.slice(1)}::node:s3cret`,
    `K10${HASH}::node:`,
    `K10${HASH}:node:s3cret`,
    'a b',
    'X::node:s3cret',
  ];
  for (const text of table)
    assert.throws(
      () => parseToken(text),
      (e: unknown) => e instanceof TokenError && !e.message.includes('s3cret') && e.hint !== '',
      text,
    );
});
