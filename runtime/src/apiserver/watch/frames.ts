/** Watch events on the wire: JSON lines, or protobuf frames with their length before them. */
import type { KubeObject } from '../../api/object.ts';
import { encodeProtobuf } from '../../api/protobuf.ts';
import type { Encoding } from '../negotiate.ts';

export const streamContentTypes: Readonly<Record<'json' | 'protobuf', string>> = {
  json: 'application/json',
  protobuf: 'application/vnd.kubernetes.protobuf;stream=watch',
};

export function eventFrame(type: string, object: unknown, encoding: Encoding): Buffer {
  if (encoding === 'protobuf') return protobufFrame(type, encodeProtobuf(object as KubeObject));
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
}

/**
 * `meta.v1.WatchEvent { string type = 1; RawExtension object = 2 }` without an envelope of its own, four bytes of length
 * (big-endian) before it; `RawExtension { bytes raw = 1 }` holds the object with its envelope.
 */
function protobufFrame(type: string, object: Buffer): Buffer {
  const name = Buffer.from(type);
  const raw = Buffer.concat([field(1, object.length), object]);
  const message = Buffer.concat([field(1, name.length), name, field(2, raw.length), raw]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** Tag of a length-delimited field, and the length. */
function field(number: number, length: number): Buffer {
  const bytes = [(number << 3) | 2];
  let left = length;
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
  return Buffer.from(bytes);
}
