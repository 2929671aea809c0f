/** Entries as they are stored and sent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ManagedFieldsEntry } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { type FieldSet, fieldPath, setOf } from './fieldSet.ts';
import {
  capped,
  decodeSent,
  decodeStored,
  encodeManaged,
  identify,
  isReset,
  type Managed,
  managerOf,
  sameButTimes,
} from './managedFields.ts';

const entry = (manager: string, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': { [`f:${manager}`]: {} } },
  ...more,
});
const named = (managed: Managed): string[] =>
  (encodeManaged(managed) ?? []).map(e => [e.manager, e.operation, e.apiVersion, e.subresource].join(' ').trim());

describe('managers', () => {
  const identities: readonly (readonly [Parameters<typeof identify>[0], string])[] = [
    [
      { manager: 'a', operation: 'Update', apiVersion: 'v1', subresource: '' },
      '{"manager":"a","operation":"Update","apiVersion":"v1"}',
    ],
    [{ manager: 'a', operation: 'Apply', apiVersion: 'v1', subresource: '' }, '{"manager":"a","operation":"Apply"}'],
    [
      { manager: '"', operation: 'Apply', apiVersion: '', subresource: 'status' },
      '{"manager":"\\"","operation":"Apply","subresource":"status"}',
    ],
    [
      { manager: '', operation: 'Update', apiVersion: 'v1', subresource: '' },
      '{"operation":"Update","apiVersion":"v1"}',
    ],
  ];
  for (const [manager, identity] of identities) {
    test(identity, () => {
      assert.equal(identify(manager), identity);
      const known = manager.operation === 'Apply' ? { ...manager, apiVersion: '' } : manager;
      assert.deepEqual(managerOf(identity), known);
    });
  }
});

describe('entries', () => {
  test("keep upstream's order: operation, time, manager, version, subresource", () => {
    const entries = [
      entry('b', { time: '2026-01-02T00:00:00Z' }),
      entry('a', { subresource: 'status' }),
      entry('a'),
      entry('a', { apiVersion: 'v2' }),
      entry('z', { operation: 'Apply', time: '2027-01-01T00:00:00Z' }),
      entry('none', { time: undefined }),
    ];
    assert.deepEqual(named(decodeStored(entries)), [
      'z Apply v1',
      'none Update v1',
      'a Update v1',
      'a Update v1 status',
      'a Update v2',
      'b Update v1',
    ]);
  });

  test('are read and written as they were', () => {
    const entries = [entry('a', { operation: 'Apply' }), entry('b'), entry('c', { subresource: 'status' })];
    assert.deepEqual(encodeManaged(decodeStored(entries)), entries);
    assert.deepEqual(encodeManaged(decodeSent(entries)), entries);
    assert.equal(encodeManaged(decodeStored([])), undefined);
  });

  test('of an applier are one, whatever version he applied last', () => {
    const managed = decodeStored([entry('a', { operation: 'Apply', apiVersion: 'v2' })]);
    assert.deepEqual([...managed.owners.keys()], ['{"manager":"a","operation":"Apply"}']);
    assert.equal(encodeManaged(managed)?.[0]?.apiVersion, 'v2');
  });

  const wrong: readonly (readonly [Partial<ManagedFieldsEntry>, RegExp])[] = [
    [{ operation: 'Delete' }, /operation must be `Apply` or `Update`/],
    [{ operation: undefined }, /operation must be/],
    [{ apiVersion: undefined }, /apiVersion must not be empty/],
    [{ fieldsType: undefined }, /missing fieldsType in managed fields entry 0/],
    [{ fieldsType: 'V2' }, /invalid fieldsType "V2" in managed fields entry 0/],
    [{ fieldsV1: { x: {} } }, /key must be 2 characters long/],
    [{ fieldsV1: { 'f:a': 1 } }, /expect \{ or n/],
  ];
  for (const [more, message] of wrong)
    test(`are refused with ${JSON.stringify(more)}`, () =>
      assert.throws(() => decodeSent([entry('a', more)]), message));

  test('are reset by an empty list, or one empty entry', () => {
    const asked: readonly (readonly [ManagedFieldsEntry[] | undefined, boolean])[] = [
      [undefined, false],
      [[], true],
      [[{}], true],
      [[{}, {}], false],
      [[{ manager: 'a' }], false],
    ];
    for (const [entries, reset] of asked) assert.equal(isReset(entries), reset, JSON.stringify(entries));
  });

  test('are the same but for their times', () => {
    assert.ok(sameButTimes([entry('a')], [entry('a', { time: '2020-01-01T00:00:00Z' })]));
    assert.ok(!sameButTimes([entry('a')], [entry('b')]));
    assert.ok(!sameButTimes([entry('a')], [entry('a'), entry('b')]));
    assert.ok(!sameButTimes([entry('a')], undefined));
  });
});

describe('more than ten who update', () => {
  const at = (index: number): string => `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`;
  const many = (count: number, versionOf: (index: number) => string = () => 'v1'): ManagedFieldsEntry[] =>
    Array.from({ length: count }, (_, i) =>
      entry(`m${String(i).padStart(2, '0')}`, { time: at(i), apiVersion: versionOf(i) }),
    );
  const fieldsOf = (managed: Managed, manager: string): FieldSet =>
    ((encodeManaged(managed) ?? []).find(e => e.manager === manager)?.fieldsV1 ?? {}) as FieldSet;

  test('ten are left alone, and appliers do not count', () => {
    const managed = decodeStored([...many(10), entry('applier', { operation: 'Apply' })]);
    assert.equal(capped(managed), managed);
  });

  test('the oldest become one, with the time of the newest of them', () => {
    const result = capped(decodeStored(many(13)));
    assert.equal(result.owners.size, 10);
    assert.deepEqual(
      fieldsOf(result, 'ancient-changes'),
      setOf(...['m00', 'm01', 'm02', 'm03'].map(m => fieldPath('data', m))),
    );
    assert.equal((encodeManaged(result) ?? []).find(e => e.manager === 'ancient-changes')?.time, at(3));
    const again = capped(decodeStored([...(encodeManaged(result) ?? []), entry('m99', { time: at(59) })]));
    assert.equal(again.owners.size, 10);
    assert.ok(Object.hasOwn(fieldsOf(again, 'ancient-changes')['f:data'] ?? {}, 'f:m04'));
  });

  test('each version has its own', () => {
    const result = capped(decodeStored(many(14, index => (index % 2 === 0 ? 'v1' : 'v2'))));
    assert.deepEqual(
      named(result)
        .filter(name => name.startsWith('ancient'))
        .sort(),
      ['ancient-changes Update v1', 'ancient-changes Update v2'],
    );
    assert.equal(result.owners.size, 10);
  });
});
