/** Fills in a schema's defaults (upstream's package `schema/defaulting`). */
import { copyJson, isObject, type Structural, set } from './model.ts';

const isForbiddenNull = (value: unknown, schema: Structural): boolean => value === null && !schema.nullable;

/** In place. Idempotent. */
export function applyDefaults(value: unknown, schema: Structural | undefined): void {
  if (schema === undefined || !schema.hasDefaults) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items?.hasDefaults) return;
    for (let i = 0; i < value.length; i++) {
      if (isForbiddenNull(value[i], items)) value[i] = copyJson(items.default) ?? null;
      applyDefaults(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of schema.properties) {
    if (!property.hasDefaults) continue;
    const present = Object.hasOwn(value, name);
    if (property.default !== undefined && (!present || isForbiddenNull(value[name], property)))
      set(value, name, copyJson(property.default));
    else if (!present) continue;
    applyDefaults(value[name], property);
  }
  const { additional } = schema;
  if (typeof additional !== 'object' || !additional.hasDefaults) return;
  for (const key of Object.keys(value)) {
    if (schema.properties.has(key)) continue;
    if (isForbiddenNull(value[key], additional)) set(value, key, copyJson(additional.default) ?? null);
    applyDefaults(value[key], additional);
  }
}
