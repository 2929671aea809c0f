import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withDirectory } from '../sqlite/testing.ts';
import {
  afterAction,
  finished,
  type KeyRing,
  KeyRingError,
  newKeyRing,
  noKeyRing,
  parseKeyRing,
  type RotationAction,
  readKeyRing,
  reencrypting,
  rotationActions,
  type Stage,
  stages,
  writeKeyRing,
} from './keyRing.ts';

const now = new Date('2026-11-21T10:00:00Z');
const one = newKeyRing(['secrets'], now);
const [key] = one.keys;
assert.ok(key);
const two: KeyRing = { ...one, keys: [key, { ...key, name: 'second' }] };
const off = noKeyRing(['secrets']);

/** stage; which key writes, of how many. */
const shown = ({ stage, write, keys }: KeyRing): string =>
  `${stage} ${write === null ? '-' : keys.findIndex(({ name }) => name === write) + 1}/${keys.length}`;

describe('a rotation goes', () => {
  const table: [from: KeyRing, action: RotationAction, to: string | RegExp][] = [
    [one, 'prepare', 'prepare 1/2'],
    [{ ...one, stage: 'reencrypt_finished' }, 'prepare', 'prepare 1/2'],
    [{ ...two, stage: 'rotate', write: 'second' }, 'prepare', 'prepare 2/3'],
    [{ ...two, stage: 'prepare' }, 'prepare', /is prepared already/],
    [off, 'prepare', /encryption is disabled/],
    [{ ...two, stage: 'prepare' }, 'rotate', 'rotate 2/2'],
    [one, 'rotate', /no prepared key/],
    [{ ...two, stage: 'rotate', write: 'second' }, 'rotate', /no prepared key/],
    [off, 'rotate', /no prepared key/],
    [{ ...two, stage: 'rotate', write: 'second' }, 'reencrypt', 'reencrypt_request 2/2'],
    [{ ...two, stage: 'prepare' }, 'reencrypt', /not used yet/],
    [one, 'reencrypt', 'reencrypt_request 1/1'],
    [off, 'reencrypt', 'reencrypt_request -/0'],
    [one, 'rotate-keys', 'reencrypt_request 2/2'],
    [{ ...two, stage: 'prepare' }, 'rotate-keys', 'reencrypt_request 3/3'],
    [off, 'rotate-keys', /encryption is disabled/],
    [off, 'enable', 'start 1/1'],
    [one, 'enable', 'start 1/1'],
    [{ ...one, write: null }, 'enable', 'start 1/1'],
    [{ ...two, stage: 'rotate' }, 'enable', 'rotate 1/2'],
    [one, 'disable', 'start -/1'],
    [{ ...two, stage: 'prepare' }, 'disable', 'start -/2'],
    [off, 'disable', 'start -/0'],
    ...rotationActions.flatMap(action =>
      (['reencrypt_request', 'reencrypt_active'] as const).map(
        stage => [{ ...one, stage }, action, /are being reencrypted/] as [KeyRing, RotationAction, RegExp],
      ),
    ),
  ];
  for (const [from, action, to] of table) {
    it(`${shown(from)} → ${action} → ${to}`, () => {
      const before = structuredClone(from);
      if (to instanceof RegExp) {
        assert.throws(
          () => afterAction(from, action, now),
          (error: unknown) => {
            assert.ok(error instanceof KeyRingError);
            assert.match(error.message, to);
            assert.match(error.hint, /atoll secrets-encrypt/);
            return true;
          },
        );
      } else {
        const after = afterAction(from, action, now);
        assert.equal(shown(after), to);
        for (const known of from.keys) assert.ok(after.keys.includes(known), 'no key is lost');
      }
      assert.deepEqual(from, before);
    });
  }

  it('ends with the one key that writes, or none', () => {
    assert.equal(shown(reencrypting(two)), 'reencrypt_active 1/2');
    assert.equal(shown(finished({ ...two, write: 'second' })), 'reencrypt_finished 1/1');
    assert.equal(shown(finished({ ...two, write: null })), 'reencrypt_finished -/0');
  });
});

describe('the file', () => {
  it('is whole, for its owner only, and reads as it was written', () =>
    withDirectory(async directory => {
      const path = join(directory, 'cred', 'encryption-config.json');
      assert.equal(await readKeyRing(path), undefined);
      await writeKeyRing(path, two);
      assert.deepEqual(await readKeyRing(path), two);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      await writeFile(path, '{"version":1');
      await assert.rejects(readKeyRing(path), KeyRingError);
    }));

  const bad: [change: unknown, message: RegExp][] = [
    ['', /JSON/],
    [[], /version is undefined/],
    [null, /no object/],
    [{ ...one, version: 2 }, /version is 2, this Atoll reads 1/],
    [{ ...one, resources: 'secrets' }, /resources is no list/],
    [{ ...one, resources: [1] }, /resources is no list/],
    [{ ...one, stage: 'later' }, /stage is "later"/],
    [{ ...one, stage: undefined }, /stage is undefined/],
    [{ ...one, keys: {} }, /keys is no list/],
    [{ ...one, keys: [null] }, /keys\[0\]\.name/],
    [{ ...one, keys: [{ ...key, name: 'a:b' }] }, /keys\[0\]\.name/],
    [{ ...one, keys: [{ ...key, created: 1 }] }, /keys\[0\]\.created/],
    [{ ...one, keys: [{ ...key, secret: 'c2hvcnQ=' }] }, /keys\[0\]\.secret is not 32 bytes/],
    [{ ...one, write: 'other' }, /write is "other", no key/],
    [{ ...one, write: undefined }, /write is undefined, no key/],
  ];
  for (const [content, message] of bad) {
    it(`refuses ${JSON.stringify(content)?.slice(0, 60)}: ${message.source}`, () => {
      const text = content === '' ? '{' : JSON.stringify(content);
      assert.throws(
        () => parseKeyRing(text, '/cred/keys'),
        (error: unknown) => {
          assert.ok(error instanceof KeyRingError);
          assert.match(error.message, /^\/cred\/keys is not a file of encryption keys: /);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, new RegExp(key.secret.slice(0, 12)));
          return true;
        },
      );
    });
  }
  for (const stage of stages as readonly Stage[]) {
    it(`knows ${stage}`, () => assert.equal(parseKeyRing(JSON.stringify({ ...two, stage }), 'x').stage, stage));
  }
});
