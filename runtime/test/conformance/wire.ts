/** Requests as a client-go program sends them: over TLS and HTTP/2, objects as JSON or as protobuf, patches as JSON. */
import assert from 'node:assert/strict';
import { decodeProtobuf, encodeProtobuf, isProtobuf } from '../../src/api/protobuf.ts';
import { type HttpTransport, httpTransport } from '../../src/client/http.ts';
import { Reader } from '../../src/lib/protobuf/wire.ts';
import type { TestServer } from '../startServer.ts';

export type Encoding = 'json' | 'protobuf';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly object: Json;
  readonly text: string;
}

export interface Event {
  readonly type: string;
  readonly object: Json;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const DEADLINE_MS = 20_000;

export interface Who {
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
}

export class Wire {
  readonly #transport: HttpTransport;
  readonly encoding: Encoding;

  /** @param who default: the administrator */
  constructor(server: TestServer, encoding: Encoding = 'json', who?: Who) {
    const { certificatePem: certPem, privateKeyPem: keyPem } = server.admin;
    this.#transport = httpTransport({
      server: server.url,
      caPem: server.ca,
      credentials: who ?? { certPem, keyPem },
    });
    this.encoding = encoding;
  }

  async send(method: string, path: string, { body, headers = {} }: RequestOptions = {}): Promise<Answer> {
    const isPatch = method === 'PATCH';
    const asProtobuf = this.encoding === 'protobuf' && !isPatch && typeof body === 'object';
    const bytes =
      body === undefined
        ? undefined
        : typeof body === 'string'
          ? Buffer.from(body)
          : asProtobuf
            ? encodeProtobuf(body as object)
            : Buffer.from(JSON.stringify(body));
    const response = await this.#transport.request({
      method,
      path,
      headers: {
        accept: this.encoding === 'protobuf' ? `${PROTOBUF},application/json` : 'application/json',
        ...(bytes ? { 'content-type': asProtobuf ? PROTOBUF : 'application/json' } : {}),
        ...headers,
      },
      ...(bytes ? { body: bytes } : {}),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response.body) chunks.push(chunk as Buffer);
    const all = Buffer.concat(chunks);
    const isJson = /json/.test(response.headers['content-type'] ?? '');
    const text = all.toString();
    const object: Json = isProtobuf(all)
      ? decodeProtobuf(all)
      : isJson && all.length > 0
        ? JSON.parse(text)
        : undefined;
    // Protobuf does not tell an empty list from none.
    if (typeof object?.kind === 'string' && object.kind.endsWith('List') && this.encoding === 'protobuf')
      object.items ??= [];
    return { status: response.status, headers: response.headers, object, text };
  }

  /** The answer's object; the status must be `status`. */
  async expect(status: number, method: string, path: string, options?: RequestOptions): Promise<Json> {
    const answer = await this.send(method, path, options);
    const said = answer.object?.kind === 'Status' ? JSON.stringify(answer.object) : answer.text.slice(0, 1000);
    assert.equal(answer.status, status, `${method} ${path} (${this.encoding}): ${said}`);
    return answer.object;
  }

  get = (path: string): Promise<Json> => this.expect(200, 'GET', path);
  create = (path: string, body: object): Promise<Json> => this.expect(201, 'POST', path, { body });
  update = (path: string, body: object): Promise<Json> => this.expect(200, 'PUT', path, { body });
  delete = (path: string, body?: object): Promise<Json> =>
    this.expect(200, 'DELETE', path, body ? { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body } } : {});
  patch = (path: string, body: unknown, type: keyof typeof patchTypes = 'merge'): Promise<Json> =>
    this.expect(200, 'PATCH', path, { body, headers: { 'content-type': patchTypes[type] } });
  /** The names in a list, sorted. */
  names = async (path: string): Promise<string[]> =>
    ((await this.get(path)).items ?? []).map((item: Json) => item.metadata.name).sort();
  /** Refused: the `Status` it gives. */
  refused = (status: number, method: string, path: string, body?: unknown): Promise<Json> =>
    this.expect(status, method, path, {
      ...(body === undefined ? {} : { body }),
      ...(method === 'PATCH' ? { headers: { 'content-type': patchTypes.merge } } : {}),
    });

  /** Waits until it is not found. */
  async gone(path: string, timeoutMs = DEADLINE_MS): Promise<void> {
    await this.until(`${path} is gone`, async () => (await this.send('GET', path)).status === 404, timeoutMs);
  }

  /** Looks again and again until it is so. @throws Error naming `what` after `timeoutMs` */
  async until<T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = DEADLINE_MS): Promise<T> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > untilMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** @param path with its query, but `watch` */
  async watch(path: string): Promise<Watch> {
    const stop = new AbortController();
    const type = this.encoding === 'protobuf' ? `${PROTOBUF};stream=watch` : 'application/json;stream=watch';
    const target = `${path}${path.includes('?') ? '&' : '?'}watch=true`;
    const response = await this.#transport.request({
      method: 'GET',
      path: target,
      headers: { accept: type },
      signal: stop.signal,
    });
    assert.equal(response.status, 200, `watch ${target}`);
    assert.ok(!Buffer.isBuffer(response.body));
    return new Watch(response.body, this.encoding, () => stop.abort());
  }

  close(): void {
    this.#transport.close();
  }
}

/** The events of a watch, one by one. */
export class Watch {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #encoding: Encoding;
  readonly #stop: () => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>, encoding: Encoding, stop: () => void) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#encoding = encoding;
    this.#stop = stop;
  }

  async next(): Promise<Event> {
    for (;;) {
      const event = this.#take();
      if (event) return event;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no event within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
      });
      const { done, value } = await Promise.race([this.#chunks.next(), late]).finally(() => clearTimeout(timer));
      if (done) throw new Error('the watch has ended');
      this.#rest = Buffer.concat([this.#rest, value]);
    }
  }

  /** Reads on until there is such an event. */
  async find(what: string, wanted: (event: Event) => boolean): Promise<Event> {
    const seen: string[] = [];
    for (;;) {
      const event = await this.next().catch(error => {
        throw new Error(`${what}: ${String(error)} after ${seen.join(', ') || 'nothing'}`);
      });
      if (wanted(event)) return event;
      seen.push(`${event.type} ${event.object.metadata?.name}`);
    }
  }

  close(): void {
    this.#stop();
    this.#chunks.next().catch(() => undefined);
  }

  #take(): Event | undefined {
    if (this.#encoding === 'json') {
      const end = this.#rest.indexOf(0x0a);
      if (end < 0) return undefined;
      const line = this.#rest.subarray(0, end).toString();
      this.#rest = this.#rest.subarray(end + 1);
      return JSON.parse(line) as Event;
    }
    if (this.#rest.length < 4) return undefined;
    const length = this.#rest.readUInt32BE();
    if (this.#rest.length < 4 + length) return undefined;
    const reader = new Reader(this.#rest.subarray(4, 4 + length));
    this.#rest = this.#rest.subarray(4 + length);
    let type = '';
    let object: Json;
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === 0x0a) type = reader.string();
      else if (tag === 0x12) {
        const raw = reader.part();
        raw.tag();
        object = decodeProtobuf(Buffer.from(raw.bytes()));
      } else reader.skip(tag & 7);
    }
    return { type, object };
  }
}
