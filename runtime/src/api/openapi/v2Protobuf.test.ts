/** Read back by another reader, by gnostic's own description of the format. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import protobuf from 'protobufjs';
import { parse } from 'yaml';
import { debianGoSource } from '../../../test/debianSource.ts';
import { resources } from '../resources.ts';
import { publishedSchemas } from '../structural/publish.ts';
import { buildV2 } from './v2.ts';
import { documentOf, partOf } from './v2Protobuf.ts';

type Json = Record<string, unknown>;
interface Named {
  readonly name?: string;
  readonly value?: unknown;
}

let document: protobuf.Type;

before(async () => {
  const source = await debianGoSource('golang-github-google-gnostic-models-dev');
  const root = new protobuf.Root();
  root.resolvePath = (_, path) =>
    path.startsWith('google/protobuf/') ? path : join(source, 'github.com/google/gnostic-models', path);
  await root.load('openapiv2/OpenAPIv2.proto', { keepCase: true });
  document = root.lookupType('openapi.v2.Document');
});

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const objectOf = (named: readonly Named[], inner: (value: unknown) => unknown): Json =>
  Object.fromEntries(named.map(({ name = '', value }) => [name, inner(value)]));
const anyOf = (value: unknown): unknown => parse((value as { yaml: string }).yaml);

/** Messages that stand around one value, and what they call it. */
const AROUND = ['parameter', 'non_body_parameter', 'body_parameter', 'query_parameter_sub_schema', 'response'];
const ONE_OF = [...AROUND, 'path_parameter_sub_schema', 'api_key_security', 'schema', 'boolean'];

/** The JSON a message was made of. */
function back(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map(item => back(item, field));
  if (typeof value !== 'object' || value === null) return value;
  if (field === 'default' || field === 'enum' || field === 'example') return anyOf(value);
  const message = value as Json;
  const members = Object.keys(message);
  const [only] = members;
  if (only !== undefined && members.length === 1) {
    if (field === 'type') return single(message.value);
    if (field === 'items') return back(single(message.schema));
    if (ONE_OF.includes(only) && !(only === 'schema' && Array.isArray(message.schema))) return back(message[only]);
  }
  const named = message.additional_properties ?? message.response_code ?? message.path;
  if (Array.isArray(named)) return objectOf(named as Named[], back);
  if (field === '' && Array.isArray(message.value)) return message.value;
  const json: Json = {};
  for (const [name, inner] of Object.entries(message)) {
    if (name === 'vendor_extension') Object.assign(json, objectOf(inner as Named[], anyOf));
    else json[name === '_ref' ? '$ref' : camel(name)] = back(inner, name);
  }
  return json;
}

const single = (list: unknown): unknown => (Array.isArray(list) && list.length === 1 ? list[0] : list);

const read = (encoded: Buffer): Json =>
  document.toObject(document.decode(encoded), { longs: Number, oneofs: false }) as Json;

/** The schema as it comes back. */
function roundTrip(schema: object): unknown {
  const encoded = documentOf({ swagger: '2.0' }, [partOf({ paths: {}, definitions: { It: schema } })]);
  const { definitions } = back(read(encoded)) as { definitions: { It: unknown } };
  return definitions.It;
}

describe('OpenAPI 2 as protobuf', () => {
  it('is the JSON document, whole', async () => {
    const json = JSON.parse(JSON.stringify(await buildV2(resources, { title: 'Kubernetes', version: 'v1.36.4' })));
    const encoded = documentOf(json, [partOf(json)]);
    const decoded = back(read(encoded)) as Json;
    // An empty list is no value of a repeated field.
    assert.deepEqual(decoded.security, [{ BearerToken: {} }]);
    assert.deepEqual({ ...decoded, security: json.security }, json);
  });

  it('may be written in parts', async () => {
    const one = { paths: { '/a': { get: { operationId: 'a' } } }, definitions: { A: { type: 'string' } } };
    const two = { paths: { '/b': { get: { operationId: 'b' } } }, definitions: { B: { $ref: '#/definitions/A' } } };
    const decoded = back(read(documentOf({ swagger: '2.0' }, [partOf(one), partOf(two)])));
    assert.deepEqual(decoded, {
      swagger: '2.0',
      paths: { ...one.paths, ...two.paths },
      definitions: { ...one.definitions, ...two.definitions },
    });
  });

  const schemas: readonly (readonly [name: string, schema: Json, otherwise?: Json])[] = [
    ['a reference that is described', { $ref: '#/definitions/A', description: 'An A.' }],
    [
      'a number within bounds',
      { type: 'number', minimum: -1.5, maximum: 1e9, exclusiveMaximum: true, multipleOf: 0.5 },
    ],
    ['an integer within bounds', { type: 'integer', format: 'int64', minimum: 1, maximum: 65535 }],
    ['a text', { type: 'string', minLength: 1, maxLength: 63, pattern: '^[a-z]\\d+$', title: 'T' }],
    ['a list', { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 9, uniqueItems: true }],
    ['a list of lists', { type: 'array', items: { type: 'array', items: { type: 'object' } } }],
    [
      'a map',
      { type: 'object', additionalProperties: { $ref: '#/definitions/A' }, minProperties: 1, maxProperties: 4 },
    ],
    ['anything', { type: 'object', additionalProperties: true }],
    ['nothing else', { type: 'object', additionalProperties: false }],
    ['values', { type: 'string', enum: ['', 'a', 'true', '1'] }],
    ['values of all kinds', { enum: [null, 1, 1.5, true, 'x', { a: [] }] }],
    ['a default of nothing', { type: 'integer', default: 0 }],
    ['a default that is an object', { type: 'object', default: { a: [1, { b: null }] } }],
    ['an example', { type: 'string', example: 'a: b' }],
    ['documents', { externalDocs: { description: 'More', url: 'https://example.com' } }],
    ['odd letters', { default: 'ä 🐳 \u0001\u007f\u0085\u2028\ufeff " \\ \n\t # : -' }],
    ['properties', { type: 'object', required: ['a'], properties: { a: { type: 'string' }, 'b.c/d': {} } }],
    ['parts', { allOf: [{ $ref: '#/definitions/A' }, { type: 'object' }] }],
    ['extensions', { 'x-kubernetes-list-map-keys': ['a', 'b'], 'x-kubernetes-preserve-unknown-fields': true }],
    ['rules', { 'x-kubernetes-validations': [{ rule: 'self.a == "b"', message: 'a: b' }] }],
    ['what the format has no place for', { type: 'string', nullable: true, oneOf: [{}] }, { type: 'string' }],
    ['bounds of nothing are left out, as gnostic leaves them', { minimum: 0, minLength: 0, description: '' }, {}],
  ];
  for (const [name, schema, otherwise = schema] of schemas)
    it(name, () => assert.deepEqual(roundTrip(schema), otherwise));

  it('what a custom resource publishes', () => {
    const { object, list } = publishedSchemas(
      {
        gvk: { group: 'example.com', version: 'v1', kind: 'Tab' },
        listKind: 'TabList',
        plural: 'tabs',
        definition: 'com.example.v1.Tab',
        selectableFields: [],
        schema: {
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              required: ['port'],
              properties: {
                port: { 'x-kubernetes-int-or-string': true },
                size: { type: 'integer', nullable: true, default: 3 },
                any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                rows: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
              },
            },
          },
        },
      },
      'v2',
    );
    for (const schema of [object, list]) assert.deepEqual(roundTrip(schema), JSON.parse(JSON.stringify(schema)));
  });
});
