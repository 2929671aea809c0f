/** LIST: whole, in pages, selected, as tables. Consistent at one revision across pages. */
import type { KubeObject } from '../../api/object.ts';
import { listKindOf } from '../../api/resources.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { CompactedError, type KeyValue, type RangeOptions, type RangeResult } from '../../store/store.ts';
import { accepted, encode, headersOf, noSuchForm, wantsPretty } from '../answer.ts';
import { apiVersionOf } from '../body.ts';
import type { Context } from '../context.ts';
import { decodeContinue, encodeContinue } from '../continueToken.ts';
import { keyOf, prefixOf } from '../keys.ts';
import { convertedList, jsonList, protobufList, storedList, WHOLE_BYTES } from '../listBody.ts';
import {
  type ListOptions,
  listOptionsOf,
  parseResourceVersion,
  requireReached,
  revisionError,
} from '../resourceVersions.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { deserialize, type ListHead } from '../serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';

/** Objects looked at in one go before other requests get their turn. */
const SLICE = 200;
/** Keys read at once while looking for matches of a selector under a limit. */
const SCAN = 500;
/** Keys read first of a list without a limit: few, as nothing is known of their size yet. */
const FIRST_PIECE = 4;
/** Of the pieces of a long list that are read while it is sent. */
const PIECE_BYTES = 1024 * 1024;
const MOST_KEYS = 1000;

export async function listObjects(context: Context): Promise<Response> {
  const { resource, kind, info, request } = context;
  const form = accepted(request, resource);
  if (form.as === 'PartialObjectMetadata') throw noSuchForm(form.as, 'the requested object is a list', resource);
  if (form.as === 'Table') includeObjectOf(request.query);
  const options = listOptionsOf(request.query, false);
  return answerList(context, await readPage(context, selectionOf(request.query, kind, info.name), options, true));
}

