/**
 * The client's half of SPDY/3.1 (https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/), as much of it as
 * containerd's streaming server speaks. Unlike its WebSocket, it can end standard input while output goes on.
 *
 * Two things make it small. Header blocks must be zlib streams, but deflate has stored blocks: ours are never compressed,
 * and the headers of replies carry nothing we need, so there is no compression state at all. And the other end
 * (moby/spdystream) neither grants nor heeds flow-control windows: TCP's own is all there is, so while one stream's reader
 * is slow the whole connection waits. That is right for one process's output, all of which goes to one client.
 *
 * Invariant: when the socket has closed, every stream has ended; with an error if the server had not ended it itself.
 */
import { Duplex } from 'node:stream';

const FRAME_HEADER_BYTES = 8;
const MAX_DATA_BYTES = 32 * 1024;
/** containerd copies in pieces of 32 KiB; anything like this is not SPDY. */
const MAX_FRAME_BYTES = 1024 * 1024;
const FLAG_FIN = 0x01;

const types = { synStream: 1, rstStream: 3, ping: 6, goAway: 7 } as const;
const REFUSED_STREAM = 3;
const CANCEL = 5;

function controlFrame(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt16BE(0x8003, 0);
  header.writeUInt16BE(type, 2);
  header.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([header, body]);
}

function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4);
  });
  return bytes;
}

/** zlib's header naming SPDY/3's dictionary by its Adler-32 (RFC 1950 §2.2); stored blocks never refer to it. */
const zlibHeader = Buffer.from('78bbe3c6a7c2', 'hex');

/** An empty stored block: what Z_SYNC_FLUSH ends with. */
const flush = Buffer.from('000000ffff', 'hex');

