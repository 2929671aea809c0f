/** Durations as Go's command lines have them: `24h`, `1h30m0s`, `0`. */

const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };

/** Undefined: it is no duration, or one that is not of whole seconds. */
export function durationSeconds(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+[hms])+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+)([hms])/g))
    seconds += Number(count) * (SECONDS[unit] ?? 0);
  return seconds;
}
