/** A schema's defaults are valid themselves, and hold nothing that pruning would take (upstream's `ValidateDefaults`). */
import { child, invalid, keyed } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { compileSchema } from './compile.ts';
import { coerceEmbedded, embeddedErrors } from './embedded.ts';
import { copyJson, isMetaField, type Json, sameJson, sortedJson } from './model.ts';
import { prune } from './prune.ts';
import { itemsOf, propertiesOf, type Schema, someSchema } from './schemas.ts';
import { schemaErrors } from './validator.ts';

/** The object a value would stand in. */
type Surround = (value: unknown) => Json;

interface Place {
  /** The resource around: the whole object, or an embedded one. */
  readonly resource: Schema;
  readonly surround: Surround;
  readonly insideMeta: boolean;
}

const asResource: Surround = value => ({ kind: 'Validation', apiVersion: 'validation/v1', ...(value as Json) });

export function defaultErrors(schema: Schema, path: string): FieldError[] {
  if (!someSchema(schema, ({ default: value }) => value !== undefined)) return [];
  return errorsAt({ ...schema, 'x-kubernetes-embedded-resource': true }, path, undefined);
}

function errorsAt(schema: Schema, path: string, around: Place | undefined): FieldError[] {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const place: Place = embedded || !around ? { resource: schema, surround: asResource, insideMeta: false } : around;
  const errors = schema.default === undefined ? [] : errorsOf(schema, child(path, 'default'), place, embedded);
  const { surround } = place;
  const items = itemsOf(schema);
  if (items) errors.push(...errorsAt(items, child(path, 'items'), { ...place, surround: value => surround([value]) }));
  for (const [name, property] of propertiesOf(schema)) {
    const insideMeta = place.insideMeta || (embedded && isMetaField(name));
    const inner = { ...place, insideMeta, surround: (value: unknown) => surround({ [name]: value }) };
    errors.push(...errorsAt(property, keyed(child(path, 'properties'), name), inner));
  }
  // Not below additionalProperties, as upstream: defaults there have no place of their own.
  return errors;
}

function errorsOf(schema: Schema, path: string, place: Place, embedded: boolean): FieldError[] {
  const compiled = compileSchema(schema);
  const value = schema.default;
  if (place.insideMeta) {
    const resource = compileSchema({ ...place.resource, 'x-kubernetes-embedded-resource': true });
    const object = place.surround(copyJson(value));
    const refuse = (why: string): FieldError[] => [
      invalid(path, sortedJson(value), `must result in valid metadata: ${why}`),
    ];
    try {
      coerceEmbedded(object, resource);
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
    const errors = embeddedErrors(object, resource);
    if (errors.length > 0) return refuse(errors.map(({ field, message }) => `${field}: ${message}`).join(', '));
    return schemaErrors(value, compiled, undefined, path);
  }
  const errors: FieldError[] = [];
  const pruned = copyJson(value);
  prune(pruned, compiled, embedded);
  if (!sameJson(pruned, value)) errors.push(invalid(path, sortedJson(value), 'must not have unknown fields'));
  const coerced = copyJson(value);
  try {
    coerceEmbedded(coerced, compiled, path);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return [...errors, invalid(path, sortedJson(value), text)];
  }
  const invalidMeta = embeddedErrors(coerced, compiled, path);
  return [...errors, ...(invalidMeta.length > 0 ? invalidMeta : schemaErrors(value, compiled, undefined, path))];
}
