/**
 * A plain Kubernetes API client for the tests: HTTPS with the kubeconfig's client certificate, one keep-alive connection pool.
 * Deliberately not the runtime's own client: a test should not share the mistakes of what it tests.
 */

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The server answered with another status than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(what: string, status: number, body: string) {
    super(`${what}: ${status} ${body.slice(0, 500)}`);
    this.status = status;
  }
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

export class Api implements Disposable {
  readonly #server: URL;
  readonly #agent: Agent;

  /** @param kubeconfig in the form the runtime writes: one cluster, one user, data inline */
  constructor(kubeconfig: string) {
    const field = (name: string): string => {
      const value = new RegExp(`^\\s*${name}:\\s*(\\S+)$`, 'm').exec(kubeconfig)?.[1];
      if (value === undefined) {
        throw new Error(`the kubeconfig has no ${name}`);
      }
      return value;
    };
    const pem = (name: string): Buffer => Buffer.from(field(name), 'base64');
    this.#server = new URL(field('server'));
    this.#agent = new Agent({
      ca: pem('certificate-authority-data'),
      cert: pem('client-certificate-data'),
      key: pem('client-key-data'),
      keepAlive: true,
      maxSockets: 64,
    });
  }

  /** @throws {ApiError} for anything but 2xx, an Error with a code if there is no connection or it breaks */
  async send({ method = 'GET', path, body, timeoutMs = 30_000 }: ApiRequest): Promise<Answer> {
    const response = await this.#open(method, path, body, timeoutMs);
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) {
      throw new ApiError(`${method} ${path}`, status, text);
    }
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  }

  /** A watch's events as they come, until the server, or the caller by leaving the loop, ends it. */
  async *watch(path: string, timeoutMs: number): AsyncGenerator<{ type: string; object: Record<string, unknown> }> {
    const response = await this.#open('GET', path, undefined, timeoutMs);
    try {
      if (response.statusCode !== 200) {
        throw new ApiError(`GET ${path}`, response.statusCode ?? 0, '');
      }
      for await (const line of createInterface({ input: response })) {
        yield JSON.parse(line);
      }
    } finally {
      response.destroy();
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, body: unknown, timeoutMs: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const sent = httpsRequest(
        new URL(path, this.#server),
        {
          method,
          agent: this.#agent,
          headers: payload === undefined ? {} : { 'content-type': 'application/json' },
          signal: AbortSignal.timeout(timeoutMs),
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }
}
