/**
 * The bytes of a list. Short ones are made at once; long ones in pieces, read and made as the client takes them, with a turn of the
 * event loop between: a list of 50,000 objects holds up nobody, and is never whole in memory, whatever its form.
 */
import type { KubeObject } from '../api/object.ts';
import { protobufListHead, protobufListItem } from '../api/protobuf.ts';
import type { Response } from '../lib/exchange.ts';
import { Pace } from '../lib/turns.ts';
import type { KeyValue } from '../store/store.ts';
import {
  deserialize,
  type ListHead,
  type Naming,
  openingOf,
  splicedIntoSize,
  splicedList,
  splicedSize,
  spliceInto,
} from './serialized.ts';

/** Lists up to this size, as they are stored, are one Buffer. */
export const WHOLE_BYTES = 512 * 1024;
/** About so much is handed on at once. */
const CHUNK_BYTES = 512 * 1024;
/** With the last object, which may go beyond it, and what is put into each: room for most chunks. */
const CHUNK_ROOM = CHUNK_BYTES + 64 * 1024;
/** Of a protobuf list that is measured before it is sent, so much is kept of what was made for that. */
const MEASURED_BYTES = 2 * 1024 * 1024;

type Body = Pick<Response, 'body' | 'large'>;
type Convert = (object: KubeObject) => unknown;

export interface Items {
  readonly items: readonly KeyValue[];
  /** Those that follow. Each walk begins after `items` and sees the same; what it gives is good until it is asked for more. */
  readonly rest?: AsyncIterable<readonly KeyValue[]>;
}

export async function* piecesOf({ items, rest }: Items): AsyncGenerator<readonly KeyValue[]> {
  yield items;
  if (rest) yield* rest;
}

const isShort = ({ items, rest }: Items): boolean =>
  rest === undefined && items.reduce((sum, { value }) => sum + value.length, 0) <= WHOLE_BYTES;

/** As stored: bytes are copied, nothing is parsed. */
export function storedList(head: ListHead, list: Items, naming: Naming): Body {
  const { items, rest } = list;
  if (!rest && splicedSize(head, items, naming) <= WHOLE_BYTES) return { body: splicedList(head, items, naming) };
  return { large: true, body: storedChunks(head, list, naming) };
}

/** A chunk given back is written over: 50,000 objects are 250 chunks, and V8 looks for garbage by how much was allocated beside its heap. */
async function* storedChunks(
  head: ListHead,
  list: Items,
  naming: Naming,
): AsyncGenerator<Buffer, void, Buffer | undefined> {
  yield Buffer.from(openingOf(head));
  let first = true;
  let memory: Buffer | undefined;
  const pace = new Pace();
  for await (const items of piecesOf(list)) {
    for (let from = 0; from < items.length; ) {
      let to = from;
      for (let size = 0; to < items.length && size < CHUNK_BYTES; to++) size += items[to]?.value.length ?? 0;
      const some = from === 0 && to === items.length ? items : items.slice(from, to);
      const size = splicedIntoSize(some, naming, !first);
      if (memory === undefined || memory.length < size) memory = Buffer.allocUnsafe(Math.max(size, CHUNK_ROOM));
      const chunk = memory.subarray(0, size);
      spliceInto(chunk, some, naming, !first);
      if ((yield chunk) !== chunk) memory = undefined;
      first = false;
      from = to;
      if (pace.due) await pace.turn();
    }
  }
  yield Buffer.from(']}');
}

/** How a list is written item by item. */
export interface TextForm {
  /** Everything before the first item. */
  readonly opening: string;
  readonly between: string;
  readonly closing: string;
  /** The whole list, when it has no items. */
  readonly empty: string;
  /** @param item what has been made of an object. */
  write(item: unknown): string;
}

/** Each item converted, and written as the form has it. */
export async function textList(form: TextForm, list: Items, convert: Convert): Promise<Body> {
  const chunks = textChunks(form, list, convert);
  if (!isShort(list)) return { large: true, body: chunks };
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return { body: Buffer.concat(parts) };
}

