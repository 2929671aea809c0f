/**
 * Objects as the store keeps them, and the same bytes as clients read them.
 *
 * Invariants of a stored value:
 * - it is the object's JSON, and begins with `{"apiVersion":"…","kind":"…","metadata":{`, in this order;
 * - `metadata` is never empty and never holds `resourceVersion`: the revision of the write is, and is put in on the way out.
 * So the place of `resourceVersion` is known without parsing: reads copy bytes.
 */
import type { KubeObject } from '../api/object.ts';

const METADATA = Buffer.from('"metadata":{');
const FIELD = '"resourceVersion":"';
const separator = Buffer.from(',');

/** The bytes to store. */
export function serialize(object: KubeObject): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata: stored, ...rest }));
}

/** What is stored, as an object with its `resourceVersion`. The caller owns it. */
export function deserialize(value: Buffer, revision: number): KubeObject {
  const object = JSON.parse(value.toString('utf8')) as KubeObject;
  object.metadata.resourceVersion = String(revision);
  return object;
}

/** Only the object's metadata, for what need not look further: a small part of parsing it all. */
export function deserializeMetadata(value: Buffer, revision: number): KubeObject['metadata'] {
  const start = spliceAt(value) - 1;
  const metadata = JSON.parse(value.toString('utf8', start, endOfObject(value, start))) as KubeObject['metadata'];
  metadata.resourceVersion = String(revision);
  return metadata;
}

/** The index after the object that begins at `start`. */
function endOfObject(value: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at++) {
    switch (value[at]) {
      case 0x7b: // {
        depth++;
        break;
      case 0x7d: // }
        if (--depth === 0) return at + 1;
        break;
      case 0x22: // a string: to its end
        for (at++; at < value.length && value[at] !== 0x22; at++) if (value[at] === 0x5c) at++;
    }
  }
  throw new Error('a stored object has no end: the store is damaged');
}

/** Where the revision goes. @throws Error for a value that does not keep the invariant: the store is damaged. */
function spliceAt(value: Buffer): number {
  const at = value.indexOf(METADATA);
  if (at < 0) throw new Error('a stored object has no metadata: the store is damaged');
  return at + METADATA.length;
}

/** One object for the wire. */
export function spliced(value: Buffer, revision: number): Buffer {
  const at = spliceAt(value);
  const field = `${FIELD}${revision}",`;
  const out = Buffer.allocUnsafe(value.length + field.length);
  value.copy(out, 0, 0, at);
  out.write(field, at, 'latin1');
  value.copy(out, at + field.length, at);
  return out;
}

export interface ListHead {
  readonly apiVersion: string;
  /** `PodList` */
  readonly kind: string;
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

/** A whole list for the wire, in one allocation. */
export function splicedList(
  head: ListHead,
  items: readonly { readonly value: Buffer; readonly modRevision: number }[],
): Buffer {
  const opening = JSON.stringify({ kind: head.kind, apiVersion: head.apiVersion, metadata: head.metadata });
  const start = Buffer.from(`${opening.slice(0, -1)},"items":[`);
  let size = start.length + 2;
  const fields: string[] = new Array(items.length);
  let index = 0;
  for (const item of items) {
    const field = `${FIELD}${item.modRevision}",`;
    fields[index++] = field;
    size += item.value.length + field.length + 1;
  }
  const out = Buffer.allocUnsafe(size);
  let to = start.copy(out, 0);
  index = 0;
  for (const item of items) {
    if (index > 0) to += separator.copy(out, to);
    const field = fields[index++] ?? '';
    const at = spliceAt(item.value);
    // The whole value, moved right by the field's length, then its beginning and the field over it: one copy, no slices.
    out.set(item.value, to + field.length);
    out.write(item.value.toString('latin1', 0, at) + field, to, 'latin1');
    to += item.value.length + field.length;
  }
  to += out.write(']}', to, 'latin1');
  return out.subarray(0, to);
}

/** One line of a JSON watch stream. */
export function splicedEvent(type: string, value: Buffer, revision: number): Buffer {
  const at = spliceAt(value);
  const start = `{"type":"${type}","object":`;
  const field = `${FIELD}${revision}",`;
  const out = Buffer.allocUnsafe(start.length + value.length + field.length + 2);
  let to = out.write(start, 0, 'latin1');
  to += value.copy(out, to, 0, at);
  to += out.write(field, to, 'latin1');
  to += value.copy(out, to, at);
  out.write('}\n', to, 'latin1');
  return out;
}