/** The page in the form the client wants. */
export async function answerList(context: Context, page: Page): Promise<Response> {
  const { parts, resource, kind, request } = context;
  const form = accepted(request, resource);
  const head: ListHead = {
    kind: listKindOf(resource),
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.continue === undefined ? {} : { continue: page.continue }),
      ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
    },
  };
  const answer = { status: 200, headers: headersOf(form.encoding, context.warnings) };
  const pretty = wantsPretty(request, form);
  if (form.encoding === 'json' && form.as === 'object' && !pretty) return { ...answer, ...storedList(head, page) };
  if (form.as === 'Table') {
    const nowMs = parts.clock.now();
    const include = includeObjectOf(request.query);
    const convert = (object: KubeObject): unknown => rowOf(object, kind, nowMs, include, form.metaVersion);
    const { rows: _, ...table } = tableOf(columnsOf(kind), [], head.metadata, form.metaVersion);
    const shown = kind?.rowOrder ? inOrder(page, kind.rowOrder) : page;
    if (form.encoding === 'json' && !pretty) return { ...answer, ...(await jsonList(table, 'rows', shown, convert)) };
    return {
      ...answer,
      body: await encode({ ...table, rows: await convertedList(shown, convert) }, form, request),
    };
  }
  const metadataOnly = form.as !== 'object';
  const shown = metadataOnly
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.metaVersion}`, metadata: head.metadata }
    : head;
  const convert = (object: KubeObject): KubeObject =>
    metadataOnly ? partialMetadata(object, form.metaVersion) : object;
  if (form.encoding === 'protobuf') return { ...answer, ...(await protobufList(shown, page, convert)) };
  if (form.encoding === 'json' && !pretty) return { ...answer, ...(await jsonList(shown, 'items', page, convert)) };
  const { kind: listKind, apiVersion, metadata } = shown;
  const list = { kind: listKind, apiVersion, metadata, items: await convertedList(page, convert) };
  return { ...answer, body: await encode(list, form, request) };
}

export interface Page {
  readonly revision: number;
  readonly items: readonly KeyValue[];
  readonly continue?: string;
  /** Known only without selectors. */
  readonly remaining?: number;
  /** The items after {@link items}, of a long list: read as they are taken, so that nobody holds it all who does not read it. */
  readonly rest?: AsyncIterable<readonly KeyValue[]>;
}

/** What has been read of the page, in an order of its kind's own. */
function inOrder(page: Page, order: (one: KubeObject, other: KubeObject) => number): Page {
  const read = page.items.map(item => ({ item, object: deserialize(item.value, item.modRevision) }));
  read.sort((one, other) => order(one.object, other.object));
  return { ...page, items: read.map(({ item }) => item) };
}

/** The items asked for. @param piecemeal a long list may come with its {@link Page.rest} unread. @throws StatusError */
export async function readPage(
  context: Context,
  selection: Selection,
  options: ListOptions,
  piecemeal = false,
): Promise<Page> {
  const { parts, resource, info } = context;
  const { limit, version, match, continue: token } = options;
  const prefix = prefixOf(resource, info.namespace);
  let revision: number | undefined;
  let after: string | undefined;
  if (token !== '') {
    if (version !== '' && version !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const decoded = decodeContinue(token);
    after = prefix + decoded.start;
    if (decoded.revision > 0) revision = decoded.revision;
  } else if (version !== '' && version !== '0') {
    // Without a match a page is of exactly this revision, as its following pages will be.
    if (match === 'Exact' || (match === '' && limit > 0)) revision = parseResourceVersion(version);
    else requireReached(version, parts.store);
  }
  if (selection.name !== undefined && (resource.namespaced ? info.namespace !== '' : true) && after === undefined) {
    return readOne(context, selection, selection.name, revision);
  }
  try {
    const range = { prefix, limit, revision, after };
    return await (limit === 0 && piecemeal ? begin(context, selection, range) : collect(context, selection, range));
  } catch (error) {
    if (error instanceof CompactedError && after !== undefined) throw expiredContinue(after.slice(prefix.length));
    throw revisionError(error);
  }
}

/** A list narrowed to one name is a read of one key. */
async function readOne(
  { parts, resource, info }: Context,
  selection: Selection,
  name: string,
  asOf: number | undefined,
): Promise<Page> {
  const now = asOf ?? parts.store.revision();
  if (name === '') return { revision: now, items: [] };
  try {
    const found = await parts.store.get(keyOf(resource, info.namespace, name), asOf);
    const matches = found && selection.matchesStored(found.value, found.modRevision);
    return { revision: Math.max(now, found?.modRevision ?? 0), items: matches ? [found] : [] };
  } catch (error) {
    throw revisionError(error);
  }
}

/** Enough of a list without a limit for a first piece, or all of it where it is short. */
async function begin(context: Context, selection: Selection, range: Range): Promise<Page> {
  const pieces = piecesOf(context, selection, range);
  const items: KeyValue[] = [];
  let size = 0;
  let { revision } = range;
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) return { revision: revision ?? context.parts.store.revision(), items };
    revision = value.revision;
    for (const item of value.items) {
      items.push(item);
      size += item.value.length;
    }
    if (value.more && size > WHOLE_BYTES) return { revision, items, rest: itemsOf(pieces) };
  }
}

async function* itemsOf(pieces: AsyncIterable<RangeResult>): AsyncGenerator<readonly KeyValue[]> {
  for await (const { items } of pieces) yield items;
}

/** All of a range at one revision, piece by piece, no more of it than the selection takes. Ends when the client has gone. */
async function* piecesOf({ parts, request }: Context, selection: Selection, range: Range): AsyncGenerator<RangeResult> {
  let { revision, after } = range;
  let keys = FIRST_PIECE;
  while (!request.signal.aborted) {
    const result: RangeResult = await parts.store.range({
      ...rangeOptions({ ...range, revision, after }, keys),
      uncounted: true,
    });
    revision = result.revision;
    after = result.items.at(-1)?.key ?? after;
    yield selection.everything ? result : { ...result, items: await selected(result.items, selection) };
    if (!result.more) return;
    const size = result.items.reduce((sum, { value }) => sum + value.length, 0);
    keys = Math.max(1, Math.min(MOST_KEYS, Math.floor((PIECE_BYTES * result.items.length) / Math.max(size, 1))));
    await turn();
  }
}

async function selected(items: readonly KeyValue[], selection: Selection): Promise<KeyValue[]> {
  const found: KeyValue[] = [];
  for (const [index, item] of items.entries()) {
    if (index % SLICE === SLICE - 1) await turn();
    if (selection.mayMatch(item.key) && selection.matchesStored(item.value, item.modRevision)) found.push(item);
  }
  return found;
}

interface Range {
  readonly prefix: string;
  readonly limit: number;
  readonly revision: number | undefined;
  readonly after: string | undefined;
}

async function collect({ parts }: Context, selection: Selection, range: Range): Promise<Page> {
  const { prefix, limit } = range;
  if (selection.everything) {
    const result = await parts.store.range(rangeOptions(range, limit));
    const last = result.items.at(-1);
    if (!result.more || !last) return { revision: result.revision, items: result.items };
    const start = last.key.slice(prefix.length);
    return {
      revision: result.revision,
      items: result.items,
      continue: encodeContinue({ revision: result.revision, start }),
      remaining: result.remaining,
    };
  }
  const items: KeyValue[] = [];
  let { revision, after } = range;
  for (;;) {
    const result: RangeResult = await parts.store.range(
      rangeOptions({ ...range, revision, after }, limit === 0 ? 0 : Math.max(limit, SCAN)),
    );
    revision = result.revision;
    let seen = 0;
    for (const item of result.items) {
      if (seen++ % SLICE === SLICE - 1) await turn();
      after = item.key;
      if (!selection.mayMatch(item.key) || !selection.matchesStored(item.value, item.modRevision)) continue;
      items.push(item);
      if (items.length === limit && (result.more || seen < result.items.length)) {
        return { revision, items, continue: encodeContinue({ revision, start: item.key.slice(prefix.length) }) };
      }
    }
    if (!result.more) return { revision, items };
  }
}

function rangeOptions({ prefix, revision, after }: Range, limit: number): RangeOptions {
  return {
    prefix,
    ...(limit > 0 ? { limit } : {}),
    ...(revision === undefined ? {} : { revision }),
    ...(after === undefined ? {} : { after }),
  };
}

/** Lets other requests run. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

function expiredContinue(start: string): StatusError {
  const error = new StatusError(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  );
  (error.status.metadata as { continue?: string }).continue = encodeContinue({ revision: -1, start });
  return error;
}
