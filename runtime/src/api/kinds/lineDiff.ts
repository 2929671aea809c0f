/** What has changed, for people: the unified diff of two values as indented JSON (apimachinery's `util/diff.Diff`). Slow; for errors only. */

const CONTEXT = 3;

/** Keys in order, so that the same value has the same lines. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** The longest common subsequence decides; what is alike at both ends is not looked at twice. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const [a, b] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
  const lines: Line[] = before.slice(0, start).map(text => ({ mark: ' ', text }));
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i] ?? '' });
      i++;
      j++;
    } else if (
      j >= b.length ||
      (i < a.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
    )
      lines.push({ mark: '-', text: a[i++] ?? '' });
    else lines.push({ mark: '+', text: b[j++] ?? '' });
  }
  return [...lines, ...before.slice(before.length - end).map(text => ({ mark: ' ', text }) as const)];
}

const range = (start: number, count: number): string =>
  count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`;

/** Hunks of `@@ -1,7 +1,7 @@`; empty where nothing differs. */
export function unifiedDiff(before: unknown, after: unknown): string {
  const lines = compare(
    JSON.stringify(sorted(before), null, 1).split('\n'),
    JSON.stringify(sorted(after), null, 1).split('\n'),
  );
  const changed = lines.flatMap((line, index) => (line.mark === ' ' ? [] : [index]));
  const hunks: [from: number, to: number][] = [];
  for (const index of changed) {
    const last = hunks.at(-1);
    if (last && index - CONTEXT <= last[1] + 1) last[1] = Math.min(lines.length - 1, index + CONTEXT);
    else hunks.push([Math.max(0, index - CONTEXT), Math.min(lines.length - 1, index + CONTEXT)]);
  }
  let text = '';
  for (const [from, to] of hunks) {
    const count = (until: number, mark: Line['mark'], since = 0): number =>
      lines.slice(since, until).filter(line => line.mark === ' ' || line.mark === mark).length;
    const old = range(count(from, '-') + 1, count(to + 1, '-', from));
    const now = range(count(from, '+') + 1, count(to + 1, '+', from));
    text += `@@ -${old} +${now} @@\n`;
    for (const line of lines.slice(from, to + 1)) text += `${line.mark}${line.text}\n`;
  }
  return text;
}
