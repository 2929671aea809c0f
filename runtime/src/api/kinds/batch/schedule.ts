/** Whether a CronJob's schedule and time zone can be read, in the words of the parser upstream uses (robfig/cron v3, `ParseStandard`). */
import { invalid } from '../errors.ts';
import type { FieldError } from '../kind.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const MACROS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);
const DURATION = /^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;

/** Go's `strconv.Atoi`. */
function numberOf(text: string, names: readonly string[] = [], first = 0): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + first;
  if (!/^[-+]?\d+$/.test(text))
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`);
  return value;
}

function checkRange(expression: string, { min, max, names }: Bounds): void {
  const [range = '', step, ...more] = expression.split('/');
  const ends = range.split('-');
  const [low = '', high] = ends;
  let [start, end] = [min, max];
  if (low !== '*' && low !== '?') {
    start = numberOf(low, names, min);
    end = start;
    if (ends.length === 2) end = numberOf(high ?? '', names, min);
    else if (ends.length > 2) throw new Error(`too many hyphens: ${expression}`);
  }
  let every = 1;
  if (step !== undefined) {
    every = numberOf(step);
    // "5/15" means from five on.
    if (ends.length === 1 && low !== '*' && low !== '?') end = max;
  }
  if (more.length > 0) throw new Error(`too many slashes: ${expression}`);
  if (start < min) throw new Error(`beginning of range (${start}) below minimum (${min}): ${expression}`);
  if (end > max) throw new Error(`end of range (${end}) above maximum (${max}): ${expression}`);
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (every === 0) throw new Error(`step of range should be a positive number: ${expression}`);
}

/** @throws Error for what cannot be read. */
function checkSchedule(schedule: string): void {
  let text = schedule;
  if (/^(TZ|CRON_TZ)=/.test(text)) {
    const space = text.indexOf(' ');
    if (space < 0) throw new Error(`provided bad location ${text}: unknown time zone ${text}`);
    text = text.slice(space).trim();
  }
  if (text.startsWith('@')) {
    if (MACROS.has(text)) return;
    const every = '@every ';
    if (!text.startsWith(every)) throw new Error(`unrecognized descriptor: ${text}`);
    const duration = text.slice(every.length);
    if (!DURATION.test(duration) && duration !== '0')
      throw new Error(
        `failed to parse duration ${text}: time: ${duration === '' || !/\d$/.test(duration) ? 'invalid duration' : 'missing unit in duration'} ${JSON.stringify(duration)}`,
      );
    return;
  }
  const fields = text.split(/\s+/).filter(field => field !== '');
  if (fields.length !== FIELDS.length)
    throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  for (const [i, bounds] of FIELDS.entries())
    for (const expression of (fields[i] ?? '').split(',').filter(part => part !== '')) checkRange(expression, bounds);
}

/** @param allowZone a schedule that named a zone before may go on doing so. */
export function scheduleErrors(
  schedule: string,
  timeZone: string | undefined,
  allowZone: boolean,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  try {
    checkSchedule(schedule);
  } catch (error) {
    errors.push(invalid(path, schedule, (error as Error).message));
  }
  if (!schedule.includes('TZ')) return errors;
  if (!allowZone)
    errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (timeZone !== undefined)
    errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  return errors;
}

const PART = /^[A-Za-z._0-9+-]{1,14}$/;

export function timeZoneErrors(timeZone: string | undefined, path: string): FieldError[] {
  if (timeZone === undefined) return [];
  if (timeZone === '') return [invalid(path, timeZone, 'timeZone must be nil or non-empty string')];
  const unknown = [invalid(path, timeZone, `unknown time zone ${timeZone}`)];
  if (timeZone.split('/').some(part => part === '.' || part === '..' || part.startsWith('-') || !PART.test(part)))
    return unknown;
  // Go knows this one: wherever the server happens to be.
  if (timeZone.toLowerCase() === 'local')
    return [
      invalid(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'),
      ...(timeZone === 'Local' ? [] : unknown),
    ];
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return [];
  } catch {
    return unknown;
  }
}
