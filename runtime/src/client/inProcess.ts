/** The API in this process: no TLS, no framing; authentication is the caller's word, authorization and admission stay. */
import type { Handler, User } from '../lib/exchange.ts';
import type { Transport } from './transport.ts';

const EMPTY = Buffer.alloc(0);
const NEVER = new AbortController().signal;

export function inProcessTransport(handler: Handler, user: User): Transport {
  return {
    request({ method, path, headers, body, signal }) {
      const question = path.indexOf('?');
      return handler({
        method,
        path: question < 0 ? path : path.slice(0, question),
        query: new URLSearchParams(question < 0 ? '' : path.slice(question + 1)),
        headers: headers ?? {},
        body: body ?? EMPTY,
        signal: signal ?? NEVER,
        user,
        remoteAddress: 'in-process',
      });
    },
    close() {},
  };
}
