/** How fast bytes came, measured at what was read anyway. */

/** Less says more of the way there and back than of the way's width. */
const FEWEST_BYTES = 32 * 1024;

/** The largest stretch decides: of small ones most is waiting for the first byte. */
export class Speed {
  #bytes = 0;
  #ms = 0;

  /** @param ms from the request to the last byte, with what the taker and a limit took of it */
  add(bytes: number, ms: number): void {
    if (bytes <= this.#bytes || bytes < FEWEST_BYTES) return;
    this.#bytes = bytes;
    this.#ms = ms;
  }

  /** Undefined: too little came. */
  get bytesPerSecond(): number | undefined {
    return this.#bytes > 0 && this.#ms > 0 ? (this.#bytes / this.#ms) * 1000 : undefined;
  }
}
