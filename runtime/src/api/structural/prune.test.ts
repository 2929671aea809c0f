/** What a schema does not name goes, and what it defaults comes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { compileSchema } from './compile.ts';
import { applyDefaults } from './defaults.ts';
import { coerceEmbedded, embeddedErrors } from './embedded.ts';
import { listTypeErrors } from './listTypes.ts';
import { dropNulls, prune } from './prune.ts';

type Schema = JSONSchemaProps;
const text: Schema = { type: 'string' };
const object = (properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});
const any: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const embedded = object({ spec: object({ a: text }) }, { 'x-kubernetes-embedded-resource': true });
const head = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n' } };

const pruneRows: readonly (readonly [
  name: string,
  schema: Schema,
  value: unknown,
  left: unknown,
  ...removed: string[],
])[] = [
  ['known fields stay', object({ a: text }), { a: '1' }, { a: '1' }],
  ['unknown fields go', object({ a: text }), { a: '1', b: 2 }, { a: '1' }, 'b'],
  ['the head of an object stays', object({}), { ...head, x: 1 }, head, 'x'],
  ['below too', object({ a: object({ b: text }) }), { a: { b: '1', c: 2 } }, { a: { b: '1' } }, 'a.c'],
  [
    'in lists',
    object({ a: { type: 'array', items: object({ b: text }) } }),
    { a: [{ b: '1' }, { c: 2 }] },
    { a: [{ b: '1' }, {}] },
    'a[1].c',
  ],
  [
    'in lists of lists',
    object({ a: { type: 'array', items: { type: 'array', items: object({}) } } }),
    { a: [[{ c: 2 }]] },
    { a: [[{}]] },
    'a[0][0].c',
  ],
  [
    'in maps',
    object({ a: { type: 'object', additionalProperties: object({ b: text }) } }),
    { a: { x: { b: '1', c: 2 } } },
    { a: { x: { b: '1' } } },
    'a.x.c',
  ],
  [
    'a map of anything keeps keys',
    object({ a: { type: 'object', additionalProperties: true } }),
    { a: { x: 1, y: { z: 1 } } },
    { a: { x: 1, y: {} } },
    'a.y.z',
  ],
  ['preserved as a whole', object({ a: any }), { a: { x: { y: [1, { z: 2 }] } } }, { a: { x: { y: [1, { z: 2 }] } } }],
  [
    'preserved, but for what is named',
    object({ a: object({ b: object({ c: text }) }, { 'x-kubernetes-preserve-unknown-fields': true }) }),
    { a: { b: { c: '1', d: 2 }, e: 3 } },
    { a: { b: { c: '1' }, e: 3 } },
    'a.b.d',
  ],
  [
    'preserved at the root',
    object({ a: object({}) }, { 'x-kubernetes-preserve-unknown-fields': true }),
    { a: { x: 1 }, b: 2 },
    { a: {}, b: 2 },
    'a.x',
  ],
  [
    'a preserved list keeps its items',
    object({ a: { 'x-kubernetes-preserve-unknown-fields': true, type: 'array', items: object({ b: object({}) }) } }),
    { a: [{ b: { c: 1 }, d: 2 }] },
    { a: [{ b: {}, d: 2 }] },
    'a[0].b.c',
  ],
  [
    'fields called as metadata are none below',
    object({ a: object({}) }),
    { a: { metadata: 1, kind: 'x' } },
    { a: {} },
    'a.kind',
    'a.metadata',
  ],
  [
    'an embedded resource keeps its head',
    object({ a: embedded }),
    { a: { ...head, spec: { a: '1', b: 2 }, x: 1 } },
    { a: { ...head, spec: { a: '1' } } },
    'a.spec.b',
    'a.x',
  ],
  ['scalars where objects should be', object({ a: object({ b: text }) }), { a: 'x' }, { a: 'x' }],
  ['null', object({ a: object({ b: text }) }), { a: null }, { a: null }],
  ['sorted', object({}), { c: 1, a: 1, b: 1 }, {}, 'a', 'b', 'c'],
];

describe('pruning', () => {
  for (const [name, schema, value, left, ...removed] of pruneRows) {
    it(name, () => {
      const copy = structuredClone(value);
      assert.deepEqual(prune(copy, compileSchema(schema), true, true), removed);
      assert.deepEqual(copy, left);
      assert.deepEqual(prune(copy, compileSchema(schema), true, true), []);
    });
  }

  it('takes everything where nothing is described', () => {
    const value = { ...head, x: 1 };
    prune(value, undefined, true);
    assert.deepEqual(value, head);
  });
});

const one: Schema = { type: 'integer', default: 1 };
const nullable: Schema = { type: 'integer', default: 1, nullable: true };

const defaultRows: readonly (readonly [name: string, schema: Schema, value: unknown, filled: unknown])[] = [
  ['what is missing', object({ a: one }), {}, { a: 1 }],
  ['not what is there', object({ a: one }), { a: 2 }, { a: 2 }],
  ['zero is there', object({ a: one }), { a: 0 }, { a: 0 }],
  ['false as a default', object({ a: { type: 'boolean', default: false } }), {}, { a: false }],
  ['nothing in what is missing itself', object({ a: object({ b: one }) }), {}, {}],
  ['in what is there', object({ a: object({ b: one }) }), { a: {} }, { a: { b: 1 } }],
  ['in a default', object({ a: object({ b: one, c: text }, { default: { c: 'x' } }) }), {}, { a: { c: 'x', b: 1 } }],
  [
    'in lists',
    object({ a: { type: 'array', items: object({ b: one }) } }),
    { a: [{}, { b: 2 }] },
    { a: [{ b: 1 }, { b: 2 }] },
  ],
  [
    'in maps',
    object({ a: { type: 'object', additionalProperties: object({ b: one }) } }),
    { a: { x: {} } },
    { a: { x: { b: 1 } } },
  ],
  ['null becomes the default', object({ a: one }), { a: null }, { a: 1 }],
  ['null without a default goes', object({ a: { type: 'integer' } }), { a: null }, {}],
  ['null where it may be stays', object({ a: nullable }), { a: null }, { a: null }],
  [
    'null in a map with a default',
    object({ a: { type: 'object', additionalProperties: one } }),
    { a: { x: null } },
    { a: { x: 1 } },
  ],
  [
    'null in a map',
    object({ a: { type: 'object', additionalProperties: { type: 'integer' } } }),
    { a: { x: null } },
    { a: {} },
  ],
  ['null in a list with a default', object({ a: { type: 'array', items: one } }), { a: [null, 2] }, { a: [1, 2] }],
  [
    'null in a list stays',
    object({ a: { type: 'array', items: { type: 'integer' } } }),
    { a: [null, 2] },
    { a: [null, 2] },
  ],
  ['lists as defaults', object({ a: { type: 'array', items: text, default: ['x'] } }), {}, { a: ['x'] }],
];

describe('defaulting', () => {
  for (const [name, schema, value, filled] of defaultRows) {
    it(name, () => {
      const compiled = compileSchema(schema);
      const copy = structuredClone(value);
      dropNulls(copy, compiled);
      applyDefaults(copy, compiled);
      assert.deepEqual(copy, filled);
      applyDefaults(copy, compiled);
      assert.deepEqual(copy, filled);
    });
  }

  it('hands out copies', () => {
    const compiled = compileSchema(object({ a: { type: 'array', items: text, default: ['x'] } }));
    const [first, second]: { a?: string[] }[] = [{}, {}];
    applyDefaults(first, compiled);
    first?.a?.push('y');
    applyDefaults(second, compiled);
    assert.deepEqual(second, { a: ['x'] });
  });
});

const set = (items: Schema): Schema => ({ type: 'array', items, 'x-kubernetes-list-type': 'set' });
const map = (...keys: string[]): Schema => ({
  type: 'array',
  items: object({ a: text, b: text }),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});

const listRows: readonly (readonly [name: string, schema: Schema, value: unknown, ...errors: string[]])[] = [
  ['a set', set(text), ['a', 'b']],
  ['a set twice', set(text), ['a', 'b', 'a'], 'x[2]: Duplicate value: "a"'],
  ['told once', set(text), ['a', 'a', 'a'], 'x[1]: Duplicate value: "a"'],
  [
    'a set of objects',
    set({ ...object({ a: text }), 'x-kubernetes-map-type': 'atomic' }),
    [
      { a: '1', b: 2 },
      { b: 2, a: '1' },
    ],
    'x[1]: Duplicate value: {"a":"1","b":2}',
  ],
  ['a list may hold things twice', { type: 'array', items: text }, ['a', 'a']],
  ['a map', map('a'), [{ a: '1' }, { a: '2' }]],
  [
    'a map twice',
    map('a'),
    [
      { a: '1', b: 'x' },
      { a: '1', b: 'y' },
    ],
    'x[1]: Duplicate value: {"a":"1"}',
  ],
  [
    'a map of two keys',
    map('a', 'b'),
    [
      { a: '1', b: 'x' },
      { a: '1', b: 'y' },
    ],
  ],
  [
    'a map of two keys twice',
    map('a', 'b'),
    [
      { a: '1', b: 'x' },
      { b: 'x', a: '1' },
    ],
    'x[1]: Duplicate value: {"a":"1","b":"x"}',
  ],
  ['keys not there', map('a'), [{ b: 'x' }, { b: 'y' }], 'x[1]: Duplicate value: {}'],
  ['no object in a map', map('a'), ['x'], 'x[0]: Invalid value: "x": must be an object for an array of list-type map'],
  [
    'below',
    object({ y: { type: 'array', items: object({ z: set(text) }) } }),
    { y: [{ z: ['a', 'a'] }] },
    'x.y[0].z[1]: Duplicate value: "a"',
  ],
  ['in maps', { type: 'object', additionalProperties: set(text) }, { k: ['a', 'a'] }, 'x[k][1]: Duplicate value: "a"'],
];

describe('lists of type set and map', () => {
  for (const [name, schema, value, ...errors] of listRows) {
    it(name, () => {
      const found = listTypeErrors({ x: value }, compileSchema(object({ x: schema })), '');
      assert.deepEqual(
        found.map(({ field, message }) => `${field}: ${message}`),
        errors,
      );
    });
  }
});

const embeddedRows: readonly (readonly [name: string, value: unknown, ...errors: string[]])[] = [
  ['a whole one', head],
  ['without a kind', { apiVersion: 'v1' }, 'x.kind: Required value'],
  ['without a version', { kind: 'Pod' }, 'x.apiVersion: Required value'],
  [
    'with empty ones',
    { apiVersion: '', kind: '' },
    'x.apiVersion: Invalid value: "": must not be empty',
    'x.kind: Invalid value: "": must not be empty',
  ],
  [
    'with a bad version',
    { apiVersion: 'a/b/c', kind: 'Pod' },
    'x.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
  ],
  [
    'with a bad name',
    { ...head, metadata: { name: 'a/b' } },
    `x.metadata.name: Invalid value: "a/b": may not contain '/'`,
  ],
  [
    'with bad labels',
    { ...head, metadata: { labels: { 'a/b/c': '' } } },
    "x.metadata.labels: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
  ],
];

describe('embedded resources', () => {
  const schema = compileSchema(object({ x: { ...any, 'x-kubernetes-embedded-resource': true } }));
  for (const [name, value, ...errors] of embeddedRows) {
    it(name, () =>
      assert.deepEqual(
        embeddedErrors({ x: value }, schema).map(({ field, message }) => `${field}: ${message}`),
        errors,
      ),
    );
  }

  it('lose what metadata does not know', () => {
    const value = { x: { ...head, metadata: { name: 'n', what: 1, labels: { a: 'b' } } } };
    assert.deepEqual(coerceEmbedded(value, schema), ['unknown field "x.metadata.what"']);
    assert.deepEqual(value.x.metadata, { name: 'n', labels: { a: 'b' } });
  });

  it('are refused with metadata of wrong types', () => {
    assert.throws(
      () => coerceEmbedded({ x: { ...head, metadata: { labels: 1 } } }, schema),
      /^Error: x\.metadata: Invalid value: \{"labels":1\}: json: cannot unmarshal number into Go struct field ObjectMeta\.labels/,
    );
    assert.throws(
      () => coerceEmbedded({ x: { ...head, kind: 3 } }, schema),
      /^Error: x\.kind: Invalid value: 3: must be a string/,
    );
  });
});
