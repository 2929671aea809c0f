import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreKeyError } from '../store.ts';
import { afterAction, newKeyRing, noKeyRing } from './keyRing.ts';
import { keyNameOf, prefixOfResource, Sealer } from './sealer.ts';

const now = new Date('2026-11-21T10:00:00Z');
const ring = newKeyRing(['secrets', 'widgets.example.com'], now);
const sealer = new Sealer(ring, '/cred/keys');
const KEY = '/registry/core/secrets/default/a';
const VALUE = Buffer.from('{"data":{"password":"aHVudGVyMg=="}}');

describe('a value', () => {
  for (const [resource, prefix] of [
    ['secrets', '/registry/core/secrets/'],
    ['widgets.example.com', '/registry/example.com/widgets/'],
    ['leases.coordination.k8s.io', '/registry/coordination.k8s.io/leases/'],
  ] as const)
    it(`of ${resource} lies under ${prefix}`, () => assert.equal(prefixOfResource(resource), prefix));

  for (const value of [VALUE, Buffer.alloc(0), Buffer.alloc(1_000_000, 'x'), Buffer.from([0, 255, 0])]) {
    it(`of ${value.length} bytes comes back, and is not to be seen`, () => {
      const stored = sealer.seal(KEY, value);
      assert.equal(stored.toString('latin1', 0, 18), 'k8s:enc:aesgcm:v1:');
      assert.equal(keyNameOf(stored), ring.write);
      assert.equal(stored.includes('password'), false);
      assert.ok(sealer.open(KEY, stored).equals(value));
      assert.equal(sealer.seal(KEY, value).equals(stored), false, 'never the same bytes twice');
    });
  }

  it('of other resources, or of a ring without a key, is as it was given', () => {
    assert.equal(sealer.seal('/registry/core/configmaps/default/a', VALUE), VALUE);
    assert.equal(sealer.seal('/registry/core/secretsx/a', VALUE), VALUE);
    assert.equal(new Sealer(noKeyRing(['secrets']), '').seal(KEY, VALUE), VALUE);
    assert.equal(sealer.open(KEY, VALUE), VALUE);
    assert.equal(keyNameOf(VALUE), undefined);
    assert.equal(keyNameOf(Buffer.from('k8s')), undefined);
    assert.equal(keyNameOf(Buffer.from('k8s:enc:other:v1:x:')), '(unknown)');
  });

  it('can be read through a rotation', () => {
    const rotating = new Sealer(ring, '');
    const old = rotating.seal(KEY, VALUE);
    rotating.use(afterAction(ring, 'rotate-keys', now));
    assert.ok(rotating.open(KEY, old).equals(VALUE));
    assert.notEqual(keyNameOf(rotating.seal(KEY, VALUE)), keyNameOf(old));
  });

  const stored = sealer.seal(KEY, VALUE);
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(stored);
    copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
    return copy;
  };
  const other = newKeyRing(['secrets'], now);
  const wrong = { ...ring, keys: ring.keys.map(key => ({ ...key, secret: other.keys[0]?.secret ?? '' })) };
  const table: [what: string, sealer: Sealer, key: string, stored: Buffer, message: RegExp][] = [
    [
      'without its key',
      new Sealer(other, '/cred/keys'),
      KEY,
      stored,
      /which is not in \/cred\/keys \(it has aesgcmkey/,
    ],
    ['without any key', new Sealer(noKeyRing([]), '/cred/keys'), KEY, stored, /not in \/cred\/keys \(there is none\)/],
    ['with another key of its name', new Sealer(wrong, '/cred/keys'), KEY, stored, /is not the one it was encrypted/],
    ['of another object', sealer, `${KEY}b`, stored, /cannot be decrypted/],
    ['with a flipped bit', sealer, KEY, flipped(stored.length - 20), /cannot be decrypted/],
    ['with a flipped tag', sealer, KEY, flipped(stored.length - 1), /cannot be decrypted/],
    ['with a flipped nonce', sealer, KEY, flipped(stored.indexOf(':', 18) + 2), /cannot be decrypted/],
    ['that is cut', sealer, KEY, stored.subarray(0, stored.indexOf(':', 18) + 5), /cannot be decrypted/],
  ];
  for (const [what, with_, key, bytes, message] of table) {
    it(`${what} is refused, by name`, () => {
      assert.throws(
        () => with_.open(key, bytes),
        (error: unknown) => {
          assert.ok(error instanceof StoreKeyError, String(error));
          assert.match(error.message, message);
          assert.equal(error.keyName, ring.write);
          assert.ok(error.message.includes(ring.write ?? '-'));
          assert.match(error.hint, /atoll backup restore/);
          return true;
        },
      );
    });
  }
});
