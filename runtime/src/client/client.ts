/**
 * Typed requests to the API server: the only way the components above reach it.
 *
 * Error answers are thrown as {@link ApiError}; an unreachable server throws the transport's error. Every request but a
 * watch has a deadline.
 */

import type { DeleteOptions, Status } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { KubeList } from '../api/object.ts';
import { type Clock, delay } from '../lib/clock.ts';
import type { Response } from '../lib/exchange.ts';
import { ApiError, apiErrorFrom } from './apiError.ts';
import { deadline } from './deadline.ts';
import { linesOf } from './lines.ts';
import { type ApiObject, apiVersionOf, keyOf, type ObjectKey, pathOf, type ResourceRef } from './resources.ts';
import type { Transport, TransportRequest } from './transport.ts';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: the client's, 30 s. */
  readonly timeoutMs?: number | undefined;
}

export interface Selection {
  /** Unset: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection, RequestOptions {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
  /** Ask for `PartialObjectMetadata` only; use with `metadataOf(ref)`. */
  readonly metadataOnly?: boolean | undefined;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion?: string | undefined;
  readonly allowWatchBookmarks?: boolean | undefined;
  /** The server ends the watch after this. */
  readonly timeoutSeconds?: number | undefined;
  readonly metadataOnly?: boolean | undefined;
  /** Ends the watch. Needed: nothing else of ours does. */
  readonly signal: AbortSignal;
}

export interface WatchEvent<T> {
  /** A BOOKMARK's object holds only its `metadata.resourceVersion`. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export interface PatchOptions extends RequestOptions {
  readonly type: keyof typeof patchTypes;
  readonly subresource?: string | undefined;
  readonly fieldManager?: string | undefined;
  /** With `apply` only: take fields over from other managers. */
  readonly force?: boolean | undefined;
}

const LIST_ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const OBJECT_ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const DEFAULT_TIMEOUT_MS = 30_000;

export class Client {
  readonly #transport: Transport;
  readonly #userAgent: string;
  readonly #timeoutMs: number;

  constructor(transport: Transport, options: { readonly userAgent?: string; readonly timeoutMs?: number } = {}) {
    this.#transport = transport;
    this.#userAgent = options.userAgent ?? 'atoll';
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get<T extends ApiObject>(ref: ResourceRef<T>, key: ObjectKey, options: RequestOptions = {}): Promise<T> {
    return this.#json<T>('GET', pathOf(ref, key), options);
  }

  /** Only the metadata, of an object of any kind. */
  getMetadata(ref: ResourceRef, key: ObjectKey, options: RequestOptions = {}): Promise<ApiObject> {
    return this.#json('GET', pathOf(ref, key), options, undefined, { accept: OBJECT_ACCEPT });
  }

  /** Every item says its `apiVersion` and `kind`, which servers leave out of lists of built-in kinds. */
  async list<T extends ApiObject>(ref: ResourceRef<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const query = queryOf({
      ...selectionQuery(options),
      limit: options.limit,
      continue: options.continue,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
    });
    const headers = options.metadataOnly ? { accept: LIST_ACCEPT } : {};
    const path = pathOf(ref, { namespace: options.namespace }) + query;
    const list = await this.#json<KubeList<T>>('GET', path, options, undefined, headers);
    const apiVersion = apiVersionOf(ref);
    for (const item of list.items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= ref.kind;
    }
    return list;
  }

  /** Every object, in pages of `limit` (default 500), so that no answer is ever large. */
  async *listAll<T extends ApiObject>(ref: ResourceRef<T>, options: ListOptions = {}): AsyncGenerator<T> {
    let token: string | undefined;
    do {
      const page: KubeList<T> = await this.list(ref, { limit: 500, ...options, continue: token });
      yield* page.items;
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
  }

  /** Sets `apiVersion` and `kind` where unset. The namespace is the object's. */
  create<T extends ApiObject>(ref: ResourceRef<T>, object: T, options: RequestOptions = {}): Promise<T> {
    return this.#json('POST', pathOf(ref, { namespace: object.metadata.namespace }), options, typed(ref, object));
  }

  /** Replaces the whole object. With `metadata.resourceVersion` set it fails with a conflict if the object has changed. */
  update<T extends ApiObject>(ref: ResourceRef<T>, object: T, options: RequestOptions = {}): Promise<T> {
    return this.#json('PUT', pathOf(ref, keyOf(object)), options, typed(ref, object));
  }

  updateStatus<T extends ApiObject>(ref: ResourceRef<T>, object: T, options: RequestOptions = {}): Promise<T> {
    return this.updateSubresource(ref, object, 'status', options);
  }

  updateSubresource<T extends ApiObject>(
    ref: ResourceRef<T>,
    object: T,
    subresource: string,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#json('PUT', pathOf(ref, keyOf(object), subresource), options, typed(ref, object));
  }

  patch<T extends ApiObject>(ref: ResourceRef<T>, key: ObjectKey, patch: unknown, options: PatchOptions): Promise<T> {
    const query = queryOf({ fieldManager: options.fieldManager, force: options.force });
    const path = pathOf(ref, key, options.subresource) + query;
    return this.#json('PATCH', path, options, patch, { 'content-type': patchTypes[options.type] });
  }

  /**
   * Answers with the object while it is still there (finalizers, graceful deletion), with a `Status` when it is gone.
   */
  delete<T extends ApiObject>(
    ref: ResourceRef<T>,
    key: ObjectKey,
    deleteOptions: DeleteOptions = {},
    options: RequestOptions = {},
  ): Promise<T | Status> {
    return this.#json('DELETE', pathOf(ref, key), options, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...deleteOptions,
    });
  }

