/**
 * When something may be done: days of the week and a time of day, in a time zone.
 *
 * ```ts
 * const window = parseWindow('Sat,Sun 22:00-04:00');
 * contains(window, Date.now()); // also on Monday at 03:00: the window began on Sunday
 * ```
 */

export interface TimeWindow {
  /** 0: Sunday. On which it begins. */
  readonly days: ReadonlySet<number>;
  /** Minutes since midnight. Equal ones: the whole day. */
  readonly start: number;
  /** At or before {@link start}: on the next day. */
  readonly end: number;
  /** `Europe/Oslo`; undefined: the machine's own. */
  readonly timeZone?: string | undefined;
}

export interface TimeWindowParts {
  /** `mon`, `Monday`, `1`; absent or empty: every day. */
  readonly days?: readonly string[] | undefined;
  /** `02:00`; default 00:00. */
  readonly startTime?: string | undefined;
  /** Default: 24 hours after the start. */
  readonly endTime?: string | undefined;
  readonly timeZone?: string | undefined;
}

const MINUTES_A_DAY = 24 * 60;
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** @throws RangeError saying what is wrong, for a person */
export function timeWindowOf({ days = [], startTime, endTime, timeZone }: TimeWindowParts): TimeWindow {
  const start = minutesOf(startTime ?? '00:00');
  const end = endTime === undefined ? start : minutesOf(endTime);
  if (timeZone !== undefined) checkZone(timeZone);
  const numbers = days.map(dayOf);
  return { days: new Set(numbers.length > 0 ? numbers : DAYS.keys()), start, end, timeZone };
}

/** `Mon-Fri 22:00-04:00`, `Sat,Sun`, `02:00-05:00`. @throws RangeError saying what is wrong */
export function parseWindow(text: string, timeZone?: string): TimeWindow {
  const words = text.trim().split(/\s+/);
  const times = /^\d/.test(words.at(-1) ?? '') && (words.at(-1) ?? '').includes(':') ? words.pop() : undefined;
  if (words.length > 1 || text.trim() === '')
    throw new RangeError(`"${text}" is not a window such as "Sat,Sun 02:00-05:00"`);
  const [startTime, endTime, ...more] = times?.split('-') ?? [];
  if (more.length > 0 || (times !== undefined && endTime === undefined))
    throw new RangeError(`"${times}" is not FROM-TO such as 02:00-05:00`);
  const days = (words[0] ?? '')
    .split(',')
    .filter(part => part !== '')
    .flatMap(part => {
      const [first = '', last, ...rest] = part.split('-');
      if (rest.length > 0) throw new RangeError(`"${part}" is not a range of days such as Mon-Fri`);
      return last === undefined ? [first] : daysBetween(first, last);
    });
  return timeWindowOf({ days, startTime, endTime, timeZone });
}

export function contains(window: TimeWindow, nowMs: number): boolean {
  return opensInMs(window, nowMs) === 0;
}

/**
 * Milliseconds until the window is open, at most a week; 0: it is. A change to or from summer time on the way makes it wrong by that
 * hour: look again when it is over.
 */
export function opensInMs({ days, start, end, timeZone }: TimeWindow, nowMs: number): number {
  const now = localOf(nowMs, timeZone);
  const length = end > start ? end - start : MINUTES_A_DAY - start + end;
  // Those that began yesterday may still be open.
  for (let ahead = -1; ahead <= 7; ahead++) {
    if (!days.has((now.day + ahead + 7) % 7)) continue;
    const opens = ahead * MINUTES_A_DAY + start - now.minutes;
    if (opens > 0) return opens * 60_000 - now.restMs;
    if (opens + length > 0) return 0;
  }
  return 7 * MINUTES_A_DAY * 60_000;
}

function dayOf(text: string): number {
  const name = text.trim().toLowerCase();
  if (/^[0-6]$/.test(name)) return Number(name);
  const found =
    name.length < 2 ? -1 : DAYS.findIndex(day => day.startsWith(name) && [2, 3, day.length].includes(name.length));
  if (found < 0) throw new RangeError(`"${text}" is no day of the week such as Mon`);
  return found;
}

function daysBetween(first: string, last: string): string[] {
  const [from, to] = [dayOf(first), dayOf(last)];
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => String((from + i) % 7));
}

function minutesOf(text: string): number {
  const [, hours, minutes] = /^(\d{1,2}):(\d\d)(?::\d\d)?$/.exec(text.trim()) ?? [];
  const [h, m] = [Number(hours), Number(minutes)];
  if (hours === undefined || h > 24 || m > 59 || (h === 24 && m > 0))
    throw new RangeError(`"${text}" is no time of day such as 02:00`);
  return (h * 60 + m) % MINUTES_A_DAY;
}

function checkZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
  } catch {
    throw new RangeError(`"${timeZone}" is no time zone such as Europe/Oslo`);
  }
}

interface Local {
  readonly day: number;
  readonly minutes: number;
  /** Milliseconds into the minute. */
  readonly restMs: number;
}

function localOf(nowMs: number, timeZone: string | undefined): Local {
  const restMs = nowMs % 60_000;
  if (timeZone === undefined) {
    const date = new Date(nowMs);
    return { day: date.getDay(), minutes: date.getHours() * 60 + date.getMinutes(), restMs };
  }
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(nowMs);
  const of = (type: string): string => parts.find(part => part.type === type)?.value ?? '';
  return {
    day: DAYS.indexOf(of('weekday').toLowerCase()),
    minutes: Number(of('hour')) * 60 + Number(of('minute')),
    restMs,
  };
}
