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

/**
 * Always true: `steps` lead from the outermost object to where the walk is (a number is an index), and `named` says which of them are
 * fields of structs, not keys of maps. So a place is put into words only when there is something to say of it.
 */
class Walk {
  readonly unknown: string[] = [];
  /** Of what is walked, in its object. */
  readonly #prefix: string;
  readonly #steps: (string | number)[] = [];
  readonly #named: boolean[] = [];
  /** The definition of the innermost struct. */
  #struct = '';

  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  #enter(step: string | number, named: boolean): void {
    this.#steps.push(step);
    this.#named.push(named);
  }

  #leave(): void {
    this.#steps.pop();
    this.#named.pop();
  }

  /** `spec.containers[0].image` */
  #path(): string {
    let path = this.#prefix;
    for (const step of this.#steps) path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`;
    return path;
  }

  /** `spec.containers.image`: without indexes and keys of maps. */
  #goPath(): string {
    return this.#steps.filter((_, at) => this.#named[at]).join('.');
  }

  #mismatch(value: unknown, type: string): Error {
    const literal = typeof value === 'number' && /^int/.test(type) ? `number ${value}` : jsonKind(value);
    const goPath = this.#goPath();
    const where = goPath === '' ? 'Go value' : `Go struct field ${splitDefinition(this.#struct)[1]}.${goPath}`;
    return new Error(`json: cannot unmarshal ${literal} into ${where} of type ${goType(type)}`);
  }

  /** The value in normal form; `undefined` for null, which is as if the field were not there. */
  value(type: string, value: unknown): unknown {
    if (value === null || value === undefined) return undefined;
    if (type === 'string') {
      if (typeof value !== 'string') throw this.#mismatch(value, type);
      return value;
    }
    if (type.endsWith('!')) return this.value(type.slice(0, -1), value);
    if (type.startsWith('[]')) return this.#list(type, value);
    if (type.startsWith('{}')) return this.#map(type, value);
    if (type.startsWith('io.k8s.')) return this.object(type, value);
    switch (type) {
      case 'boolean':
        if (typeof value !== 'boolean') throw this.#mismatch(value, type);
        return value;
      case 'int32':
      case 'int64': {
        const fits =
          typeof value === 'number' &&
          Number.isInteger(value) &&
          (type === 'int64' ? Math.abs(value) <= 2 ** 63 : value >= -(2 ** 31) && value < 2 ** 31);
        if (!fits) throw this.#mismatch(value, type);
        return value;
      }
      case 'double':
        if (typeof value !== 'number') throw this.#mismatch(value, type);
        return value;
      case 'bytes':
        if (typeof value !== 'string') throw this.#mismatch(value, type);
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
        return type === 'Time' ? canonicalTime(value) : formatMicroTime(parseTime(value));
      }
      case 'Duration':
        if (typeof value !== 'string')
          throw new Error(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`);
        return value;
      case 'JSONSchemaPropsOrBool':
        return typeof value === 'boolean' ? value : this.object(SCHEMA_PROPS, value);
      case 'JSONSchemaPropsOrArray':
        return Array.isArray(value) ? this.#list(`[]${SCHEMA_PROPS}`, value) : this.object(SCHEMA_PROPS, value);
      case 'JSONSchemaPropsOrStringArray':
        return Array.isArray(value) ? this.#list('[]string', value) : this.object(SCHEMA_PROPS, value);
      default:
        // RawExtension, FieldsV1 and JSON hold what they hold.
        return value;
    }
  }

  #list(type: string, value: unknown): unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(value, type);
    const item = type.slice(2);
    for (let i = 0; i < value.length; i++) {
      this.#enter(i, false);
      const normal = this.value(item, value[i]) ?? zeroOf(item);
      if (normal !== value[i]) value[i] = normal;
      this.#leave();
    }
    return value;
  }

  #map(type: string, value: unknown): Json {
    if (!isObject(value)) throw this.#mismatch(value, type);
    const item = type.slice(2);
    for (const key of Object.keys(value)) {
      this.#enter(key, false);
      const normal = this.value(item, value[key]) ?? zeroOf(item);
      if (normal !== value[key]) value[key] = normal;
      this.#leave();
    }
    return value;
  }

  /** In place; fields of the definition keep the order they were written in. */
  object(definition: string, value: unknown): Json {
    if (!isObject(value)) throw this.#mismatch(value, definition);
    const fields = fieldsOf(definition);
    const outer = this.#struct;
    this.#struct = definition;
    for (const key of Object.keys(value)) {
      const field = fields.get(key);
      this.#enter(key, true);
      const before = value[key];
      if (!field) {
        this.unknown.push(`unknown field ${JSON.stringify(this.#path())}`);
        delete value[key];
      } else {
        const normal = this.value(field.type, before);
        if (normal === undefined || (isDropped(field, normal) && !this.#isWish(key))) delete value[key];
        else if (normal !== before) value[key] = normal;
      }
      this.#leave();
    }
    this.#struct = outer;
    return value;
  }

  /** An empty list of managers is a wish, and the only one of the kind: to forget them all. */
  #isWish(key: string): boolean {
    return key === 'managedFields' && this.#path() === 'metadata.managedFields';
  }
}

/** An object comes with the same few times over and over. */
const times = new Map<string, string>();
const MAX_TIMES = 256;

/** @throws Error in Go's words. */
function canonicalTime(text: string): string {
  const known = times.get(text);
  if (known !== undefined) return known;
  const canonical = formatTime(parseTime(text).seconds);
  if (times.size >= MAX_TIMES) times.clear();
  times.set(text, canonical);
  return canonical;
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
  walk.object(definition, object);
  const duplicates = rawText === undefined ? [] : duplicateFields(rawText);
  return { unknown: walk.unknown, duplicate: duplicates.map(path => `duplicate field ${JSON.stringify(path)}`) };
}

/**
 * Normalizes a part of an object in place, as {@link checkFields} does with the whole. Returns `unknown field "…"` texts.
 * Throws an Error in Go's words for a value of a wrong type.
 * @param path of the part in its object: `metadata`.
 */
export function normalizePart(definition: string, part: unknown, path: string): string[] {
  const walk = new Walk(path);
  walk.object(definition, part);
  return walk.unknown;
}
