/**
 * The daemons' configuration file, in K3s' form (https://docs.k3s.io/installation/configuration#configuration-file): options without
 * their dashes, in `/etc/atoll/config.yaml` and then, in alphabetical order, `/etc/atoll/config.yaml.d/*.yaml`. A later file
 * replaces what an earlier one says; a key that ends in `+` adds to it. The command line wins over all of them.
 *
 * Both daemons read the same file: what only the other one knows is passed over, what neither knows is an error.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, readFileIfExists } from '../lib/files.ts';
import { nearest } from '../lib/nearest.ts';
import { readPlainYaml } from '../lib/plainYaml.ts';
import { type Command, type Option, parseOptions, UsageError } from './command.ts';

export const configOption: Option = {
  name: 'config',
  value: 'FILE',
  summary: 'options in YAML, as in K3s; files in FILE.d are read after it',
  default: '/etc/atoll/config.yaml',
  env: 'ATOLL_CONFIG_FILE',
};

/** What a key is in the end. */
interface Entry {
  readonly values: readonly string[];
  /** `/etc/atoll/config.yaml:3` */
  readonly place: string;
}

/**
 * The words of the command line with those of the configuration file before them.
 * @param daemons all commands that read the file
 * @throws UsageError naming file and line
 */
export async function withConfigFile(
  command: Command,
  daemons: readonly Command[],
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const known = bare(command);
  const typed = parseOptions(known, argv, {}).values;
  const asked = typed.optional('config') ?? env[configOption.env ?? ''];
  const words: string[] = [];
  for (const [name, { values, place }] of await readConfigFiles(asked)) {
    if (!knows(command, name) && daemons.some(daemon => knows(daemon, name))) continue;
    if (!knows(command, name) && command.whyNot?.(name) === undefined) throw unknown(place, name, daemons);
    const own = wordsOf(command, name, values);
    try {
      parseOptions(known, own, {});
    } catch (error) {
      if (error instanceof UsageError) throw new UsageError(`${place}: ${error.message}`);
      throw error;
    }
    // One by one: what is passed on (kube-apiserver-arg) stands under its own name.
    const isTyped = (word: string): boolean => {
      const { values: one } = parseOptions(known, [word], {});
      return command.options.some(option => one.has(option.name) && typed.has(option.name));
    };
    words.push(...own.filter(word => !isTyped(word)));
  }
  return [...words, ...argv];
}

const knows = (command: Command, name: string): boolean =>
  command.options.some(option => option.name === name) || command.alwaysSo?.[name] !== undefined;

function unknown(place: string, name: string, daemons: readonly Command[]): UsageError {
  const all = daemons.flatMap(({ options }) => options.map(option => option.name));
  const near = nearest(name, all);
  return new UsageError(`${place}: unknown option ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

/** Without what stands in for options that are not given. */
const bare = (command: Command): Command => ({
  ...command,
  options: command.options.map(({ default: _, env: __, ...option }) => option),
});

function wordsOf(command: Command, name: string, values: readonly string[]): string[] {
  const option = command.options.find(known => known.name === name);
  const dashed = `${name.length === 1 ? '-' : '--'}${name}`;
  if (option && option.value === undefined && !option.boolean) {
    const [value = ''] = values;
    if (values.length === 1 && value === 'false') return [];
    if (values.length === 1 && value === 'true') return [dashed];
  }
  return values.map(value => `${dashed}=${value}`);
}

/** @throws UsageError */
async function readConfigFiles(asked: string | undefined): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const path = asked ?? configOption.default ?? '';
  const main = await readFileIfExists(path);
  if (main === undefined && asked !== undefined) throw new UsageError(`--config: there is no file ${path}`);
  const files = [
    ...(main === undefined ? [] : [{ path, content: main }]),
    ...(await Promise.all(
      (
        await namesIn(`${path}.d`)
      ).map(async name => {
        const file = join(`${path}.d`, name);
        return { path: file, content: (await readFileIfExists(file)) ?? Buffer.alloc(0) };
      }),
    )),
  ];
  for (const file of files) {
    for (const [key, entry] of await entriesOf(file.path, file.content)) {
      const adds = key.endsWith('+');
      const name = adds ? key.slice(0, -1) : key;
      const before = adds ? (entries.get(name)?.values ?? []) : [];
      entries.set(name, { place: entry.place, values: [...before, ...entry.values] });
    }
  }
  return entries;
}

/** Of a file that Atoll has written; undefined for any other. */
function plainEntries(path: string, text: string): Map<string, Entry> | undefined {
  const entries = new Map<string, Entry>();
  const read = readPlainYaml(text);
  if (!read) return undefined;
  for (const [name, { value, line }] of read) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    if (!values.every(item => ['string', 'number', 'boolean'].includes(typeof item))) return undefined;
    entries.set(name, { values: values.map(String), place: `${path}:${line}` });
  }
  return entries;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(name => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function entriesOf(path: string, content: Buffer): Promise<Map<string, Entry>> {
  const plain = plainEntries(path, content.toString('utf8'));
  if (plain) return plain;
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(content.toString('utf8'), { lineCounter: lines, version: '1.2' });
  const placeOf = (at: number | undefined): string => `${path}:${at === undefined ? 1 : lines.linePos(at).line}`;
  const [error] = document.errors;
  if (error) throw new UsageError(`${placeOf(error.pos[0])}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`);
  const entries = new Map<string, Entry>();
  if (document.contents === null) return entries;
  if (!isMap(document.contents))
    throw new UsageError(`${path}:1: must be options, one a line, such as node-name: left-gate`);
  for (const { key, value } of document.contents.items) {
    const at = isScalar(key) ? key.range?.[0] : undefined;
    const name = isScalar(key) ? String(key.value) : '';
    const place = placeOf(at);
    if (name === '') throw new UsageError(`${place}: the name of an option must be a text`);
    const items = isSeq(value) ? value.items : [value];
    const values = items.map(item => {
      const scalar = isScalar(item) ? item.value : undefined;
      if (typeof scalar === 'boolean') return String(scalar);
      // As it is written: 0640 and 1e3 are what they look like.
      if (isScalar(item) && typeof scalar === 'number') return item.source ?? String(scalar);
      if (typeof scalar === 'string') return scalar;
      throw new UsageError(`${place}: ${name} must have a value: a text, a number, true or false, or a list of these`);
    });
    entries.set(name, { values, place });
  }
  return entries;
}
