/**
 * A decoded body becomes an object of its kind: unknown fields are found and removed, types are checked, and values are
 * put into the one form Go would write them in (no nulls, no zero values that Go drops, canonical quantities and times).
 * So everything above this floor sees each object in one form, however it was written. Texts are upstream's.
 */
import { duplicateFields } from './duplicates.ts';
import { canonicalQuantity } from './quantity.ts';
import type { FieldSchema } from './schema/model.ts';
import { fieldsOf, splitDefinition } from './schema/table.ts';
import { badRequest } from './status.ts';
import { formatMicroTime, formatTime, parseTime } from './times.ts';

export interface FieldProblems {
  /** `unknown field "spec.template.spec.containers[0].imagee"`: warnings with `fieldValidation=Warn`, errors with `Strict`. */
  readonly unknown: string[];
  /** `duplicate field "metadata.name"` */
  readonly duplicate: string[];
}

type Json = Record<string, unknown>;

/** Where the walk is, for messages in Go's manner. */
interface Place {
  /** Innermost struct: `Container`. */
  readonly struct: string;
  /** `spec.containers.image`, without indexes. */
  readonly goPath: string;
  /** `spec.containers[0].image` */
  readonly path: string;
}

const SCHEMA_PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/** `[]v1.Container`, `map[string]string`, `int32`: as Go prints the type. */
function goType(type: string): string {
  const bare = type.replace(/!$/, '');
  if (bare.startsWith('[]')) return `[]${goType(bare.slice(2))}`;
  if (bare.startsWith('{}')) return `map[string]${goType(bare.slice(2))}`;
  if (bare === 'boolean') return 'bool';
  if (bare === 'double') return 'float64';
  if (bare === 'bytes') return '[]uint8';
  if (!bare.startsWith('io.k8s.')) return bare;
  const [packageName, name] = splitDefinition(bare);
  return `${packageName.split('.').at(-1)}.${name}`;
}

class Walk {
  readonly unknown: string[] = [];

  #mismatch(value: unknown, type: string, place: Place): Error {
    const literal = typeof value === 'number' && /^int/.test(type) ? `number ${value}` : jsonKind(value);
    const where = place.goPath === '' ? 'Go value' : `Go struct field ${place.struct}.${place.goPath}`;
    return new Error(`json: cannot unmarshal ${literal} into ${where} of type ${goType(type)}`);
  }

  /** The value in normal form; `undefined` for null, which is as if the field were not there. */
  value(type: string, value: unknown, place: Place): unknown {
    if (value === null || value === undefined) return undefined;
    if (type.endsWith('!')) return this.value(type.slice(0, -1), value, place);
    if (type.startsWith('[]')) return this.#list(type, value, place);
    if (type.startsWith('{}')) return this.#map(type, value, place);
    if (type.startsWith('io.k8s.')) return this.object(type, value, place);
    switch (type) {
      case 'string':
        if (typeof value !== 'string') throw this.#mismatch(value, type, place);
        return value;
      case 'boolean':
        if (typeof value !== 'boolean') throw this.#mismatch(value, type, place);
        return value;
      case 'int32':
      case 'int64': {
        const fits =
          typeof value === 'number' &&
          Number.isInteger(value) &&
          (type === 'int64' ? Math.abs(value) <= 2 ** 63 : value >= -(2 ** 31) && value < 2 ** 31);
        if (!fits) throw this.#mismatch(value, type, place);
        return value;
      }
      case 'double':
        if (typeof value !== 'number') throw this.#mismatch(value, type, place);
        return value;
      case 'bytes':
        if (typeof value !== 'string') throw this.#mismatch(value, type, place);
        return checkBase64(value);
      case 'Quantity':
        if (typeof value !== 'string' && typeof value !== 'number')
          throw new Error("unable to parse quantity's suffix");
        return canonicalQuantity(value);
      case 'IntOrString':
        if (typeof value !== 'string' && !(typeof value === 'number' && Number.isInteger(value)))
          throw new Error(`json: cannot unmarshal ${jsonKind(value)} into Go value of type int32`);
        return value;
      case 'Time':
      case 'MicroTime': {
        if (typeof value !== 'string')
          throw new Error(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`);
        const instant = parseTime(value);
        return type === 'Time' ? formatTime(instant.seconds) : formatMicroTime(instant);
      }
      case 'Duration':
        if (typeof value !== 'string')
          throw new Error(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`);
        return value;
      case 'JSONSchemaPropsOrBool':
        return typeof value === 'boolean' ? value : this.object(SCHEMA_PROPS, value, place);
      case 'JSONSchemaPropsOrArray':
        return Array.isArray(value)
          ? this.#list(`[]${SCHEMA_PROPS}`, value, place)
          : this.object(SCHEMA_PROPS, value, place);
      case 'JSONSchemaPropsOrStringArray':
        return Array.isArray(value) ? this.#list('[]string', value, place) : this.object(SCHEMA_PROPS, value, place);
      default:
        // RawExtension, FieldsV1 and JSON hold what they hold.
        return value;
    }
  }

  #list(type: string, value: unknown, place: Place): unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(value, type, place);
    const item = type.slice(2);
    for (let i = 0; i < value.length; i++) {
      const at = { ...place, path: `${place.path}[${i}]` };
      value[i] = this.value(item, value[i], at) ?? zeroOf(item);
    }
    return value;
  }

  #map(type: string, value: unknown, place: Place): Json {
    if (!isObject(value)) throw this.#mismatch(value, type, place);
    const item = type.slice(2);
    for (const key of Object.keys(value)) {
      const at = { ...place, path: `${place.path}.${key}` };
      value[key] = this.value(item, value[key], at) ?? zeroOf(item);
    }
    return value;
  }

  /** In place; fields of the definition keep the order they were written in. */
  object(definition: string, value: unknown, place: Place): Json {
    if (!isObject(value)) throw this.#mismatch(value, definition, place);
    const fields = fieldsOf(definition);
    const struct = splitDefinition(definition)[1];
    for (const key of Object.keys(value)) {
      const path = place.path === '' ? key : `${place.path}.${key}`;
      const field = fields.get(key);
      if (!field) {
        this.unknown.push(`unknown field ${JSON.stringify(path)}`);
        delete value[key];
        continue;
      }
      const goPath = place.goPath === '' ? key : `${place.goPath}.${key}`;
      const normal = this.value(field.type, value[key], { struct, goPath, path });
      // An empty list of managers is a wish, and the only one of the kind: to forget them all.
      if (normal === undefined || (isDropped(field, normal) && path !== 'metadata.managedFields')) delete value[key];
      else value[key] = normal;
    }
    return value;
  }
}

