/**
 * Objects as the store keeps them, and the same bytes as clients read them.
 *
 * Invariants of a stored value:
 * - it is the object's JSON, and begins with `{"apiVersion":"…","kind":"…","metadata":{`, in this order;
 * - `metadata` is never empty and never holds `resourceVersion`: the revision of the write is, and is put in on the way out;
 * - `managedFields`, which may be more than all the rest, are the last of `metadata`, so that they need not be parsed.
 * So the place of `resourceVersion` is known without parsing: reads copy bytes.
 */
import type { KubeObject } from '../api/object.ts';

const METADATA = Buffer.from('"metadata":{');
const MANAGED = Buffer.from(',"managedFields":[');
const FIELD = '"resourceVersion":"';
const separator = Buffer.from(',');

/** The bytes to store. */
export function serialize(object: KubeObject): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, managedFields, ...stored } = metadata;
  const last = managedFields === undefined ? {} : { managedFields };
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata: { ...stored, ...last }, ...rest }));
}

/** What is stored, as an object with its `resourceVersion`. The caller owns it. */
export function deserialize(value: Buffer, revision: number): KubeObject {
  const object = JSON.parse(value.toString('utf8')) as KubeObject;
  object.metadata.resourceVersion = String(revision);
  return object;
}

/** Only the object's metadata without `managedFields`, for what need not look further: a small part of parsing it all. */
export function deserializeMetadata(value: Buffer, revision: number): KubeObject['metadata'] {
  const start = spliceAt(value) - 1;
  const managed = value.indexOf(MANAGED, start);
  const end = endOfObject(value, start, managed < 0 ? value.length : managed);
  // A quote within a string is escaped, so what looks like the field is the field: of this object, or of a template in it.
  const text = end === undefined ? `${value.toString('utf8', start, managed)}}` : value.toString('utf8', start, end);
  const metadata = JSON.parse(text) as KubeObject['metadata'];
  metadata.resourceVersion = String(revision);
  return metadata;
}

/** The index after the object that begins at `start`; undefined: it does not end before `limit`. */
function endOfObject(value: Buffer, start: number, limit: number): number | undefined {
  let depth = 0;
  for (let at = start; at < limit; at++) {
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
  if (limit === value.length) throw new Error('a stored object has no end: the store is damaged');
  return undefined;
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

interface Item {
  readonly value: Buffer;
  readonly modRevision: number;
}

/** All of a list before its first item. */
export function openingOf({ kind, apiVersion, metadata }: ListHead): string {
  return `${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`;
}

const fieldOf = ({ modRevision }: Item): string => `${FIELD}${modRevision}",`;

/** How large {@link splicedList} will be, in bytes. */
export function splicedSize(head: ListHead, items: readonly Item[]): number {
  let size = Buffer.byteLength(openingOf(head)) + 2 + Math.max(items.length - 1, 0);
  for (const item of items) size += item.value.length + fieldOf(item).length;
  return size;
}

/** A whole list for the wire, in one allocation. */
export function splicedList(head: ListHead, items: readonly Item[]): Buffer {
  const out = Buffer.allocUnsafe(splicedSize(head, items));
  let to = out.write(openingOf(head), 0, 'utf8');
  to = spliceItems(out, to, items);
  out.write(']}', to, 'latin1');
  return out;
}

/** Some of a list's items, with commas between them and, where others precede, before them. */
export function splicedInto(items: readonly Item[], afterOthers: boolean): Buffer {
  let size = Math.max(items.length - 1, 0) + (afterOthers ? 1 : 0);
  for (const item of items) size += item.value.length + fieldOf(item).length;
  const out = Buffer.allocUnsafe(size);
  spliceItems(out, afterOthers ? separator.copy(out, 0) : 0, items);
  return out;
}

function spliceItems(out: Buffer, start: number, items: readonly Item[]): number {
  let to = start;
  let first = true;
  for (const item of items) {
    if (!first) to += separator.copy(out, to);
    first = false;
    const field = fieldOf(item);
    const at = spliceAt(item.value);
    // The whole value, moved right by the field's length, then its beginning and the field over it: one copy, no slices.
    out.set(item.value, to + field.length);
    out.write(item.value.toString('latin1', 0, at) + field, to, 'latin1');
    to += item.value.length + field.length;
  }
  return to;
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
