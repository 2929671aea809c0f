import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
// Another implementation of the same format, to compare with.
import protobuf from 'protobufjs';
import { Messages, type TypeDescriptor } from './messages.ts';

const types: Record<string, TypeDescriptor> = {
  Everything: {
    fields: {
      text: { type: 'string', id: 1 },
      whole: { type: 'int64', id: 2 },
      small: { type: 'int32', id: 3 },
      natural: { type: 'uint32', id: 4 },
      large: { type: 'uint64', id: 5 },
      yes: { type: 'bool', id: 6 },
      raw: { type: 'bytes', id: 7 },
      color: { type: 'Color', id: 8 },
      shape: { type: 'Shape', id: 9 },
      inner: { type: 'Everything', id: 10 },
      texts: { type: 'string', id: 11, rule: 'repeated' },
      numbers: { type: 'int64', id: 12, rule: 'repeated' },
      colors: { type: 'Color', id: 13, rule: 'repeated' },
      inners: { type: 'Everything', id: 14, rule: 'repeated' },
      labels: { type: 'string', id: 15, keyType: 'string' },
      byName: { type: 'Everything', id: 200, keyType: 'string' },
    },
    nested: { Shape: { values: { ROUND: 0, FLAT: 3 } } },
  },
  Color: { values: { RED: 0, GREEN: 1 } },
};

const messages = new Messages(types);
const reference = protobuf.Root.fromJSON({ nested: types as never }).lookupType('Everything');
const theirs = (value: object): Buffer => Buffer.from(reference.encode(reference.fromObject(value)).finish());

const values: readonly (readonly [name: string, value: Record<string, unknown>])[] = [
  ['nothing', {}],
  ['text', { text: 'wörld 🌍' }],
  ['a long text', { text: 'x'.repeat(100_000) }],
  ['whole numbers', { whole: 2 ** 53 - 1, small: 2 ** 31 - 1, natural: 2 ** 32 - 1, large: 2 ** 52 }],
  ['negative numbers', { whole: -(2 ** 53 - 1), small: -1 }],
  ['truth', { yes: true }],
  ['bytes', { raw: Buffer.from([0, 255, 128]) }],
  ['enums, one of them nested', { color: 'GREEN', shape: 'FLAT' }],
  ['a message', { inner: { text: 'a', inner: { text: 'b' } } }],
  ['an empty message', { inner: {} }],
  ['lists', { texts: ['a', '', 'b'], inners: [{ text: 'a' }, {}], colors: ['GREEN', 'RED'] }],
  ['numbers in a list', { numbers: [1, -1, 300] }],
  ['a map', { labels: { a: '1', b: '', '': 'c' } }],
  ['messages in a map', { byName: { one: { text: '1' }, two: {} } }],
];

/** What a reader sees: proto3's defaults where nothing was given. */
const complete = (value: Record<string, unknown>): unknown =>
  reference.toObject(reference.fromObject(value), { defaults: true, longs: Number, enums: String, bytes: Buffer });

/** Fields in one order, so that they can be compared. */
const same = (a: unknown, b: unknown, message: string): void =>
  assert.deepEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)), message);

describe('protobuf messages', () => {
  for (const [name, value] of values) {
    it(`are written as others read them: ${name}`, () => {
      same(
        reference.toObject(reference.decode(messages.encode('Everything', value)), {
          defaults: true,
          longs: Number,
          enums: String,
          bytes: Buffer,
        }),
        complete(value),
        name,
      );
    });
    it(`are read as others write them: ${name}`, () => {
      same(messages.decode('Everything', theirs(value)), complete(value), name);
    });
  }

  it('are read whatever is unknown in them', () => {
    const partial = new Messages({ Everything: { fields: { text: { type: 'string', id: 1 } } } });
    const encoded = theirs({ text: 'kept', whole: 7, inner: { text: 'x' }, labels: { a: 'b' } });
    assert.deepEqual(partial.decode('Everything', encoded), { text: 'kept' });
  });

  it('keep the number of an enum value of a later version', () => {
    const later = new Messages({ Everything: { fields: { color: { type: 'int32', id: 8 } } } });
    assert.equal(messages.decode('Everything', later.encode('Everything', { color: 9 })).color, 9);
  });

  for (const [name, encoded] of [
    ['cut short', theirs({ text: 'abcdef' }).subarray(0, 4)],
    ['a number for a text', Buffer.from([8, 1])],
    ['a text for a number', Buffer.from([18, 1, 65])],
    ['no tag', Buffer.from([0])],
    ['an endless number', Buffer.alloc(20, 0xff)],
  ] as const) {
    it(`are refused when broken: ${name}`, () => {
      assert.throws(() => messages.decode('Everything', encoded), /proto|EOF/);
    });
  }

  it('say which message the descriptor lacks', () => {
    assert.throws(() => messages.encode('Nothing', {}), /no message Nothing/);
  });
});
