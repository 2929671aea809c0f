/**
 * Protobuf messages (proto3) by their descriptors, for speaking gRPC to containerd: encodes and decodes plain objects. Building the
 * tables a call needs takes microseconds, at its first use; libraries that read a whole descriptor first take longer than the
 * rest of the agent's start.
 *
 * Objects are in protobuf's JSON shape but for 64-bit numbers, which are numbers (exact to 2^53), and bytes, which are buffers.
 * What is absent decodes to proto3's default: `''`, 0, false, an empty buffer, list or map, the enum's name of 0; a message to null.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
import { BYTES, Reader, VARINT, Writer } from './wire.ts';

/** As protobufjs writes descriptors in JSON. */
export interface FieldDescriptor {
  /** A scalar's name, or that of a message or enum: nested in this one, or of the whole. */
  readonly type: string;
  readonly id: number;
  readonly rule?: string;
  /** Of a map. */
  readonly keyType?: string;
}

export interface TypeDescriptor {
  readonly fields?: Readonly<Record<string, FieldDescriptor>>;
  /** Of an enum: name → number. */
  readonly values?: Readonly<Record<string, number>>;
  readonly nested?: Readonly<Record<string, TypeDescriptor>>;
}

type Json = Record<string, unknown>;

/** One value of a field, without its tag. */
interface Codec {
  readonly wire: typeof VARINT | typeof BYTES;
  write(value: unknown, writer: Writer): void;
  read(reader: Reader): unknown;
  /** Made anew for each message. */
  absent(): unknown;
}

interface Field {
  readonly name: string;
  readonly id: number;
  readonly kind: 'one' | 'list' | 'map';
  readonly codec: Codec;
}

interface Message {
  /** From the last to the first, as they are written. */
  readonly fields: readonly Field[];
  readonly byId: ReadonlyMap<number, Field>;
}

const bytes = (write: Codec['write'], read: Codec['read'], absent: Codec['absent']): Codec => ({
  wire: BYTES,
  absent,
  read,
  write(value, writer) {
    const before = writer.length;
    write(value, writer);
    writer.varint(writer.length - before);
  },
});

const number: Codec = {
  wire: VARINT,
  write: (value, writer) => writer.varint(Number(value)),
  read: reader => reader.varint(),
  absent: () => 0,
};

const scalars: Readonly<Record<string, Codec>> = {
  int32: number,
  int64: number,
  uint32: { ...number, read: reader => reader.varint() >>> 0 },
  uint64: number,
  bool: {
    wire: VARINT,
    write: (value, writer) => writer.varint(value ? 1 : 0),
    read: reader => reader.varint() !== 0,
    absent: () => false,
  },
  string: bytes(
    (value, writer) => writer.string(String(value)),
    reader => reader.string(),
    () => '',
  ),
  bytes: bytes(
    (value, writer) => writer.raw(value as Uint8Array),
    reader => reader.bytes(),
    () => Buffer.alloc(0),
  ),
};

export class Messages {
  readonly #types: Readonly<Record<string, TypeDescriptor>>;
  readonly #messages = new Map<TypeDescriptor, Message>();

  constructor(types: Readonly<Record<string, TypeDescriptor>>) {
    this.#types = types;
  }

  /** Fields that the descriptor does not know are left out, as are undefined and null. */
  encode(type: string, value: object): Buffer {
    const writer = new Writer();
    this.#write(this.#message(this.#find(type)), value as Json, writer);
    return writer.finish();
  }

  /** @throws Error where the bytes are no message. Fields that the descriptor does not know are skipped. */
  decode(type: string, encoded: Buffer): Json {
    return this.#read(this.#message(this.#find(type)), new Reader(encoded));
  }

