/** LIST: whole, in pages, selected, as tables. Consistent at one revision across pages. */
import type { KubeObject } from '../../api/object.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { CompactedError, type KeyValue, type RangeOptions, type RangeResult } from '../../store/store.ts';
import { encode, headersOf, objectOffer, wantsPretty } from '../answer.ts';
import { apiVersionOf } from '../body.ts';
import type { Context } from '../context.ts';
import { decodeContinue, encodeContinue } from '../continueToken.ts';
import { keyOf, prefixOf } from '../keys.ts';
import { negotiate } from '../negotiate.ts';
import {
  count,
  parseResourceVersion,
  requireReached,
  revisionError,
  validateListOptions,
} from '../resourceVersions.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { deserialize, type ListHead, splicedList } from '../serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';

/** Objects parsed in one go before other requests get their turn. */
const SLICE = 200;
/** Keys read at once while looking for matches of a selector under a limit. */
const SCAN = 500;

export async function listObjects(context: Context): Promise<Response> {
  const { parts, resource, kind, request } = context;
  const accepted = negotiate(request.headers.accept, objectOffer);
  const selection = selectionOf(request.query, kind);
  const page = await readPage(context, selection);
  const head: ListHead = {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.continue === undefined ? {} : { continue: page.continue }),
      ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
    },
  };
  const headers = headersOf(accepted.encoding, context.warnings);
  if (accepted.encoding === 'json' && accepted.as === 'object' && !wantsPretty(request, accepted)) {
    return { status: 200, headers, body: splicedList(head, page.items) };
  }
  const nowMs = parts.clock.now();
  const include = includeObjectOf(request.query);
  const convert = (object: KubeObject): unknown => {
    if (accepted.as === 'object') return object;
    return accepted.as === 'Table' ? rowOf(object, kind, nowMs, include) : partialMetadata(object);
  };
  const converted: unknown[] = [];
  for (const [index, item] of page.items.entries()) {
    if (index > 0 && index % SLICE === 0) await turn();
    converted.push(convert(deserialize(item.value, item.modRevision)));
  }
  const value =
    accepted.as === 'object'
      ? { kind: head.kind, apiVersion: head.apiVersion, metadata: head.metadata, items: converted }
      : accepted.as === 'Table'
        ? tableOf(columnsOf(kind), converted as ReturnType<typeof rowOf>[], head.metadata)
        : {
            kind: 'PartialObjectMetadataList',
            apiVersion: 'meta.k8s.io/v1',
            metadata: head.metadata,
            items: converted,
          };
  return { status: 200, headers, body: await encode(value, accepted, request) };
}

export interface Page {
  readonly revision: number;
  readonly items: readonly KeyValue[];
  readonly continue?: string;
  /** Known only without selectors. */
  readonly remaining?: number;
}

/** The items the query asks for. @throws StatusError */
export async function readPage(context: Context, selection: Selection): Promise<Page> {
  const { parts, resource, info, request } = context;
  const { query } = request;
  validateListOptions(query, false);
  const limit = count(query, 'limit');
  const prefix = prefixOf(resource, info.namespace);
  const token = query.get('continue') ?? '';
  const version = query.get('resourceVersion') ?? '';
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
    const match = query.get('resourceVersionMatch') ?? '';
    if (match === 'Exact' || (match === '' && limit > 0)) revision = parseResourceVersion(version);
    else requireReached(version, parts.store);
  }
  if (selection.name !== undefined && (resource.namespaced ? info.namespace !== '' : true) && after === undefined) {
    return readOne(context, selection, selection.name, revision);
  }
  try {
    return await collect(context, selection, { prefix, limit, revision, after });
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
