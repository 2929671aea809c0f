/**
 * A document as values that know where they stand. Scalars stay as they were written: what a text means (a number, a switch)
 * is decided by the shape it is checked against.
 */
import type { Place } from './types.ts';

export type Tree = ScalarTree | ListTree | MappingTree;

export interface ScalarTree {
  readonly kind: 'scalar';
  /** The text without quotes and indentation. */
  readonly text: string;
  /** Written without quotes, so it may be a number, a switch or nothing. */
  readonly plain: boolean;
  /** What it says cannot be known, and has been told: a tag, an alias of nothing. */
  readonly isUnknown?: true;
  readonly at: Spot;
}
export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly at: Spot;
}
export interface MappingTree {
  readonly kind: 'mapping';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Spot;
}
export interface Entry {
  /** Where the key stands. */
  readonly at: Spot;
  readonly value: Tree;
}

/** A point of a document; its line and column are looked up only when somebody asks. */
export interface Spot {
  readonly page: Page;
  /** UTF-16 units from the start. */
  readonly offset: number;
}

/** The text of one document, with where it came from. */
export class Page {
  private lineStarts: number[] | undefined;
  private readonly wide: boolean;

  constructor(
    readonly from: Omit<Place, 'line' | 'column'>,
    readonly text: string,
  ) {
    this.wide = /[\ud800-\udfff]/.test(text);
  }

  place(offset: number): Place {
    this.lineStarts ??= startsOf(this.text);
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = starts[low] ?? 0;
    const units = Math.min(offset, this.text.length) - start;
    const column = (this.wide ? [...this.text.slice(start, start + units)].length : units) + 1;
    return { ...this.from, line: low + 1, column };
  }
}

function startsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

export const placeOf = (spot: Spot): Place => spot.page.place(spot.offset);

/** `users[0].name`; keys that are no plain words are quoted: `sysctls["net.ipv4.ip_forward"]`. */
export function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quoted(step)}]`;
  }
  return text;
}

/** A text as a person may see it in a message: in quotes, short, without anything a terminal would act on. */
export function quoted(text: string): string {
  const known = coveredUrls(text);
  const short = known.length > 60 ? `${known.slice(0, 57)}…` : known;
  return printable(JSON.stringify(short));
}

/** A text without the passwords and keys that URLs in it carry: `https://•••@example.org/?•••`. */
export function coveredUrls(text: string, cover: (secret: string) => string = () => '•••'): string {
  // A text that is a URL as a whole may have anything in its password, even what a URL may not.
  const user = /^[a-z][\w+.-]*:\/\//i.test(text)
    ? /^([^:]+:\/\/)([\s\S]*)(?=@)/
    : /([a-z][\w+.-]*:\/\/)([^"'\n]*)(?=@)/gi;
  return text
    .replace(user, (_, scheme: string, secret: string) => `${scheme}${cover(secret)}`)
    .replace(
      /([a-z][\w+.-]*:\/\/[^\s"'?]*\?)([^\s"'#]+)/gi,
      (_, url: string, secret: string) => `${url}${cover(secret)}`,
    );
}

/** Signs that are not seen, or that a terminal acts on, as escapes; at most 800 of them all, and no passwords of URLs. */
export function printable(text: string): string {
  const known = coveredUrls(text);
  const short = known.length > 800 ? `${known.slice(0, 799)}…` : known;
  return short.replace(UNSEEN, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNSEEN = /[\0-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const NULL = /^(?:|~|null|Null|NULL)$/;
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;
const INTEGER = /^(?:[-+]?\d+|0o[0-7]+|0x[\da-fA-F]+)$/;
const FLOAT = /^(?:[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** What YAML 1.2's core schema makes of a scalar (https://yaml.org/spec/1.2.2/#103-core-schema). */
export function scalarKind({ text, plain }: ScalarTree): 'nothing' | 'boolean' | 'integer' | 'number' | 'text' {
  if (!plain) return 'text';
  if (NULL.test(text)) return 'nothing';
  if (TRUE.test(text) || FALSE.test(text)) return 'boolean';
  if (INTEGER.test(text)) return 'integer';
  return FLOAT.test(text) ? 'number' : 'text';
}

export const isTrue = (text: string): boolean => TRUE.test(text);

/** What YAML 1.1, which cloud-init reads, makes of a scalar that is text or a decimal number here; undefined where both agree. */
export function inYaml11({
  text,
  plain,
}: ScalarTree): 'true' | 'false' | 'octal' | 'sexagesimal' | 'number' | undefined {
  if (!plain) return undefined;
  if (/^(?:yes|Yes|YES|on|On|ON)$/.test(text)) return 'true';
  if (/^(?:no|No|NO|off|Off|OFF)$/.test(text)) return 'false';
  if (/^[-+]?0[0-7_]+$/.test(text)) return 'octal';
  if (/^[-+]?[1-9][\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/.test(text)) return 'sexagesimal';
  if (/^[-+]?(?:[1-9]\d*_[\d_]*|0b[01_]+|0x[\da-fA-F]*_[\da-fA-F_]*)$/.test(text)) return 'number';
  return undefined;
}

export function integerOf(text: string): number {
  return Number(text.startsWith('+') ? text.slice(1) : text);
}

/** A value nobody has declared, as YAML 1.2 reads it. */
export function plainValue(tree: Tree): unknown {
  if (tree.kind === 'list') return tree.items.map(plainValue);
  if (tree.kind === 'mapping')
    return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainValue(value)]));
  switch (scalarKind(tree)) {
    case 'nothing':
      return null;
    case 'boolean':
      return isTrue(tree.text);
    case 'integer':
      return integerOf(tree.text);
    case 'number':
      return numberOf(tree.text);
    case 'text':
      return tree.text;
  }
}

function numberOf(text: string): number {
  if (/inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /nan$/i.test(text) ? Number.NaN : Number(text);
}
