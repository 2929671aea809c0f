/** Times as the API writes them: RFC 3339 in UTC, whole seconds (`Time`) or microseconds (`MicroTime`). */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;
const LAYOUT = '2006-01-02T15:04:05Z07:00';

export interface Instant {
  readonly seconds: number;
  /** 0 to 999,999,999, added to `seconds`. */
  readonly nanos: number;
}

/** Throws an Error with Go's words. */
export function parseTime(text: string): Instant {
  const match = RFC3339.exec(text);
  const fault = (part: string): Error =>
    new Error(`parsing time ${JSON.stringify(text)} as "${LAYOUT}": cannot parse ${JSON.stringify(text)} as "${part}"`);
  if (!match) throw fault('2006');
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match.map(part => part ?? '');
  const whole = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const utc = Date.parse(`${whole}Z`);
  // Date rolls 30 February over; Go refuses it.
  if (Number.isNaN(utc) || new Date(utc).getUTCDate() !== Number(day))
    throw new Error(`parsing time ${JSON.stringify(text)}: day out of range`);
  const [hours, minutes] = zone === 'Z' || zone === '' ? [0, 0] : zone.slice(1).split(':').map(Number);
  const offset = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 * (zone.startsWith('-') ? -1 : 1);
  return { seconds: utc / 1000 - offset, nanos: Number(fraction.padEnd(9, '0').slice(0, 9)) };
}

/** `2026-01-02T03:04:05Z` */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** `2026-01-02T03:04:05.000006Z` */
export function formatMicroTime(instant: Instant): string {
  const micros = Math.trunc(instant.nanos / 1000);
  return formatTime(instant.seconds).replace(/Z$/, `.${String(micros).padStart(6, '0')}Z`);
}
