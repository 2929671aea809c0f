/**
 * A structural schema as the server works with it: what of a CustomResourceDefinition's `openAPIV3Schema` decides about objects
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 *
 * Always true: nodes are shared and never changed; they hold no descriptions, which are most of a schema's size and which only
 * OpenAPI asks for; a node's shape is the same whatever it says, so that walking them is fast.
 */

export type Json = Record<string, unknown>;

export interface Structural {
  /** None: any. More than one only for `x-kubernetes-int-or-string`. */
  readonly types: readonly string[];
  /** Empty for a format that is not checked. */
  readonly format: string;
  readonly nullable: boolean;
  /** `x-kubernetes-preserve-unknown-fields` */
  readonly preserve: boolean;
  /** `x-kubernetes-embedded-resource` */
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly listType: string;
  readonly listMapKeys: readonly string[];
  readonly mapType: string;
  /** `undefined`: none. */
  readonly default: unknown;
  /** This node's or one's below it: where it is false, defaulting need not look. */
  readonly hasDefaults: boolean;
  /** A list of type set or map, here or below. */
  readonly hasUnique: boolean;
  /** An embedded resource below it or here. */
  readonly hasEmbedded: boolean;
  readonly items: Structural | undefined;
  readonly properties: ReadonlyMap<string, Structural>;
  /** `false` is said, and is not the same as nothing: it forbids. */
  readonly additional: Structural | boolean | undefined;
  /** `undefined`: nothing is demanded of the value beyond its type. */
  readonly rules: ValueRules | undefined;
}

/** What is demanded of a value. */
export interface ValueRules {
  readonly enum: readonly unknown[] | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMaximum: boolean;
  readonly minimum: number | undefined;
  readonly exclusiveMinimum: boolean;
  readonly multipleOf: number | undefined;
  readonly maxLength: number | undefined;
  readonly minLength: number | undefined;
  readonly pattern: string;
  readonly maxItems: number | undefined;
  readonly minItems: number | undefined;
  readonly maxProperties: number | undefined;
  readonly minProperties: number | undefined;
  readonly required: readonly string[];
  readonly allOf: readonly Structural[];
  readonly anyOf: readonly Structural[];
  readonly oneOf: readonly Structural[];
  readonly not: Structural | undefined;
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields every object has, which pruning and defaulting leave to the rules of metadata. */
export const isMetaField = (name: string): boolean => name === 'apiVersion' || name === 'kind' || name === 'metadata';

/** What is said of the values under a key: by its name, or by `additionalProperties`. */
export function childOf(schema: Structural, name: string): Structural | undefined {
  return schema.properties.get(name) ?? (typeof schema.additional === 'object' ? schema.additional : undefined);
}

/** A copy with nothing shared. */
export function copyJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyJson) as T;
  if (!isObject(value)) return value;
  const copy: Json = {};
  for (const key of Object.keys(value)) set(copy, key, copyJson(value[key]));
  return copy as T;
}

/** As `object[key] = value`, also for the key `__proto__`. */
export function set(object: Json, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  else object[key] = value;
}

/** The value with its keys in the order Go writes maps in, for messages. */
export function sortedJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedJson);
  if (!isObject(value)) return value;
  const sorted: Json = {};
  for (const key of Object.keys(value).sort()) set(sorted, key, sortedJson(value[key]));
  return sorted;
}

export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}
