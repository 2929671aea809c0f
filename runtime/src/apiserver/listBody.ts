/**
 * The bytes of a list. Short ones are made at once; long ones in pieces of some 256 KiB, made as the client takes them, with a
 * turn of the event loop between: a list of 50,000 objects holds up nobody and is never whole in memory a second time.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { KubeObject } from '../api/object.ts';
import { protobufListHead, protobufListItem } from '../api/protobuf.ts';
import type { Response } from '../lib/exchange.ts';
import type { KeyValue } from '../store/store.ts';
import { deserialize, type ListHead, openingOf, splicedInto, splicedList, splicedSize } from './serialized.ts';

/** Lists up to this size are one Buffer. */
const WHOLE_BYTES = 512 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** Objects converted in one go before others get their turn. */
const SLICE = 100;

type Body = Pick<Response, 'body' | 'sizeBytes'>;

/** As stored: bytes are copied, nothing is parsed. */
export function storedList(head: ListHead, items: readonly KeyValue[]): Body {
  const sizeBytes = splicedSize(head, items);
  if (sizeBytes <= WHOLE_BYTES) return { body: splicedList(head, items) };
  return { sizeBytes, body: storedChunks(head, items) };
}

async function* storedChunks(head: ListHead, items: readonly KeyValue[]): AsyncGenerator<Buffer> {
  yield Buffer.from(openingOf(head));
  for (let from = 0; from < items.length; ) {
    let to = from;
    for (let size = 0; to < items.length && size < CHUNK_BYTES; to++) size += items[to]?.value.length ?? 0;
    yield splicedInto(items.slice(from, to), from > 0);
    from = to;
    await turn();
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
  items: readonly KeyValue[],
  convert: (object: KubeObject) => unknown,
): Promise<Body> {
  const opening = `${JSON.stringify(head).slice(0, -1)},"${itemsName}":[`;
  if (items.length > SLICE) return { body: jsonChunks(opening, items, convert) };
  return { body: Buffer.from(`${opening}${jsonSlice(items, convert)}]}`) };
}

const jsonSlice = (items: readonly KeyValue[], convert: (object: KubeObject) => unknown): string =>
  items.map(({ value, modRevision }) => JSON.stringify(convert(deserialize(value, modRevision)))).join(',');

async function* jsonChunks(
  opening: string,
  items: readonly KeyValue[],
  convert: (object: KubeObject) => unknown,
): AsyncGenerator<Buffer> {
  yield Buffer.from(opening);
  for (let from = 0; from < items.length; from += SLICE) {
    const slice = jsonSlice(items.slice(from, from + SLICE), convert);
    yield Buffer.from(from > 0 ? `,${slice}` : slice);
    await turn();
  }
  yield Buffer.from(']}');
}

/** Each item converted, as protobuf: made item by item, since the length of it all stands at its beginning. */
export async function protobufList(
  head: { readonly apiVersion: string; readonly kind: string },
  items: readonly KeyValue[],
  convert: (object: KubeObject) => KubeObject,
): Promise<Body> {
  const parts: Buffer[] = [];
  for (const [index, { value, modRevision }] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await turn();
    parts.push(protobufListItem(convert(deserialize(value, modRevision))));
  }
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0);
  const opening = protobufListHead(head, sizeBytes);
  return { body: Buffer.concat([opening.before, ...parts, opening.after]) };
}

/** Everything converted, for forms that need the whole: pretty JSON, YAML. */
export async function convertedList(
  items: readonly KeyValue[],
  convert: (object: KubeObject) => unknown,
): Promise<unknown[]> {
  const converted: unknown[] = [];
  for (const [index, { value, modRevision }] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await turn();
    converted.push(convert(deserialize(value, modRevision)));
  }
  return converted;
}
