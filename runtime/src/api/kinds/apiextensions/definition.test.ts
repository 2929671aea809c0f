/** Which definitions are accepted, and in which words the others are refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { KubeObject } from '../../object.ts';
import { customResourceDefinition as kind } from './customResourceDefinition.ts';

type Schema = JSONSchemaProps;
type Version = CustomResourceDefinitionVersion;
type Definition = CustomResourceDefinition;

const text: Schema = { type: 'string' };
const object = (properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});
const version = (schema: Schema | undefined, more: Partial<Version> = {}): Version => ({
  name: 'v1',
  served: true,
  storage: true,
  ...(schema ? { schema: { openAPIV3Schema: schema } } : {}),
  ...more,
});

const definition = (spec: Partial<Definition['spec']> = {}, metadata: object = {}): Definition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'tabs.example.com', ...metadata },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'tabs', kind: 'Tab' },
    versions: [version(object({}))],
    ...spec,
  },
});

const asObject = (of: Definition): KubeObject => of as unknown as KubeObject;
const shown = ({ field, message }: { field: string; message: string }): string => `${field}: ${message}`;

function created(of: Definition): string[] {
  const copy = asObject(structuredClone(of));
  kind.defaults?.(copy);
  kind.prepareForCreate?.(copy);
  return (kind.validate?.(copy) ?? []).map(shown);
}

const DNS1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const names = (more: object): Partial<Definition['spec']> => ({ names: { plural: 'tabs', kind: 'Tab', ...more } });

const specRows: readonly (readonly [name: string, of: Definition, ...errors: string[]])[] = [
  ['the least there can be', definition()],
  [
    'a name of its own',
    definition({}, { name: 'other.example.com' }),
    'metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group',
  ],
  ['no group', definition({ group: '' }, { name: 'tabs.' }), 'spec.group: Required value'],
  [
    'a group without a dot',
    definition({ group: 'example' }, { name: 'tabs.example' }),
    'spec.group: Invalid value: "example": should be a domain with at least one dot',
  ],
  [
    'a group of the community',
    definition({ group: 'x.k8s.io' }, { name: 'tabs.x.k8s.io' }),
    'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
  ],
  [
    'approved',
    definition(
      { group: 'x.k8s.io' },
      {
        name: 'tabs.x.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/x/pull/1' },
      },
    ),
  ],
  [
    'not approved, and said',
    definition(
      { group: 'x.kubernetes.io' },
      { name: 'tabs.x.kubernetes.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' } },
    ),
  ],
  [
    'approved by nobody',
    definition({ group: 'x.k8s.io' }, { name: 'tabs.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'yes' } }),
    'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "yes": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
  ],
  ['no scope', definition({ scope: '' }), 'spec.scope: Required value'],
  [
    'another scope',
    definition({ scope: 'World' }),
    'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',
  ],
  [
    'no names',
    definition({ names: { plural: '', kind: '' } }, { name: '.example.com' }),
    'spec.names.plural: Required value',
    'spec.names.singular: Required value',
    'spec.names.kind: Required value',
    'spec.names.listKind: Required value',
  ],
  [
    'a kind with odd letters',
    definition(names({ kind: 'Tab_' })),
    `spec.names.singular: Invalid value: "tab_": ${DNS1035}`,
    `spec.names.kind: Invalid value: "Tab_": may have mixed case, but should otherwise match: ${DNS1035}`,
    `spec.names.listKind: Invalid value: "Tab_List": may have mixed case, but should otherwise match: ${DNS1035}`,
  ],
  [
    'kind and list alike',
    definition(names({ listKind: 'Tab' })),
    'spec.names.listKind: Invalid value: "Tab": kind and listKind may not be the same',
  ],
  [
    'an odd short name',
    definition(names({ shortNames: ['ok', 'T'] })),
    `spec.names.shortNames[1]: Invalid value: "T": ${DNS1035}`,
  ],
  [
    'an odd category',
    definition(names({ categories: ['a.b'] })),
    `spec.names.categories[0]: Invalid value: "a.b": ${DNS1035}`,
  ],
  [
    'an odd version',
    definition({ versions: [version(object({}), { name: '1v' })] }),
    `spec.versions[0].name: Invalid value: "1v": ${DNS1035}`,
  ],
  [
    'no storage version',
    definition({ versions: [version(object({}), { storage: false })] }),
    'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":false}]: must have exactly one version marked as storage version',
    'status.storedVersions: Invalid value: []: must have at least one stored version',
  ],
  [
    'two storage versions',
    definition({ versions: [version(object({})), version(object({ a: text }), { name: 'v2' })] }),
    'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":true},{"name":"v2","served":true,"storage":true}]: must have exactly one version marked as storage version',
    'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
  ],
  [
    'a version twice',
    definition({ versions: [version(object({})), version(object({ a: text }), { storage: false })] }),
    'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":true},{"name":"v1","served":true,"storage":false}]: must contain unique version names',
  ],
  [
    'no schema',
    definition({ versions: [version(undefined)] }),
    'spec.versions[0].schema.openAPIV3Schema: Required value',
  ],
  [
    'no schema in one',
    definition({ versions: [version(object({})), version(undefined, { name: 'v2', storage: false })] }),
    'spec.versions[1].schema.openAPIV3Schema: Required value',
  ],
  [
    'preserving everything',
    definition({ preserveUnknownFields: true }),
    'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
  ],
  [
    'a warning without cause',
    definition({ versions: [version(object({}), { deprecationWarning: 'x' })] }),
    'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions',
  ],
  [
    'an empty warning',
    definition({ versions: [version(object({}), { deprecated: true, deprecationWarning: '' })] }),
    'spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string',
  ],
  [
    'a warning of two lines',
    definition({ versions: [version(object({}), { deprecated: true, deprecationWarning: 'a\nb' })] }),
    'spec.versions[0].deprecationWarning: Invalid value: "a\\nb": must only contain printable UTF-8 characters; non-printable character found at index 1',
  ],
  [
    'too long a warning',
    definition({ versions: [version(object({}), { deprecated: true, deprecationWarning: 'a'.repeat(257) })] }),
    `spec.versions[0].deprecationWarning: Invalid value: "${'a'.repeat(257)}": must be <= 256 characters long`,
  ],
  [
    'webhooks',
    definition({ conversion: { strategy: 'Webhook' } }),
    'spec.conversion.strategy: Invalid value: "Webhook": conversion webhooks are not available yet; use None, with which versions differ in their apiVersion only',
  ],
  [
    'another conversion',
    definition({ conversion: { strategy: 'Magic' } }),
    'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"',
  ],
  [
    'a webhook for None',
    definition({
      conversion: {
        strategy: 'None',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://x' } },
      },
    }),
    'spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook',
    'spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook',
  ],
];

describe('a definition', () => {
  for (const [name, of, ...errors] of specRows) it(name, () => assert.deepEqual(created(of), errors));

  it('is completed', () => {
    const copy = asObject(definition());
    kind.defaults?.(copy);
    kind.prepareForCreate?.(copy);
    const { spec, status } = copy as unknown as Definition;
    assert.deepEqual(spec.names, { plural: 'tabs', kind: 'Tab', singular: 'tab', listKind: 'TabList' });
    assert.deepEqual(spec.conversion, { strategy: 'None' });
    assert.deepEqual(status, { storedVersions: ['v1'] });
    assert.equal(copy.metadata.generation, 1);
  });
});

/** Paths in a schema that all versions share. */
const S = 'spec.validation.openAPIV3Schema';
const junctor = (nested: Schema): Schema => object({ a: { ...text, allOf: [nested] } });

