/**
 * One line of a container's log as containerd writes it (CRI logging format, kubernetes/design-proposals
 * kubelet-cri-logging): `2026-11-21T12:00:00.123456789Z stdout F text\n`. A long line comes in pieces tagged `P`, its last
 * piece is tagged `F`.
 */

export interface LogLine {
  /** RFC 3339 with fraction, as written. */
  readonly timestamp: string;
  readonly stream: 'stdout' | 'stderr';
  /** More pieces of the same line follow. */
  readonly partial: boolean;
  /** The text, without a line break. */
  readonly text: Buffer;
}

const SPACE = 0x20;
const LETTER_P = 0x50;

/**
 * @param line without its line break. Keep it short-lived: `text` is a view of it.
 * @returns undefined for what is not of that form (a line torn by a full disk or a power cut).
 */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = first < 0 ? -1 : line.indexOf(SPACE, first + 1);
  if (second < 0) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tagEnd = third < 0 ? line.length : third;
  if (tagEnd === second + 1) return undefined;
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    partial: line[second + 1] === LETTER_P, // further tags may follow after a colon
    text: third < 0 ? line.subarray(line.length) : line.subarray(third + 1),
  };
}

/** With nine digits of fraction, as the kubelet prints them: columns stay aligned. */
export function fixedTimestamp(timestamp: string): string {
  const [, seconds = timestamp, fraction = '', zone = ''] = /^(.*?:\d\d:\d\d)(?:\.(\d+))?(.*)$/.exec(timestamp) ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}${zone}`;
}
