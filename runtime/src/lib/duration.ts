/** Go's durations, as options of Kubernetes have them: `1h30m`, `10s`, `1.5s`, `500ms`. */

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds; undefined for what is no duration, or a negative one. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * (units[unit] ?? 0);
  return ms;
}

/** As above, of whole seconds; undefined for what is not: `1.5h`, `500ms`. */
export function durationSeconds(text: string): number | undefined {
  const ms = /^(?:0|(?:\d+[hms])+)$/.test(text) ? parseDuration(text) : undefined;
  return ms === undefined ? undefined : ms / 1000;
}
