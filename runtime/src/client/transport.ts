/** How a client reaches the API: in this process or over TLS. */
import type { Response } from '../lib/exchange.ts';
import type { Reach } from './reach.ts';

export interface TransportRequest {
  readonly method: string;
  /** Path with query, percent-encoded: `/api/v1/pods?watch=1`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal;
}

export interface Transport {
  /** @throws Error when the server cannot be reached; HTTP error statuses are answers, not throws. */
  request(request: TransportRequest): Promise<Response>;
  close(): void;
  /** Where it is known whether the server can be reached; absent: every request finds out for itself. */
  readonly reach?: Reach | undefined;
}
