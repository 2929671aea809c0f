/** Protobuf to JSON shape, by the schema table; leaves out what Go's JSON leaves out. */

import { type Reader, VARINT } from '../../lib/protobuf/wire.ts';
import { isDropped } from '../prune.ts';
import type { FieldSchema } from '../schema/model.ts';
import { typeOf } from '../schema/table.ts';
import { formatMicroTime, formatTime } from '../times.ts';

type Json = Record<string, unknown>;

const SCHEMA_PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
/** JSONSchemaProps nests without end; the deepest other kind is below thirty. */
const MAX_DEPTH = 200;

const plans = new Map<string, readonly (FieldSchema | undefined)[]>();

/** Fields by their number. */
function planOf(definition: string): readonly (FieldSchema | undefined)[] {
  const known = plans.get(definition);
  if (known) return known;
  const plan: (FieldSchema | undefined)[] = [];
  for (const field of typeOf(definition)?.fields ?? []) if (field.number > 0) plan[field.number] = field;
  plans.set(definition, plan);
  return plan;
}

export function decodeMessage(definition: string, reader: Reader, into: Json = {}, depth = 0): Json {
  if (depth > MAX_DEPTH) throw new Error('proto: exceeded max depth');
  const plan = planOf(definition);
  while (!reader.done) {
    const tag = reader.tag();
    const wire = tag & 7;
    const field = plan[Math.floor(tag / 8)];
    if (!field) reader.skip(wire);
    else if (field.inline) decodeMessage(field.type, reader.part(), into, depth + 1);
    else decodeField(field, reader, wire, into, depth);
  }
  return into;
}

function decodeField(field: FieldSchema, reader: Reader, wire: number, into: Json, depth: number): void {
  const { name, type } = field;
  if (type.startsWith('[]') && !type.endsWith('!')) {
    const item = type.slice(2);
    let list = into[name] as unknown[] | undefined;
    if (!list) {
      list = [];
      into[name] = list;
    }
    if (wire === 2 && (item === 'int32' || item === 'int64' || item === 'boolean')) {
      for (const packed = reader.part(); !packed.done; ) list.push(decodeValue(item, packed, VARINT, depth));
    } else list.push(decodeValue(item, reader, wire, depth));
    return;
  }
  if (type.startsWith('{}')) {
    const map = (into[name] as Json | undefined) ?? {};
    into[name] = map;
    decodeEntry(type.slice(2), reader.part(), map, depth);
    return;
  }
  const value = decodeValue(type, reader, wire, depth);
  if (value !== undefined && !isDropped(field, value)) into[name] = value;
}

function decodeEntry(type: string, entry: Reader, map: Json, depth: number): void {
  let key = '';
  let value: unknown;
  while (!entry.done) {
    const tag = entry.tag();
    if (tag >> 3 === 1) key = entry.string();
    else if (tag >> 3 === 2) value = decodeValue(type, entry, tag & 7, depth);
    else entry.skip(tag & 7);
  }
  const at = value ?? (type === 'string' || type === 'bytes' ? '' : type.endsWith('Time') ? null : {});
  if (key === '__proto__')
    Object.defineProperty(map, key, { value: at, enumerable: true, configurable: true, writable: true });
  else map[key] = at;
}

/** Calls `read` with the field's number for each field of a message. */
function eachField(message: Reader, read: (number: number, wire: number) => boolean): void {
  while (!message.done) {
    const tag = message.tag();
    if (!read(tag >> 3, tag & 7)) message.skip(tag & 7);
  }
}

/** Field 1 of a message that has no other: the wrappers of quantities and of JSON. */
function firstField(message: Reader): Buffer | undefined {
  let found: Buffer | undefined;
  eachField(message, number => {
    if (number === 1) found = message.bytes();
    return number === 1;
  });
  return found;
}

/** `undefined` for a zero time, which JSON shows as null. */
function decodeValue(type: string, reader: Reader, wire: number, depth: number): unknown {
  switch (type) {
    case 'string':
      return reader.string();
    case 'int32':
    case 'int64':
      return reader.varint();
    case 'boolean':
      return reader.varint() !== 0;
    case 'double':
      return reader.double();
    case 'bytes':
      return reader.bytes().toString('base64');
    case 'Time':
    case 'MicroTime':
      return decodeTime(type, reader.part());
    case 'Quantity':
      return firstField(reader.part())?.toString('utf8') ?? '0';
    case 'IntOrString':
      return decodeIntOrString(reader.part());
    case 'RawExtension':
    case 'FieldsV1':
    case 'JSON':
      return decodeRaw(reader.part());
    case 'JSONSchemaPropsOrBool':
    case 'JSONSchemaPropsOrArray':
    case 'JSONSchemaPropsOrStringArray':
      return decodeSchemaOr(type, reader.part(), depth);
    default:
      if (type.endsWith('!')) {
        const list: Json = {};
        const field: FieldSchema = { name: 'items', number: 1, type: type.slice(0, -1) };
        const message = reader.part();
        eachField(message, (number, inner) => {
          if (number === 1) decodeField(field, message, inner, list, depth);
          return number === 1;
        });
        return list.items ?? [];
      }
      if (wire !== 2) throw new Error(`proto: wrong wireType = ${wire} for field of type ${type}`);
      return decodeMessage(type, reader.part(), {}, depth + 1);
  }
}

function decodeTime(type: 'Time' | 'MicroTime', message: Reader): string | undefined {
  if (message.done) return undefined;
  let seconds = 0;
  let nanos = 0;
  eachField(message, number => {
    if (number === 1) seconds = message.varint();
    else if (number === 2) nanos = message.varint();
    else return false;
    return true;
  });
  if (Math.abs(seconds) > 253402300799) throw new Error('proto: time out of range');
  return type === 'Time' ? formatTime(seconds) : formatMicroTime({ seconds, nanos });
}

function decodeIntOrString(message: Reader): number | string {
  let isString = false;
  let integer = 0;
  let text = '';
  eachField(message, number => {
    if (number === 1) isString = message.varint() === 1;
    else if (number === 2) integer = message.varint();
    else if (number === 3) text = message.string();
    else return false;
    return true;
  });
  return isString ? text : integer;
}

/** JSON inside protobuf. */
function decodeRaw(message: Reader): unknown {
  const raw = firstField(message);
  return raw === undefined || raw.length === 0 ? undefined : (JSON.parse(raw.toString('utf8')) as unknown);
}

function decodeSchemaOr(type: string, message: Reader, depth: number): unknown {
  let allows = false;
  let schema: Json | undefined;
  const list: unknown[] = [];
  eachField(message, number => {
    const isSchema = type === 'JSONSchemaPropsOrBool' ? number === 2 : number === 1;
    if (isSchema) schema = decodeMessage(SCHEMA_PROPS, message.part(), {}, depth + 1);
    else if (number === 1) allows = message.varint() !== 0;
    else if (number === 2 && type === 'JSONSchemaPropsOrArray')
      list.push(decodeMessage(SCHEMA_PROPS, message.part(), {}, depth + 1));
    else if (number === 2) list.push(message.string());
    else return false;
    return true;
  });
  if (schema) return schema;
  return type === 'JSONSchemaPropsOrBool' ? allows : list;
}
