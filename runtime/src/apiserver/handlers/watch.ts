/**
 * WATCH: what happens to the selected objects from a revision on
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes, KEP-3157 streaming lists).
 */
import type { KubeObject } from '../../api/object.ts';
import { StatusError, statusOf } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { CompactedError, type KeyValue, type StoreEvent } from '../../store/store.ts';
import { objectOffer } from '../answer.ts';
import { apiVersionOf } from '../body.ts';
import type { Context } from '../context.ts';
import { prefixOf } from '../keys.ts';
import { type Accepted, negotiate } from '../negotiate.ts';
import { count, flag, requireReached, revisionError, validateListOptions } from '../resourceVersions.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { deserialize, splicedEvent } from '../serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';
import { eventFrame, streamContentTypes } from '../watch/frames.ts';
import type { EventType, OpenWatch } from '../watch/hub.ts';
import { WatchStream } from '../watch/stream.ts';

/** Without `timeoutSeconds` a watch lives for 30 to 60 minutes (upstream's `--min-request-timeout`). */
const MIN_TIMEOUT_SECONDS = 1800;

export async function watchObjects(context: Context): Promise<Response> {
  const { parts, resource, kind, info, request } = context;
  const { query } = request;
  validateListOptions(query, true);
  const accepted = negotiate(request.headers.accept, { ...objectOffer, yaml: false });
  const selection = selectionOf(query, kind);
  const timeoutSeconds = count(query, 'timeoutSeconds') || MIN_TIMEOUT_SECONDS * (1 + Math.random());
  const wantsBookmarks = flag(query, 'allowWatchBookmarks');
  const prefix = prefixOf(resource, info.namespace);
  const version = query.get('resourceVersion') ?? '';
  const asked = version === '' ? 0 : requireReached(version, parts.store);
  const streaming = flag(query, 'sendInitialEvents');
  const initial = streaming || (asked === 0 && query.get('sendInitialEvents') === null);
  const encoder = new EventEncoder(context, accepted, selection);

  const existing = initial ? await parts.store.range({ prefix }) : undefined;
  const afterRevision = existing?.revision ?? (asked === 0 ? parts.store.revision() : asked);

  function* first(): Generator<Buffer> {
    for (const item of existing?.items ?? []) {
      const frame = encoder.existing(item);
      if (frame) yield frame;
    }
    if (streaming && wantsBookmarks) yield encoder.bookmark(afterRevision, true);
  }

  let stopStore = (): void => undefined;
  let cancelTimeout = (): void => undefined;
  let live = false;
  const watch: OpenWatch = {
    wantsBookmarks,
    bookmark: () => {
      // While it catches up with the past, a bookmark would promise what has not been sent.
      if (!live) return;
      stream.push(encoder.bookmark(parts.store.revision(), false));
    },
    end: () => stream.end(),
  };
  const onAbort = (): void => void stream.return();
  const stream = new WatchStream(first(), () => {
    stopStore();
    cancelTimeout();
    parts.watches.remove(watch);
    request.signal.removeEventListener('abort', onAbort);
  });
  const fail = (error: unknown): void => {
    stream.push(encoder.error(error));
    stream.end();
  };
  parts.watches.add(watch);
  request.signal.addEventListener('abort', onAbort, { once: true });
  if (request.signal.aborted) onAbort();
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
            if (frame && !stream.push(frame)) {
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
      'content-type': streamContentTypes[accepted.encoding === 'protobuf' ? 'protobuf' : 'json'],
      'cache-control': 'no-cache, private',
    },
    body: stream,
  };
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
    if (accepted.as === 'Table') includeObjectOf(context.request.query);
  }

  existing(item: KeyValue): Buffer | undefined {
    if (!this.#selection.mayMatch(item.key)) return undefined;
    if (!this.#selection.matchesStored(item.value, item.modRevision)) return undefined;
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

  bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    const { resource } = this.#context;
    const annotations = initialEventsEnd ? { 'k8s.io/initial-events-end': 'true' } : undefined;
    const object: KubeObject = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
    };
    if (this.#accepted.as === 'Table') {
      const row = { cells: columnsOf(this.#context.kind).map(() => null), object: partialMetadata(object) };
      const table = tableOf(this.#columns(), [row], { resourceVersion: String(revision) });
      return eventFrame('BOOKMARK', table, this.#accepted.encoding);
    }
    const shown = this.#accepted.as === 'object' ? object : partialMetadata(object);
    return eventFrame('BOOKMARK', shown, this.#accepted.encoding);
  }

  error(error: unknown): Buffer {
    const said = revisionError(error);
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
    if (this.#accepted.as === 'object') return object;
    if (this.#accepted.as !== 'Table') return partialMetadata(object);
    const { parts, kind, request } = this.#context;
    const row = rowOf(object, kind, parts.clock.now(), includeObjectOf(request.query));
    return tableOf(this.#columns(), [row], { resourceVersion: object.metadata.resourceVersion ?? '' });
  }

  #columns(): ReturnType<typeof columnsOf> | null {
    if (this.#columnsSent) return null;
    this.#columnsSent = true;
    return columnsOf(this.#context.kind);
  }
}
