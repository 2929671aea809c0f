/** A table in a frame, its columns as wide as they need; the same on a terminal and in a pipe. */

export type Align = 'left' | 'right';

export interface Grid {
  readonly head: readonly string[];
  readonly aligns: readonly Align[];
  readonly body: readonly (readonly string[])[];
}

/** Columns on a terminal; none of the characters used here is wider or narrower than one. */
export const width = (text: string): number => [...text].length;

const pad = (text: string, to: number, align: Align): string => {
  const blanks = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'left' ? text + blanks : blanks + text;
};

/** @returns its lines. */
export function framed({ head, aligns, body }: Grid): string[] {
  const widths = head.map((text, index) => Math.max(width(text), ...body.map(row => width(row[index] ?? ''))));
  const rule = (start: string, middle: string, end: string): string =>
    start + widths.map(one => '─'.repeat(one + 2)).join(middle) + end;
  const line = (texts: readonly string[]): string =>
    `│ ${texts.map((text, index) => pad(text, widths[index] ?? 0, aligns[index] ?? 'left')).join(' │ ')} │`;
  return [rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'), ...body.map(line), rule('└', '┴', '┘')];
}
