/** From a CustomResourceDefinition's schema to the nodes the server works with. */
import type { JSONSchemaProps } from '../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { isCheckedFormat } from './formats.ts';
import type { Structural, ValueRules } from './model.ts';

const none: readonly never[] = [];
const noProperties: ReadonlyMap<string, Structural> = new Map();

/** @param schema one that the definition's validation has accepted. */
export function compileSchema(schema: JSONSchemaProps): Structural {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const types = intOrString ? ['integer', 'string'] : schema.type ? [schema.type] : none;
  const items = schema.items === undefined || Array.isArray(schema.items) ? undefined : compileSchema(schema.items);
  const properties = propertiesOf(schema);
  const additional =
    typeof schema.additionalProperties === 'object'
      ? compileSchema(schema.additionalProperties)
      : schema.additionalProperties;
  const listType = schema['x-kubernetes-list-type'] ?? '';
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const below = [
    ...properties.values(),
    ...(items ? [items] : []),
    ...(typeof additional === 'object' ? [additional] : []),
  ];
  return {
    types,
    format: isCheckedFormat(intOrString ? '' : (schema.type ?? ''), schema.format ?? '') ? (schema.format ?? '') : '',
    nullable: schema.nullable === true,
    preserve: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded,
    intOrString,
    listType,
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? none,
    mapType: schema['x-kubernetes-map-type'] ?? '',
    default: schema.default ?? undefined,
    hasDefaults: (schema.default ?? undefined) !== undefined || below.some(node => node.hasDefaults),
    hasUnique: listType === 'set' || listType === 'map' || below.some(node => node.hasUnique),
    hasEmbedded: embedded || below.some(node => node.hasEmbedded),
    items,
    properties,
    additional,
    rules: rulesOf(schema),
  };
}

function propertiesOf(schema: JSONSchemaProps): ReadonlyMap<string, Structural> {
  const entries = Object.entries(schema.properties ?? {});
  return entries.length === 0 ? noProperties : new Map(entries.map(([name, inner]) => [name, compileSchema(inner)]));
}

const compileAll = (schemas: readonly JSONSchemaProps[] | undefined): readonly Structural[] =>
  schemas === undefined || schemas.length === 0 ? none : schemas.map(compileSchema);

const RULES = [
  'enum',
  'maximum',
  'minimum',
  'multipleOf',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'maxProperties',
  'minProperties',
  'required',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
] as const;

function rulesOf(schema: JSONSchemaProps): ValueRules | undefined {
  if (!RULES.some(rule => schema[rule] !== undefined)) return undefined;
  return {
    enum: schema.enum === undefined || schema.enum.length === 0 ? undefined : schema.enum,
    maximum: schema.maximum,
    exclusiveMaximum: schema.exclusiveMaximum === true,
    minimum: schema.minimum,
    exclusiveMinimum: schema.exclusiveMinimum === true,
    multipleOf: schema.multipleOf,
    maxLength: schema.maxLength,
    minLength: schema.minLength,
    pattern: schema.pattern ?? '',
    maxItems: schema.maxItems,
    minItems: schema.minItems,
    maxProperties: schema.maxProperties,
    minProperties: schema.minProperties,
    required: schema.required ?? none,
    allOf: compileAll(schema.allOf),
    anyOf: compileAll(schema.anyOf),
    oneOf: compileAll(schema.oneOf),
    not: schema.not === undefined ? undefined : compileSchema(schema.not),
  };
}