  #find(type: string, within?: TypeDescriptor): TypeDescriptor {
    const found = within?.nested?.[type] ?? this.#types[type];
    if (!found) throw new Error(`there is no message ${type} in the descriptor`);
    return found;
  }

  #message(type: TypeDescriptor): Message {
    const known = this.#messages.get(type);
    if (known) return known;
    const fields = Object.entries(type.fields ?? {}).map(([name, descriptor]): Field => {
      const codec = this.#codec(type, descriptor.type);
      const kind = descriptor.keyType ? 'map' : descriptor.rule === 'repeated' ? 'list' : 'one';
      return { name, id: descriptor.id, kind, codec };
    });
    const message: Message = {
      fields: fields.sort((a, b) => b.id - a.id),
      byId: new Map(fields.map(field => [field.id, field])),
    };
    this.#messages.set(type, message);
    return message;
  }

  #codec(within: TypeDescriptor, name: string): Codec {
    const scalar = scalars[name];
    if (scalar) return scalar;
    const type = this.#find(name, within);
    if (type.values) return enumeration(type.values);
    // Looked up when used: messages hold each other.
    return bytes(
      (value, writer) => this.#write(this.#message(type), value as Json, writer),
      reader => this.#read(this.#message(type), reader.part()),
      () => null,
    );
  }

  #write(message: Message, value: Json, writer: Writer): void {
    for (const { name, id, kind, codec } of message.fields) {
      const given = value[name];
      if (given === undefined || given === null) continue;
      if (kind === 'one') writeField(id, codec, given, writer);
      else if (kind === 'list')
        for (const item of [...(given as unknown[])].reverse()) writeField(id, codec, item, writer);
      else
        for (const [key, item] of Object.entries(given as Json).reverse()) {
          const before = writer.length;
          writeField(2, codec, item, writer);
          writeField(1, scalars.string as Codec, key, writer);
          writer.close(id, before);
        }
    }
  }

  #read(message: Message, reader: Reader): Json {
    const value: Json = {};
    for (const { name, kind, codec } of message.fields)
      value[name] = kind === 'list' ? [] : kind === 'map' ? {} : codec.absent();
    while (!reader.done) {
      const tag = reader.tag();
      const field = message.byId.get(Math.floor(tag / 8));
      const wire = tag % 8;
      if (!field) reader.skip(wire);
      else if (field.kind === 'map') readEntry(field, reader.part(), value[field.name] as Json);
      else if (field.kind === 'one') value[field.name] = checked(field, wire).read(reader);
      else readItems(field, wire, reader, value[field.name] as unknown[]);
    }
    return value;
  }
}

function enumeration(values: Readonly<Record<string, number>>): Codec {
  const names = new Map(Object.entries(values).map(([name, id]) => [id, name]));
  return {
    wire: VARINT,
    write: (value, writer) => writer.varint(typeof value === 'number' ? value : (values[String(value)] ?? 0)),
    read(reader) {
      const id = reader.varint();
      return names.get(id) ?? id;
    },
    absent: () => names.get(0),
  };
}

function writeField(id: number, codec: Codec, value: unknown, writer: Writer): void {
  codec.write(value, writer);
  writer.tag(id, codec.wire);
}

function checked({ name, codec }: Field, wire: number): Codec {
  if (wire !== codec.wire) throw new Error(`proto: wrong wireType = ${wire} for field ${name}`);
  return codec;
}

/** One item, or, of numbers, all of them in one part (packed, proto3's own way). */
function readItems(field: Field, wire: number, reader: Reader, into: unknown[]): void {
  if (field.codec.wire === VARINT && wire === BYTES) {
    for (const part = reader.part(); !part.done; ) into.push(field.codec.read(part));
  } else into.push(checked(field, wire).read(reader));
}

function readEntry({ codec }: Field, reader: Reader, into: Json): void {
  let key = '';
  let value = codec.absent();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + BYTES) key = reader.string();
    else if (tag === 16 + codec.wire) value = codec.read(reader);
    else reader.skip(tag % 8);
  }
  into[key] = value;
}
