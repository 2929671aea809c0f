/** `atoll logs`: what this machine's parts have to say, out of the journal, in lines for people. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Asked, JournalQuestionError, journalArguments, usualText } from '../machine/journal.ts';
import { type CommandContext, UsageError, type Values } from './command.ts';

export interface Entry {
  readonly __REALTIME_TIMESTAMP?: string;
  readonly _SYSTEMD_UNIT?: string;
  readonly _PID?: string;
  /** What systemd (process 1) speaks of; anybody else may set it, too. systemd.journal-fields(7) */
  readonly UNIT?: string;
  readonly SYSLOG_IDENTIFIER?: string;
  readonly PRIORITY?: string;
  /** Bytes where it is no UTF-8. */
  readonly MESSAGE?: string | readonly number[] | null;
}

/** syslog(3)'s and pino's levels. */
const syslogLevels = ['EMERG', 'ALERT', 'CRIT', 'ERROR', 'WARN', '', '', 'debug'];
const pinoLevels: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };
/** Said by the line itself. */
const OWN = new Set(['level', 'time', 'name', 'msg', 'part', 'controller', 'err']);

/** One line: `22:10:03 server api: API ready port=6443`. The daemons' JSON becomes words. */
export function lineOf(entry: Entry): string {
  return harmless(wordsOf(entry));
}

/** Anybody may write to the journal: a terminal acts on nothing of it. Further lines of an entry are indented. */
const harmless = (text: string): string =>
  text.replace(/\n(?=.)/g, '\n    ').replace(UNSEEN, sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function wordsOf(entry: Entry): string {
  const { MESSAGE } = entry;
  const message = typeof MESSAGE === 'string' ? MESSAGE : Buffer.from(MESSAGE ?? []).toString('utf8');
  const at = new Date(Number(entry.__REALTIME_TIMESTAMP ?? 0) / 1000).toISOString().slice(5, 19).replace('T', ' ');
  const unit = entry._PID === '1' ? (entry.UNIT ?? entry._SYSTEMD_UNIT) : entry._SYSTEMD_UNIT;
  const who = (unit ?? entry.SYSLOG_IDENTIFIER ?? '').replace(/^atoll-/, '').replace(/\.service$/, '');
  const record = parsed(message);
  if (!record) {
    const level = syslogLevels[Number(entry.PRIORITY ?? 6)] ?? '';
    return [at, who, ...(level === '' ? [] : [level]), message].join(' ');
  }
  const level = pinoLevels[Number(record.level)] ?? '';
  const part = [record.part, record.controller].filter(word => typeof word === 'string').join('/');
  const details = Object.entries(record)
    .filter(([name]) => !OWN.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { err } = record;
  const cause = typeof err === 'object' && err !== null && 'message' in err ? [`(${String(err.message)})`] : [];
  return [
    at,
    `${who}${part === '' ? '' : ` ${part}`}:`,
    ...(level === '' ? [] : [level]),
    String(record.msg ?? ''),
    ...cause,
    ...details,
  ].join(' ');
}

function parsed(message: string): Record<string, unknown> | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === 'object' && value !== null && 'msg' in value
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What the command line asks for. @throws UsageError */
export function askedOf(values: Values, rest: readonly string[]): { readonly asked: Asked; readonly json: boolean } {
  const [part, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll logs takes one part; "${more[0]}" was given, too`);
  const output = values.optional('output') ?? values.optional('o');
  if (output !== undefined && output !== 'json') throw new UsageError(`--output is json, not "${output}"`);
  const since = values.optional('since');
  const many = ['lines', 'n'].find(name => values.has(name));
  const asked: Asked = {
    ...(part === undefined ? {} : { part }),
    follow: values.has('follow') || values.has('f'),
    ...(since === undefined ? {} : { since }),
    ...(many === undefined ? {} : { lines: values.integer(many, 0, 1_000_000) }),
  };
  wordsFor(asked);
  return { asked, json: output === 'json' };
}

function wordsFor(asked: Asked): string[] {
  try {
    return journalArguments(asked);
  } catch (error) {
    if (error instanceof JournalQuestionError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

export async function logs({ values, rest, stdout }: CommandContext): Promise<number> {
  const { asked, json } = askedOf(values, rest);
  const words = wordsFor(asked);
  const journal = spawn('journalctl', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number>((resolve, reject) => {
    journal.once('error', error => reject(new UsageError(notReadable(error), { cause: error })));
    journal.once('close', code => resolve(code ?? 0));
  });
  ended.catch(() => undefined);
  // Whoever reads (less, head) may have seen enough.
  process.stdout.on('error', () => journal.kill());
  let count = 0;
  for await (const line of createInterface({ input: journal.stdout })) {
    count++;
    stdout(`${json ? line : shown(line)}\n`);
  }
  const code = await ended;
  if (count === 0 && code === 0 && !asked.follow && !json) process.stderr.write(nothing(asked.part, asked.since));
  return code;
}

/** A line of the journal's JSON for a person. */
export function shown(line: string): string {
  try {
    return lineOf(JSON.parse(line) as Entry);
  } catch {
    return harmless(line);
  }
}

const notReadable = (error: Error): string =>
  'code' in error && error.code === 'ENOENT'
    ? 'there is no journalctl here: atoll logs is about the machine it runs on'
    : `the journal cannot be read: journalctl: ${error.message}`;

function nothing(part: string | undefined, since: string | undefined): string {
  const when = since === undefined ? 'from this boot' : `since ${since}`;
  const hint = process.getuid?.() === 0 ? '' : ' that you may read (root may read all of it)';
  return `atoll: the journal has nothing of ${part ?? usualText} ${when}${hint}\n`;
}
