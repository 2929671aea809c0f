/** `atoll logs`: what this machine's parts have to say, out of the journal, in lines for people. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseDuration } from '../lib/duration.ts';
import { nearest } from '../lib/nearest.ts';
import { type CommandContext, UsageError } from './command.ts';

/** What can be asked for, and the units it is. */
export const parts: Readonly<Record<string, readonly string[]>> = {
  server: ['atoll-server.service'],
  agent: ['atoll-agent.service'],
  containerd: ['containerd.service'],
  config: [
    'atoll-config.service',
    'atoll-config-fetch.service',
    'atoll-config-refresh.service',
    'atoll-config-final.service',
    'atoll-reset.service',
  ],
  network: ['systemd-networkd.service', 'atoll-resolv.service', 'atoll-wpa-*.service', 'nftables.service'],
  time: ['systemd-timesyncd.service'],
  ssh: ['atoll-ssh.service'],
  kernel: [],
};
/** What `atoll logs` shows by itself. */
const usual = ['server', 'agent', 'containerd', 'config'];

export interface Asked {
  /** Absent: {@link usual}. */
  readonly part?: string;
  readonly follow: boolean;
  readonly since?: string;
  readonly lines?: number;
}

/** The arguments of journalctl(1). @throws UsageError */
export function journalArguments({ part, follow, since, lines }: Asked): string[] {
  const words = ['--boot', '--output=json', '--no-pager', '--quiet'];
  if (part === 'kernel') words.push('--dmesg');
  else {
    const known = part === undefined ? usual.flatMap(name => parts[name] ?? []) : own(parts, part);
    if (known === undefined) {
      const near = nearest(part ?? '', Object.keys(parts));
      throw new UsageError(
        `atoll logs knows ${Object.keys(parts).join(', ')}, not "${part}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    words.push(...known.map(unit => `--unit=${unit}`));
  }
  if (since !== undefined) words.push(`--since=${sinceOf(since)}`);
  if (lines !== undefined) words.push(`--lines=${lines}`);
  if (follow) words.push('--follow');
  return words;
}

const own = <T>(of: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(of, name) ? of[name] : undefined;

/** `10m`, `2h`, `3d` ago; a time of day or a date as journalctl takes it. */
function sinceOf(text: string): string {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDuration(text) : Number(days) * 86_400_000;
  if (ms !== undefined) return `-${Math.ceil(ms / 1000)}s`;
  if (/^(today|yesterday|\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?|\d\d:\d\d(:\d\d)?)$/.test(text))
    return text.replace('T', ' ');
  throw new UsageError(
    `--since: "${text}" is neither a duration such as 10m, 2h, 3d nor a time such as 2026-11-21 22:00`,
  );
}

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

export async function logs({ values, rest, stdout }: CommandContext): Promise<number> {
  const [part, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll logs takes one part; "${more[0]}" was given, too`);
  const output = values.optional('output') ?? values.optional('o');
  if (output !== undefined && output !== 'json') throw new UsageError(`--output is json, not "${output}"`);
  const since = values.optional('since');
  const many = ['lines', 'n'].find(name => values.has(name));
  const follow = values.has('follow') || values.has('f');
  const words = journalArguments({
    ...(part === undefined ? {} : { part }),
    follow,
    ...(since === undefined ? {} : { since }),
    ...(many === undefined ? {} : { lines: values.integer(many, 0, 1_000_000) }),
  });
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
    stdout(`${output === 'json' ? line : shown(line)}\n`);
  }
  const code = await ended;
  if (count === 0 && code === 0 && !follow && output !== 'json') process.stderr.write(nothing(part, since));
  return code;
}

function shown(line: string): string {
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
  return `atoll: the journal has nothing of ${part ?? usual.join(', ')} ${when}${hint}\n`;
}
