/**
 * The answer to one watch: chunks for one consumer, who may be slow.
 *
 * Invariants:
 * - frames leave in the order they came in, each once;
 * - what waits is bounded: when more than {@link MAX_WAITING_BYTES} wait, the stream ends (the client lists again) and what
 *   waited is let go, so a slow reader costs nobody else;
 * - `onClose` runs exactly once, whoever ends the stream.
 */
import { Pace } from '../../lib/turns.ts';

export const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Frames are handed on together up to about this size. */
const CHUNK_BYTES = 64 * 1024;

export class WatchStream implements AsyncIterableIterator<Buffer> {
  readonly #onClose: () => void;
  /** What comes before everything else, made as it is read: the objects that exist already. */
  #first: AsyncIterator<Buffer> | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(first: AsyncIterable<Buffer> | undefined, onClose: () => void) {
    this.#first = first?.[Symbol.asyncIterator]();
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
      const chunk = (this.#first && (await this.#takeFirst(this.#first))) ?? this.#take();
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

  /** As much of what comes first as is worth handing on; undefined: that was all. */
  async #takeFirst(first: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
    const frames: Buffer[] = [];
    const pace = new Pace();
    for (let size = 0; frames.length === 0 || (size < CHUNK_BYTES && !pace.due); ) {
      const { done, value } = await first.next();
      if (done) {
        this.#first = undefined;
        break;
      }
      frames.push(value);
      size += value.length;
    }
    if (pace.due) await pace.turn();
    return joined(frames);
  }

  #take(): Buffer | undefined {
    const frames = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    return joined(frames);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#wake?.();
    void this.#first?.return?.().catch(() => undefined);
    this.#onClose();
  }
}

const joined = (frames: readonly Buffer[]): Buffer | undefined =>
  frames.length > 1 ? Buffer.concat(frames) : frames[0];
