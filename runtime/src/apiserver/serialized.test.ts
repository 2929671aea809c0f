import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../api/object.ts';
import {
  deserialize,
  deserializeMetadata,
  deserializeTwice,
  deserializeUnmanaged,
  deserializeWholly,
  serialize,
  spliced,
} from './serialized.ts';

const entry = {
  manager: 'm',
  operation: 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': {} },
};
const odd = { 'f:a': {}, 'k:{"name":"},{\\"x\\":[}]"}': { '.': {}, 'f:name': {} }, 'v:"]}\\\\"': {} };
const objects: readonly (readonly [name: string, metadata: object, rest: object])[] = [
  ['without managers', { name: 'a', labels: { x: 'y' } }, {}],
  ['with managers', { managedFields: [entry], name: 'a', labels: { x: 'y' } }, { data: { a: '1' } }],
  ['with managers of nothing', { name: 'a', managedFields: [] }, {}],
  [
    'with managers of its template only',
    { name: 'a' },
    { spec: { template: { metadata: { name: 'b', managedFields: [entry] } } } },
  ],
  [
    'with managers of both',
    { name: 'a', managedFields: [entry] },
    { spec: { template: { metadata: { name: 'b', managedFields: [entry] } } } },
  ],
  ['with a text that looks like managers', { name: 'a', annotations: { t: 'x,"managedFields":[{}]}}' } }, {}],
  ['with many managers', { name: 'a', managedFields: [entry, { ...entry, subresource: 'status' }, entry] }, { x: 1 }],
  ['with managers of odd names', { name: 'a', managedFields: [{ ...entry, fieldsV1: odd }, entry] }, { x: ['"'] }],
  ['with an empty manager', { name: 'a', managedFields: [entry, {}] }, {}],
  ['with managers in another spelling', { name: 'a', managedFields: [{ fieldsV1: odd, manager: 'm', time: 't' }] }, {}],
  ['with managers that say more', { name: 'a', managedFields: [{ ...entry, x: '},"subresource":"' }, entry] }, {}],
  ['with managers of nothing at all', { name: 'a', managedFields: [{ manager: 'm', fieldsV1: {} }, { y: null }] }, {}],
  ['with a field that is not there', { name: 'a', labels: undefined, managedFields: [entry] }, { spec: undefined }],
  [
    'with brackets in a text',
    { name: 'a', annotations: { t: '}}]"\\' }, managedFields: [entry] },
    { data: { b: '}' } },
  ],
];

for (const [name, metadata, rest] of objects) {
  test(`an object ${name} is read as it was written`, () => {
    const object = { kind: 'ConfigMap', ...rest, metadata: { ...metadata, resourceVersion: '1' }, apiVersion: 'v1' };
    const value = serialize(object as unknown as KubeObject);
    const { resourceVersion: _revision, ...written } = object.metadata;
    const { managedFields, ...others } = written as { managedFields?: unknown };
    const { apiVersion, kind, metadata: _metadata, ...fields } = object as KubeObject;
    const inOrder = {
      apiVersion,
      kind,
      metadata: { ...others, ...(managedFields ? { managedFields } : {}) },
      ...fields,
    };
    assert.equal(value.toString(), JSON.stringify(inOrder));
    const read = JSON.parse(JSON.stringify({ ...object, metadata: { ...metadata, resourceVersion: '7' } }));
    for (const again of [deserialize(value, 7), ...deserializeTwice(value, 7), deserializeWholly(value, 7)]) {
      assert.deepEqual(again, read);
      assert.ok(serialize(again).equals(value), 'written again, it is other bytes');
    }
    const { managedFields: _managers, ...unmanaged } = read.metadata;
    assert.deepEqual(deserializeUnmanaged(value, 7), { ...read, metadata: unmanaged });
    assert.deepEqual(JSON.parse(spliced(value, 7).toString()), deserialize(value, 7));
    const { managedFields: _, ...known } = metadata as { managedFields?: unknown };
    assert.deepEqual(deserializeMetadata(value, 7), { ...JSON.parse(JSON.stringify(known)), resourceVersion: '7' });
  });
}

test('managers are the last of the metadata', () => {
  const value = serialize({ apiVersion: 'v1', kind: 'X', metadata: { managedFields: [entry], name: 'a' } });
  assert.match(value.toString(), /^\{"apiVersion":"v1","kind":"X","metadata":\{"name":"a","managedFields":\[.*\]\}\}$/);
});

test('what two objects share cannot be changed; what is read wholly can', () => {
  const value = serialize({ apiVersion: 'v1', kind: 'X', metadata: { name: 'a', managedFields: [entry] } });
  const [first, second] = deserializeTwice(value, 7);
  const [mine] = first.metadata.managedFields ?? [];
  if (mine) mine.manager = 'other';
  assert.equal(second.metadata.managedFields?.[0]?.manager, 'm');
  assert.throws(() => Object.assign(mine?.fieldsV1 ?? {}, { 'f:x': {} }), TypeError);
  const whole = deserializeWholly(value, 7).metadata.managedFields?.[0]?.fieldsV1 ?? {};
  whole['f:x'] = {};
  assert.deepEqual(deserialize(value, 7).metadata.managedFields, [entry]);
});
