/**
 * One HTTP exchange without the socket: what the API server answers and what clients ask.
 *
 * The API server is a {@link Handler}. The TLS front end feeds it from the network, the in-process client feeds it
 * directly: controllers in the server's own process pay neither TLS nor HTTP framing, and still go through
 * authentication, authorization and admission.
 */
import type { Duplex, Readable } from 'node:stream';

/** Who asks, as authentication found it (https://kubernetes.io/docs/reference/access-authn-authz/authentication/). */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface Request {
  readonly method: string;
  /** Path without query, still percent-encoded, beginning with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body; empty where there is none. */
  readonly body: Buffer;
  /** In place of `body` where the request is passed on as it comes (proxy subresources); nobody else reads it. */
  readonly bodyStream?: Readable;
  /** Ends when the client has gone; long answers (watches) must stop then. */
  readonly signal: AbortSignal;
  /** Set by in-process callers, which are authenticated already; the network front end never sets it. */
  readonly user?: User;
  /** The verified client certificate's subject, set by the network front end. */
  readonly clientCertificate?: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    /** Of the whole certificate, hexadecimal. */
    readonly sha256?: string;
  };
  /** `ip` of the peer; `in-process` for in-process callers. */
  readonly remoteAddress: string;
}

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `Set-Cookie`, the one header that cannot be joined into a line. */
  readonly cookies?: readonly string[];
  /**
   * A whole body, or chunks as they come (watch, logs). The consumer calls `return()` on the iterator when it leaves. With a chunk that nobody
   * needs any more it may ask for the next one, `next(chunk)`: the next one may be written over it.
   */
  readonly body: Buffer | AsyncIterable<Buffer>;
  /** A body in chunks that ends by itself, and is worth compressing. */
  readonly large?: boolean;
}

export type Handler = (request: Request) => Promise<Response>;

/** An HTTP/1.1 upgrade (exec, attach, port-forward, tunnels): the handler owns `socket` from here on. */
export type UpgradeHandler = (request: Request, socket: Duplex, head: Buffer) => Promise<void>;
