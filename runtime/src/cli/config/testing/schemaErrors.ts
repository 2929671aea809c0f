/** As much of JSON Schema (draft-07) as our schemas say, to hold them to it without another dependency. */
import type { JsonSchema } from '../../../machine/config/jsonSchema.ts';

export function schemaErrors(root: JsonSchema, value: unknown): string[] {
  const definitions = (root.definitions ?? {}) as Readonly<Record<string, JsonSchema>>;
  return errorsOf(root, value, []);

  function errorsOf(schema: JsonSchema, at: unknown, path: readonly string[]): string[] {
    const error = (what: string): string => `${path.join('.')}: ${what}`;
    if (typeof schema.$ref === 'string')
      return errorsOf(definitions[schema.$ref.replace('#/definitions/', '')] ?? { not: {} }, at, path);
    if (schema.not !== undefined && errorsOf(schema.not as JsonSchema, at, path).length === 0) return [error('not')];
    const found: string[] = [];
    const list = (name: string): readonly JsonSchema[] => (schema[name] ?? []) as readonly JsonSchema[];
    for (const part of list('allOf')) found.push(...errorsOf(part, at, path));
    if (schema.anyOf !== undefined && !list('anyOf').some(part => errorsOf(part, at, path).length === 0))
      return [error('anyOf')];
    if (Array.isArray(schema.enum) && !schema.enum.includes(at)) found.push(error('enum'));
    const types: readonly unknown[] = schema.type === undefined ? [] : [schema.type].flat();
    const type = typeOf(at);
    if (types.length > 0 && !types.includes(type) && !(type === 'integer' && types.includes('number')))
      return [...found, error('type')];
    if (typeof at === 'number') {
      if (typeof schema.minimum === 'number' && at < schema.minimum) found.push(error('minimum'));
      if (typeof schema.maximum === 'number' && at > schema.maximum) found.push(error('maximum'));
    }
    if (typeof at === 'string' && typeof schema.pattern === 'string' && !new RegExp(schema.pattern).test(at))
      found.push(error('pattern'));
    if (Array.isArray(at) && schema.items !== undefined)
      for (const [i, item] of at.entries())
        found.push(...errorsOf(schema.items as JsonSchema, item, [...path, String(i)]));
    if (typeof at === 'object' && at !== null && !Array.isArray(at)) found.push(...members(schema, at, path));
    return found;
  }

  function members(schema: JsonSchema, at: object, path: readonly string[]): string[] {
    const found: string[] = [];
    const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
    for (const name of (schema.required ?? []) as readonly string[])
      if (!Object.hasOwn(at, name)) found.push(`${path.join('.')}: required ${name}`);
    for (const [key, member] of Object.entries(at)) {
      const names = schema.propertyNames as JsonSchema | undefined;
      if (names && errorsOf(names, key, path).length > 0) found.push(`${path.join('.')}: propertyNames`);
      const known = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
      if (known === false) found.push(`${[...path, key].join('.')}: unknown`);
      else if (typeof known === 'object') found.push(...errorsOf(known as JsonSchema, member, [...path, key]));
    }
    return found;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
