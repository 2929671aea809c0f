/** What a command of `atoll` is, and how its options are read. */

/** An error whose message is for the person who typed the command; printed without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Option {
  /** K3s' own option name, without dashes. */
  readonly name: string;
  readonly summary: string;
  /** Shown in the help: `ADDRESS`; absent for switches. */
  readonly value?: string;
  readonly default?: string;
  /** A switch that may also be given a value: `--name=false`. */
  readonly boolean?: true;
  /** May be given more than once; values may also be joined by commas. */
  readonly repeated?: true;
  /** Environment variable that stands in when the option is not given. */
  readonly env?: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  /** Takes arguments besides options: what they are, for the help, with examples. */
  readonly usage?: string;
  /** Everything after the command is passed on untouched. */
  readonly passThrough?: true;
  /** Resolves with the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

export interface CommandContext {
  readonly values: Values;
  readonly rest: readonly string[];
  readonly stdout: (text: string) => void;
}

export class Values {
  constructor(private readonly given: ReadonlyMap<string, readonly string[]>) {}
  has(name: string): boolean {
    return this.given.has(name);
  }
  /** @throws UsageError when it is neither given nor has a default. */
  one(name: string): string {
    const value = this.given.get(name)?.at(-1);
    if (value === undefined) throw new UsageError(`--${name} is required`);
    return value;
  }
  optional(name: string): string | undefined {
    return this.given.get(name)?.at(-1);
  }
  many(name: string): readonly string[] {
    return (this.given.get(name) ?? []).flatMap(v => v.split(',')).filter(v => v !== '');
  }
  /** @throws UsageError when the value is not a whole number from `min` to `max`. */
  integer(name: string, min: number, max: number): number {
    const text = this.one(name);
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new UsageError(`--${name}: "${text}" is not a whole number from ${min} to ${max}`);
    return value;
  }
}

/**
 * Reads `--name value`, `--name=value` and switches.
 *
 * @throws UsageError naming the option, and the nearest known one where it is unknown.
 */
export function parseOptions(
  command: Command,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { values: Values; rest: string[] } {
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      rest.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word);
      continue;
    }
    const [, dashes = '', name = '', attached] = /^(--?)([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = command.options.find(o => o.name === name && dashes === (name.length === 1 ? '-' : '--'));
    if (!option) {
      const near = nearest(
        name,
        command.options.map(o => o.name),
      );
      throw new UsageError(
        `unknown option ${word.split('=')[0]} of atoll ${command.name}${near ? `; did you mean --${near}?` : ''} (atoll ${command.name} --help lists them)`,
      );
    }
    if (option.boolean) {
      if (attached !== undefined && attached !== 'true' && attached !== 'false')
        throw new UsageError(`--${name} is true or false, not "${attached}"`);
      given.set(name, [attached ?? 'true']);
      continue;
    }
    if (option.value === undefined) {
      if (attached !== undefined) throw new UsageError(`--${name} is a switch and takes no value`);
      given.set(name, ['true']);
      continue;
    }
    const value = attached ?? argv[++i];
    if (value === undefined) throw new UsageError(`--${name} needs a value: ${option.value}`);
    if (!option.repeated && given.has(name)) throw new UsageError(`--${name} is given twice`);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  for (const option of command.options) {
    if (given.has(option.name)) continue;
    const fallback = (option.env === undefined ? undefined : env[option.env]) ?? option.default;
    if (fallback !== undefined && fallback !== '') given.set(option.name, [fallback]);
  }
  return { values: new Values(given), rest };
}

/** The known name at an edit distance (Levenshtein) of at most two, or a third of the word, or undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = editDistance(word, candidate);
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

export function helpOf(command: Command): string {
  const rows = command.options.map(o => {
    const left = `${o.name.length === 1 ? ' -' : '--'}${o.name}${o.boolean ? '=BOOL' : o.value === undefined ? '' : ` ${o.value}`}`;
    const notes = [
      o.default === undefined ? '' : `default ${o.default}`,
      o.env === undefined ? '' : `or $${o.env}`,
      o.repeated ? 'may be repeated' : '',
    ].filter(n => n !== '');
    return [left, `${o.summary}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  const options = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
  const usage = command.usage === undefined ? '' : `\n${command.usage}\n`;
  return `atoll ${command.name}: ${command.summary}\n${usage}${options === '' ? '' : `\n${options}\n`}`;
}