async function* textChunks(form: TextForm, list: Items, convert: Convert): AsyncGenerator<Buffer> {
  let text = '';
  let first = true;
  const pace = new Pace();
  for await (const items of piecesOf(list)) {
    for (const { value, modRevision } of items) {
      text += (first ? form.opening : form.between) + form.write(convert(deserialize(value, modRevision)));
      first = false;
      const due = pace.due;
      if (!due && text.length < CHUNK_BYTES) continue;
      yield Buffer.from(text);
      text = '';
      if (due) await pace.turn();
    }
  }
  yield Buffer.from(first ? form.empty : text + form.closing);
}

/** `head` has its fields before the items, which come last under `itemsName`. */
export function jsonForm(head: object, itemsName: 'items' | 'rows'): TextForm {
  const opening = `${JSON.stringify(head).slice(0, -1)},"${itemsName}":[`;
  return { opening, between: ',', closing: ']}', empty: `${opening}]}`, write: item => JSON.stringify(item) };
}

/** The same for people: two blanks a level, and a newline at the end. */
export function prettyForm(head: object, itemsName: 'items' | 'rows'): TextForm {
  const before = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "${itemsName}": [`;
  return {
    opening: `${before}\n    `,
    between: ',\n    ',
    closing: '\n  ]\n}\n',
    empty: `${before}]\n}\n`,
    // A newline within a text is escaped, so every newline is one of the layout.
    write: item => JSON.stringify(item, null, 2).replaceAll('\n', '\n    '),
  };
}

/** @param stringify of YAML; a list of one item is written as that item stands in a list of many. */
export function yamlForm(head: object, itemsName: 'items' | 'rows', stringify: (value: unknown) => string): TextForm {
  const opening = `${stringify(head)}${itemsName}:\n`;
  const write = (item: unknown): string => stringify({ [itemsName]: [item] }).slice(itemsName.length + 2);
  return { opening, between: '', closing: '', empty: stringify({ ...head, [itemsName]: [] }), write };
}

/**
 * Each item converted, as protobuf. The length of it all stands at its beginning, so a long list is made twice: once to measure it
 * and once as it is sent. Its beginning is kept, which for most is all of it.
 */
export async function protobufList(
  head: { readonly apiVersion: string; readonly kind: string },
  list: Items,
  convert: (object: KubeObject) => KubeObject,
): Promise<Body> {
  const kept: Buffer[] = [];
  let [sizeBytes, keptBytes, count] = [0, 0, 0];
  for await (const item of protobufItems(list, 0, convert)) {
    count++;
    sizeBytes += item.length;
    if (kept.length < count - 1 || keptBytes + item.length > MEASURED_BYTES) continue;
    keptBytes += item.length;
    kept.push(item);
  }
  const { before, after } = protobufListHead(head, sizeBytes);
  if (kept.length === count && sizeBytes <= WHOLE_BYTES) return { body: Buffer.concat([before, ...kept, after]) };
  return { large: true, body: protobufChunks(before, kept, list, convert, sizeBytes, after) };
}

async function* protobufChunks(
  before: Buffer,
  kept: Buffer[],
  list: Items,
  convert: (object: KubeObject) => KubeObject,
  sizeBytes: number,
  after: Buffer,
): AsyncGenerator<Buffer> {
  let left = sizeBytes;
  let parts = [before];
  let partBytes = 0;
  const known = kept.length;
  async function* items(): AsyncGenerator<Buffer> {
    yield* kept.splice(0);
    if (left > 0) yield* protobufItems(list, known, convert);
  }
  for await (const item of items()) {
    left -= item.length;
    partBytes += item.length;
    parts.push(item);
    if (partBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    [parts, partBytes] = [[], 0];
  }
  // The same revisions give the same bytes; if ever not, the client must not take it for whole.
  if (left !== 0) throw new Error(`a list measured as ${sizeBytes} bytes came out with ${sizeBytes - left}`);
  yield Buffer.concat([...parts, after]);
}

/** Item by item from the one with index `from` on. */
async function* protobufItems(
  list: Items,
  from: number,
  convert: (object: KubeObject) => KubeObject,
): AsyncGenerator<Buffer> {
  let index = 0;
  const pace = new Pace();
  for await (const items of piecesOf(list)) {
    for (const { value, modRevision } of items) {
      if (index++ < from) continue;
      yield protobufListItem(convert(deserialize(value, modRevision)));
      if (pace.due) await pace.turn();
    }
  }
}
