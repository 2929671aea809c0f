/**
 * A problem as a person sees it on a terminal: file, line and column, the line itself with a caret, and what to do. Secrets in the line
 * are covered, as what a terminal shows ends in logs.
 */
import { readDocument } from '../../machine/config/document.ts';
import { documentShapes } from '../../machine/config/schema.ts';
import { secretsOf } from '../../machine/config/secrets.ts';
import { coveredUrls, placeOf, type Tree } from '../../machine/config/tree.ts';
import type { Place, Problem } from '../../machine/config/types.ts';
import { type Texts, textKey } from './documents.ts';

const WIDTH = 100;

export interface Colours {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

const colour =
  (code: string) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;
const none = (text: string): string => text;
export const noColours: Colours = { error: none, warning: none, strong: none, faint: none };
export const colours: Colours = {
  error: colour('1;31'),
  warning: colour('1;33'),
  strong: colour('1'),
  faint: colour('2'),
};

/** Colours for a person at a terminal (https://no-color.org). */
export const coloursOf = (isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Colours =>
  isTerminal && !env.NO_COLOR && env.TERM !== 'dumb' ? colours : noColours;

/** `configs/server.yaml:4:11`; a document in a folder by its path. */
export function placeText({ location, document, line, column }: Place): string {
  return `${fileOf(location, document)}:${line}:${column}`;
}

/** A location is a file, a folder that ends with a slash, or words: `the EFI system partition`. */
function fileOf(location: string, document: Place['document']): string {
  if (location.endsWith('/'))
    return /^https?:/.test(location) ? `${document} of ${location}` : `${location}${document}`;
  const isPath = !/^https?:/.test(location) && (!/\s/.test(location) || /\.[a-z]{2,5}$/i.test(location));
  return location === 'standard input' || isPath ? location : `${document} of ${location}`;
}

export function problemText(problem: Problem, texts: Texts, paint: Colours): string {
  const { severity, place, path, message, hint } = problem;
  const what = paint[severity](severity);
  const where = place ? `${paint.strong(placeText(place))}: ` : '';
  const key = path === '' || message.startsWith('unknown key') ? parentOf(path, message) : `${path}: `;
  const lines = [`${where}${what}: ${key}${message}`];
  const bytes = place && texts.get(textKey(place.location, place.document));
  if (place && bytes) lines.push(...excerpt(bytes, place, problem, paint));
  if (hint !== undefined)
    lines.push(`${' '.repeat(place ? String(place.line).length + 2 : 2)}${paint.faint('→')} ${hint}`);
  return `${lines.join('\n')}\n`;
}

/** Where an unknown key stands; the key itself is in the message. */
function parentOf(path: string, message: string): string {
  if (path === '' || !message.startsWith('unknown key')) return '';
  const parent = path.replace(/(?:\.?[A-Za-z_][\w-]*|\["(?:[^"\\]|\\.)*"\])$/, '');
  return parent === '' ? '' : `${parent}: `;
}

/** The line and, under it, a caret and the rest of the word. */
function excerpt(bytes: Buffer, place: Place, problem: Problem, paint: Colours): string[] {
  const { line, column } = place;
  const text = lineOf(bytes, line);
  if (text === undefined) return [];
  if (!isShown(text, problem)) return [];
  const { shown: open, length } = withoutSecrets(text, bytes, place);
  const shown = covered(open, problem);
  const letters = [...shown].map(letter => (letter === '\t' ? '⇥' : printable(letter)));
  const from = column > WIDTH - 10 ? column - 40 : 0;
  const cut = letters.slice(from, from + WIDTH);
  const before = from > 0 ? '…' : '';
  const after = letters.length > from + WIDTH ? '…' : '';
  const number = String(line);
  const at = column - 1 - from;
  const word = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,\]}#:]+)/.exec(cut.slice(at).join(''))?.[0];
  const mark = '^'.repeat(Math.max(1, Math.min(length ?? [...(word ?? '')].length, cut.length - at)));
  return [
    `${paint.faint(` ${number} │`)} ${before}${cut.join('')}${after}`,
    `${paint.faint(` ${' '.repeat(number.length)} │`)} ${' '.repeat(before.length + Math.max(0, at))}${paint[problem.severity](mark)}`,
  ];
}

/** Of a file that is no text, or too long, a line says nothing. */
const isShown = (text: string, { message }: Problem): boolean =>
  text !== '' &&
  !message.startsWith('is longer than') &&
  !text.includes('\0') &&
  (text.match(/\ufffd/g)?.length ?? 0) <= 3 &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  (text.match(/[\x01-\x08\x0e-\x1a\x1c-\x1f]/g)?.length ?? 0) <= 3;

function lineOf(bytes: Buffer, line: number): string | undefined {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let i = 1; i < line; i++) {
    const end = bytes.indexOf(0x0a, start);
    if (end === -1) return undefined;
    start = end + 1;
  }
  const end = bytes.indexOf(0x0a, start);
  const text = bytes.subarray(start, Math.min(end === -1 ? bytes.length : end, start + 65_536)).toString('utf8');
  return text.replace(/\r$/, '');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const printable = (letter: string): string => (UNPRINTABLE.test(letter) ? '·' : letter);

/**
 * The line with what the document's shape calls a secret covered; as it is where the document cannot be read.
 * @returns how long the text at the place is, where it is one without quotes
 */
function withoutSecrets(line: string, bytes: Buffer, place: Place): { shown: string; length?: number } {
  const { tree } = readDocument(bytes, place);
  if (!tree) return { shown: line };
  const letters = [...line];
  for (const { secret, end } of secretsOf(tree, documentShapes[place.document])) {
    const [from, to] = [placeOf(secret.at), secret.at.page.place(end)];
    if (place.line < from.line || place.line > to.line) continue;
    const first = place.line === from.line ? from.column - 1 : 0;
    const last = place.line === to.line ? to.column - 1 : letters.length;
    for (let i = first; i < Math.min(last, letters.length); i++) if (letters[i] !== ' ') letters[i] = '•';
  }
  const length = plainLength(tree, line, place);
  return { shown: letters.join(''), ...(length === undefined ? {} : { length }) };
}

/** The signs of the text without quotes that stands at a place, spaces and commas in it too. */
function plainLength(tree: Tree, line: string, place: Place): number | undefined {
  if (tree.kind === 'scalar') {
    const { line: row, column } = placeOf(tree.at);
    const isThere = tree.plain && row === place.line && column === place.column;
    return isThere &&
      [...line]
        .slice(column - 1)
        .join('')
        .startsWith(tree.text)
      ? [...tree.text].length
      : undefined;
  }
  const inside = tree.kind === 'list' ? tree.items : [...tree.entries.values()].map(({ value }) => value);
  for (const value of inside) {
    const length = plainLength(value, line, place);
    if (length !== undefined) return length;
  }
  return undefined;
}

/** In a document that cannot be read, and in comments. */
const SECRET =
  /((?:^|[\s{,"'-])[\w-]*(?:tok|secr(?!ets-enc)|pass|psk|priv|cred|(?<!pw)auth(?!or)|identity|hash|access-key|shared)[\w-]*["']?\s*:\s+)("[^"]*"?|'[^']*'?|[^\s,}#][^,}]*(?:,\s*\w+=[^,}]*)*)/gi;

/** The line with everything covered that may be a secret; as many signs as before, so that the caret fits. */
function covered(line: string, { message, path, place }: Problem): string {
  const cover = (text: string): string => '•'.repeat(text.length);
  const letters = [...line];
  const from = (place?.column ?? 1) - 1;
  const [before, rest] = [letters.slice(0, from).join(''), letters.slice(from).join('')];
  const known = message.startsWith('unknown key')
    ? before + rest.replace(/(:\s+)(\S.*)$/, (_, colon: string, value: string) => `${colon}${cover(value)}`)
    : line;
  const without = coveredUrls(known, cover).replace(SECRET, (_, key: string, value: string) => `${key}${cover(value)}`);
  // A syntax error may be anywhere: in the middle of a key in PEM or base64.
  return path === '' ? without.replace(/[A-Za-z0-9+/=_-]{24,}/g, cover) : without;
}