const schemaRows: readonly (readonly [name: string, schema: Schema, ...errors: string[]])[] = [
  ['no type at the root', {}, `${S}.type: Required value: must not be empty at the root`],
  [
    'a list at the root',
    { type: 'array', items: text },
    `${S}.type: Invalid value: "array": must be object at the root`,
  ],
  [
    'nullable at the root',
    object({}, { nullable: true }),
    `${S}.nullable: Forbidden: nullable cannot be true at the root`,
  ],
  [
    'a map at the root',
    { type: 'object', additionalProperties: text },
    `${S}.additionalProperties: Forbidden: must not be used at the root`,
  ],
  [
    'a field without a type',
    object({ a: {} }),
    `${S}.properties[a].type: Required value: must not be empty for specified object fields`,
  ],
  [
    'items without a type',
    object({ a: { type: 'array', items: {} } }),
    `${S}.properties[a].items.type: Required value: must not be empty for specified array items`,
  ],
  [
    'a list without items',
    object({ a: { type: 'array' } }),
    `${S}.properties[a].items: Required value: must be specified`,
  ],
  [
    'values of a map without a type',
    object({ a: { type: 'object', additionalProperties: {} } }),
    `${S}.properties[a].additionalProperties.type: Required value: must not be empty for specified object fields`,
  ],
  [
    'an unknown type',
    object({ a: { type: 'text' } }),
    `${S}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
  ],
  [
    'null as a type',
    object({ a: { type: 'null' } }),
    `${S}.properties[a].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    `${S}.properties[a].type: Forbidden: type cannot be set to null, use nullable as an alternative`,
  ],
  ['anything preserved needs no type', object({ a: { 'x-kubernetes-preserve-unknown-fields': true } })],
  [
    'not preserved cannot be said',
    object({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false } }),
    `${S}.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
  ],
  ['int-or-string', object({ a: { 'x-kubernetes-int-or-string': true } })],
  [
    'int-or-string in full',
    object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } }),
  ],
  [
    'int-or-string in full with more',
    object({
      a: {
        'x-kubernetes-int-or-string': true,
        allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'a' }],
      },
    }),
  ],
  [
    'types in other junctors',
    object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'string' }, { type: 'integer' }] } }),
    `${S}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`,
    `${S}.properties[a].anyOf[1].type: Forbidden: must be empty to be structural`,
  ],
  [
    'int-or-string preserved',
    object({ a: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true } }),
    `${S}.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true`,
  ],
  ['an embedded resource', object({ a: object({ spec: object({}) }, { 'x-kubernetes-embedded-resource': true }) })],
  [
    'an embedded resource of nothing',
    object({ a: { type: 'object', 'x-kubernetes-embedded-resource': true } }),
    `${S}.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
  ],
  [
    'an embedded text',
    object({
      a: { type: 'string', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    }),
    `${S}.properties[a].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true`,
  ],
  ['metadata', object({ metadata: object({}) })],
  ['what names look like', object({ metadata: object({ name: { type: 'string', pattern: '^a' } }) })],
  [
    'more of metadata',
    object({ metadata: object({ labels: { type: 'object', additionalProperties: text } }) }),
    `${S}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
  ],
  [
    'metadata as text',
    object({ metadata: text }),
    `${S}.properties[metadata].type: Invalid value: "string": must be object`,
  ],
  [
    'kind as a number',
    object({ kind: { type: 'integer' } }),
    `${S}.properties[kind].type: Invalid value: "integer": must be string`,
  ],
  [
    'a bad pattern',
    object({ a: { type: 'string', pattern: '(' } }),
    `${S}.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
  ],
  [
    'unique items',
    object({ a: { type: 'array', items: text, uniqueItems: true } }),
    `${S}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
  ],
  [
    'properties and a map',
    object({ a: object({ b: text }, { additionalProperties: text }) }),
    `${S}.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
  ],
  [
    'a reference',
    object({ a: { type: 'object', $ref: '#/x' } }),
    `${S}.properties[a].$ref: Forbidden: $ref is not supported`,
  ],
  ['an id', object({ a: { type: 'object', id: 'x' } }), `${S}.properties[a].id: Forbidden: id is not supported`],
  [
    'definitions',
    object({}, { definitions: { a: text } }),
    `${S}.definitions: Forbidden: definitions is not supported`,
  ],
  [
    'dependencies',
    object({}, { dependencies: { a: ['b'] } }),
    `${S}.dependencies: Forbidden: dependencies is not supported`,
  ],
  [
    'pattern properties',
    object({}, { patternProperties: { a: text } }),
    `${S}.patternProperties: Forbidden: patternProperties is not supported`,
  ],
  [
    'several items',
    object({ a: { type: 'array', items: [text] } }),
    `${S}.properties[a].items: Required value: must be specified`,
    `${S}.properties[a].items: Forbidden: items must be a schema object and not an array`,
  ],
  [
    'a nested type',
    junctor({ type: 'string' }),
    `${S}.properties[a].allOf[0].type: Forbidden: must be empty to be structural`,
  ],
  [
    'a nested default',
    junctor({ default: 'x' }),
    `${S}.properties[a].allOf[0].default: Forbidden: must be undefined to be structural`,
  ],
  [
    'a nested description',
    junctor({ description: 'x' }),
    `${S}.properties[a].allOf[0].description: Forbidden: must be empty to be structural`,
  ],
  [
    'a nested title',
    junctor({ title: 'x' }),
    `${S}.properties[a].allOf[0].title: Forbidden: must be empty to be structural`,
  ],
  [
    'a nested nullable',
    junctor({ nullable: true }),
    `${S}.properties[a].allOf[0].nullable: Forbidden: must be false to be structural`,
  ],
  [
    'a nested map',
    junctor({ additionalProperties: true }),
    `${S}.properties[a].allOf[0].additionalProperties: Forbidden: must be undefined to be structural`,
  ],
  [
    'nested preserving',
    junctor({ 'x-kubernetes-preserve-unknown-fields': true }),
    `${S}.properties[a].allOf[0].x-kubernetes-preserve-unknown-fields: Forbidden: must be false to be structural`,
  ],
  [
    'a nested list type',
    junctor({ 'x-kubernetes-list-type': 'set' }),
    `${S}.properties[a].allOf[0].x-kubernetes-list-type: Forbidden: must be undefined to be structural`,
    `${S}.properties[a].allOf[0].type: Required value: must be array if x-kubernetes-list-type is specified`,
  ],
  [
    'nested metadata',
    object({ metadata: object({}) }, { anyOf: [{ properties: { metadata: {} } }] }),
    `${S}.anyOf[0].properties[metadata]: Forbidden: must not be specified in a nested context`,
  ],
  [
    'a nested field that is not described',
    object({ a: text }, { anyOf: [{ properties: { b: { pattern: 'x' } } }] }),
    `${S}.properties[b]: Required value: because it is defined in ${S}.anyOf[0].properties[b]`,
  ],
  [
    'nested items that are not described',
    object({ a: text }, { not: { properties: { a: { items: { pattern: 'x' } } } } }),
    `${S}.properties[a].items: Required value: because it is defined in ${S}.not.properties[a].items`,
  ],
  [
    'a nested field that is described',
    object({ a: text }, { oneOf: [{ required: ['a'] }, { properties: { a: { pattern: 'x' } } }] }),
  ],
  [
    'a map type of no map',
    object({ a: { type: 'array', items: text, 'x-kubernetes-map-type': 'atomic' } }),
    `${S}.properties[a].type: Invalid value: "array": must be object if x-kubernetes-map-type is specified`,
  ],
  [
    'an unknown map type',
    object({ a: { type: 'object', additionalProperties: text, 'x-kubernetes-map-type': 'x' } }),
    `${S}.properties[a].x-kubernetes-map-type: Unsupported value: "x": supported values: "atomic", "granular"`,
  ],
  [
    'a list type of no list',
    object({ a: { type: 'string', 'x-kubernetes-list-type': 'set' } }),
    `${S}.properties[a].type: Invalid value: "string": must be array if x-kubernetes-list-type is specified`,
  ],
  [
    'an unknown list type',
    object({ a: { type: 'array', items: text, 'x-kubernetes-list-type': 'x' } }),
    `${S}.properties[a].x-kubernetes-list-type: Unsupported value: "x": supported values: "atomic", "set", "map"`,
  ],
  [
    'a set of objects',
    object({ a: { type: 'array', items: object({}), 'x-kubernetes-list-type': 'set' } }),
    `${S}.properties[a].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
  ],
  [
    'a set of atomic objects',
    object({
      a: { type: 'array', items: object({}, { 'x-kubernetes-map-type': 'atomic' }), 'x-kubernetes-list-type': 'set' },
    }),
  ],
  [
    'a set of nullable things',
    object({ a: { type: 'array', items: { type: 'string', nullable: true }, 'x-kubernetes-list-type': 'set' } }),
    `${S}.properties[a].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set`,
  ],
  [
    'keys without a map',
    object({ a: { type: 'array', items: object({ k: text }), 'x-kubernetes-list-map-keys': ['k'] } }),
    `${S}.properties[a].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`,
  ],
  [
    'a map without keys',
    object({ a: { type: 'array', items: object({ k: text }), 'x-kubernetes-list-type': 'map' } }),
    `${S}.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
  ],
  [
    'a map of texts',
    object({ a: { type: 'array', items: text, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] } }),
    `${S}.properties[a].items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
  ],
  [
    'keys that are no fields',
    object({
      a: {
        type: 'array',
        items: object({ k: text }, { required: ['k'] }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['x'],
      },
    }),
    `${S}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["x"]: entries must all be names of item properties`,
  ],
  [
    'a key twice',
    object({
      a: {
        type: 'array',
        items: object({ k: text }, { required: ['k'] }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k', 'k'],
      },
    }),
    `${S}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k"]: must not contain duplicate entries`,
  ],
  [
    'a key that may be missing',
    object({
      a: {
        type: 'array',
        items: object({ k: text }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
    }),
    `${S}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
  ],
  [
    'a key with a default',
    object({
      a: {
        type: 'array',
        items: object({ k: { ...text, default: 'x' } }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
    }),
  ],
  [
    'a key that is an object',
    object({
      a: {
        type: 'array',
        items: object({ k: object({}) }, { required: ['k'] }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
    }),
    `${S}.properties[a].items.properties[k].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
  ],
  [
    'a key that may be null',
    object({
      a: {
        type: 'array',
        items: object({ k: { ...text, nullable: true } }, { required: ['k'] }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
    }),
    `${S}.properties[a].items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable`,
  ],
  ['a default', object({ a: { ...text, default: 'x' } })],
  [
    'a default of another type',
    object({ a: { ...text, default: 3 } }),
    `${S}.properties[a].default: Invalid value: "integer": ${S}.properties[a].default in body must be of type string: "integer"`,
  ],
  [
    'a default with unknown fields',
    object({ a: object({ b: text }, { default: { c: 1 } }) }),
    `${S}.properties[a].default: Invalid value: {"c":1}: must not have unknown fields`,
  ],
  [
    'a default against its pattern',
    object({ a: { ...text, pattern: '^y', default: 'x' } }),
    `${S}.properties[a].default: Invalid value: "x": ${S}.properties[a].default in body should match '^y'`,
  ],
  [
    'a default of metadata',
    object({ metadata: object({ name: { ...text, default: 'x' } }) }),
    `${S}.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata`,
  ],
  [
    'rules without a rule',
    object({ a: { ...text, 'x-kubernetes-validations': [{ rule: ' ' }] } }),
    `${S}.properties[a].x-kubernetes-validations[0].rule: Required value: rule is not specified`,
  ],
  [
    'rules of two lines',
    object({ a: { ...text, 'x-kubernetes-validations': [{ rule: 'a\nb' }] } }),
    `${S}.properties[a].x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks`,
  ],
  [
    'rules of nowhere',
    object({ a: object({ b: text }, { 'x-kubernetes-validations': [{ rule: 'true', fieldPath: '.c' }] }) }),
    `${S}.properties[a].x-kubernetes-validations[0].fieldPath: Invalid value: ".c": must be a valid path`,
  ],
  [
    'rules nested',
    junctor({ 'x-kubernetes-validations': [{ rule: 'true' }] }),
    `${S}.properties[a].allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural`,
  ],
];

/** Texts name the value's place in the schema twice, in upstream as here; the fields are what matters. */
const simplified = (error: string): string =>
  error
    .replaceAll(`: ${S}.properties[a].default in body`, ': DEFAULT in body')
    .replace(/: {2}in body/, ': DEFAULT in body');

describe('a schema', () => {
  for (const [name, schema, ...errors] of schemaRows) {
    it(name, () => {
      assert.deepEqual(created(definition({ versions: [version(schema)] })).map(simplified), errors.map(simplified));
    });
  }

  it('is named by its version where versions differ', () => {
    const versions = [version(object({})), version(object({ a: {} }), { name: 'v2', storage: false })];
    assert.deepEqual(created(definition({ versions })), [
      'spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields',
    ]);
  });

  it('says little at its root beside a status', () => {
    const versions = [version(object({}, { maxProperties: 3 }), { subresources: { status: {} } })];
    assert.match(
      created(definition({ versions }))[0] ?? '',
      /^spec\.validation\.openAPIV3Schema: Invalid value: .*: only \[Description Type .* XValidations\] fields are allowed at the root of the schema if the status subresource is enabled$/,
    );
  });
});

const V = object({
  spec: object({
    n: { type: 'integer' },
    color: text,
    list: { type: 'array', items: text },
    map: { type: 'object', additionalProperties: text },
  }),
  metadata: object({ name: text }),
});
const selecting = (...paths: string[]): Partial<Version> => ({
  selectableFields: paths.map(jsonPath => ({ jsonPath })),
});
const column = (more: object): Partial<Version> => ({
  additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a', ...more }],
});
const scaled = (
  specReplicasPath: string,
  statusReplicasPath: string,
  labelSelectorPath?: string,
): Partial<Version> => ({
  subresources: {
    scale: { specReplicasPath, statusReplicasPath, ...(labelSelectorPath === undefined ? {} : { labelSelectorPath }) },
  },
});
const COLUMN = 'spec.additionalPrinterColumns[0]';
const SCALE = 'spec.subresources.scale';

const versionRows: readonly (readonly [name: string, more: Partial<Version>, ...errors: string[]])[] = [
  ['a column', column({})],
  ['a column without a name', column({ name: '' }), `${COLUMN}.name: Required value`],
  [
    'a column without a type',
    column({ type: '' }),
    `${COLUMN}.type: Required value: must be one of boolean,date,integer,number,string`,
  ],
  [
    'a column of an unknown type',
    column({ type: 'text' }),
    `${COLUMN}.type: Invalid value: "text": must be one of boolean,date,integer,number,string`,
  ],
  [
    'a column of an unknown format',
    column({ format: 'x' }),
    `${COLUMN}.format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password`,
  ],
  ['a column without a path', column({ jsonPath: '' }), `${COLUMN}.JSONPath: Required value`],
  [
    'a column with no path from the root',
    column({ jsonPath: 'spec.a' }),
    `${COLUMN}.JSONPath: Invalid value: "spec.a": must be a simple json path starting with .`,
  ],
  ['a scale', scaled('.spec.n', '.status.n', '.status.selector')],
  [
    'a scale of nothing',
    scaled('', ''),
    `${SCALE}.specReplicasPath: Required value`,
    `${SCALE}.statusReplicasPath: Required value`,
  ],
  [
    'a scale of the wrong places',
    scaled('.status.n', '.spec.n', '.metadata.x'),
    `${SCALE}.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec`,
    `${SCALE}.statusReplicasPath: Invalid value: ".spec.n": should be a json path under .status`,
    `${SCALE}.labelSelectorPath: Invalid value: ".metadata.x": should be a json path under either .spec or .status`,
  ],
  [
    'a scale of no paths',
    scaled('spec.n', '.status.n'),
    `${SCALE}.specReplicasPath: Invalid value: "spec.n": must be a simple json path starting with .`,
  ],
  ['selectable fields', selecting('.spec.color', '.spec.n')],
  [
    'the same twice',
    selecting('.spec.color', '.spec.color'),
    'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.color"',
  ],
  ['nothing', selecting(''), 'spec.selectableFields[0].jsonPath: Required value'],
  [
    'what is not there',
    selecting('.spec.size'),
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec.size": is an invalid path: does not refer to a valid field',
  ],
  [
    'in brackets',
    selecting(".spec['color']"),
    `spec.selectableFields[0].jsonPath: Invalid value: ".spec['color']": is an invalid path: array notation is not allowed`,
  ],
  [
    'without a dot',
    selecting('spec.color'),
    'spec.selectableFields[0].jsonPath: Invalid value: "spec.color": is an invalid path: expected [ or . but got: spec',
  ],
  [
    'a list',
    selecting('.spec.list'),
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec.list": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
  ],
  ['in a map', selecting('.spec.map.a')],
  [
    'of metadata',
    selecting('.metadata.name'),
    'spec.selectableFields[0].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata',
  ],
  [
    'too many',
    selecting(...Array.from({ length: 9 }, (_, i) => `.spec.map.k${i}`)),
    'spec.selectableFields: Too many: 9: must have at most 8 items',
  ],
];

describe('a version', () => {
  for (const [name, more, ...errors] of versionRows)
    it(name, () => assert.deepEqual(created(definition({ versions: [version(V, more)] })), errors));
});

const establishedStatus = { storedVersions: ['v1'], conditions: [{ type: 'Established', status: 'True' }] };

const updateRows: readonly (readonly [name: string, change: (next: Definition) => void, ...errors: string[]])[] = [
  ['nothing', () => undefined],
  ['a status subresource', next => Object.assign(next.spec.versions[0] ?? {}, { subresources: { status: {} } })],
  ['a description', next => Object.assign(next.spec.versions[0]?.schema?.openAPIV3Schema ?? {}, { description: 'x' })],
  [
    'the scope',
    next => Object.assign(next.spec, { scope: 'Cluster' }),
    'spec.scope: Invalid value: "Cluster": field is immutable',
  ],
  [
    'the kind',
    next => Object.assign(next.spec.names, { kind: 'Other' }),
    'spec.names.kind: Invalid value: "Other": field is immutable',
  ],
  [
    'the group',
    next => Object.assign(next.spec, { group: 'other.com' }),
    'spec.group: Invalid value: "other.com": field is immutable',
  ],
  [
    'the plural',
    next => Object.assign(next.spec.names, { plural: 'others' }),
    'spec.names.plural: Invalid value: "others": field is immutable',
  ],
  ['short names', next => Object.assign(next.spec.names, { shortNames: ['x'] })],
  [
    'a stored version away',
    next => Object.assign(next.spec, { versions: [version(object({}), { name: 'v2' })] }),
    'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
  ],
  [
    'another storage version',
    next =>
      Object.assign(next.spec, {
        versions: [version(object({}), { storage: false }), version(object({}), { name: 'v2' })],
      }),
  ],
];

describe('an update of an established definition', () => {
  for (const [name, change, ...errors] of updateRows) {
    it(name, () => {
      const old = asObject(definition());
      kind.defaults?.(old);
      old.status = structuredClone(establishedStatus);
      old.metadata.generation = 1;
      const next = structuredClone(old);
      change(next as unknown as Definition);
      kind.defaults?.(next);
      kind.prepareForUpdate?.(next, old);
      assert.deepEqual((kind.validateUpdate?.(next, old) ?? []).map(shown), errors);
      assert.equal(next.metadata.generation, name === 'nothing' ? 1 : 2);
    });
  }

  it('may change nearly everything before it is established', () => {
    const old = asObject(definition());
    kind.defaults?.(old);
    kind.prepareForCreate?.(old);
    const next = structuredClone(old);
    Object.assign((next as unknown as Definition).spec, { scope: 'Cluster' });
    kind.prepareForUpdate?.(next, old);
    assert.deepEqual(kind.validateUpdate?.(next, old), []);
  });
});

describe('warnings', () => {
  const warned = (schema: Schema, old?: Schema): string[] =>
    kind.warnings?.(
      asObject(definition({ versions: [version(schema)] })),
      old && asObject(definition({ versions: [version(old)] })),
    ) ?? [];
  const rows: readonly (readonly [string, Schema, Schema | undefined, ...string[]])[] = [
    ['none', object({ a: { type: 'string', format: 'date-time' } }), undefined],
    ['an unknown format', object({ a: { type: 'string', format: 'quux' } }), undefined, 'unrecognized format "quux"'],
    [
      'an unknown format as before',
      object({ a: { type: 'string', format: 'quux' }, b: text }),
      object({ a: { type: 'string', format: 'quux' } }),
    ],
    [
      'rules',
      object({ a: { ...text, 'x-kubernetes-validations': [{ rule: 'true' }] } }),
      undefined,
      'x-kubernetes-validations: the rules are stored and published, but not enforced yet',
    ],
  ];
  for (const [name, schema, old, ...texts] of rows) it(name, () => assert.deepEqual(warned(schema, old), texts));
});

it('a deletion waits for its objects', () => {
  const going = asObject(definition({}, { finalizers: ['a/b'] }));
  kind.prepareForDelete?.(going, Date.parse('2026-01-02T03:04:05Z'));
  assert.deepEqual(going.metadata.finalizers, ['a/b', 'customresourcecleanup.apiextensions.k8s.io']);
  const [condition] = (going as unknown as Definition).status?.conditions ?? [];
  assert.deepEqual(condition, {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: '2026-01-02T03:04:05Z',
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  });
});
