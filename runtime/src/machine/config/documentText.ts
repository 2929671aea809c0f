/** The bytes of a document as text, or what is wrong with them: nobody sees an editor's encoding until it bites. */
import { isUtf8 } from 'node:buffer';
import { Page } from './tree.ts';
import type { Place, Problem } from './types.ts';

/** Longest document, in bytes. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

type From = Omit<Place, 'line' | 'column'>;
export type TextResult = { readonly page: Page } | { readonly problem: Problem };

const AS_UTF8 = 'save the file as UTF-8';

/** Takes UTF-8 with or without a byte order mark, with lines ended by LF or CRLF. */
export function textOf(bytes: Buffer, from: From): TextResult {
  const problem = (message: string, hint: string, place?: Place): TextResult => ({
    problem: { severity: 'error', place: place ?? { ...from, line: 1, column: 1 }, path: '', message, hint },
  });
  if (bytes.length > MAX_DOCUMENT_BYTES)
    return problem(
      `is longer than ${MAX_DOCUMENT_BYTES} bytes (1 MiB)`,
      'keep big files out of the configuration: a container image, a ConfigMap or a download in runcmd',
    );
  const known = knownBytes(bytes);
  if (known) return problem(...known);
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const body = marked ? bytes.subarray(3) : bytes;
  if (!isUtf8(body)) return notUtf8(body, from, problem);
  const text = body.toString('utf8').replaceAll('\r\n', '\n');
  const page = new Page(from, text);
  const at = text.search(UNPRINTABLE);
  if (at === -1) return { page };
  const code = text.codePointAt(at) ?? 0;
  if (code === 0x0d)
    return problem(
      'has a line that ends with a carriage return alone',
      'end lines with a line feed (LF) or with both (CRLF)',
      page.place(at),
    );
  return problem(
    `has the control character ${unicode(code)}`,
    code === 0
      ? 'the file is binary, or was damaged when power went while it was written: write it again'
      : 'remove it; in a text, write it as an escape in double quotes',
    page.place(at),
  );
}

/** Not allowed in YAML (https://yaml.org/spec/1.2.2/#51-character-set). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

const unicode = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

/** Files that people put there by mistake, by their first bytes. */
function knownBytes(bytes: Buffer): [message: string, hint: string] | undefined {
  const starts = (...magic: number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (bytes.length > 0 && bytes.every(byte => byte === 0))
    return [
      'holds nothing but NUL bytes',
      'it was damaged, likely when power went while it was written: write it again',
    ];
  if (starts(0x1f, 0x8b)) return ['is compressed with gzip', 'give the plain text: gunzip it'];
  if (starts(0x50, 0x4b, 3, 4)) return ['is a zip archive', 'give the plain text inside it'];
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a)) return ['is compressed with xz', 'give the plain text: unxz it'];
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return ['is compressed with zstd', 'give the plain text: unzstd it'];
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) return ['is in UTF-32', AS_UTF8];
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) return ['is in UTF-16', `${AS_UTF8} (Windows calls UTF-16 "Unicode")`];
  const half = Math.floor(Math.min(bytes.length, 64) / 2);
  const zeros = (odd: number): boolean => {
    for (let i = 0; i < half; i++) if (bytes[2 * i + odd] !== 0 || bytes[2 * i + 1 - odd] === 0) return false;
    return half >= 2;
  };
  if (zeros(0) || zeros(1)) return ['is in UTF-16', `${AS_UTF8} (Windows calls UTF-16 "Unicode")`];
  return undefined;
}

function notUtf8(
  body: Buffer,
  from: From,
  problem: (message: string, hint: string, place: Place) => TextResult,
): TextResult {
  const at = firstInvalid(body);
  const good = body.subarray(0, at).toString('utf8').replaceAll('\r\n', '\n');
  const byte = body[at] ?? 0;
  const place = new Page(from, good).place(good.length);
  const hex = byte.toString(16).toUpperCase().padStart(2, '0');
  // A truncated sequence at the very end is a file that was cut.
  const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  if (body.length - at < length && byte >= 0xc2 && byte < 0xf5 && body.subarray(at + 1).every(b => (b & 0xc0) === 0x80))
    return problem('ends in the middle of a character', 'the file was cut: write it again', place);
  const latin = byte >= 0xa0 ? ` (${quotedLatin(byte)} in Latin-1?)` : '';
  return problem(`is not UTF-8: byte 0x${hex}${latin}`, AS_UTF8, place);
}

const quotedLatin = (byte: number): string => `"${String.fromCharCode(byte)}"`;

/** Offset of the first byte that does not start a well-formed sequence. */
function firstInvalid(body: Buffer): number {
  let at = 0;
  while (at < body.length) {
    const byte = body[at] ?? 0;
    const length = byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
    if (length === 0 || at + length > body.length) return at;
    if (length > 1 && !isUtf8(body.subarray(at, at + length))) return at;
    at += length;
  }
  return at;
}
