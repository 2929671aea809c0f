/** Walks over schemas as they are written in a CustomResourceDefinition. */
import type { JSONSchemaProps } from '../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';

export type Schema = JSONSchemaProps;

/** The one schema of a list's items; an array of schemas is refused elsewhere. */
export const itemsOf = (schema: Schema): Schema | undefined =>
  schema.items === undefined || Array.isArray(schema.items) ? undefined : schema.items;

export const additionalOf = (schema: Schema): Schema | undefined =>
  typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;

export const propertiesOf = (schema: Schema): [string, Schema][] => Object.entries(schema.properties ?? {});

export const propertyOf = (schema: Schema, name: string): Schema | undefined =>
  schema.properties !== undefined && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;

/** Every schema in a schema, itself first. */
export function* everySchema(schema: Schema): Generator<Schema> {
  yield schema;
  const lists = [schema.allOf, schema.anyOf, schema.oneOf, Array.isArray(schema.items) ? schema.items : undefined];
  for (const list of lists) for (const one of list ?? []) yield* everySchema(one);
  for (const one of [itemsOf(schema), schema.not, additionalOf(schema)]) if (one) yield* everySchema(one);
  for (const map of [schema.properties, schema.patternProperties, schema.definitions])
    for (const one of Object.values(map ?? {})) yield* everySchema(one);
}

export function someSchema(schema: Schema | undefined, holds: (schema: Schema) => boolean): boolean {
  if (schema === undefined) return false;
  for (const one of everySchema(schema)) if (holds(one)) return true;
  return false;
}