/** What a null inside a list or map stands for. */
function zeroOf(type: string): unknown {
  if (type === 'string' || type === 'bytes') return '';
  if (type === 'boolean') return false;
  if (/^(int|double)/.test(type)) return 0;
  if (type === 'Quantity') return '0';
  if (type.startsWith('[]')) return [];
  return type.startsWith('{}') || type.startsWith('io.k8s.') ? {} : null;
}

/** Whether Go leaves this value out when it writes the field (`omitempty`, `omitzero`). */
export function isDropped(field: FieldSchema, value: unknown): boolean {
  if (!field.omitEmpty || field.pointer) return false;
  if (value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isObject(value) || Object.keys(value).length > 0) return false;
  return field.type.startsWith('{}') || field.omitZero === true;
}

function checkBase64(text: string): string {
  const clean = text.replace(/[\r\n]/g, '');
  const wrong = /[^A-Za-z0-9+/]/.exec(clean.replace(/={1,2}$/, ''));
  if (wrong || clean.length % 4 !== 0)
    throw new Error(`illegal base64 data at input byte ${wrong?.index ?? clean.length - (clean.length % 4)}`);
  return clean;
}

/**
 * Checks `object` against `definition` and normalizes it in place. `rawText` is the JSON it was parsed from, where
 * duplicate fields can still be seen. A value of a wrong type throws a 400.
 */
export function checkFields(definition: string, object: object, rawText?: string): FieldProblems {
  const head = object as { readonly kind?: unknown; readonly apiVersion?: unknown };
  const kind = typeof head.kind === 'string' ? head.kind : splitDefinition(definition)[1];
  const version = typeof head.apiVersion === 'string' ? (head.apiVersion.split('/').at(-1) ?? '') : 'v1';
  try {
    return fieldProblems(definition, object, rawText);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${reason}`);
  }
}

/** The same, for callers with words of their own for a value of a wrong type: it throws an Error with Go's. */
export function fieldProblems(definition: string, object: object, rawText?: string): FieldProblems {
  const walk = new Walk();
  walk.object(definition, object, { struct: '', goPath: '', path: '' });
  const duplicates = rawText === undefined ? [] : duplicateFields(rawText);
  return { unknown: walk.unknown, duplicate: duplicates.map(path => `duplicate field ${JSON.stringify(path)}`) };
}

/**
 * Normalizes a part of an object in place, as {@link checkFields} does with the whole. Returns `unknown field "…"` texts.
 * Throws an Error in Go's words for a value of a wrong type.
 * @param path of the part in its object: `metadata`.
 */
export function normalizePart(definition: string, part: unknown, path: string): string[] {
  const walk = new Walk();
  walk.object(definition, part, { struct: '', goPath: '', path });
  return walk.unknown;
}
