/**
 * Objects as the store keeps them, and the same bytes as clients read them.
 *
 * Invariants of a stored value:
 * - it is the object's JSON, and begins with `{"apiVersion":"…","kind":"…","metadata":{`, in this order;
 * - `metadata` is never empty and never holds `resourceVersion`: the revision of the write is, and is put in on the way out;
 * - `managedFields`, which may be more than all the rest, are the last of `metadata`, so that they need not be parsed.
 * So the place of `resourceVersion` is known without parsing: reads copy bytes.
 */
import { setOfText, textOfSet } from '../api/apply/fieldsText.ts';
import type { ManagedFieldsEntry } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { KubeObject } from '../api/object.ts';

const METADATA_TEXT = '"metadata":{';
const MANAGED_TEXT = ',"managedFields":[';
const FIELDS_TEXT = ',"fieldsV1":{';
const SUBRESOURCE_TEXT = '},"subresource":"';
const METADATA = Buffer.from(METADATA_TEXT);
const MANAGED = Buffer.from(MANAGED_TEXT);
const FIELD = '"resourceVersion":"';
const FIELD_BYTES = Buffer.from(FIELD);
/** How an item of a typed list begins: `apiVersion` and `kind` are the list's to tell. */
const UNNAMED = Buffer.from(`{${METADATA_TEXT}`);
const COMMA = 0x2c;
const QUOTE = 0x22;
const ZERO = 0x30;
const noBytes: Buffer = Buffer.alloc(0);

/** The bytes to store. */
export function serialize(object: KubeObject): Buffer {
  const { apiVersion, kind, metadata } = object;
  let text = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{`;
  let separator = '';
  for (const [name, value] of Object.entries(metadata)) {
    if (value === undefined || name === 'resourceVersion' || name === 'managedFields') continue;
    text += `${separator}${JSON.stringify(name)}:${JSON.stringify(value)}`;
    separator = ',';
  }
  if (metadata.managedFields !== undefined)
    text += `${separator}"managedFields":${entriesText(metadata.managedFields)}`;
  text += '}';
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined || name === 'apiVersion' || name === 'kind' || name === 'metadata') continue;
    text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return Buffer.from(`${text}}`);
}

/** As `JSON.stringify` writes them, but that of most the longest part is known. */
function entriesText(entries: readonly ManagedFieldsEntry[]): string {
  let text = '[';
  for (const entry of entries) {
    if (text.length > 1) text += ',';
    let separator = '{';
    for (const [name, value] of Object.entries(entry)) {
      if (value === undefined) continue;
      const isSet = name === 'fieldsV1' && typeof value === 'object' && value !== null;
      text += `${separator}${JSON.stringify(name)}:${isSet ? textOfSet(value) : JSON.stringify(value)}`;
      separator = ',';
    }
    text += separator === '{' ? '{}' : '}';
  }
  return `${text}]`;
}

/** What is stored, as an object with its `resourceVersion`. The caller owns it, but for the sets of its `managedFields`, which are shared. */
export function deserialize(value: Buffer, revision: number): KubeObject {
  return partsOf(value).object(revision);
}

/** The same object twice: one to change, and one to compare it with. */
export function deserializeTwice(value: Buffer, revision: number): [KubeObject, KubeObject] {
  const parts = partsOf(value);
  return [parts.object(revision), parts.object(revision)];
}

/** As {@link deserialize}, for those who do not look at `managedFields`: they are not there. */
export function deserializeUnmanaged(value: Buffer, revision: number): KubeObject {
  const { text } = unmanaged(value.toString('utf8'));
  return withRevision(JSON.parse(text) as KubeObject, revision);
}

/** As {@link deserialize}, and all of it is the caller's: for those who may change who owns what in place. */
export function deserializeWholly(value: Buffer, revision: number): KubeObject {
  return withRevision(JSON.parse(value.toString('utf8')) as KubeObject, revision);
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  object.metadata.resourceVersion = String(revision);
  return object;
}

function partsOf(value: Buffer): { object(revision: number): KubeObject } {
  const { text, managed } = unmanaged(value.toString('utf8'));
  const entries = managed === undefined ? undefined : parseEntries(managed);
  return {
    object(revision) {
      const object = JSON.parse(text) as KubeObject;
      if (entries) object.metadata.managedFields = entries.map(entry => ({ ...entry }));
      return withRevision(object, revision);
    },
  };
}

/** An object's text without its managers, and their text, `[…]`. Undefined: it has none. */
function unmanaged(text: string): { readonly text: string; readonly managed?: string } {
  const at = text.indexOf(MANAGED_TEXT);
  if (at < 0) return { text };
  const start = text.indexOf(METADATA_TEXT) + METADATA_TEXT.length - 1;
  // Is it the object's own, or of a template in it?
  if (endOf(text, start, at) !== undefined) return { text };
  const from = at + MANAGED_TEXT.length - 1;
  const to = endOf(text, from, text.length);
  if (to === undefined) throw new Error('a stored object has no end: the store is damaged');
  return { text: text.slice(0, at) + text.slice(to), managed: text.slice(from, to) };
}

/** The index after the object or list that begins at `start`; undefined: it does not end before `limit`. */
function endOf(text: string, start: number, limit: number): number | undefined {
  let depth = 0;
  for (let at = start; at < limit; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        depth++;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (--depth === 0) return at + 1;
        break;
      case 0x22: // a string: to its end
        at = quoteAfter(text, at);
    }
  }
  return undefined;
}

/** Where the string ends that begins at `start`. */
function quoteAfter(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (; end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === 0x5c) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/** The sets of entries in our own spelling are looked up by their texts; others are parsed. */
function parseEntries(text: string): ManagedFieldsEntry[] {
  try {
    return knownEntries(text);
  } catch {
    return JSON.parse(text) as ManagedFieldsEntry[];
  }
}

/** @throws SyntaxError where an entry's fields stand in another order than ours. */
function knownEntries(text: string): ManagedFieldsEntry[] {
  const entries: ManagedFieldsEntry[] = [];
  if (text === '[]') return entries;
  // Within a string the quote would be escaped.
  for (const part of text.slice(2, -2).split('},{"')) {
    const body = entries.length === 0 ? part : `"${part}`;
    const at = body.indexOf(FIELDS_TEXT);
    if (at < 0) {
      entries.push(JSON.parse(`{${body}}`) as ManagedFieldsEntry);
      continue;
    }
    const from = at + FIELDS_TEXT.length - 1;
    const after = body.lastIndexOf(SUBRESOURCE_TEXT);
    const to = after < 0 ? body.length : after + 1;
    const entry = JSON.parse(`{${body.slice(0, at)}}`) as ManagedFieldsEntry;
    entry.fieldsV1 = setOfText(body.slice(from, to));
    if (after >= 0) Object.assign(entry, JSON.parse(`{${body.slice(to + 1)}}`));
    entries.push(entry);
  }
  return entries;
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

