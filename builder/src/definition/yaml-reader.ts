/**
 * Reading a YAML file into typed values, with every problem found in one pass and placed at file:line:column.
 *
 * Always true: a read method never throws; it records a problem and returns a harmless value, and whoever asked checks
 * `problems` once at the end.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { nearest } from './nearest.ts';

/** A value with its place in the file, as `images/vm-x86_64.yaml:12:5`. */
export interface Located<T> {
  readonly value: T;
  readonly where: string;
}

export interface Problem {
  readonly where: string;
  readonly message: string;
}

export type Fields = ReadonlyMap<string, YamlValue>;

export class YamlReader {
  readonly problems: Problem[] = [];
  readonly root: YamlValue;
  private readonly file: string;
  private readonly lines = new LineCounter();

  /** @param file the name used in messages. */
  constructor(file: string, text: string) {
    this.file = file;
    const document = parseDocument(text, { lineCounter: this.lines, uniqueKeys: true, version: '1.2' });
    for (const issue of [...document.errors, ...document.warnings]) {
      this.report(issue.pos[0], issue.message.split(/ at line |\n/)[0] ?? issue.message);
    }
    this.root = new YamlValue(this, (document.contents as Node | null) ?? undefined, 0, 'the file');
  }

  place(offset: number): string {
    const { line, col } = this.lines.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }

  report(offset: number, message: string): void {
    this.problems.push({ where: this.place(offset), message });
  }
}

const kindOf = (node: Node | undefined): string => {
  if (node === undefined) return 'nothing';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node)) return 'an alias';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string'
    ? `the text ${JSON.stringify(node.value)}`
    : `the ${typeof node.value} ${String(node.value)}`;
};

export class YamlValue {
  private readonly reader: YamlReader;
  private readonly node: Node | undefined;
  private readonly offset: number;
  /** How the value is named in a message, as `boot.tries`. */
  readonly name: string;

  constructor(reader: YamlReader, node: Node | undefined, offset: number, name: string) {
    this.reader = reader;
    this.node = node;
    this.offset = node?.range?.[0] ?? offset;
    this.name = name;
  }

  get where(): string {
    return this.reader.place(this.offset);
  }

  wrong(message: string): void {
    this.reader.report(this.offset, message);
  }

  private scalar(): unknown {
    return isScalar(this.node) ? this.node.value : undefined;
  }

  /** The fields of a mapping: unknown ones are problems with the nearest known name, required ones must be there. */
  mapping(required: readonly string[], optional: readonly string[] = []): Fields {
    const found = new Map<string, YamlValue>();
    if (!isMap(this.node)) {
      this.wrong(`${this.name} must be a mapping, not ${kindOf(this.node)}`);
      return found;
    }
    const known = [...required, ...optional];
    const prefix = this.name === 'the file' ? '' : `${this.name}.`;
    for (const { key, value } of this.node.items) {
      const keyNode = key as Node;
      const offset = keyNode.range?.[0] ?? this.offset;
      const word = isScalar(keyNode) ? String(keyNode.value) : '';
      if (!known.includes(word)) {
        const guess = nearest(
          word,
          known.filter(name => !found.has(name)),
        );
        const advice = guess ? `did you mean ${JSON.stringify(guess)}?` : `known are: ${known.join(', ')}`;
        this.reader.report(offset, `unknown key ${JSON.stringify(`${prefix}${word}`)}; ${advice}`);
        continue;
      }
      found.set(word, new YamlValue(this.reader, (value as Node | null) ?? undefined, offset, `${prefix}${word}`));
    }
    for (const name of required) if (!found.has(name)) this.wrong(`${prefix}${name} is missing`);
    return found;
  }

  /** Whether this is a mapping with such a key. */
  has(key: string): boolean {
    return isMap(this.node) && this.node.has(key);
  }

  /** A mapping whose keys are the person's own; each key must match `pattern`. */
  entries(pattern: RegExp, meaning: string): Fields {
    const found = new Map<string, YamlValue>();
    if (!isMap(this.node)) {
      this.wrong(`${this.name} must be a mapping, not ${kindOf(this.node)}`);
      return found;
    }
    for (const { key, value } of this.node.items) {
      const keyNode = key as Node;
      const offset = keyNode.range?.[0] ?? this.offset;
      const word = isScalar(keyNode) ? String(keyNode.value) : '';
      if (!pattern.test(word)) this.reader.report(offset, `${JSON.stringify(word)} in ${this.name} is not ${meaning}`);
      else
        found.set(
          word,
          new YamlValue(this.reader, (value as Node | null) ?? undefined, offset, `${this.name}.${word}`),
        );
    }
    return found;
  }

  list(): YamlValue[] {
    if (!isSeq(this.node)) {
      this.wrong(`${this.name} must be a list, not ${kindOf(this.node)}`);
      return [];
    }
    return this.node.items.map(
      (item, index) => new YamlValue(this.reader, item as Node, this.offset, `${this.name}[${index}]`),
    );
  }

  /** @param meaning what the pattern stands for, completing "must be …". */
  text(pattern: RegExp, meaning: string): string {
    const value = this.scalar();
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.wrong(`${this.name} must be ${meaning}, not ${kindOf(this.node)}`);
    return '';
  }

  oneOf<T extends string>(choices: readonly T[]): T | undefined {
    const value = this.scalar();
    const choice = choices.find(candidate => candidate === value);
    if (choice !== undefined) return choice;
    const guess = typeof value === 'string' ? nearest(value, choices) : undefined;
    const advice = guess ? `; did you mean ${JSON.stringify(guess)}?` : '';
    this.wrong(`${this.name} must be one of ${choices.join(', ')}, not ${kindOf(this.node)}${advice}`);
    return undefined;
  }

  integer(minimum: number, maximum: number): number {
    const value = this.scalar();
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    this.wrong(`${this.name} must be a whole number from ${minimum} to ${maximum}, not ${kindOf(this.node)}`);
    return minimum;
  }

  /** A size with a binary unit, as `512M` or `1G`. @returns bytes. */
  size(minimumBytes: number): number {
    const value = this.scalar();
    const match = typeof value === 'string' ? /^(\d{1,6})([KMGT])$/.exec(value) : null;
    if (!match) {
      this.wrong(
        `${this.name} must be a size as "512M" or "1G" (K, M, G, T: powers of 1024), not ${kindOf(this.node)}`,
      );
      return minimumBytes;
    }
    const bytes = Number(match[1]) * 1024 ** ('KMGT'.indexOf(match[2] ?? 'K') + 1);
    if (bytes < minimumBytes)
      this.wrong(`${this.name} is ${value}, less than the least possible ${formatSize(minimumBytes)}`);
    return bytes;
  }
}

/** Bytes as the largest binary unit that divides them, as repart and mkfs take it: `512M`. */
export function formatSize(bytes: number): string {
  for (const [unit, power] of [
    ['T', 4],
    ['G', 3],
    ['M', 2],
    ['K', 1],
  ] as const) {
    if (bytes >= 1024 ** power && bytes % 1024 ** power === 0) return `${bytes / 1024 ** power}${unit}`;
  }
  return String(bytes);
}
