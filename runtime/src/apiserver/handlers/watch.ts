/**
 * WATCH: what happens to the selected objects from a revision on
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes, KEP-3157 streaming lists).
 */
import type { KubeObject } from '../../api/object.ts';
import { listKindOf } from '../../api/resources.ts';
import { StatusError, statusOf } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { CompactedError, type KeyValue, type StoreEvent } from '../../store/store.ts';
import { encode, offerOf } from '../answer.ts';
import { apiVersionOf } from '../body.ts';
import type { Context } from '../context.ts';
import { prefixOf } from '../keys.ts';
import { type Items, piecesOf } from '../listBody.ts';
import { labelsOf, quote } from '../metrics.ts';
import { type Accepted, negotiate } from '../negotiate.ts';
import { type ListOptions, listOptionsOf, requireReached, revisionError } from '../resourceVersions.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { deserialize, splicedEvent } from '../serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';
import { warningHeader } from '../warnings.ts';
import { eventFrame, streamContentTypes } from '../watch/frames.ts';
import type { EventType, OpenWatch, WatchCount } from '../watch/hub.ts';
import { WatchStream } from '../watch/stream.ts';
import { beginList } from './list.ts';

/** Without `timeoutSeconds` a watch lives for 30 to 60 minutes (upstream's `--min-request-timeout`). */
const MIN_TIMEOUT_SECONDS = 1800;

export async function watchObjects(context: Context): Promise<Response> {
  const { parts, resource, kind, info, request } = context;
  const options = listOptionsOf(request.query, true);
  const form = formOf(context, options);
  const selection = selectionOf(request.query, kind, info.name);
  const timeoutSeconds = options.timeoutSeconds || MIN_TIMEOUT_SECONDS * (1 + Math.random());
  const { bookmarks: wantsBookmarks, version } = options;
  const prefix = prefixOf(resource, info.namespace);
  const asked = version === '' ? 0 : requireReached(version, parts.store, resource);
  const encoder = new EventEncoder(context, form, selection);
  const streaming = options.sendInitialEvents && wantsBookmarks;
  const blueprint = streaming ? await emptyList(context, form) : undefined;

  const everything = { prefix, limit: 0, revision: undefined, after: undefined };
  const existing = options.sendInitialEvents ? await beginList(context, selection, everything) : undefined;
  existing?.letGo?.();
  const afterRevision = existing?.revision ?? (asked === 0 ? parts.store.revision() : asked);

  async function* first(list: Items): AsyncGenerator<Buffer> {
    try {
      for await (const items of piecesOf(list)) {
        for (const item of items) {
          counted.events++;
          yield encoder.existing(item);
        }
      }
      if (blueprint) yield encoder.bookmark(afterRevision, blueprint);
    } catch (error) {
      // Without what is missing, what happens later would mislead.
      yield encoder.error(error);
      void stream.return();
    }
  }

  let stopStore = (): void => undefined;
  let cancelTimeout = (): void => undefined;
  let live = false;
  const counted = countOf(context);
  const watch: OpenWatch = {
    counted,
    wantsBookmarks,
    bookmark: () => {
      // While it catches up with the past, a bookmark would promise what has not been sent.
      if (!live) return;
      stream.push(encoder.bookmark(parts.store.revision()));
    },
    end: () => stream.end(),
  };
  const { retired } = context;
  const onAbort = (): void => void stream.return();
  const onRetired = (): void => stream.end();
  const stream = new WatchStream(existing && first(existing), () => {
    stopStore();
    cancelTimeout();
    parts.watches.remove(watch);
    request.signal.removeEventListener('abort', onAbort);
    retired?.removeEventListener('abort', onRetired);
  });
  const fail = (error: unknown): void => {
    stream.push(encoder.error(error));
    stream.end();
  };
  parts.watches.add(watch);
  request.signal.addEventListener('abort', onAbort, { once: true });
  retired?.addEventListener('abort', onRetired, { once: true });
  if (request.signal.aborted) onAbort();
  if (retired?.aborted) onRetired();
  cancelTimeout = parts.clock.after(timeoutSeconds * 1000, () => {
    if (wantsBookmarks) watch.bookmark();
    stream.end();
  });
  try {
    stopStore = parts.store.watch(
      { prefix, afterRevision },
      {
        onEvents: events => {
          for (const event of events) {
            const frame = encoder.event(event);
            if (!frame) continue;
            counted.events++;
            if (!stream.push(frame)) {
              parts.logger.warn(
                { path: request.path, user: context.user.name },
                'a watch was cut: its client reads too slowly',
              );
              return;
            }
          }
        },
        onLive: () => {
          live = true;
        },
        onEnd: error => (error instanceof CompactedError ? fail(error) : stream.end()),
      },
    );
    if (stream.closed) stopStore();
  } catch (error) {
    fail(error);
  }
  return {
    status: 200,
    headers: {
      'content-type': streamContentTypes[form.encoding === 'protobuf' ? 'protobuf' : 'json'],
      'cache-control': 'no-cache, private',
      ...(context.warnings.length > 0 ? { warning: warningHeader(context.warnings) } : {}),
    },
    body: stream,
  };
}

