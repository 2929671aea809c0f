/**
 * Patterns in the syntax of Go's `regexp` (RE2, https://github.com/google/re2/wiki/Syntax), which schemas are written in, as
 * JavaScript's. What RE2 does not know (look-around, back-references) is refused, in Go's words.
 *
 * RE2 never takes longer than linear time, and whoever may write an object may choose the text: V8 is told to change over to its
 * own linear engine when a match goes back too often. It can do so for expressions without flags, so those of plain ASCII
 * have none. (It cannot for groups repeated more than 16 times, `(…){17}`; those remain as they are.)
 */
import { setFlagsFromString } from 'node:v8';

/** Compiled once; many objects are asked the same few questions. Bounded, since schemas come and go. */
const cache = new Map<string, RegExp>();
let isLinear = false;
const CACHE_SIZE = 2000;

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Go's classes are ASCII's: no vertical tab in `\s`. */
const PERL: Readonly<Record<string, string>> = {
  d: '0-9',
  w: '0-9A-Za-z_',
  s: '\\t\\n\\f\\r ',
};

const SYNTAX = /[\\^$.*+?()[\]{}|/]/;
const CLASS_SYNTAX = /[\\^[\]/-]/;
const MAX_REPEAT = 1000;

const fault = (what: string, where: string): Error => new Error(`error parsing regexp: ${what}: \`${where}\``);

