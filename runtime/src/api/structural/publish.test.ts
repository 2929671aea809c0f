/** Schemas as OpenAPI 2 and 3 publish them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { publishedSchemas } from './publish.ts';

type Schema = JSONSchemaProps;
type Json = Record<string, unknown>;

const publish = (schema: Schema | undefined, dialect: 'v2' | 'v3'): Json =>
  publishedSchemas(
    {
      gvk: { group: 'example.com', version: 'v1', kind: 'Tab' },
      listKind: 'TabList',
      plural: 'tabs',
      definition: 'com.example.v1.Tab',
      schema,
      selectableFields: ['.spec.a'],
    },
    dialect,
  ).object;

/** The field `x` of this schema, published. */
const field = (schema: Schema, dialect: 'v2' | 'v3', more: Partial<Schema> = {}): unknown => {
  const published = publish({ type: 'object', properties: { x: schema }, ...more }, dialect);
  return (published.properties as Json).x;
};

const text: Schema = { type: 'string' };

/** Nothing: the same in both. */
const rows: readonly (readonly [name: string, schema: Schema, v3: unknown, v2: unknown])[] = [
  [
    'a text',
    { ...text, description: 'd', pattern: 'p', maxLength: 3 },
    { ...text, description: 'd', pattern: 'p', maxLength: 3 },
    { ...text, description: 'd', pattern: 'p', maxLength: 3 },
  ],
  [
    'junctors',
    { ...text, anyOf: [{ pattern: 'a' }], not: { pattern: 'b' } },
    { ...text, anyOf: [{ pattern: 'a' }], not: { pattern: 'b' } },
    text,
  ],
  ['nullable', { ...text, nullable: true }, { ...text, nullable: true }, {}],
  [
    'a nullable object',
    { type: 'object', nullable: true, properties: { a: text } },
    { type: 'object', nullable: true, properties: { a: text } },
    {},
  ],
  [
    'preserved',
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: text } },
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: text } },
    { 'x-kubernetes-preserve-unknown-fields': true },
  ],
  [
    'a preserved list',
    { type: 'array', 'x-kubernetes-preserve-unknown-fields': true, items: text },
    { type: 'array', 'x-kubernetes-preserve-unknown-fields': true, items: text },
    { 'x-kubernetes-preserve-unknown-fields': true },
  ],
  [
    'int-or-string',
    { 'x-kubernetes-int-or-string': true },
    { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    { 'x-kubernetes-int-or-string': true },
  ],
  [
    'int-or-string with more',
    { 'x-kubernetes-int-or-string': true, anyOf: [{ pattern: 'a' }] },
    {
      'x-kubernetes-int-or-string': true,
      anyOf: [{ pattern: 'a' }],
      allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }],
    },
    { 'x-kubernetes-int-or-string': true },
  ],
  [
    'required but nullable',
    { type: 'object', required: ['a', 'b'], properties: { a: { ...text, nullable: true }, b: text } },
    { type: 'object', required: ['a', 'b'], properties: { a: { ...text, nullable: true }, b: text } },
    { type: 'object', required: ['b'], properties: { a: {}, b: text } },
  ],
  [
    'a map of nullables',
    { type: 'object', required: ['a'], additionalProperties: { ...text, nullable: true } },
    { type: 'object', required: ['a'], additionalProperties: { ...text, nullable: true } },
    { type: 'object', additionalProperties: {} },
  ],
  [
    'lists and maps',
    { type: 'array', items: { type: 'object', additionalProperties: text }, 'x-kubernetes-list-type': 'atomic' },
    { type: 'array', items: { type: 'object', additionalProperties: text }, 'x-kubernetes-list-type': 'atomic' },
    { type: 'array', items: { type: 'object', additionalProperties: text }, 'x-kubernetes-list-type': 'atomic' },
  ],
  [
    'rules',
    { ...text, 'x-kubernetes-validations': [{ rule: 'true' }] },
    { ...text, 'x-kubernetes-validations': [{ rule: 'true' }] },
    { ...text, 'x-kubernetes-validations': [{ rule: 'true' }] },
  ],
];

describe('a published schema', () => {
  for (const [name, schema, v3, v2] of rows) {
    it(`of ${name}`, () => {
      assert.deepEqual(field(schema, 'v3'), v3);
      assert.deepEqual(field(schema, 'v2'), v2);
    });
  }

  it('has what every object has', () => {
    const published = publish({ type: 'object', properties: {} }, 'v3');
    assert.deepEqual(Object.keys(published.properties as Json), ['apiVersion', 'kind', 'metadata']);
    assert.deepEqual(published['x-kubernetes-group-version-kind'], [
      { group: 'example.com', kind: 'Tab', version: 'v1' },
    ]);
    assert.deepEqual(published['x-kubernetes-selectable-fields'], [{ fieldPath: 'spec.a' }]);
  });

  it('names nothing where anything may stand', () => {
    const preserved: Schema = {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { spec: { type: 'object' } },
    };
    assert.equal(publish(preserved, 'v2').properties, undefined);
    assert.ok((publish(preserved, 'v3').properties as Json).spec);
    assert.equal(publish(undefined, 'v3').properties, undefined);
  });

  it('describes embedded resources', () => {
    const embedded = field(
      { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
      'v3',
    ) as Json;
    assert.deepEqual(Object.keys(embedded.properties as Json), ['spec', 'apiVersion', 'kind', 'metadata']);
    assert.deepEqual(embedded.required, ['kind', 'apiVersion']);
  });
});
