/** Values against schemas, and the texts people read and search for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { compileSchema } from './compile.ts';
import { schemaErrors } from './validator.ts';

type Schema = JSONSchemaProps;

const object = (properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});

/** `field: message` of every error. */
const errorsOf = (schema: Schema, value: unknown, before?: unknown): string[] =>
  schemaErrors(value, compileSchema(schema), before === undefined ? undefined : { value: before }).map(
    ({ field, message }) => `${field}: ${message}`,
  );

/** One field `x` of this schema, this value, and what is said of it; nothing: it is valid. */
const rows: readonly (readonly [name: string, schema: Schema, value: unknown, ...errors: string[]])[] = [
  ['a string', { type: 'string' }, 'a'],
  ['no string', { type: 'string' }, 1, 'x: Invalid value: "integer": x in body must be of type string: "integer"'],
  [
    'a list for a string',
    { type: 'string' },
    [],
    'x: Invalid value: "array": x in body must be of type string: "array"',
  ],
  [
    'an object for a string',
    { type: 'string' },
    {},
    'x: Invalid value: "object": x in body must be of type string: "object"',
  ],
  [
    'true for a string',
    { type: 'string' },
    true,
    'x: Invalid value: "boolean": x in body must be of type string: "boolean"',
  ],
  ['null for a string', { type: 'string' }, null, 'x: Invalid value: "null": x in body must be of type string: "null"'],
  ['null where it may be', { type: 'string', nullable: true }, null],
  [
    'null in an enum without it',
    { type: 'string', nullable: true, enum: ['a'] },
    null,
    'x: Unsupported value: null: supported values: "a"',
  ],
  ['null in an enum with it', { type: 'string', nullable: true, enum: ['a', null] }, null],
  ['an integer', { type: 'integer' }, 3],
  ['a whole number for an integer', { type: 'integer' }, 3.0],
  [
    'a fraction for an integer',
    { type: 'integer' },
    1.5,
    'x: Invalid value: "number": x in body must be of type integer: "number"',
    '<nil>: Invalid value: "": Checked value must be of type integer (default format) in x',
  ],
  [
    'text for an integer',
    { type: 'integer' },
    'a',
    'x: Invalid value: "string": x in body must be of type integer: "string"',
  ],
  ['a number', { type: 'number' }, 1.5],
  ['an integer for a number', { type: 'number' }, 2],
  ['a boolean', { type: 'boolean' }, false],
  [
    'text for a boolean',
    { type: 'boolean' },
    'true',
    'x: Invalid value: "string": x in body must be of type boolean: "string"',
  ],
  ['a list', { type: 'array', items: { type: 'string' } }, ['a']],
  [
    'text for a list',
    { type: 'array', items: { type: 'string' } },
    'a',
    'x: Invalid value: "string": x in body must be of type array: "string"',
  ],
  [
    'an item of a wrong type',
    { type: 'array', items: { type: 'string' } },
    ['a', 2],
    'x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer"',
  ],
  ['anything without a type', { 'x-kubernetes-preserve-unknown-fields': true }, { a: [1, 'b', null] }],
  ['an integer of int-or-string', { 'x-kubernetes-int-or-string': true }, 1],
  ['a text of int-or-string', { 'x-kubernetes-int-or-string': true }, '50%'],
  [
    'a list of int-or-string',
    { 'x-kubernetes-int-or-string': true },
    [],
    'x: Invalid value: "array": x in body must be of type integer,string: "array"',
  ],
  [
    'true of int-or-string',
    { 'x-kubernetes-int-or-string': true },
    true,
    'x: Invalid value: "boolean": x in body must be of type integer,string: "boolean"',
  ],
  [
    'a pattern of int-or-string',
    { 'x-kubernetes-int-or-string': true, pattern: '^\\d+%$' },
    '5',
    'x: Invalid value: "5": x in body should match \'^\\d+%$\'',
  ],
  ['int32 in range', { type: 'integer', format: 'int32' }, 2147483647],
  [
    'int32 out of range',
    { type: 'integer', format: 'int32' },
    2147483648,
    '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x',
  ],
  [
    'int32 below range',
    { type: 'integer', format: 'int32' },
    -2147483649,
    '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x',
  ],
  ['int64', { type: 'integer', format: 'int64' }, 9007199254740991],
  [
    'a fraction of int32',
    { type: 'integer', format: 'int32' },
    1.5,
    'x: Invalid value: "float64": x in body must be of type int32: "float64"',
    '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x',
  ],
  ['float', { type: 'number', format: 'float' }, 1.5],
  [
    'too large a float',
    { type: 'number', format: 'float' },
    1e39,
    '<nil>: Invalid value: "": Checked value must be of type number with format float in x',
  ],
  ['double', { type: 'number', format: 'double' }, 1e300],
  ['at the maximum', { type: 'integer', maximum: 10 }, 10],
  [
    'over the maximum',
    { type: 'integer', maximum: 10 },
    11,
    'x: Invalid value: 11: x in body should be less than or equal to 10',
  ],
  [
    'at the exclusive maximum',
    { type: 'integer', maximum: 10, exclusiveMaximum: true },
    10,
    'x: Invalid value: 10: x in body should be less than 10',
  ],
  ['at the minimum', { type: 'integer', minimum: 1 }, 1],
  [
    'under the minimum',
    { type: 'integer', minimum: 1 },
    0,
    'x: Invalid value: 0: x in body should be greater than or equal to 1',
  ],
  [
    'at the exclusive minimum',
    { type: 'number', minimum: 0, exclusiveMinimum: true },
    0,
    'x: Invalid value: 0: x in body should be greater than 0',
  ],
  [
    'under a minimum of a fraction',
    { type: 'number', minimum: 0.5 },
    0.25,
    'x: Invalid value: 0.25: x in body should be greater than or equal to 0.5',
  ],
  ['a multiple', { type: 'integer', multipleOf: 5 }, 15],
  ['no multiple', { type: 'integer', multipleOf: 5 }, 16, 'x: Invalid value: 16: x in body should be a multiple of 5'],
  ['a multiple of a fraction', { type: 'number', multipleOf: 0.1 }, 0.3],
  [
    'no multiple of a fraction',
    { type: 'number', multipleOf: 0.25 },
    0.3,
    'x: Invalid value: 0.3: x in body should be a multiple of 0.25',
  ],
  [
    'a multiple of nothing',
    { type: 'number', multipleOf: -1 },
    3.5,
    'x: Invalid value: -1: factor MultipleOf declared for x must be positive: -1',
  ],
  ['long enough', { type: 'string', minLength: 2, maxLength: 3 }, 'ab'],
  ['too long', { type: 'string', maxLength: 3 }, 'abcd', 'x: Too long: may not be more than 3 bytes'],
  ['length is letters', { type: 'string', maxLength: 3 }, 'äöü'],
  ['length is code points', { type: 'string', maxLength: 1 }, '🐳'],
  [
    'too short',
    { type: 'string', minLength: 1 },
    '',
    'x: Invalid value: "": x in body should be at least 1 chars long',
  ],
  ['as the pattern', { type: 'string', pattern: '^a+$' }, 'aaa'],
  [
    'not as the pattern',
    { type: 'string', pattern: '^a+$' },
    'b',
    'x: Invalid value: "b": x in body should match \'^a+$\'',
  ],
  ['a pattern is not anchored', { type: 'string', pattern: 'a' }, 'bab'],
  ['in the enum', { type: 'string', enum: ['a', 'b'] }, 'b'],
  [
    'not in the enum',
    { type: 'string', enum: ['a', 'b'] },
    'c',
    'x: Unsupported value: "c": supported values: "a", "b"',
  ],
  [
    'not in an enum of numbers',
    { type: 'integer', enum: [1, 2] },
    3,
    'x: Unsupported value: 3: supported values: "1", "2"',
  ],
  [
    'in an enum of objects',
    { type: 'object', enum: [{ a: 1 }], 'x-kubernetes-preserve-unknown-fields': true },
    { a: 1 },
  ],
  ['a date-time', { type: 'string', format: 'date-time' }, '2026-01-02T03:04:05Z'],
  [
    'no date-time',
    { type: 'string', format: 'date-time' },
    'today',
    'x: Invalid value: "today": x in body must be of type date-time: "today"',
  ],
  ['an unknown format', { type: 'string', format: 'quux' }, 'today'],
  ['a format of another type', { type: 'integer', format: 'date' }, 3],
  ['enough items', { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 }, ['a']],
  [
    'too few items',
    { type: 'array', items: { type: 'string' }, minItems: 1 },
    [],
    'x: Invalid value: 0: x in body should have at least 1 items',
  ],
  [
    'too many items',
    { type: 'array', items: { type: 'string' }, maxItems: 1 },
    ['a', 'b'],
    'x: Too many: 2: must have at most 1 item',
  ],
  [
    'more than two items',
    { type: 'array', items: { type: 'string' }, maxItems: 2 },
    ['a', 'b', 'c'],
    'x: Too many: 3: must have at most 2 items',
  ],
  ['enough properties', { type: 'object', additionalProperties: { type: 'string' }, minProperties: 1 }, { a: 'b' }],
  [
    'too few properties',
    { type: 'object', additionalProperties: { type: 'string' }, minProperties: 1 },
    {},
    'x: Invalid value: 0: x in body should have at least 1 properties',
  ],
  [
    'too many properties',
    { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 1 },
    { a: '1', b: '2' },
    'x: Too many: 2: must have at most 1 item',
  ],
  [
    'a wrong value of a map',
    { type: 'object', additionalProperties: { type: 'string' } },
    { a: 1 },
    'x.a: Invalid value: "integer": x.a in body must be of type string: "integer"',
  ],
  [
    'a forbidden property',
    { type: 'object', additionalProperties: false },
    { a: 1 },
    'x: Invalid value: "a": x.a in body is a forbidden property',
  ],
  ['what is required', object({ a: { type: 'string' } }, { required: ['a'] }), { a: 'b' }],
  ['without what is required', object({ a: { type: 'string' } }, { required: ['a'] }), {}, 'x.a: Required value'],
  [
    'without two things',
    object({ a: { type: 'string' }, b: { type: 'string' } }, { required: ['a', 'b'] }),
    {},
    'x.a: Required value',
    'x.b: Required value',
  ],
  [
    'deep in lists and objects',
    { type: 'array', items: object({ a: { type: 'array', items: { type: 'integer' } } }) },
    [{ a: [1, 'x'] }],
    'x[0].a[1]: Invalid value: "string": x[0].a[1] in body must be of type integer: "string"',
  ],
  ['one of two (anyOf)', { type: 'string', anyOf: [{ pattern: '^a' }, { pattern: '^b' }] }, 'bc'],
  [
    'none of two (anyOf)',
    { type: 'string', anyOf: [{ pattern: '^a' }, { pattern: '^b' }] },
    'c',
    '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
    'x: Invalid value: "c": x in body should match \'^a\'',
  ],
  ['exactly one (oneOf)', { type: 'string', oneOf: [{ pattern: '^a' }, { pattern: 'b$' }] }, 'ac'],
  [
    'two (oneOf)',
    { type: 'string', oneOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    'ab',
    '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [
    'none (oneOf)',
    { type: 'string', oneOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    'c',
    '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
    'x: Invalid value: "c": x in body should match \'^a\'',
  ],
  [
    'none (oneOf of required)',
    object({ a: { type: 'string' }, b: { type: 'string' } }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
    {},
    '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
    'x.a: Required value',
  ],
  [
    'both (oneOf of required)',
    object({ a: { type: 'string' }, b: { type: 'string' } }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
    { a: '', b: '' },
    '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  ['all (allOf)', { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] }, 'ab'],
  [
    'not all (allOf)',
    { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    'ac',
    'x: Invalid value: "ac": x in body should match \'b$\'',
    '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)',
  ],
  [
    'none of all (allOf)',
    { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    'c',
    'x: Invalid value: "c": x in body should match \'^a\'',
    'x: Invalid value: "c": x in body should match \'b$\'',
    '<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated',
  ],
  ['not that (not)', { type: 'string', not: { pattern: '^a' } }, 'b'],
  [
    'that (not)',
    { type: 'string', not: { pattern: '^a' } },
    'ab',
    '<nil>: Invalid value: "": "x" must not validate the schema (not)',
  ],
  [
    'a property called __proto__',
    { type: 'object', additionalProperties: { type: 'string' } },
    JSON.parse('{"__proto__":1}'),
    'x.__proto__: Invalid value: "integer": x.__proto__ in body must be of type string: "integer"',
  ],
  [
    'a property called constructor is not there',
    object({ constructor: { type: 'string' } }, { required: ['constructor'] }),
    {},
    'x.constructor: Required value',
  ],
];

describe('validation by a schema', () => {
  for (const [name, schema, value, ...errors] of rows) {
    it(name, () => assert.deepEqual(errorsOf(object({ x: schema }), { x: value }), errors));
  }

  it('names no field of the root', () => {
    assert.deepEqual(errorsOf(object({ spec: { type: 'object' } }, { required: ['spec'] }), {}), [
      'spec: Required value',
    ]);
    assert.deepEqual(errorsOf(object({}), []), [
      '<nil>: Invalid value: "array":  in body must be of type object: "array"',
    ]);
  });

  it('names fields of a part by their place in the whole', () => {
    const schema = compileSchema(object({ phase: { type: 'string' } }, { required: ['ready'] }));
    const errors = schemaErrors({ phase: 1 }, schema, undefined, 'status');
    assert.deepEqual(
      errors.map(({ field, message }) => `${field}: ${message}`),
      [
        'status.phase: Invalid value: "integer": phase in body must be of type string: "integer"',
        'status.ready: Required value',
      ],
    );
  });

  it('tells causes by their types', () => {
    const typesOf = (schema: Schema, value: unknown): string[] =>
      schemaErrors({ x: value }, compileSchema(object({ x: schema }))).map(({ type }) => type);
    assert.deepEqual(typesOf({ type: 'string' }, 1), ['FieldValueTypeInvalid']);
    assert.deepEqual(typesOf({ type: 'string', enum: ['a'] }, 'b'), ['FieldValueNotSupported']);
    assert.deepEqual(typesOf({ type: 'string', maxLength: 0 }, 'b'), ['FieldValueTooLong']);
    assert.deepEqual(typesOf({ type: 'array', items: { type: 'string' }, maxItems: 0 }, ['b']), ['FieldValueTooMany']);
    assert.deepEqual(typesOf({ type: 'string', pattern: 'a' }, 'b'), ['FieldValueInvalid']);
    assert.deepEqual(typesOf(object({}, { required: ['a'] }), {}), ['FieldValueRequired']);
  });
});

const named = object({ name: { type: 'string' }, port: { type: 'integer', maximum: 10 } }, { required: ['name'] });
const listMap: Schema = {
  type: 'array',
  items: named,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
};

/** What was wrong before and has not changed is let through. */
const ratchetRows: readonly (readonly [
  name: string,
  schema: Schema,
  before: unknown,
  value: unknown,
  ...errors: string[],
])[] = [
  ['the same wrong value', { type: 'integer', maximum: 5 }, 9, 9],
  [
    'another wrong value',
    { type: 'integer', maximum: 5 },
    9,
    8,
    'x: Invalid value: 8: x in body should be less than or equal to 5',
  ],
  [
    'beside a wrong value',
    object({ a: { type: 'integer', maximum: 5 }, b: { type: 'string' } }),
    { a: 9 },
    { a: 9, b: 'new' },
  ],
  [
    'a new wrong value beside an old one',
    object({ a: { type: 'integer', maximum: 5 }, b: { type: 'string' } }),
    { a: 9 },
    { a: 9, b: 1 },
    'x.b: Invalid value: "integer": x.b in body must be of type string: "integer"',
  ],
  [
    'something required still missing',
    object({ b: { type: 'string' } }, { required: ['a'] }),
    { b: '1' },
    { b: '2' },
    'x.a: Required value',
  ],
  ['the same without what is required', object({ b: { type: 'string' } }, { required: ['a'] }), { b: '1' }, { b: '1' }],
  [
    'an item of a list map by its key',
    listMap,
    [{ name: 'a', port: 99 }, { name: 'b' }],
    [{ name: 'b' }, { name: 'a', port: 99 }],
  ],
  [
    'an item of a list map, changed',
    listMap,
    [{ name: 'a', port: 99 }],
    [{ name: 'a', port: 98 }],
    'x[0].port: Invalid value: 98: x[0].port in body should be less than or equal to 10',
  ],
  [
    'an item of an atomic list has no before',
    { type: 'array', items: { type: 'integer', maximum: 5 } },
    [9],
    [9, 1],
    'x[0]: Invalid value: 9: x[0] in body should be less than or equal to 5',
  ],
  ['an atomic list as a whole', { type: 'array', items: { type: 'integer', maximum: 5 } }, [9, 1], [9, 1]],
  [
    'a field of an atomic map has no before',
    object({ a: { type: 'integer', maximum: 5 }, b: { type: 'string' } }, { 'x-kubernetes-map-type': 'atomic' }),
    { a: 9 },
    { a: 9, b: '' },
    'x.a: Invalid value: 9: x.a in body should be less than or equal to 5',
  ],
  [
    'a value of a map',
    { type: 'object', additionalProperties: { type: 'integer', maximum: 5 } },
    { a: 9 },
    { a: 9, b: 1 },
  ],
];

describe('ratcheting', () => {
  for (const [name, schema, before, value, ...errors] of ratchetRows) {
    it(name, () => {
      assert.deepEqual(
        errorsOf(object({ x: schema, other: { type: 'string' } }), { x: value, other: 'n' }, { x: before }),
        errors,
      );
    });
  }
});
