/** Asks a server's handler directly, as the in-process clients do. */
import type { Handler, Response, User } from '../src/lib/exchange.ts';
import { adminUser } from './startServer.ts';

export interface Question {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user?: User;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** `ask(handler, 'GET /api/v1/pods?limit=1')`. A body that is no Buffer or string is sent as JSON. */
export async function ask(handler: Handler, line: string, question: Question = {}): Promise<Answered> {
  const { status, headers, body } = await open(handler, line, question);
  const chunks: Buffer[] = [];
  if (Buffer.isBuffer(body)) chunks.push(body);
  else for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return { status, headers, bytes, json: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined };
}

export function open(handler: Handler, line: string, question: Question = {}): Promise<Response> {
  const [method = 'GET', target = '/'] = line.split(' ');
  const url = new URL(target, 'http://test');
  const { body } = question;
  const bytes = Buffer.isBuffer(body)
    ? body
    : typeof body === 'string'
      ? Buffer.from(body)
      : body === undefined
        ? Buffer.alloc(0)
        : Buffer.from(JSON.stringify(body));
  return handler({
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: { ...(bytes.length > 0 ? { 'content-type': 'application/json' } : {}), ...question.headers },
    body: bytes,
    signal: question.signal ?? new AbortController().signal,
    user: question.user ?? adminUser,
    remoteAddress: 'in-process',
  });
}

export interface WatchEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly object: any;
}

const EVENT_MS = 10_000;

/** A watch whose events are asked for one by one. */
export class WatchReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #text = '';

  constructor(response: Response) {
    if (Buffer.isBuffer(response.body))
      throw new Error(`no stream but ${response.status}: ${response.body.toString()}`);
    this.#iterator = response.body[Symbol.asyncIterator]();
  }

  /** Undefined: the watch has ended. */
  async next(): Promise<WatchEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line) as WatchEvent;
      }
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no event within ${EVENT_MS / 1000} s`)), EVENT_MS);
      });
      const { done, value } = await Promise.race([this.#iterator.next(), late]);
      clearTimeout(timer);
      if (done) return undefined;
      this.#text += value.toString();
    }
  }

  /** `ADDED a`, `MODIFIED a`… */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const event = await this.next();
      if (!event) break;
      names.push(`${event.type} ${event.object.metadata?.name ?? event.object.reason ?? ''}`.trim());
    }
    return names;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
