/** Which cards are flashed, and what each is told: from the options, or from a file with a line for each card. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { rejectProblems } from '../definition/load.ts';
import { type Problem, YamlReader } from '../definition/yaml-reader.ts';
import { BuildError } from '../errors.ts';
import { usage } from '../options.ts';
import { ask, isAskable } from './ask.ts';
import type { Customisation } from './customise.ts';

export interface CardRequest extends Customisation {
  /** A path as it was given. */
  readonly to: string;
}

export interface CardOptions {
  readonly to: readonly string[];
  readonly userData?: string;
  readonly networkConfig?: string;
  readonly hostname?: string;
  readonly hostnamePattern?: string;
  /** The number of the first card in the pattern. */
  readonly first: number;
  /** A file; `-` is standard input. */
  readonly token?: string;
  readonly server?: string;
  readonly cards?: string;
}

/** One card of the file, in its words, which are those of the options: paths are as they were written, the token's too. */
type Row = Readonly<Partial<Record<Column, string>>>;
const columns = ['to', 'hostname', 'user-data', 'network-config', 'token', 'server'] as const;
type Column = (typeof columns)[number];

async function readGiven(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BuildError(
      'USAGE',
      `${path} cannot be read: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.message}`,
      {
        hint: 'Nothing was written.',
        cause,
      },
    );
  });
}

/** What somebody who gives the secret itself has to be told, without repeating it. */
const tokenIsAFile = {
  option: usage(
    '--token takes a file with the token, not the token: anybody on this machine could read it in the list of processes',
    'Put it into a file that only you can read, or give it on standard input: --token -',
  ),
  column: usage(
    'token is a file with the token, as --token takes it, not the token itself',
    'Put it into a file that only you can read, and name that.',
  ),
} as const;

/** What standard input says; a person is asked, once, and the terminal is there for what else is asked. */
async function* standardInput(signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  if (!isAskable()) yield* process.stdin as AsyncIterable<Buffer>;
  else yield Buffer.from((await ask('The token (it is not shown): ', { signal, isSecret: true })) ?? '');
}

/** @param from `-` is standard input, for the option. */
async function readToken(path: string, from: 'option' | 'column', signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  try {
    const stream = path === '-' && from === 'option' ? standardInput(signal) : createReadStream(path);
    for await (const part of stream) parts.push(part as Buffer);
  } catch (cause) {
    // A secret may be longer than a file's name.
    const isNoFile =
      cause instanceof Error && 'code' in cause && /^(ENOENT|ENOTDIR|ENAMETOOLONG)$/.test(String(cause.code));
    if (isNoFile) throw tokenIsAFile[from];
    throw usage('the file of the token cannot be read', 'Nothing was written.');
  }
  const token = Buffer.concat(parts).toString('utf8').trim();
  if (token === '') throw usage('there is no token in the file that is named for it', 'Nothing was written.');
  return token;
}

/** `node-{n}` with 7 is node-7, `node-{nn}` node-07. */
export function numbered(pattern: string, number: number): string {
  return pattern.replace(/\{(n+)\}/g, (_, digits: string) => String(number).padStart(digits.length, '0'));
}

/** RFC 4180: fields in commas, those with a comma, a quote or a new line in quotes. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  const clean = text.replace(/^\ufeff/, '');
  while (field.lastIndex < clean.length) {
    const match = field.exec(clean);
    if (!match) return [];
    row.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
    if (match[3] === ',' && field.lastIndex < clean.length) continue;
    if (match[3] === ',') row.push('');
    rows.push(row);
    row = [];
  }
  return rows.filter(each => each.some(value => value !== ''));
}

function rowsOfCsv(path: string, text: string): { row: Row; where: string }[] {
  const [head, ...body] = csvRows(text);
  const problems: Problem[] = [];
  if (!head) throw usage(`${path} is no CSV file`, `Its first line names the columns: ${columns.join(',')}.`);
  const unknown = head.filter(name => !columns.some(column => column === name));
  for (const name of unknown)
    problems.push({ where: `${path}:1`, message: `unknown column "${name}"; known are: ${columns.join(', ')}` });
  const found = body.map((values, index) => {
    const where = `${path}:${index + 2}`;
    if (values.length > head.length)
      problems.push({ where, message: `has ${values.length} fields, more than there are columns: ${head.length}` });
    const entries = head.flatMap((name, at) => (values[at] ? [[name, values[at]] as const] : []));
    return { row: Object.fromEntries(entries) as Row, where };
  });
  reject(path, problems);
  return found;
}

function rowsOfYaml(path: string, text: string): { row: Row; where: string }[] {
  const reader = new YamlReader(path, text);
  const found = reader.root.list().map(item => {
    const fields = item.mapping([], columns);
    const entries = [...fields].map(([name, value]) => [name, value.text(/\S/, 'text')] as const);
    return { row: Object.fromEntries(entries) as Row, where: item.where };
  });
  reject(path, reader.problems);
  return found;
}

function reject(path: string, problems: readonly Problem[]): void {
  try {
    rejectProblems(path, problems);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError('USAGE', error.message, {
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.tail === undefined ? {} : { tail: error.tail }),
      hint: 'docs/flashing.md shows such a file.',
    });
  }
}

/** Each path once, for all cards: a pipe (`<(…)`) can be read only once. */
function readOnce<T>(read: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return path => {
    const found = known.get(path) ?? read(path);
    known.set(path, found);
    return found;
  };
}

