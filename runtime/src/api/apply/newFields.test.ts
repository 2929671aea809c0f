import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiTestData } from '../../../test/debianSource.ts';
import type { KubeObject } from '../object.ts';
import { definitionOf } from '../schema/table.ts';
import { compareTyped } from './compare.ts';
import { TypedError } from './elements.ts';
import { equalSets } from './fieldSet.ts';
import { fieldsOfNew } from './newFields.ts';
import { deducedView, listView, mapView, scalarView, structView, type TypeView } from './types.ts';
import { viewOfDefinition } from './view.ts';

const text = scalarView('string');
const struct = structView(
  'Struct',
  new Map([
    ['name', { type: text, default: undefined }],
    ['port', { type: scalarView('numeric'), default: 80 }],
    [
      'spec',
      {
        type: structView('Inner', new Map([['a', { type: text, default: undefined }]]), { atomic: false }),
        default: undefined,
        absent: {},
      },
    ],
    ['items', { type: listView(text, { atomic: false }), default: undefined, absent: null }],
    ['whole', { type: mapView(text, { atomic: true }), default: undefined, absent: {} }],
    ['labels', { type: mapView(text, { atomic: false }), default: undefined }],
    ['any', { type: deducedView, default: undefined }],
    ['onlyMap', { type: mapView(deducedView, { atomic: false }), default: undefined }],
  ]),
  { atomic: false },
);
const keyed = structView(
  'Keyed',
  new Map([['list', { type: listView(struct, { atomic: false, keys: ['name', 'port'] }), default: undefined }]]),
  { atomic: false },
);

/** Each has a shape of its own, and neighbours are the likely ones to be taken for each other. */
const values: readonly object[] = [
  {},
  { spec: {} },
  { spec: null },
  { spec: { a: 'x' } },
  { spec: { b: 'x' } },
  { spec: 'x' },
  { items: [] },
  { items: null },
  { items: ['a'] },
  { items: ['b'] },
  { items: ['a', 'b'] },
  { items: ['b', 'a'] },
  { items: ['a', 'a'] },
  { items: ['a', 'a', 'b'] },
  { items: ['1:a"1:b'] },
  { items: [1, '1', true, 'true'] },
  { whole: {} },
  { whole: { a: 'b' } },
  { labels: {} },
  { labels: { a: 'b' } },
  { labels: { 'a}1:b': 'b' } },
  { labels: { a: 'b', b: 'c' } },
  { labels: { b: 'b', a: 'c' } },
  { any: { a: { b: 1 } } },
  { any: { a: [{ b: 1 }] } },
  { any: { a: null } },
  { any: 'x' },
  { any: [] },
  { onlyMap: ['x'] },
  { onlyMap: ['x', 'y'] },
  { onlyMap: 3 },
  { name: undefined, port: 1 },
  { unknown: 1 },
];

const items: readonly (readonly unknown[])[] = [
  [],
  [{ name: 'a' }],
  [{ name: 'a', port: 80 }],
  [{ name: 'a', port: 81 }],
  [{ name: 'a', port: '81' }],
  [{ name: 'a' }, { name: 'a', port: 80 }],
  [{ name: 'a' }, { name: 'b' }],
  [{ name: 'b' }, { name: 'a' }],
  [{ name: 'a', labels: { x: 'y' } }],
  [{ name: 'a', labels: {} }],
];

function same(view: TypeView, value: object): void {
  const expected = compareTyped(view, {}, value).changed;
  // Twice: what is remembered is the same.
  for (const turn of ['first', 'again'])
    assert.ok(equalSets(fieldsOfNew(view, structuredClone(value)), expected), `${turn}: ${JSON.stringify(value)}`);
}

test('a shape tells apart whatever has other fields', () => {
  for (const value of [...values, ...values]) same(struct, value);
  for (const list of [...items, ...items]) same(keyed, { list });
});

test('what cannot be named is refused as ever', () => {
  for (const list of [[{ port: 1 }], ['x'], [null], [{ name: 'a' }, null]])
    assert.throws(() => fieldsOfNew(keyed, { list }), TypedError, JSON.stringify(list));
  assert.throws(() => fieldsOfNew(struct, { items: [{}] }), TypedError);
});

test('what is remembered cannot be changed', () => {
  const set = fieldsOfNew(struct, { labels: { kept: 'x' } });
  assert.equal(fieldsOfNew(struct, { labels: { kept: 'y' } }), set);
  assert.throws(() => Object.assign(set['f:labels'] ?? {}, { 'f:other': {} }), TypeError);
});

test("every built-in kind, by upstream's own example of it, and many shapes of one", async () => {
  const folder = await apiTestData();
  let seen = 0;
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.json') || file.includes('after_roundtrip')) continue;
    const object = JSON.parse(await readFile(join(folder, file), 'utf8')) as KubeObject;
    if (object.apiVersion === undefined || object.metadata?.name === undefined) continue;
    const slash = object.apiVersion.indexOf('/');
    const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
    const definition = definitionOf(group, object.apiVersion.slice(slash + 1), object.kind);
    if (definition === undefined) continue;
    const view = viewOfDefinition(definition);
    same(view, object);
    for (const field of Object.keys(object)) {
      const { [field]: _, ...rest } = object;
      same(view, rest);
    }
    seen++;
  }
  assert.ok(seen > 50, `${seen}`);
  const maps = viewOfDefinition('io.k8s.api.core.v1.ConfigMap');
  for (let at = 0; at < 3000; at++) same(maps, { data: { [`key-${at % 1500}`]: 'x' } });
});