/** A name/value block as a piece of the connection's one zlib stream. At most 64 KiB. */
function headerBlock(headers: Readonly<Record<string, string>>, first: boolean): Buffer {
  const entries = Object.entries(headers);
  const block = Buffer.concat([
    uint32(entries.length),
    ...entries.flat().flatMap(text => [uint32(Buffer.byteLength(text)), Buffer.from(text)]),
  ]);
  const stored = Buffer.alloc(5); // not final, type 00; length and its complement (RFC 1951 §3.2.4)
  stored.writeUInt16LE(block.length, 1);
  stored.writeUInt16LE(~block.length & 0xffff, 3);
  return Buffer.concat([...(first ? [zlibHeader] : []), stored, block, flush]);
}

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #nextId = 1;

  /** @param socket a connection upgraded to `SPDY/3.1`. @param first bytes that came with the answer to the upgrade. */
  constructor(socket: Duplex, first: Buffer) {
    this.#socket = socket;
    let failure: Error | undefined;
    socket.on('error', error => {
      failure = error;
    });
    socket.once('close', () => {
      const lost = failure ?? new Error('the connection to the container runtime was lost');
      for (const stream of [...this.#streams.values()]) stream.onClosed(lost);
    });
    socket.once('end', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    if (first.length > 0) this.#onData(first);
  }

  /** Opens a stream with these headers (lower-case names). It need not be answered before it is used. */
  open(headers: Readonly<Record<string, string>>): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream({
      send: (flags, data, sent) => this.#sendData(id, flags, data, sent),
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
      gone: ended => {
        this.#streams.delete(id);
        if (!ended) this.#send(controlFrame(types.rstStream, uint32(id, CANCEL)));
      },
    });
    this.#streams.set(id, stream);
    // associated stream 0, priority 0, slot 0
    this.#send(controlFrame(types.synStream, uint32(id, 0), Buffer.alloc(2), headerBlock(headers, id === 1)));
    return stream;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(frame: Buffer): void {
    if (this.#socket.writable) this.#socket.write(frame);
  }

  #sendData(id: number, flags: number, data: Buffer, sent: (error?: Error | null) => void): void {
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    header.writeUInt32BE(id, 0);
    header.writeUInt8(flags, 4);
    header.writeUIntBE(data.length, 5, 3);
    if (!this.#socket.writable) sent(new Error('the connection to the container runtime is closed'));
    else this.#socket.write(Buffer.concat([header, data]), sent);
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    for (let frame = this.#take(); frame; frame = this.#take()) this.#onFrame(frame);
  }

  /** The next whole frame, if it has come. */
  #take(): Buffer | undefined {
    if (this.#chunkBytes < FRAME_HEADER_BYTES) return undefined;
    const [head = Buffer.alloc(0)] = this.#chunks;
    const all = head.length < FRAME_HEADER_BYTES ? Buffer.concat(this.#chunks) : head;
    const size = FRAME_HEADER_BYTES + all.readUIntBE(5, 3);
    if (size > MAX_FRAME_BYTES) {
      this.#socket.destroy(new Error(`SPDY frame of ${size} octets from the container runtime`));
      return undefined;
    }
    if (this.#chunkBytes < size) return undefined;
    const bytes = all.length >= size && all === head ? head : Buffer.concat(this.#chunks);
    if (bytes === head) this.#chunks.shift();
    else this.#chunks.length = 0;
    if (bytes.length > size) this.#chunks.unshift(bytes.subarray(size));
    this.#chunkBytes -= size;
    return bytes.subarray(0, size);
  }

  #onFrame(frame: Buffer): void {
    const body = frame.subarray(FRAME_HEADER_BYTES);
    const flags = frame.readUInt8(4);
    if ((frame.readUInt8(0) & 0x80) === 0) {
      this.#streams.get(frame.readUInt32BE(0))?.onData(body, (flags & FLAG_FIN) !== 0);
      return;
    }
    const id = body.length >= 4 ? body.readUInt32BE(0) & 0x7fffffff : 0;
    switch (frame.readUInt16BE(2)) {
      case types.synStream:
        this.#send(controlFrame(types.rstStream, uint32(id, REFUSED_STREAM)));
        return;
      case types.rstStream:
        this.#streams.get(id)?.onEnd();
        return;
      case types.ping:
        if (id % 2 === 0) this.#send(frame); // asked by the server: answered with the same id
        return;
      case types.goAway:
        for (const stream of [...this.#streams.values()]) stream.onEnd();
        return;
      default: // SYN_REPLY, SETTINGS, HEADERS, WINDOW_UPDATE: nothing to do
        if (flags & FLAG_FIN) this.#streams.get(id)?.onEnd();
    }
  }
}

interface Link {
  send(flags: number, data: Buffer, sent: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  gone(ended: boolean): void;
}

export class SpdyStream extends Duplex {
  readonly #link: Link;
  #ended = false;
  #paused = false;

  constructor(link: Link) {
    super({ allowHalfOpen: true });
    this.#link = link;
    this.on('error', () => undefined); // a process that has gone takes no input: who wants to know listens
  }

  onData(data: Buffer, fin: boolean): void {
    if (data.length > 0 && !this.push(data) && !this.#paused) {
      this.#paused = true;
      this.#link.pause();
    }
    if (fin) this.onEnd();
  }

  /** The server says no more. */
  onEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(null);
    // Nobody asks an ended stream for more: who paused the connection last must not leave it so, others still speak.
    if (!this.#paused) return;
    this.#paused = false;
    this.#link.resume();
  }

  onClosed(lost: Error): void {
    if (this.#ended) this.end();
    else this.destroy(lost);
  }

  override _read(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#link.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const piece = chunk.subarray(0, MAX_DATA_BYTES);
    this.#link.send(0, piece, error => {
      if (error || piece.length === chunk.length) done(error);
      else this._write(chunk.subarray(piece.length), encoding, done);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#link.send(FLAG_FIN, Buffer.alloc(0), () => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#paused) this.#link.resume();
    this.#link.gone(this.#ended && this.writableFinished);
    done(error);
  }
}
