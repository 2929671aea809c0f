/**
 * Many byte streams over one WebSocket: what the agent's tunnel carries.
 *
 * Each binary message is one frame: kind (1 octet), stream id (4 octets, big-endian), payload.
 *
 * Invariants:
 * - whoever dialled opens streams with odd ids, the other side with even ones; an id is never used twice;
 * - a side sends at most as many payload octets on a stream as the other has granted, first {@link WINDOW_BYTES}, then more
 *   by `window` frames as its reader takes them: a stream nobody reads holds that much memory here and stalls nobody;
 * - a stream is in the table from its `open` until both directions have ended or one side has reset it;
 * - when the WebSocket is gone, every stream has been destroyed with an error, and `closed` is settled.
 */
import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { type Clock, systemClock } from './clock.ts';

const HEADER_BYTES = 5;
export const WINDOW_BYTES = 256 * 1024;
/** Small enough that a bulk transfer lets others in between, large enough to be cheap. */
const MAX_DATA_BYTES = 32 * 1024;
const MAX_STREAMS = 1024;

/** The largest message either side sends: give it to the WebSocket as `maxPayload`. */
export const MAX_FRAME_BYTES: number = HEADER_BYTES + MAX_DATA_BYTES;

const kinds = { open: 0, data: 1, end: 2, reset: 3, window: 4 } as const;
type Kind = keyof typeof kinds;

export interface MuxOptions {
  readonly role: 'dialled' | 'accepted';
  /** Called with every stream the other side opens. Without it they are refused. */
  readonly onStream?: (stream: Duplex) => void;
  /** After so long without hearing anything, ask with a ping. Default 20 s. */
  readonly keepAliveMs?: number;
  /** After so long without an answer to that, the connection is given up. Default 10 s: a dead peer is noticed within 50. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

function resetError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/** Streams over an open WebSocket (`readyState` OPEN), which belongs to the mux from here on. */
export class Mux {
  /** Settles with the reason when the connection has ended, however it did. Never rejects. */
  readonly closed: Promise<string>;
  readonly #socket: WebSocket;
  readonly #options: MuxOptions;
  readonly #streams = new Map<number, MuxStream>();
  #nextId: number;
  #closeReason: string | undefined;