  async deleteCollection(
    ref: ResourceRef,
    selection: Selection & RequestOptions,
    deleteOptions: DeleteOptions = {},
  ): Promise<void> {
    const path = pathOf(ref, { namespace: selection.namespace }) + queryOf(selectionQuery(selection));
    await this.#json('DELETE', path, selection, { kind: 'DeleteOptions', apiVersion: 'v1', ...deleteOptions });
  }

  /** `POST …/<name>/<subresource>`: `binding`, `eviction`, `token`. */
  createSubresource<Out>(
    ref: ResourceRef,
    key: ObjectKey,
    subresource: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<Out> {
    return this.#json('POST', pathOf(ref, key, subresource), options, body);
  }

  /**
   * Changes until the server ends the watch (the generator returns) or `signal` aborts (it returns too).
   * @throws ApiError on an ERROR event (`isExpired` when history is gone); the transport's error when the connection breaks.
   */
  async *watch<T extends ApiObject>(ref: ResourceRef<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const query = queryOf({
      ...selectionQuery(options),
      watch: '1',
      resourceVersion: options.resourceVersion,
      allowWatchBookmarks: options.allowWatchBookmarks,
      timeoutSeconds: options.timeoutSeconds,
    });
    const { signal } = options;
    try {
      const response = await this.raw({
        method: 'GET',
        path: pathOf(ref, { namespace: options.namespace }) + query,
        headers: { accept: options.metadataOnly ? OBJECT_ACCEPT : 'application/json' },
        signal,
      });
      const body = Buffer.isBuffer(response.body) ? once(response.body) : response.body;
      for await (const line of linesOf(body)) {
        if (signal.aborted) return;
        const event = JSON.parse(line.toString('utf8')) as WatchEvent<T> | { type: 'ERROR'; object: Status };
        if (event.type === 'ERROR') throw new ApiError(event.object);
        yield event;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * Any request, with this client's identity. @throws ApiError on a status of 400 or more.
   * The caller bounds it with `signal`, and reads the body to its end or calls `return()` on it.
   */
  async raw(request: TransportRequest): Promise<Response> {
    const response = await this.#transport.request({
      ...request,
      headers: { 'user-agent': this.#userAgent, accept: 'application/json', ...request.headers },
    });
    if (response.status < 400) return response;
    throw apiErrorFrom(response.status, await bufferOf(response.body), `${request.method} ${request.path}`);
  }

  /** Any request whose answer is JSON, within the deadline. @throws ApiError */
  async rawJson<Out>(request: TransportRequest, options: RequestOptions = {}): Promise<Out> {
    const { method, path } = request;
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const limit = deadline(timeoutMs, options.signal);
    try {
      const response = await this.raw({ ...request, signal: limit.signal });
      return JSON.parse((await bufferOf(response.body)).toString('utf8')) as Out;
    } catch (error) {
      if (!limit.expired()) throw error;
      throw new Error(`${method} ${path}: no answer from the API server within ${timeoutMs} ms`, { cause: error });
    } finally {
      limit.dispose();
    }
  }

  /** Before another attempt: `delayMs`, or less when there is news that the server can be reached again, or when `signal` aborts. */
  pause(delayMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
    return this.#transport.reach?.delay(delayMs, signal) ?? delay(delayMs, signal, clock);
  }

  /** Called when the server can be reached again, where that is known (see {@link Transport.reach}). @returns ends it */
  onNews(listener: () => void): () => void {
    return this.#transport.reach?.onNews(listener) ?? (() => {});
  }

  close(): void {
    this.#transport.close();
  }

  #json<Out>(
    method: string,
    path: string,
    options: RequestOptions,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Out> {
    const request = {
      method,
      path,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    };
    return this.rawJson(
      body === undefined ? request : { ...request, body: Buffer.from(JSON.stringify(body)) },
      options,
    );
  }
}

function typed<T extends ApiObject>(ref: ResourceRef<T>, object: T): T {
  return object.apiVersion && object.kind ? object : { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object };
}

function selectionQuery(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

async function bufferOf(body: Response['body']): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
