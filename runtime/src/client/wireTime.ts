/** Times as the API writes them. */

/** `2026-11-21T12:00:00.123000Z`: the wire form of a MicroTime. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** `2026-11-21T12:00:00Z`: the wire form of a Time. */
export function wireTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
