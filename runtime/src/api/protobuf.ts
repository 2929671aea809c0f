/**
 * Kubernetes' protobuf: objects in an envelope, `k8s\0` and a `runtime.Unknown { typeMeta, raw, contentEncoding, contentType }`
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding). Both ways straight from and to the JSON shape.
 */

import { Reader, Writer } from '../lib/protobuf/wire.ts';
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
  const beforeType = writer.length;
  writer.string(String(kind));
  writer.close(2, beforeType);
  const beforeVersion = writer.length;
  writer.string(String(apiVersion));
  writer.close(1, beforeVersion);
  writer.close(1, beforeType);
  writer.raw(MAGIC);
  return writer.finish();
}