/** @throws Error for what is no pattern of Go's. */
export function goRegExp(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known) return known;
  if (!isLinear) {
    setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
    isLinear = true;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  const plain = /^[\x00-\x7f]*$/.test(pattern) && !/\\[pP]|\\x\{/.test(pattern);
  const { source, flags } = new Translation(pattern, plain).whole();
  let expression: RegExp;
  try {
    expression = new RegExp(source, flags);
  } catch (error) {
    throw fault(error instanceof Error ? error.message.replace(/^.*: /, '') : String(error), pattern);
  }
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(pattern, expression);
  return expression;
}

class Translation {
  readonly #text: string;
  #at = 0;
  #out = '';
  #depth = 0;
  #flags: string;

  constructor(text: string, plain: boolean) {
    this.#text = text;
    this.#flags = plain ? '' : 'u';
  }

  #code(hex: string): string {
    return this.#flags.includes('u') ? `\\u{${hex}}` : `\\x${hex.padStart(2, '0')}`;
  }

  whole(): { readonly source: string; readonly flags: string } {
    this.#leadingFlags();
    let repeated = false;
    while (this.#at < this.#text.length) repeated = this.#next(repeated);
    if (this.#depth > 0) throw fault('missing closing )', this.#text);
    return { source: this.#out, flags: this.#flags };
  }

  /** `(?i)` at the beginning is of the whole pattern; anywhere else it has no equal here. */
  #leadingFlags(): void {
    const match = /^\(\?([imsU]+)\)/.exec(this.#text);
    if (!match) return;
    const [all, letters = ''] = match;
    if (letters.includes('U')) throw fault('invalid or unsupported Perl syntax', all);
    this.#flags += [...new Set(letters)].join('');
    this.#at = all.length;
  }

  /** Returns whether what was read is a repetition, after which no other may follow. */
  #next(repeated: boolean): boolean {
    const c = this.#text[this.#at] ?? '';
    switch (c) {
      case '\\':
        this.#put(...this.#escape(false));
        return false;
      case '[':
        this.#class();
        return false;
      case '(':
        this.#put(...this.#group());
        return false;
      case ')':
        if (--this.#depth < 0) throw fault('unexpected )', this.#text);
        this.#put(c);
        return false;
      case '{':
        return this.#repeat(repeated);
      case '*':
      case '+':
      case '?': {
        const before = this.#out;
        if (before === '' || /(^|[^\\])(\\\\)*[(|]$/.test(before))
          throw fault('missing argument to repetition operator', c);
        if (repeated && c !== '?')
          throw fault('invalid nested repetition operator', this.#text.slice(this.#at - 1, this.#at + 1));
        this.#put(c);
        return !(repeated && c === '?');
      }
      case '}':
      case ']':
        this.#out += `\\${c}`;
        this.#at++;
        return false;
      case '^':
      case '$':
      case '|':
      case '.':
        this.#put(c);
        return false;
      default: {
        const point = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
        this.#put(point === '/' ? '\\/' : point, point.length);
        return false;
      }
    }
  }

  #put(text: string, length = 1): void {
    this.#out += text;
    this.#at += length;
  }

  #repeat(repeated: boolean): boolean {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at));
    if (!match) {
      this.#put('\\{');
      return false;
    }
    const [all, from = '', , to = ''] = match;
    if (Number(from) > MAX_REPEAT || Number(to) > MAX_REPEAT || (to !== '' && Number(to) < Number(from)))
      throw fault('invalid repeat count', all);
    if (repeated) throw fault('invalid nested repetition operator', all);
    this.#put(all, all.length);
    return true;
  }

  #group(): readonly [text: string, length: number] {
    const rest = this.#text.slice(this.#at);
    this.#depth++;
    const named = /^\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>/.exec(rest);
    if (named) return [`(?<${named[1]}>`, named[0].length];
    if (rest.startsWith('(?:')) return ['(?:', 3];
    if (rest.startsWith('(?')) throw fault('invalid or unsupported Perl syntax', rest.slice(0, 3));
    return ['(', 1];
  }

  #class(): void {
    const start = this.#at;
    this.#put('[');
    if (this.#text[this.#at] === '^') this.#put('^');
    for (let first = true; ; first = false) {
      const c = this.#text[this.#at];
      if (c === undefined) throw fault('missing closing ]', this.#text.slice(start));
      if (c === ']' && !first) {
        this.#put(']');
        return;
      }
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at));
      if (posix) {
        const range = POSIX[posix[2] ?? ''];
        if (range === undefined || posix[1] === '^') throw fault('invalid character class range', posix[0]);
        this.#put(range, posix[0].length);
      } else if (c === '\\') this.#put(...this.#escape(true));
      else if (c === '-') {
        const next = this.#text[this.#at + 1];
        const isRange = !first && next !== undefined && next !== ']' && !/[[\]]$|-$/.test(this.#out.slice(-1));
        this.#put(isRange && !this.#endsWithClass() ? '-' : '\\-');
      } else {
        const point = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
        this.#put(CLASS_SYNTAX.test(point) ? `\\${point}` : point, point.length);
      }
    }
  }

  /** A range cannot begin with a class such as `\w`. */
  #endsWithClass(): boolean {
    return /(0-9|A-Za-z|A-Za-z_|\\r )$/.test(this.#out) && /\\[dws]$/.test(this.#text.slice(0, this.#at));
  }

  #escape(inClass: boolean): readonly [text: string, length: number] {
    const c = this.#text[this.#at + 1];
    if (c === undefined) throw fault('trailing backslash at end of expression', '');
    const property = /^\\([pP])(\{(\^?)(\w+)\}|(\w))/.exec(this.#text.slice(this.#at));
    if (property) {
      const [all, letter = 'p', , caret = '', long, short] = property;
      const negative = (letter === 'P') !== (caret === '^');
      const name = long ?? short ?? '';
      const written = `\\${negative ? 'P' : 'p'}{${name.length > 2 ? `Script=${name}` : name}}`;
      return [written, all.length];
    }
    const hex = /^\\x(\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(this.#text.slice(this.#at));
    if (hex) return [this.#code(hex[2] ?? hex[3] ?? '0'), hex[0].length];
    if (c === 'Q' && !inClass) return this.#quoted();
    const lower = PERL[c.toLowerCase()];
    if (lower !== undefined) {
      if (/[dws]/.test(c)) return [inClass ? lower : `[${lower}]`, 2];
      return [inClass ? `\\${c}` : `[^${lower}]`, 2];
    }
    if (c === 'A' && !inClass) return ['^', 2];
    if (c === 'z' && !inClass) return ['$', 2];
    if ((c === 'b' || c === 'B') && !inClass) return [`\\${c}`, 2];
    if (c === 'a') return ['\\x07', 2];
    if (/[fnrtv]/.test(c)) return [`\\${c}`, 2];
    const octal = /^\\0[0-7]{0,2}|^\\[1-7][0-7]{1,2}/.exec(this.#text.slice(this.#at));
    if (octal) return [this.#code(Number.parseInt(octal[0].slice(1), 8).toString(16)), octal[0].length];
    if (/[A-Za-z0-9]/.test(c)) throw fault('invalid escape sequence', `\\${c}`);
    const point = String.fromCodePoint(this.#text.codePointAt(this.#at + 1) ?? 0);
    return [(inClass ? CLASS_SYNTAX : SYNTAX).test(point) ? `\\${point}` : point, 1 + point.length];
  }

  /** `\Q…\E`: as it is written. */
  #quoted(): readonly [text: string, length: number] {
    const end = this.#text.indexOf('\\E', this.#at + 2);
    const content = this.#text.slice(this.#at + 2, end < 0 ? undefined : end);
    const text = [...content].map(c => (SYNTAX.test(c) ? `\\${c}` : c)).join('');
    return [text, end < 0 ? content.length + 2 : content.length + 4];
  }
}
