/**
 * The bytes of a list. Short ones are made at once; long ones in pieces, read and made as the client takes them, with a turn of the
 * event loop between: a list of 50,000 objects holds up nobody, and is never whole in memory.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { KubeObject } from '../api/object.ts';
import { protobufListHead, protobufListItem } from '../api/protobuf.ts';
import type { Response } from '../lib/exchange.ts';
import type { KeyValue } from '../store/store.ts';
import { deserialize, type ListHead, openingOf, splicedInto, splicedList, splicedSize } from './serialized.ts';

/** Lists up to this size are one Buffer. */
export const WHOLE_BYTES = 512 * 1024;
const CHUNK_BYTES = 512 * 1024;
/** Objects converted in one go before others get their turn. */
const SLICE = 100;

type Body = Pick<Response, 'body' | 'large'>;

export interface Items {
  readonly items: readonly KeyValue[];
  readonly rest?: AsyncIterable<readonly KeyValue[]>;
}

async function* piecesOf({ items, rest }: Items): AsyncGenerator<readonly KeyValue[]> {
  yield items;
  if (rest) yield* rest;
}

/** As stored: bytes are copied, nothing is parsed. */
export function storedList(head: ListHead, list: Items): Body {
  if (!list.rest && splicedSize(head, list.items) <= WHOLE_BYTES) return { body: splicedList(head, list.items) };
  return { large: true, body: storedChunks(head, list) };
}

async function* storedChunks(head: ListHead, list: Items): AsyncGenerator<Buffer> {
  yield Buffer.from(openingOf(head));
  let first = true;
  for await (const items of piecesOf(list)) {
    for (let from = 0; from < items.length; ) {
      let to = from;
      for (let size = 0; to < items.length && size < CHUNK_BYTES; to++) size += items[to]?.value.length ?? 0;
      yield splicedInto(items.slice(from, to), !first);
      first = false;
      from = to;
      await turn();
    }
  }
  yield Buffer.from(']}');
}

/**
 * Each item converted, as JSON.
 *
 * @param head the list without its items, which come last under `itemsName`.
 */
export async function jsonList(
  head: object,
  itemsName: 'items' | 'rows',
  list: Items,
  convert: (object: KubeObject) => unknown,
): Promise<Body> {
  const opening = `${JSON.stringify(head).slice(0, -1)},"${itemsName}":[`;
  if (list.rest || list.items.length > SLICE) return { large: true, body: jsonChunks(opening, list, convert) };
  return { body: Buffer.from(`${opening}${jsonSlice(list.items, convert)}]}`) };
}

const jsonSlice = (items: readonly KeyValue[], convert: (object: KubeObject) => unknown): string =>
  items.map(({ value, modRevision }) => JSON.stringify(convert(deserialize(value, modRevision)))).join(',');

async function* jsonChunks(
  opening: string,
  list: Items,
  convert: (object: KubeObject) => unknown,
): AsyncGenerator<Buffer> {
  yield Buffer.from(opening);
  let first = true;
  for await (const items of piecesOf(list)) {
    for (let from = 0; from < items.length; from += SLICE) {
      const slice = jsonSlice(items.slice(from, from + SLICE), convert);
      yield Buffer.from(first ? slice : `,${slice}`);
      first = false;
      await turn();
    }
  }
  yield Buffer.from(']}');
}

/** Each item converted, as protobuf: made item by item, since the length of it all stands at its beginning. */
export async function protobufList(
  head: { readonly apiVersion: string; readonly kind: string },
  list: Items,
  convert: (object: KubeObject) => KubeObject,
): Promise<Body> {
  const parts: Buffer[] = [];
  await eachOf(list, object => parts.push(protobufListItem(convert(object))));
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0);
  const opening = protobufListHead(head, sizeBytes);
  return { body: Buffer.concat([opening.before, ...parts, opening.after]) };
}

/** Everything converted, for forms that need the whole: pretty JSON, YAML. */
export async function convertedList(list: Items, convert: (object: KubeObject) => unknown): Promise<unknown[]> {
  const converted: unknown[] = [];
  await eachOf(list, object => converted.push(convert(object)));
  return converted;
}

async function eachOf(list: Items, take: (object: KubeObject) => void): Promise<void> {
  let count = 0;
  for await (const items of piecesOf(list)) {
    for (const { value, modRevision } of items) {
      if (++count % SLICE === 0) await turn();
      take(deserialize(value, modRevision));
    }
  }
}
