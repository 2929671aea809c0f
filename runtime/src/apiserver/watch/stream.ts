/**
 * The answer to one watch: chunks for one consumer, who may be slow.
 *
 * Invariants:
 * - frames leave in the order they came in, each once;
 * - what waits is bounded: when more than {@link MAX_WAITING_BYTES} wait, the stream ends (the client lists again) and what
 *   waited is let go, so a slow reader costs nobody else;
 * - `onClose` runs exactly once, whoever ends the stream.
 */

export const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Frames are handed on together up to about this size. */
const CHUNK_BYTES = 64 * 1024;

export class WatchStream implements AsyncIterableIterator<Buffer> {
  readonly #onClose: () => void;
  /** What comes before everything else, made as it is read: the objects that exist already. */
  readonly #first: Iterator<Buffer>;
  #firstDone = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(first: Iterable<Buffer>, onClose: () => void) {
    this.#first = first[Symbol.iterator]();
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** False: the consumer was too slow and has been cut off. */
  push(frame: Buffer): boolean {
    if (this.#ended || this.#closed) return true;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#close();
      return false;
    }
    this.#wake?.();
    return true;
  }

  /** No more frames: those waiting are still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<Buffer>> {
    for (;;) {
      if (this.#closed) return { done: true, value: undefined };
      const chunk = this.#take();
      if (chunk) return { done: false, value: chunk };
      if (this.#ended) {
        this.#close();
        return { done: true, value: undefined };
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): Buffer | undefined {
    const frames: Buffer[] = [];
    let size = 0;
    while (!this.#firstDone && size < CHUNK_BYTES) {
      const { done, value } = this.#first.next();
      if (done) this.#firstDone = true;
      else {
        frames.push(value);
        size += value.length;
      }
    }
    if (this.#firstDone && this.#waiting.length > 0 && size < CHUNK_BYTES) {
      if (frames.length === 0) {
        frames.push(...this.#waiting.splice(0));
        this.#waitingBytes = 0;
      }
    }
    if (frames.length === 0) return undefined;
    return frames.length === 1 ? frames[0] : Buffer.concat(frames);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#wake?.();
    this.#onClose();
  }
}
