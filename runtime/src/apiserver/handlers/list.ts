/** LIST: whole, in pages, selected, as tables. Consistent at one revision across pages. */
import type { KubeObject } from '../../api/object.ts';
import { listKindOf, type ResourceInfo } from '../../api/resources.ts';
import { definitionOf } from '../../api/schema/table.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import type { Request, Response } from '../../lib/exchange.ts';
import { Pace } from '../../lib/turns.ts';
import { CompactedError, type KeyValue, type RangeOptions, type RangeResult } from '../../store/store.ts';
import { accepted, headersOf, noSuchForm, wantsPretty, yamlWriter } from '../answer.ts';
import { apiVersionOf } from '../body.ts';
import type { Context } from '../context.ts';
import { decodeContinue, encodeContinue } from '../continueToken.ts';
import { keyOf, prefixOf } from '../keys.ts';
import {
  jsonForm,
  prettyForm,
  protobufList,
  storedList,
  type TextForm,
  textList,
  WHOLE_BYTES,
  yamlForm,
} from '../listBody.ts';
import type { Accepted } from '../negotiate.ts';
import {
  type ListOptions,
  listOptionsOf,
  parseResourceVersion,
  requireReached,
  revisionError,
} from '../resourceVersions.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { deserialize, type ListHead, type Naming } from '../serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';

/** Keys read at once while looking for matches of a selector under a limit. */
const SCAN = 500;
/** Of the pieces of a long list that are read while it is sent: a few ms each. */
const PIECE_BYTES = 512 * 1024;

export async function listObjects(context: Context): Promise<Response> {
  const { resource, kind, info, request } = context;
  const form = accepted(request, resource);
  if (form.as === 'PartialObjectMetadata') throw noSuchForm(form.as, 'the requested object is a list', resource);
  if (form.as === 'Table') includeObjectOf(request.query);
  const options = listOptionsOf(request.query, false);
  return answerList(context, await readPage(context, selectionOf(request.query, kind, info.name), options, true));
}

/** The page in the form the client wants. What must be known of all of it is found out before its revision is let go of. */
export async function answerList(context: Context, page: Page): Promise<Response> {
  try {
    return await formedList(context, page);
  } catch (error) {
    throw revisionError(error);
  } finally {
    page.letGo?.();
  }
}