/** @param common the token of all that have none of their own */
async function requestOf(
  row: Row,
  common: string | undefined,
  where: string,
  read: { readonly document: (path: string) => Promise<Buffer>; readonly token: (path: string) => Promise<string> },
): Promise<CardRequest> {
  if (row.to === undefined)
    throw new BuildError('USAGE', 'the card has no "to"', { where, hint: 'Name the disk or file of each card.' });
  const document = async (path: string) => ({ path, bytes: await read.document(path) });
  const { 'user-data': userData, 'network-config': networkConfig, hostname, server } = row;
  const token =
    row.token === undefined
      ? common
      : await read.token(row.token).catch((error: unknown) => {
          if (!(error instanceof BuildError)) throw error;
          throw new BuildError(error.code, error.message, { where, hint: error.hint ?? '' });
        });
  return {
    to: row.to,
    documents: {
      ...(userData === undefined ? {} : { 'user-data': await document(userData) }),
      ...(networkConfig === undefined ? {} : { 'network-config': await document(networkConfig) }),
    },
    ...(hostname === undefined ? {} : { hostname }),
    ...(token === undefined ? {} : { token }),
    ...(server === undefined ? {} : { server }),
  };
}

/** Nothing may be flashed twice, and no two nodes may have one name. */
function checkTogether(cards: readonly CardRequest[]): void {
  for (const [what, of] of [
    ['card', ({ to }: CardRequest) => to],
    ['host name', ({ hostname }: CardRequest) => hostname],
  ] as const) {
    const names = cards.flatMap(card => of(card) ?? []);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw usage(
        `the ${what} ${twice} is there twice`,
        what === 'card'
          ? 'Name each card once.'
          : 'Give each card its own: --hostname-pattern node-{n}, or --cards FILE.',
      );
  }
}

/** @param signal ends a question on the terminal. @throws BuildError USAGE for what does not fit together, or cannot be read. */
export async function requestedCards(options: CardOptions, signal: AbortSignal): Promise<CardRequest[]> {
  const { to, userData, networkConfig, hostname, hostnamePattern, server, cards: file } = options;
  if (hostname !== undefined && hostnamePattern !== undefined)
    throw usage('--hostname and --hostname-pattern do not go together', 'Use one of them.');
  if (hostnamePattern !== undefined && !/\{n+\}/.test(hostnamePattern))
    throw usage(`--hostname-pattern ${hostnamePattern} has no {n} in it`, 'For example node-{n}.');
  if (file !== undefined && to.length > 0)
    throw usage('--cards and --to do not go together', 'The file names the disk of each card, as "to".');
  const token = options.token === undefined ? undefined : await readToken(options.token, 'option', signal);
  const isYaml = file !== undefined && /\.ya?ml$/.test(file);
  const rows =
    file === undefined
      ? to.map(path => ({ row: { to: path } as Row, where: '' }))
      : (isYaml ? rowsOfYaml : rowsOfCsv)(file, (await readGiven(file)).toString('utf8'));
  if (file !== undefined && rows.length === 0)
    throw usage(`there is no card in ${file}`, 'It has a line for each card.');
  const common: Row = {
    ...(userData === undefined ? {} : { 'user-data': userData }),
    ...(networkConfig === undefined ? {} : { 'network-config': networkConfig }),
    ...(server === undefined ? {} : { server }),
    ...(hostname === undefined ? {} : { hostname }),
  };
  const read = {
    document: readOnce(readGiven),
    token: readOnce(path => readToken(path, 'column', signal)),
  };
  const requests = await Promise.all(
    rows.map(({ row, where }, index) => {
      const named = hostnamePattern === undefined ? {} : { hostname: numbered(hostnamePattern, options.first + index) };
      return requestOf({ ...common, ...named, ...row }, token, where, read);
    }),
  );
  checkTogether(requests);
  return requests;
}
