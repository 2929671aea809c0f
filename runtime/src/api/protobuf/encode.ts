/**
 * JSON shape to protobuf, by the schema table; byte for byte what Go writes: fields in the order of their numbers, every
 * field that is no pointer written even when zero, maps sorted by key.
 */

import { FIXED64, VARINT, type Writer } from '../../lib/protobuf/wire.ts';
import type { FieldSchema } from '../schema/model.ts';
import { typeOf } from '../schema/table.ts';
import { parseTime } from '../times.ts';

type Json = Record<string, unknown>;

const SCHEMA_PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

const plans = new Map<string, readonly FieldSchema[]>();

/** Fields in the order they are written: from the last, since the writer goes backwards. */
function planOf(definition: string): readonly FieldSchema[] {
  const known = plans.get(definition);
  if (known) return known;
  const fields = (typeOf(definition)?.fields ?? []).filter(f => f.number > 0).sort((a, b) => b.number - a.number);
  plans.set(definition, fields);
  return fields;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Writes the fields, without a head. */
export function encodeMessage(definition: string, object: Json, writer: Writer): void {
  for (const field of planOf(definition)) {
    if (field.inline) {
      const before = writer.length;
      encodeMessage(field.type, object, writer);
      writer.close(field.number, before);
    } else encodeField(field, object[field.name], writer);
  }
}

function encodeField(field: FieldSchema, value: unknown, writer: Writer): void {
  const { number, type } = field;
  if (type.startsWith('[]') && !type.endsWith('!')) {
    const list = (value ?? []) as readonly unknown[];
    for (let i = list.length - 1; i >= 0; i--) encodeValue(number, type.slice(2), list[i], writer);
  } else if (type.startsWith('{}')) {
    const map = (value ?? {}) as Json;
    for (const key of Object.keys(map).sort().reverse()) {
      const before = writer.length;
      encodeValue(2, type.slice(2), map[key], writer);
      encodeValue(1, 'string', key, writer);
      writer.close(number, before);
    }
  } else if (value !== undefined && value !== null) encodeValue(number, type, value, writer);
  // Unset: Go writes the zero value, except of what can be nil.
  else if (!field.pointer && type !== 'bytes' && !type.endsWith('!')) encodeValue(number, type, undefined, writer);
}

function encodeValue(number: number, type: string, value: unknown, writer: Writer): void {
  const before = writer.length;
  switch (type) {
    case 'string':
      writer.string(typeof value === 'string' ? value : '');
      break;
    case 'bytes':
      writer.raw(Buffer.from(typeof value === 'string' ? value : '', 'base64'));
      break;
    case 'int32':
    case 'int64':
      writer.varint(typeof value === 'number' ? value : 0);
      writer.tag(number, VARINT);
      return;
    case 'boolean':
      writer.varint(value === true ? 1 : 0);
      writer.tag(number, VARINT);
      return;
    case 'double':
      writer.double(typeof value === 'number' ? value : 0);
      writer.tag(number, FIXED64);
      return;
    case 'Time':
    case 'MicroTime':
      if (typeof value === 'string') {
        const { seconds, nanos } = parseTime(value);
        encodeValue(2, 'int32', type === 'Time' ? 0 : nanos, writer);
        encodeValue(1, 'int64', seconds, writer);
      }
      break;
    case 'Quantity':
      encodeValue(1, 'string', value === undefined ? '0' : String(value), writer);
      break;
    case 'IntOrString':
      encodeValue(3, 'string', typeof value === 'string' ? value : '', writer);
      encodeValue(2, 'int32', typeof value === 'number' ? value : 0, writer);
      encodeValue(1, 'int64', typeof value === 'string' ? 1 : 0, writer);
      break;
    case 'RawExtension':
    case 'FieldsV1':
    case 'JSON':
      if (value !== undefined) {
        writer.string(JSON.stringify(value));
        writer.close(1, before);
      }
      break;
    case 'JSONSchemaPropsOrBool':
    case 'JSONSchemaPropsOrArray':
    case 'JSONSchemaPropsOrStringArray':
      encodeSchemaOr(type, value, writer);
      break;
    default:
      if (type.endsWith('!')) encodeField({ name: 'items', number: 1, type: type.slice(0, -1) }, value, writer);
      else encodeMessage(type, isObject(value) ? value : {}, writer);
  }
  writer.close(number, before);
}

function encodeSchemaOr(type: string, value: unknown, writer: Writer): void {
  if (type === 'JSONSchemaPropsOrBool') {
    if (isObject(value)) encodeValue(2, SCHEMA_PROPS, value, writer);
    // A schema stands for "allowed, if it matches".
    encodeValue(1, 'boolean', isObject(value) || value === true, writer);
    return;
  }
  const item = type === 'JSONSchemaPropsOrArray' ? SCHEMA_PROPS : 'string';
  if (Array.isArray(value)) for (const one of [...value].reverse()) encodeValue(2, item, one, writer);
  else if (isObject(value)) encodeValue(1, SCHEMA_PROPS, value, writer);
}
