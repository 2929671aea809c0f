/**
 * Whether the server takes connections, known once for all in this process who need it: who was refused says so here, and waits here. One
 * cheap knock at its port, at most ten a second and soon one a second, takes the place of everybody's own attempts with their TLS.
 *
 * Always true: nobody knocks before somebody was refused, and one knock at a time; a wait ends early only on news: the port takes connections
 * again, or {@link Reach.announced}. A server that takes them and then fails (another authority, say) is no news: who waits for it keeps to
 * his own back-off.
 */
import { connect } from 'node:net';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** The server did not take the connection: {@link isRefusal}. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Whether there was no connection at all: refused, no route, no such name. Several addresses fail as one AggregateError. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isRefusal);
  return error instanceof Error && 'syscall' in error && ['connect', 'getaddrinfo'].includes(String(error.syscall));
}

export interface ReachOptions {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly logger: Logger;
  /** Ends the knocking. */
  readonly signal: AbortSignal;
  readonly clock?: Clock | undefined;
  /** Between 0 and 1: nodes of one server do not knock in step; a test holds it. */
  readonly random?: (() => number) | undefined;
  /** Resolves when the port takes a connection. Default: a TCP connection, closed at once. @throws why it does not */
  readonly knock?: ((server: string, signal: AbortSignal) => Promise<void>) | undefined;
}

const FIRST_KNOCK_MS = 100;
const LAST_KNOCK_MS = 1000;
const KNOCK_TIMEOUT_MS = 5000;

export class Reach {
  readonly #options: ReachOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #looking = false;
  #away: string | undefined;

  constructor(options: ReachOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Why it is not worth trying; undefined: it may be. */
  get away(): string | undefined {
    return this.#away;
  }

  /** The connection was refused, or there is no way to it: it is looked for from now on. */
  refused(reason: string): void {
    const { server, logger, signal } = this.#options;
    if (signal.aborted) return;
    const known = this.#away !== undefined;
    this.#away = reason;
    if (known || this.#looking) return;
    logger.info({ server, reason }, 'the server cannot be reached; it is looked for');
    this.#looking = true;
    void this.#look().finally(() => {
      this.#looking = false;
    });
  }

  /** Somebody who knows says that it answers. */
  announced(): void {
    this.#away = undefined;
    for (const tell of [...this.#listeners]) tell();
  }

  /** Called at every news that it answers. @returns ends it */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves after `delayMs`, or as soon as there is news, or when `signal` aborts. */
  delay(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        cancel();
        deaf();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(delayMs, done);
      const deaf = this.onNews(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #look(): Promise<void> {
    const { server, signal, logger, random = Math.random, knock = knockAt } = this.#options;
    const startedMs = this.#clock.now();
    let boundMs = FIRST_KNOCK_MS;
    while (this.#away !== undefined) {
      await this.delay(boundMs * (0.5 + random() / 2), signal);
      if (signal.aborted) return;
      boundMs = Math.min(boundMs * 1.5, LAST_KNOCK_MS);
      if (this.#away === undefined) break;
      try {
        await knock(server, signal);
        this.announced();
      } catch {
        // Not yet.
      }
    }
    logger.info({ server, afterMs: Math.round(this.#clock.now() - startedMs) }, 'the server can be reached');
  }
}

function knockAt(server: string, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), signal });
    socket.setTimeout(KNOCK_TIMEOUT_MS, () => socket.destroy(new Error(`no connection within ${KNOCK_TIMEOUT_MS} ms`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}
