/** The protobuf wire format: tags, varints and lengths (https://protobuf.dev/programming-guides/encoding/). */

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

export class Reader {
  readonly #buffer: Buffer;
  #position: number;
  readonly #end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#position = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  #need(bytes: number): void {
    if (this.#position + bytes > this.#end) throw new Error('unexpected EOF');
  }

  /** A varint as a two's complement 64-bit number; exact within ±2^53, as every JSON number. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      this.#need(1);
      const byte = this.#buffer[this.#position++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return (high | 0) * 4294967296 + (low >>> 0);
    }
    throw new Error('proto: integer overflow');
  }

  /** The next field: `number * 8 + wire type`. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffffffff) throw new Error(`proto: illegal tag ${tag}`);
    return tag;
  }

  double(): number {
    this.#need(8);
    const value = this.#buffer.readDoubleLE(this.#position);
    this.#position += 8;
    return value;
  }

  /** A length-delimited part, to be read on its own. */
  part(): Reader {
    const length = this.#length();
    const start = this.#position;
    this.#position += length;
    return new Reader(this.#buffer, start, start + length);
  }

  bytes(): Buffer {
    const length = this.#length();
    const start = this.#position;
    this.#position += length;
    return this.#buffer.subarray(start, start + length);
  }

  string(): string {
    const length = this.#length();
    const start = this.#position;
    this.#position += length;
    return this.#buffer.toString('utf8', start, start + length);
  }

  #length(): number {
    const length = this.varint();
    if (length < 0) throw new Error('proto: negative length found during unmarshaling');
    this.#need(length);
    return length;
  }

  skip(wire: number): void {
    if (wire === VARINT) this.varint();
    else if (wire === FIXED64) this.#advance(8);
    else if (wire === FIXED32) this.#advance(4);
    else if (wire === BYTES) this.part();
    else throw new Error(`proto: illegal wireType ${wire}`);
  }

  #advance(bytes: number): void {
    this.#need(bytes);
    this.#position += bytes;
  }
}

/** Writes from the end towards the beginning, so that a message's length is known when its head is written. */
export class Writer {
  #buffer = Buffer.allocUnsafe(4096);
  #position = 4096;

  /** Bytes written so far; differences of it are lengths. */
  get length(): number {
    return this.#buffer.length - this.#position;
  }

  #room(bytes: number): void {
    if (this.#position >= bytes) return;
    const size = Math.max(this.#buffer.length * 2, this.length + bytes);
    const grown = Buffer.allocUnsafe(size);
    const position = size - this.length;
    this.#buffer.copy(grown, position, this.#position);
    this.#buffer = grown;
    this.#position = position;
  }

  varint(value: number): void {
    if (value >= 0 && value < 128) {
      this.#room(1);
      this.#buffer[--this.#position] = value;
      return;
    }
    // Lengths and tags are small: no big numbers for them.
    if (value >= 0 && value < 2 ** 28) {
      const size = value < 2 ** 14 ? 2 : value < 2 ** 21 ? 3 : 4;
      this.#room(size);
      this.#position -= size;
      let left = Math.trunc(value);
      for (let i = 0; i < size - 1; i++, left >>>= 7) this.#buffer[this.#position + i] = (left & 0x7f) | 0x80;
      this.#buffer[this.#position + size - 1] = left;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
    const bytes: number[] = [];
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.#room(bytes.length);
    this.#position -= bytes.length;
    for (const [i, byte] of bytes.entries()) this.#buffer[this.#position + i] = byte;
  }

  double(value: number): void {
    this.#room(8);
    this.#position -= 8;
    this.#buffer.writeDoubleLE(value, this.#position);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#position -= bytes.length;
    this.#buffer.set(bytes, this.#position);
  }

  string(text: string): void {
    const length = Buffer.byteLength(text);
    this.#room(length);
    this.#position -= length;
    this.#buffer.write(text, this.#position, 'utf8');
  }

  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire);
  }

  /** Closes a length-delimited field whose content was written since `before`. */
  close(number: number, before: number): void {
    this.varint(this.length - before);
    this.tag(number, BYTES);
  }

  finish(): Buffer {
    return this.#buffer.subarray(this.#position);
  }
}