async function formedList(context: Context, page: Page): Promise<Response> {
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
  if (form.encoding === 'json' && form.as === 'object' && !wantsPretty(request, form)) {
    return { ...answer, ...storedList(head, page, namingOf(resource)) };
  }
  if (form.as === 'Table') {
    const nowMs = parts.clock.now();
    const include = includeObjectOf(request.query);
    const row = (object: KubeObject): unknown => rowOf(object, kind, nowMs, include, form.metaVersion);
    const { rows: _, ...table } = tableOf(columnsOf(kind), [], head.metadata, form.metaVersion);
    const shown = kind?.rowOrder ? await inOrder(page, kind.rowOrder) : page;
    return { ...answer, ...(await textList(await textForm(table, 'rows', form, request), shown, row)) };
  }
  const metadataOnly = form.as !== 'object';
  const { apiVersion, metadata } = head;
  const shown = metadataOnly
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.metaVersion}`, metadata }
    : { kind: head.kind, apiVersion, metadata };
  const convert = (object: KubeObject): KubeObject =>
    metadataOnly ? partialMetadata(object, form.metaVersion) : object;
  if (form.encoding === 'protobuf') return { ...answer, ...(await protobufList(shown, page, convert)) };
  const written = metadataOnly || namingOf(resource) === 'named' ? convert : unnamed;
  return { ...answer, ...(await textList(await textForm(shown, 'items', form, request), page, written)) };
}

const namingOf = ({ group, version, kind }: ResourceInfo): Naming =>
  definitionOf(group, version, kind) === undefined ? 'named' : 'unnamed';

const unnamed = ({ apiVersion: _version, kind: _kind, ...rest }: KubeObject): object => rest;

async function textForm(
  head: object,
  itemsName: 'items' | 'rows',
  form: Accepted,
  request: Request,
): Promise<TextForm> {
  if (form.encoding === 'yaml') return yamlForm(head, itemsName, await yamlWriter());
  return wantsPretty(request, form) ? prettyForm(head, itemsName) : jsonForm(head, itemsName);
}

export interface Page {
  readonly revision: number;
  readonly items: readonly KeyValue[];
  readonly continue?: string;
  /** Known only without selectors. */
  readonly remaining?: number;
  /**
   * The items after {@link items}, of a long list: read as they are taken, so that nobody holds it all who does not read it.
   * Each walk reads them anew, at the same revision. What it gives is good until it is asked for more.
   */
  readonly rest?: AsyncIterable<readonly KeyValue[]>;
  /** Until it is called {@link rest} stays readable: soon, and not when a client has taken it all. */
  readonly letGo?: () => void;
}

/** The page in an order of its kind's own: of kinds of which there are few, for all of it is read. */
async function inOrder({ rest, ...page }: Page, order: (one: KubeObject, other: KubeObject) => number): Promise<Page> {
  const items = [...page.items];
  for await (const more of rest ?? []) for (const item of more) items.push({ ...item, value: Buffer.from(item.value) });
  const read = items.map(item => ({ item, object: deserialize(item.value, item.modRevision) }));
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
    return await (limit === 0 && piecemeal ? beginList(context, selection, range) : collect(context, selection, range));
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

/** Enough of a list without a limit for a first piece, or all of it where it is short. The caller lets go of it. */
export async function beginList(context: Context, selection: Selection, range: Range): Promise<Page> {
  const { store } = context.parts;
  // However long it takes to find something under a selector, it is of one revision.
  const revision = range.revision ?? store.revision();
  const letGo = store.hold(revision);
  try {
    const items: KeyValue[] = [];
    let size = 0;
    for await (const piece of piecesOf(context, selection, { ...range, revision })) {
      for (const item of piece.items) {
        items.push(item);
        size += item.value.length;
      }
      if (!piece.more || size <= WHOLE_BYTES) continue;
      const following = { ...range, revision, after: piece.after };
      const rest = { [Symbol.asyncIterator]: () => itemsOf(context, selection, following) };
      return { revision, items, rest, letGo };
    }
    letGo();
    return { revision, items };
  } catch (error) {
    letGo();
    throw error;
  }
}

/**
 * What follows a page, piece by piece, of what there was then: as it is now, for who changes it on his way. Nothing is held, so that
 * what a long deletion leaves behind can be forgotten while it goes on.
 */
export async function* laterItems(
  { parts, resource, info }: Context,
  selection: Selection,
  { revision, items }: Page,
): AsyncGenerator<readonly KeyValue[]> {
  const pace = new Pace();
  const prefix = prefixOf(resource, info.namespace);
  for (let after = items.at(-1)?.key, more = true; more; ) {
    const asked = { prefix, limit: 0, revision: undefined, after };
    const result: RangeResult = await parts.store.range({ ...rangeOptions(asked, 0), pieceBytes: PIECE_BYTES });
    const old = result.items.filter(({ createRevision }) => createRevision <= revision);
    yield selection.everything ? old : await selected(old, selection, pace);
    ({ more } = result);
    after = result.items.at(-1)?.key ?? after;
  }
}

async function* itemsOf(...asked: Parameters<typeof piecesOf>): AsyncGenerator<readonly KeyValue[]> {
  for await (const { items, letGo } of piecesOf(...asked)) {
    yield items;
    letGo?.();
  }
}

interface Piece {
  readonly revision: number;
  /** What the selection takes of it. */
  readonly items: readonly KeyValue[];
  /** The last key read, whether it is taken or not. */
  readonly after: string | undefined;
  readonly more: boolean;
  readonly letGo: (() => void) | undefined;
}

/** All of a range at one revision, piece by piece, no more of it than the selection takes. Ends when the client has gone. */
async function* piecesOf({ parts, request }: Context, selection: Selection, range: Range): AsyncGenerator<Piece> {
  let { revision, after } = range;
  let readBytes = 0;
  const pace = new Pace();
  while (!request.signal.aborted) {
    const result: RangeResult = await parts.store.range({
      ...rangeOptions({ ...range, revision, after }, 0),
      pieceBytes: PIECE_BYTES,
      readBytes,
    });
    const { items, more, letGo } = result;
    revision = result.revision;
    after = items.at(-1)?.key ?? after;
    for (const { value } of items) readBytes += value.length;
    const taken = selection.everything ? items : await selected(items, selection, pace);
    yield { revision, after, more, items: taken, letGo };
    if (!more) return;
    if (pace.due) await pace.turn();
  }
}

/** Objects looked at between looks at the clock. */
const LOOK_EVERY = 16;

async function selected(items: readonly KeyValue[], selection: Selection, pace: Pace): Promise<KeyValue[]> {
  const found: KeyValue[] = [];
  for (const [index, item] of items.entries()) {
    if (index % LOOK_EVERY === LOOK_EVERY - 1 && pace.due) await pace.turn();
    if (selection.mayMatch(item.key) && selection.matchesStored(item.value, item.modRevision)) found.push(item);
  }
  return found;
}

export interface Range {
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
  const pace = new Pace();
  for (;;) {
    const asked = rangeOptions({ ...range, revision, after }, Math.max(limit, SCAN));
    const result: RangeResult = await parts.store.range({ ...asked, uncounted: true });
    revision = result.revision;
    let seen = 0;
    for (const item of result.items) {
      if (seen++ % LOOK_EVERY === LOOK_EVERY - 1 && pace.due) await pace.turn();
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
