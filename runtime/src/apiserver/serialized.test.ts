import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../api/object.ts';
import { deserialize, deserializeMetadata, serialize, spliced } from './serialized.ts';

const entry = {
  manager: 'm',
  operation: 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': {} },
};
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
    assert.deepEqual(deserialize(value, 7), { ...object, metadata: { ...metadata, resourceVersion: '7' } });
    assert.deepEqual(JSON.parse(spliced(value, 7).toString()), deserialize(value, 7));
    const { managedFields: _, ...known } = metadata as { managedFields?: unknown };
    assert.deepEqual(deserializeMetadata(value, 7), { ...known, resourceVersion: '7' });
  });
}

test('managers are the last of the metadata', () => {
  const value = serialize({ apiVersion: 'v1', kind: 'X', metadata: { managedFields: [entry], name: 'a' } });
  assert.match(value.toString(), /^\{"apiVersion":"v1","kind":"X","metadata":\{"name":"a","managedFields":\[.*\]\}\}$/);
});
