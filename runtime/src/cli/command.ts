/** What a command of `atoll` is, and how its options are read. */
import { nearest } from '../lib/nearest.ts';

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
  /** The heading it stands under in the help; those without one come first. */
  readonly section?: string;
  /** Its value is another option of the same command, `name=value`; these are the names it takes. */
  readonly passesOn?: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  /** Takes arguments besides options: what they are, for the help, with examples. */
  readonly usage?: string;
  /** Stands under the options in the help. */
  readonly notes?: string;
  /** Options that people know from elsewhere and that say what is so anyway, with the values that do. */
  readonly alwaysSo?: Readonly<Record<string, readonly string[]>>;
  /** Why an option that people know from elsewhere is not one here, and what to do; undefined: nobody knows it. */
  readonly whyNot?: (name: string) => string | undefined;
  /** A daemon: also takes its options from the configuration file, and says what is wrong with them on the console. */
  readonly daemon?: 'server' | 'agent';
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
  /** As {@link many}, of values that have commas in them. */
  each(name: string): readonly string[] {
    return this.given.get(name) ?? [];
  }
  /** Of a switch with a value. */
  flag(name: string): boolean {
    return this.one(name) === 'true';
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
      if (isSo(command, `${dashes}${name}`, name, attached)) continue;
      throw unknownOption(command, `${dashes}${name}`, name, all(command));
    }
    take(command, given, { option, as: `${dashes}${name}`, value: attached, next: () => argv[++i] });
  }
  for (const option of command.options) {
    if (given.has(option.name)) continue;
    const fallback = (option.env === undefined ? undefined : env[option.env]) ?? option.default;
    if (fallback !== undefined && fallback !== '') given.set(option.name, [fallback]);
  }
  return { values: new Values(given), rest };
}

const all = ({ options }: Command): string[] => options.map(({ name }) => name);

interface Taken {
  readonly option: Option;
  /** As it was written: `--token`, `--kube-apiserver-arg token-auth-file`. */
  readonly as: string;
  readonly value: string | undefined;
  /** The word after it. */
  readonly next: () => string | undefined;
}

function take(command: Command, given: Map<string, string[]>, { option, as, value, next }: Taken): void {
  const { name } = option;
  if (option.boolean) {
    if (value !== undefined && value !== 'true' && value !== 'false')
      throw new UsageError(`${as} is true or false, not "${value}"`);
    given.set(name, [value ?? 'true']);
    return;
  }
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`${as} is a switch and takes no value`);
    given.set(name, ['true']);
    return;
  }
  const text = value ?? next();
  if (text === undefined) throw new UsageError(`${as} needs a value: ${option.value}`);
  if (option.passesOn) {
    takePassedOn(command, given, option, text);
    return;
  }
  if (!option.repeated && given.has(name)) throw new UsageError(`${as} is given twice`);
  given.set(name, [...(given.get(name) ?? []), text]);
}

/** `anonymous-auth=false` of `--kube-apiserver-arg anonymous-auth=false`, with or without dashes. */
function takePassedOn(command: Command, given: Map<string, string[]>, through: Option, text: string): void {
  const { name: by, passesOn = [] } = through;
  const [, name = '', value] = /^-{0,2}([^=]*)(?:=([\s\S]*))?$/.exec(text) ?? [];
  const option = passesOn.includes(name) ? command.options.find(known => known.name === name) : undefined;
  const as = `--${by} ${name}`;
  if (!option) {
    if (isSo(command, as, name, value)) return;
    throw unknownOption(command, as, name, passesOn);
  }
  take(command, given, { option, as, value, next: () => undefined });
}

/** @throws UsageError where it says what is not so. */
function isSo({ alwaysSo = {} }: Command, as: string, name: string, value = 'true'): boolean {
  const values = Object.hasOwn(alwaysSo, name) ? alwaysSo[name] : undefined;
  if (!values) return false;
  if (values.includes(value)) return true;
  throw new UsageError(`${as}: it is always ${values[0]} in Atoll, not "${value}"`);
}

function unknownOption(command: Command, as: string, name: string, known: readonly string[]): UsageError {
  const why = command.whyNot?.(name);
  if (why !== undefined) return new UsageError(`${as}: ${why}`);
  const near = nearest(name, known);
  // What is passed on is named as it is written there.
  const hint = near === undefined ? '' : `; did you mean ${as.includes(' ') ? near : `--${near}`}?`;
  return new UsageError(
    `unknown option ${as} of atoll ${command.name}${hint} (atoll ${command.name} --help lists them)`,
  );
}
