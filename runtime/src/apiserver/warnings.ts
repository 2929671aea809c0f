/** `Warning` headers (RFC 7234 §5.5) within upstream's bounds, so that many warnings cannot make an answer's head too large. */

/** Characters of all texts together; beyond it, each is cut to {@link ITEM_LIMIT}. */
const TOTAL_LIMIT = 4 * 1024;
const ITEM_LIMIT = 256;

/** One header value for all texts, each said once. 299 is "miscellaneous persistent warning". */
export function warningHeader(texts: readonly string[]): string {
  const unique = [...new Set(texts)].filter(text => text !== '');
  const whole = unique.map(text => [...text]);
  const total = whole.reduce((sum, text) => sum + text.length, 0);
  if (total <= TOTAL_LIMIT) return unique.map(quoted).join(', ');
  const kept: string[] = [];
  let length = 0;
  for (const text of whole) {
    if (length >= TOTAL_LIMIT) break;
    const cut = text.slice(0, ITEM_LIMIT);
    length += cut.length;
    kept.push(quoted(cut.join('')));
  }
  return kept.join(', ');
}

/** One line; other letters go as the bytes of their UTF-8, as Go sends them. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a header may not hold
  const line = text.replace(/[\x00-\x1f\x7f]+/g, ' ').replace(/([\\"])/g, '\\$1');
  return `299 - "${Buffer.from(line).toString('latin1')}"`;
}