function countOf({ parts, resource, info }: Context): WatchCount {
  const { group, version } = resource;
  const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
  const of = `component="apiserver",group=${quote(group)},resource=${quote(resource.resource)},scope="${scope}",subresource="",verb="WATCH",version=${quote(version)}`;
  return parts.watches.counted(of, labelsOf(resource));
}

/** Upstream streams no initial tables; a table of what happens later is fine. */
function formOf({ request, resource }: Context, { sendInitialEvents, bookmarks }: ListOptions): Accepted {
  const offer = offerOf(resource);
  const form = negotiate(request.headers.accept, {
    ...offer,
    tables: offer.tables && !(sendInitialEvents && bookmarks),
    stream: true,
  });
  if (form.as === 'Table') includeObjectOf(request.query);
  return form;
}

/** The list that the initial events add up to, without items, in the client's encoding: it tells clients its kind. */
async function emptyList({ resource, request }: Context, form: Accepted): Promise<string> {
  const list =
    form.as === 'object'
      ? { kind: listKindOf(resource), apiVersion: apiVersionOf(resource), metadata: {}, items: [] }
      : { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.metaVersion}`, metadata: {}, items: [] };
  return (await encode(list, form, request)).toString('base64');
}

/** Events as one client wants them. */
class EventEncoder {
  readonly #context: Context;
  readonly #accepted: Accepted;
  readonly #selection: Selection;
  /** Sent as it is stored: the same bytes for everybody. */
  readonly #plain: boolean;
  /** Only the first event of a table watch has the columns. */
  #columnsSent = false;

  constructor(context: Context, accepted: Accepted, selection: Selection) {
    this.#context = context;
    this.#accepted = accepted;
    this.#selection = selection;
    this.#plain = accepted.encoding === 'json' && accepted.as === 'object';
  }

  /** Of what is selected. */
  existing(item: KeyValue): Buffer {
    if (this.#plain) return splicedEvent('ADDED', item.value, item.modRevision);
    const object = deserialize(item.value, item.modRevision);
    return eventFrame('ADDED', this.#convert(object), this.#accepted.encoding);
  }

  /** Undefined: nothing this client is to see. */
  event(event: StoreEvent): Buffer | undefined {
    if (!this.#selection.mayMatch(event.key)) return undefined;
    const forms = this.#context.parts.watches.forms(event);
    const type = this.#typeOf(event);
    if (type === undefined) return undefined;
    if (type === 'DELETED' && event.type === 'put') {
      // Changed so that it is no longer selected: the client is shown what it knew, at the revision of the change.
      return eventFrame(type, this.#convert(forms.previous() ?? forms.object()), this.#accepted.encoding);
    }
    if (this.#plain) return forms.line(type);
    return eventFrame(type, this.#convert(forms.object()), this.#accepted.encoding);
  }

  /** @param blueprint given: the initial events end here. */
  bookmark(revision: number, blueprint?: string): Buffer {
    const { resource } = this.#context;
    const annotations =
      blueprint === undefined
        ? undefined
        : {
            'k8s.io/initial-events-end': 'true',
            'kubernetes.io/initial-events-list-blueprint': blueprint,
          };
    const object: KubeObject = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
    };
    if (this.#accepted.as === 'Table') {
      const row = { cells: columnsOf(this.#context.kind).map(() => null), object: partialMetadata(object) };
      const table = tableOf(this.#columns(), [row], { resourceVersion: String(revision) }, this.#accepted.metaVersion);
      return eventFrame('BOOKMARK', table, this.#accepted.encoding);
    }
    const shown = this.#accepted.as === 'object' ? object : partialMetadata(object, this.#accepted.metaVersion);
    return eventFrame('BOOKMARK', shown, this.#accepted.encoding);
  }

  error(error: unknown): Buffer {
    const said = revisionError(error, true);
    return eventFrame('ERROR', statusOf(said instanceof StatusError ? said : error), this.#accepted.encoding);
  }

  /** A change may bring an object into the selection or take it out. */
  #typeOf(event: StoreEvent): EventType | undefined {
    const forms = this.#context.parts.watches.forms(event);
    if (this.#selection.everything) {
      if (event.type === 'delete') return 'DELETED';
      return event.createRevision === event.revision ? 'ADDED' : 'MODIFIED';
    }
    const previous = forms.previous();
    if (event.type === 'delete') return this.#selection.matches(previous ?? forms.object()) ? 'DELETED' : undefined;
    const was = previous !== undefined && this.#selection.matches(previous);
    const is = this.#selection.matches(forms.object());
    if (is) return was ? 'MODIFIED' : 'ADDED';
    return was ? 'DELETED' : undefined;
  }

  #convert(object: KubeObject): unknown {
    const { as, metaVersion } = this.#accepted;
    if (as === 'object') return object;
    if (as !== 'Table') return partialMetadata(object, metaVersion);
    const { parts, kind, request } = this.#context;
    const row = rowOf(object, kind, parts.clock.now(), includeObjectOf(request.query), metaVersion);
    return tableOf(this.#columns(), [row], { resourceVersion: object.metadata.resourceVersion ?? '' }, metaVersion);
  }

  #columns(): ReturnType<typeof columnsOf> | null {
    if (this.#columnsSent) return null;
    this.#columnsSent = true;
    return columnsOf(this.#context.kind);
  }
}
