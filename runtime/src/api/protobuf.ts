/**
 * Kubernetes' protobuf: objects in an envelope, `k8s\0` and a `runtime.Unknown { typeMeta, raw, contentEncoding, contentType }`
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding). Both ways straight from and to the JSON shape.
 */

import { BYTES, Reader, Writer } from '../lib/protobuf/wire.ts';
import { decodeMessage } from './protobuf/decode.ts';
import { encodeMessage } from './protobuf/encode.ts';
import { definitionOf } from './schema/table.ts';

const MAGIC = Buffer.from('k8s\0', 'latin1');

export function isProtobuf(buffer: Buffer): boolean {
  return buffer.length >= 4 && buffer.subarray(0, 4).equals(MAGIC);
}

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
  readonly contentEncoding: string;
  readonly contentType: string;
}

/** Opens the envelope. Throws an Error where the bytes are none. */
export function readEnvelope(buffer: Buffer): Envelope {
  if (!isProtobuf(buffer))
    throw new Error('provided data does not appear to be a protobuf message, expected prefix "k8s\\0"');
  const envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0) as Buffer, contentEncoding: '', contentType: '' };
  const reader = new Reader(buffer, 4);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      const typeMeta = reader.part();
      while (!typeMeta.done) {
        const inner = typeMeta.tag();
        if (inner === 0x0a) envelope.apiVersion = typeMeta.string();
        else if (inner === 0x12) envelope.kind = typeMeta.string();
        else typeMeta.skip(inner & 7);
      }
    } else if (tag === 0x12) envelope.raw = reader.bytes();
    else if (tag === 0x1a) envelope.contentEncoding = reader.string();
    else if (tag === 0x22) envelope.contentType = reader.string();
    else reader.skip(tag & 7);
  }
  return envelope;
}

const splitApiVersion = (apiVersion: string): readonly [group: string, version: string] => {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
};

function definitionFor(apiVersion: unknown, kind: unknown): string {
  const [group, version] = splitApiVersion(String(apiVersion));
  const definition = definitionOf(group, version, String(kind));
  if (definition === undefined) throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return definition;
}

/**
 * The object with its `apiVersion` and `kind`. `definition` is for what does not name itself (`WatchEvent`). Throws an Error
 * for bytes that are no such object or a kind not in the table.
 */
export function decodeProtobuf(buffer: Buffer, definition?: string): Record<string, unknown> {
  const { apiVersion, kind, raw, contentEncoding } = readEnvelope(buffer);
  if (contentEncoding !== '')
    throw new Error(`protobuf content encoding ${JSON.stringify(contentEncoding)} is not supported`);
  const into = definition === undefined ? { apiVersion, kind } : {};
  return decodeMessage(definition ?? definitionFor(apiVersion, kind), new Reader(raw), into);
}

/** One element of a list's `items`, with its tag: the field has number 2 in every kind of list. */
export function protobufListItem(object: { readonly apiVersion: string; readonly kind: string }): Buffer {
  const writer = new Writer();
  encodeMessage(definitionFor(object.apiVersion, object.kind), object as unknown as Record<string, unknown>, writer);
  writer.close(2, 0);
  return Buffer.from(writer.finish()); // not the larger buffer it was made in: there may be many
}

/** What stands before and after the items of a list that take `sizeBytes` together. `list` has no items itself. */
export function protobufListHead(
  list: { readonly apiVersion: string; readonly kind: string },
  sizeBytes: number,
): { readonly before: Buffer; readonly after: Buffer } {
  const writer = new Writer();
  encodeMessage(definitionFor(list.apiVersion, list.kind), list as unknown as Record<string, unknown>, writer);
  writer.varint(writer.length + sizeBytes);
  writer.tag(2, BYTES);
  writeHead(writer, list.apiVersion, list.kind);
  return { before: writer.finish(), after: ENVELOPE_END };
}

/** `contentEncoding` and `contentType`, always written and empty. */
const ENVELOPE_END = Buffer.from([0x1a, 0x00, 0x22, 0x00]);

/** What stands before `raw`: the magic and the `TypeMeta`. */
function writeHead(writer: Writer, apiVersion: string, kind: string): void {
  const beforeType = writer.length;
  writer.string(kind);
  writer.close(2, beforeType);
  const beforeVersion = writer.length;
  writer.string(apiVersion);
  writer.close(1, beforeVersion);
  writer.close(1, beforeType);
  writer.raw(MAGIC);
}

/** With the envelope. Throws an Error for a kind not in the table; the object is taken to be valid. */
export function encodeProtobuf(object: object, definition?: string): Buffer {
  const named = object as { readonly apiVersion?: unknown; readonly kind?: unknown };
  const type = definition ?? definitionFor(named.apiVersion, named.kind);
  const { apiVersion = '', kind = '' } = definition === undefined ? named : {};
  const writer = new Writer();
  // Backwards: contentType and contentEncoding, always written and empty; the message; its type.
  writer.close(4, writer.length);
  writer.close(3, writer.length);
  const beforeRaw = writer.length;
  encodeMessage(type, object as Record<string, unknown>, writer);
  writer.close(2, beforeRaw);
  writeHead(writer, String(apiVersion), String(kind));
  return writer.finish();
}
