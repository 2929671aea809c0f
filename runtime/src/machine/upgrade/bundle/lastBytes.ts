/** The end of a stream of unknown length, in a ring: never more memory than that. */

export class LastBytes {
  readonly #ring: Buffer;
  /** Of all that was taken, kept or not. */
  #bytes = 0;

  constructor(mostBytes: number) {
    // Memory that was never written to costs nothing: most files are larger, some are not.
    this.#ring = Buffer.allocUnsafeSlow(mostBytes);
  }

  /** What comes next; it may be used for something else afterwards. */
  take(piece: Buffer): void {
    const { length } = this.#ring;
    const kept = piece.subarray(Math.max(0, piece.length - length));
    let place = (this.#bytes + piece.length - kept.length) % length;
    for (let from = 0; from < kept.length; place = 0) from += kept.copy(this.#ring, place, from);
    this.#bytes += piece.length;
  }

  /** Bytes from `offset` of the stream on, at least one and at most so many; undefined where they are not kept, or never came. */
  at(offset: number, mostBytes: number): Buffer | undefined {
    const { length } = this.#ring;
    if (offset < this.#bytes - length || offset >= this.#bytes) return undefined;
    const place = offset % length;
    return this.#ring.subarray(place, Math.min(place + mostBytes, place + this.#bytes - offset, length));
  }
}
