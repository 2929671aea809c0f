/**
 * Keys are ordered by their UTF-8 bytes, which is the order of code points; SQLite's BINARY collation compares just so.
 */

/** The least key greater than every key that begins with `prefix`; undefined: there is none (empty prefix). */
export function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, character => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // U+D800–U+DFFF are surrogates, not characters.
    points.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...points);
  }
  return undefined;
}
