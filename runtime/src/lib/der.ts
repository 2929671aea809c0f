/**
 * DER (ITU-T X.690), as little of it as certificates need: functions that write one value each, and a reader of
 * tag–length–value for taking the few fields we reuse (subject, key identifier) out of a certificate somebody gave us.
 */

/** Universal tags used here (X.690 §8). */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}

/** One value: `tag`, length, the concatenated `contents`. */
export function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), lengthOctets(body.length), body]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => value(tags.sequence, ...items);

/** A SET OF: DER wants its members sorted by their encoding (X.690 §11.6). */
export const set = (...items: readonly Uint8Array[]): Buffer =>
  value(tags.set, ...[...items].sort((a, b) => Buffer.compare(a, b)));

/** @param tag the number in `[n]`. @param constructed true for EXPLICIT tags and IMPLICIT ones of constructed types. */
export const context = (tag: number, constructed: boolean, ...contents: readonly Uint8Array[]): Buffer =>
  value(0x80 | (constructed ? 0x20 : 0) | tag, ...contents);

export const boolean = (flag: boolean): Buffer => value(tags.boolean, Buffer.of(flag ? 0xff : 0x00));

/** A non-negative INTEGER from big-endian magnitude bytes; the shortest form, with a sign octet where it needs one. */
export function integer(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.length === 0 ? Buffer.of(0) : magnitude.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? Buffer.of(0) : Buffer.alloc(0);
  return value(tags.integer, sign, digits);
}

/** @param dotted as `1.2.840.10045.4.3.2`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = Number.NaN, second = Number.NaN, ...rest] = dotted.split('.').map(Number);
  const arcs = [first * 40 + second, ...rest];
  if (arcs.some(arc => !Number.isSafeInteger(arc) || arc < 0))
    throw new TypeError(`not an object identifier: ${dotted}`);
  const bytes: number[] = [];
  for (const arc of arcs) {
    const digits = [arc % 128];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) digits.unshift(0x80 | (high % 128));
    bytes.push(...digits);
  }
  return value(tags.objectIdentifier, Buffer.from(bytes));
}

export const octetString = (bytes: Uint8Array): Buffer => value(tags.octetString, bytes);

/** A BIT STRING of whole octets. */
export const bitString = (bytes: Uint8Array): Buffer => value(tags.bitString, Buffer.of(0), bytes);

/** A BIT STRING with named bits (as KeyUsage): trailing zero bits are cut (X.690 §11.2.2). Bit 0 is the leftmost. */
export function namedBits(bits: readonly number[]): Buffer {
  if (bits.length === 0) return value(tags.bitString, Buffer.of(0));
  const highest = Math.max(...bits);
  const bytes = Buffer.alloc(Math.floor(highest / 8) + 1);
  for (const bit of bits) {
    const index = Math.floor(bit / 8);
    bytes.writeUInt8(bytes.readUInt8(index) | (0x80 >> (bit % 8)), index);
  }
  return value(tags.bitString, Buffer.of(7 - (highest % 8)), bytes);
}

export const utf8String = (text: string): Buffer => value(tags.utf8String, Buffer.from(text, 'utf8'));

/** A moment as RFC 5280 §4.1.2.5 wants it: UTCTime through 2049, GeneralizedTime after, whole seconds, in UTC. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\..*$/g, '');
  return at.getUTCFullYear() < 2050
    ? value(tags.utcTime, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : value(tags.generalizedTime, Buffer.from(`${digits}Z`, 'latin1'));
}

/** One value read: `raw` is all of it, `content` what stands after the length. Both are views of the input. */
export interface Element {
  readonly tag: number;
  readonly raw: Buffer;
  readonly content: Buffer;
}

/** Splits bytes into the values that stand in them one after another. @throws RangeError when they are cut short. */
export function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    let start = at + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4) throw new RangeError(`DER: unsupported length of ${octets} octets at byte ${at}`);
      length = bytes.readUIntBE(start, octets);
      start += octets;
    }
    const end = start + length;
    if (end > bytes.length)
      throw new RangeError(`DER: value at byte ${at} ends at ${end}, but there are only ${bytes.length}`);
    found.push({ tag, raw: bytes.subarray(at, end), content: bytes.subarray(start, end) });
    at = end;
  }
  return found;
}
