/**
 * How far the clock was off when a time server was last asked: the last answer that systemd-timesyncd got, asked for over D-Bus.
 * Sources: org.freedesktop.timesync1(5), RFC 5905 section 8.
 */
import { execFile } from 'node:child_process';

const PLACE = ['org.freedesktop.timesync1', '/org/freedesktop/timesync1', 'org.freedesktop.timesync1.Manager'];
const ANSWER_MS = 5_000;

/**
 * Seconds that the server is ahead of this clock; undefined: no server has answered in this boot, or timesyncd does not run (it is not
 * started for this).
 */
export function clockOffset(): Promise<number | undefined> {
  return new Promise(resolve => {
    const words = ['--json=short', '--auto-start=no', 'get-property', ...PLACE, 'NTPMessage'];
    execFile('busctl', words, { timeout: ANSWER_MS }, (error, stdout) => resolve(error ? undefined : offsetIn(stdout)));
  });
}

/**
 * What busctl(1) prints of the property `NTPMessage`, of type `(uuuuittayttttbtt)`: leap, version, mode, stratum, precision, root
 * delay, root dispersion, reference, origin, receive, transmit, destination (µs since 1970), spike, packet count, jitter.
 */
export function offsetIn(text: string): number | undefined {
  let data: unknown;
  try {
    data = (JSON.parse(text) as { data?: unknown } | null)?.data;
  } catch {
    return undefined;
  }
  const fields: readonly unknown[] = Array.isArray(data) ? data : [];
  const [origin, received, sent, arrived] = fields.slice(8, 12).map(Number);
  if (origin === undefined || received === undefined || sent === undefined || arrived === undefined) return undefined;
  const offset = (received - origin + (sent - arrived)) / 2 / 1e6;
  return Number(fields[13]) > 0 && Number.isFinite(offset) ? offset : undefined;
}
