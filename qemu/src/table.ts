/**
 * Two columns in a frame, for the end of `make run` and of the boot benchmark. Plain when piped, too: no colours.
 *
 * @param rows [what, value]; an empty row is a rule
 */
export function table(rows: readonly (readonly [string, string] | readonly [])[]): string {
  const widths = [0, 1].map(column => Math.max(...rows.map(row => (row[column] ?? '').length)));
  const [left = 0, right = 0] = widths;
  const rule = (start: string, middle: string, end: string): string =>
    `${start}${'─'.repeat(left + 2)}${middle}${'─'.repeat(right + 2)}${end}`;
  const lines = rows.map(([what, value]) =>
    what === undefined ? rule('├', '┼', '┤') : `│ ${what.padEnd(left)} │ ${(value ?? '').padEnd(right)} │`,
  );
  return [rule('┌', '┬', '┐'), ...lines, rule('└', '┴', '┘'), ''].join('\n');
}

export const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