/**
 * Whether items say `apiVersion` and `kind`: those of custom resources do; those of built-in kinds do not, for upstream keeps them as
 * typed structures, and only the outermost object is told its kind.
 */
export type Naming = 'named' | 'unnamed';

interface Item {
  readonly value: Buffer;
  readonly modRevision: number;
}

/** All of a list before its first item. */
export function openingOf({ kind, apiVersion, metadata }: ListHead): string {
  return `${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`;
}

/** How large {@link splicedList} will be, in bytes. */
export function splicedSize(head: ListHead, items: readonly Item[], naming: Naming): number {
  return Buffer.byteLength(openingOf(head)) + 2 + itemsSize(items, naming);
}

/** A whole list for the wire, in one allocation. */
export function splicedList(head: ListHead, items: readonly Item[], naming: Naming): Buffer {
  const out = Buffer.allocUnsafe(splicedSize(head, items, naming));
  const from = out.write(openingOf(head), 0, 'utf8');
  const to = out.length - 2;
  spliceItems(out, from, to, items, naming);
  out.write(']}', to, 'latin1');
  return out;
}

/** How much {@link spliceInto} writes, in bytes. */
export const splicedIntoSize = (items: readonly Item[], naming: Naming, afterOthers: boolean): number =>
  itemsSize(items, naming) + (afterOthers ? 1 : 0);

/** Fills `out` with some of a list's items, with commas between them and, where others precede, before them. */
export function spliceInto(out: Buffer, items: readonly Item[], naming: Naming, afterOthers: boolean): void {
  spliceItems(out, afterOthers ? 1 : 0, out.length, items, naming);
  if (afterOthers) out[0] = COMMA;
}

function itemsSize(items: readonly Item[], naming: Naming): number {
  let size = Math.max(items.length - 1, 0);
  let head: Buffer = noBytes;
  for (const { value, modRevision } of items) {
    size += value.length + FIELD.length + digitsOf(modRevision) + 2;
    if (naming === 'named') continue;
    if (!beginsAs(value, head)) head = headOf(value);
    size -= head.length - UNNAMED.length;
  }
  return size;
}

function digitsOf(number: number): number {
  let digits = 1;
  for (let bound = 10; number >= bound; bound *= 10) digits++;
  return digits;
}

/** As all of one kind and version begin, with what follows the revision's place. Found once for a list, then only compared. */
const headOf = (value: Buffer): Buffer => value.subarray(0, spliceAt(value));

/**
 * From the last to the first, so that of each the whole value can be copied to where its end belongs, its beginning over the end of the
 * one before it, which comes next: one copy, no slices. Byte by byte where it is a few dozen: a call into the runtime costs more, and a
 * list has thousands of each.
 */
function spliceItems(out: Buffer, from: number, end: number, items: readonly Item[], naming: Naming): void {
  let head: Buffer = noBytes;
  for (let index = items.length - 1, to = end; index >= 0; index--) {
    const { value, modRevision } = items[index] as Item;
    if (!beginsAs(value, head)) head = headOf(value);
    const beginning = naming === 'named' ? head : UNNAMED;
    const digits = digitsOf(modRevision);
    const after = to - (value.length - head.length);
    const start = after - (beginning.length + FIELD.length + digits + 2);
    if (to - value.length >= from) out.set(value, to - value.length);
    else value.copy(out, after, head.length);
    for (let at = 0; at < beginning.length; at++) out[start + at] = beginning[at] ?? 0;
    let at = start + beginning.length;
    for (let of = 0; of < FIELD_BYTES.length; of++) out[at++] = FIELD_BYTES[of] ?? 0;
    let left = modRevision;
    for (let place = at + digits - 1; place >= at; place--) {
      out[place] = ZERO + (left % 10);
      left = Math.floor(left / 10);
    }
    out[at + digits] = QUOTE;
    out[at + digits + 1] = COMMA;
    if (index > 0) out[start - 1] = COMMA;
    to = start - 1;
  }
}

function beginsAs(value: Buffer, head: Buffer): boolean {
  for (let at = 0; at < head.length; at++) if (value[at] !== head[at]) return false;
  return head.length > 0;
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