  constructor(socket: WebSocket, options: MuxOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextId = options.role === 'dialled' ? 1 : 2;
    const stopKeepAlive = keepAlive(socket, options, () => {
      this.#closeReason ??= 'the other side no longer answers';
      socket.terminate();
    });
    this.closed = new Promise(resolve => {
      socket.once('close', (code, reason) => {
        stopKeepAlive();
        this.#closeReason ??= reason.length > 0 ? reason.toString('utf8') : `closed with code ${code}`;
        for (const stream of [...this.#streams.values()]) stream.onReset(this.#closeReason);
        resolve(this.#closeReason);
      });
    });
    socket.on('error', error => {
      this.#closeReason ??= error.message; // 'close' follows
    });
    socket.on('message', data => this.#onMessage(data));
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Opens a stream. On a closed connection the stream is destroyed with an error at once. */
  open(): Duplex {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(id);
    if (this.#closeReason !== undefined) stream.onReset(this.#closeReason);
    else this.#send('open', id);
    return stream;
  }

  /** Ends the connection and all its streams. */
  close(reason: string): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#socket.close(1000, reason.slice(0, 120));
    // A peer that no longer reads never answers the close: do not wait for it.
    for (const stream of [...this.#streams.values()]) stream.onReset(reason);
    const clock = this.#options.clock ?? systemClock;
    const cancel = clock.after(1000, () => this.#socket.terminate());
    this.#socket.once('close', cancel);
  }

  #add(id: number): MuxStream {
    const stream = new MuxStream({
      send: (kind, payload, sent) => this.#send(kind, id, payload, sent),
      gone: () => this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  #send(kind: Kind, id: number, payload?: Buffer, sent?: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      sent?.(resetError('the tunnel is closed'));
      return;
    }
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt8(kinds[kind], 0);
    header.writeUInt32BE(id, 1);
    this.#socket.send(payload ? Buffer.concat([header, payload]) : header, sent);
  }

  #onMessage(data: RawData): void {
    const violation =
      Buffer.isBuffer(data) && data.length >= HEADER_BYTES
        ? this.#onFrame(data.readUInt8(0), data.readUInt32BE(1), data.subarray(HEADER_BYTES))
        : 'short frame';
    if (violation !== undefined) this.close(`protocol error: ${violation}`);
  }

  /** Returns what is wrong with the frame, if anything is. */
  #onFrame(kind: number, id: number, payload: Buffer): string | undefined {
    if (kind === kinds.open) return this.#onOpen(id);
    const stream = this.#streams.get(id);
    if (!stream) return undefined; // we have reset it; this was under way
    switch (kind) {
      case kinds.data:
        return stream.onData(payload) ? undefined : 'more data than granted';
      case kinds.end:
        stream.onEnd();
        return undefined;
      case kinds.reset:
        stream.onReset(payload.toString('utf8'));
        return undefined;
      case kinds.window:
        if (payload.length !== 4) return 'malformed window frame';
        stream.onWindow(payload.readUInt32BE(0));
        return undefined;
      default:
        return `frame of kind ${kind}`;
    }
  }

  #onOpen(id: number): string | undefined {
    const fromPeer = (id % 2 === 1) === (this.#options.role === 'accepted');
    if (!fromPeer || this.#streams.has(id)) return `stream ${id} opened`;
    const { onStream } = this.#options;
    if (onStream && this.#streams.size < MAX_STREAMS) onStream(this.#add(id));
    else this.#send('reset', id, Buffer.from(onStream ? 'too many streams' : 'no streams are served here'));
    return undefined;
  }
}

/** Asks after `keepAliveMs` of silence and calls `dead` when `deadlineMs` later there is still nothing. */
function keepAlive(socket: WebSocket, options: MuxOptions, dead: () => void): () => void {
  const { keepAliveMs = 20_000, deadlineMs = 10_000, clock = systemClock } = options;
  let heard = false;
  let cancel = (): void => undefined;
  const onHeard = (): void => {
    heard = true;
  };
  for (const event of ['message', 'ping', 'pong'] as const) socket.on(event, onHeard);
  const listen = (): void => {
    heard = false;
    cancel = clock.after(keepAliveMs, () => {
      if (heard) return listen();
      if (socket.readyState === socket.OPEN) socket.ping();
      cancel = clock.after(deadlineMs, () => {
        if (heard) return listen();
        dead();
      });
    });
  };
  listen();
  return () => cancel();
}

interface Link {
  send(kind: Kind, payload?: Buffer, sent?: (error?: Error | null) => void): void;
  gone(): void;
}

class MuxStream extends Duplex {
  readonly #link: Link;
  /** Received and not yet taken by the reader; at most WINDOW_BYTES. */
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  /** Taken by the reader and not yet granted anew. */
  #taken = 0;
  #wanted = false;
  #endReceived = false;
  #ended = false;
  #credit = WINDOW_BYTES;
  #onCredit: (() => void) | undefined;
  #reset = false;

  constructor(link: Link) {
    super({ allowHalfOpen: true });
    this.#link = link;
    // A connection that breaks is everyday here: who does not listen must not crash the process. Pipelines still see it.
    this.on('error', () => undefined);
  }

  onData(payload: Buffer): boolean {
    if (this.#endReceived || this.#receivedBytes + payload.length + this.#taken > WINDOW_BYTES) return false;
    this.#received.push(payload);
    this.#receivedBytes += payload.length;
    this.#deliver();
    return true;
  }

  onEnd(): void {
    this.#endReceived = true;
    this.#deliver();
  }

  onWindow(credit: number): void {
    this.#credit += credit;
    const resume = this.#onCredit;
    this.#onCredit = undefined;
    resume?.();
  }

  onReset(reason: string): void {
    this.#reset = true;
    if (this.#endReceived && !this.readableEnded) {
      // All the other side had to say is here: it only takes nothing more. Let the reader have it.
      this.once('end', () => this.destroy());
      this.onWindow(0);
      return;
    }
    this.destroy(resetError(reason || 'the stream was reset by the other side'));
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  #deliver(): void {
    while (this.#wanted) {
      const chunk = this.#received.shift();
      if (!chunk) break;
      this.#receivedBytes -= chunk.length;
      this.#taken += chunk.length;
      this.#wanted = this.push(chunk);
    }
    if (this.#endReceived && this.#received.length === 0 && !this.#ended) {
      this.#ended = true;
      this.push(null);
    }
    if (this.#taken < WINDOW_BYTES / 2 || this.#endReceived || this.destroyed) return;
    const grant = Buffer.allocUnsafe(4);
    grant.writeUInt32BE(this.#taken);
    this.#taken = 0;
    this.#link.send('window', grant);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const size = Math.min(chunk.length, this.#credit, MAX_DATA_BYTES);
    if (chunk.length === 0 || this.#reset) {
      done();
      return;
    }
    if (size === 0) {
      this.#onCredit = () => this._write(chunk, _encoding, done);
      return;
    }
    this.#credit -= size;
    // The next frame waits until this one has left: streams take turns, and a full connection slows its writers.
    this.#link.send('data', chunk.subarray(0, size), error => {
      if (this.#reset) done();
      else if (error || size === chunk.length) done(error);
      else if (this.destroyed) done(resetError('the stream was closed'));
      else this._write(chunk.subarray(size), _encoding, done);
    });
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#reset) done();
    else this.#link.send('end', undefined, error => done(error));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const complete = this.#endReceived && this.writableFinished;
    if (!complete && !this.#reset) this.#link.send('reset', Buffer.from(error?.message ?? ''));
    this.#received.length = 0;
    this.#onCredit = undefined;
    this.#link.gone();
    done(error);
  }
}
