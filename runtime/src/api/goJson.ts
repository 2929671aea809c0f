/**
 * What Go's `encoding/json` says of a text that is no JSON, in its words: `invalid character 'b' looking for beginning of object
 * key string`. Asked only when the text has been refused already.
 */

type State = (byte: number) => State | string;

const END = 'unexpected end of JSON input';

/** Empty: Go would take it. */
export function goJsonError(text: string): string {
  const scanner = new Scanner();
  let state: State = scanner.value;
  for (const byte of Buffer.from(text)) {
    const next = state(byte);
    if (typeof next === 'string') return `invalid character ${quoted(byte)} ${next}`;
    state = next;
  }
  // A number ends where something follows it.
  const last = state(0x20);
  return typeof last === 'function' && last === scanner.top ? '' : END;
}

function quoted(byte: number): string {
  const char = String.fromCharCode(byte);
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  if (char === '\\') return "'\\\\'";
  const named = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' }[char];
  if (named !== undefined) return `'${named}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`;
  // As a code point, of which these have no shape.
  return (byte >= 0x80 && byte <= 0xa0) || byte === 0xad ? `'\\u00${byte.toString(16)}'` : `'${char}'`;
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** One state a place in the grammar: a byte leads to the next, or to what is wrong with it. */
class Scanner {
  /** What the value that is being read is part of, outermost first. */
  readonly #within: ('key' | 'field' | 'element')[] = [];

  readonly value: State = byte => {
    if (isSpace(byte)) return this.value;
    switch (String.fromCharCode(byte)) {
      case '{':
        this.#within.push('key');
        return this.#keyOrEnd;
      case '[':
        this.#within.push('element');
        return this.#elementOrEnd;
      case '"':
        return this.#inString;
      case '-':
        return this.#minus;
      case '0':
        return this.#afterInteger;
      case 't':
        return literal('true', 1, this.after);
      case 'f':
        return literal('false', 1, this.after);
      case 'n':
        return literal('null', 1, this.after);
    }
    return isDigit(byte) ? this.#integer : 'looking for beginning of value';
  };

  /** After all of it. */
  readonly top: State = byte => (isSpace(byte) ? this.top : 'after top-level value');

  /** After any value. */
  readonly after: State = byte => {
    const within = this.#within.at(-1);
    if (within === undefined) return this.top(byte);
    if (isSpace(byte)) return this.after;
    const char = String.fromCharCode(byte);
    if (within === 'key') {
      if (char !== ':') return 'after object key';
      this.#within[this.#within.length - 1] = 'field';
      return this.value;
    }
    if (within === 'field') {
      if (char === ',') {
        this.#within[this.#within.length - 1] = 'key';
        return this.#key;
      }
      return char === '}' ? this.#closed() : 'after object key:value pair';
    }
    if (char === ',') return this.value;
    return char === ']' ? this.#closed() : 'after array element';
  };

  #closed(): State {
    this.#within.pop();
    return this.#within.length === 0 ? this.top : this.after;
  }

  readonly #key: State = byte => {
    if (isSpace(byte)) return this.#key;
    return byte === 0x22 ? this.#inString : 'looking for beginning of object key string';
  };

  readonly #keyOrEnd: State = byte => {
    if (isSpace(byte)) return this.#keyOrEnd;
    return byte === 0x7d ? this.#closed() : this.#key(byte);
  };

  readonly #elementOrEnd: State = byte => {
    if (isSpace(byte)) return this.#elementOrEnd;
    return byte === 0x5d ? this.#closed() : this.value(byte);
  };

  readonly #inString: State = byte => {
    if (byte === 0x22) return this.after;
    if (byte === 0x5c) return this.#escape;
    return byte < 0x20 ? 'in string literal' : this.#inString;
  };

  readonly #escape: State = byte => {
    const char = String.fromCharCode(byte);
    if (char === 'u') return this.#hexadecimal(4);
    return '"\\/bfnrt'.includes(char) ? this.#inString : 'in string escape code';
  };

  #hexadecimal(left: number): State {
    return byte => {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(byte))) return 'in \\u hexadecimal character escape';
      return left === 1 ? this.#inString : this.#hexadecimal(left - 1);
    };
  }

  readonly #minus: State = byte => {
    if (byte === 0x30) return this.#afterInteger;
    return isDigit(byte) ? this.#integer : 'in numeric literal';
  };

  readonly #integer: State = byte => (isDigit(byte) ? this.#integer : this.#afterInteger(byte));

  readonly #afterInteger: State = byte => {
    if (byte === 0x2e) return this.#point;
    return byte === 0x65 || byte === 0x45 ? this.#exponent : this.after(byte);
  };

  readonly #point: State = byte => (isDigit(byte) ? this.#fraction : 'after decimal point in numeric literal');

  readonly #fraction: State = byte => {
    if (isDigit(byte)) return this.#fraction;
    return byte === 0x65 || byte === 0x45 ? this.#exponent : this.after(byte);
  };

  readonly #exponent: State = byte =>
    byte === 0x2b || byte === 0x2d ? this.#firstOfExponent : this.#firstOfExponent(byte);

  readonly #firstOfExponent: State = byte => (isDigit(byte) ? this.#restOfExponent : 'in exponent of numeric literal');

  readonly #restOfExponent: State = byte => (isDigit(byte) ? this.#restOfExponent : this.after(byte));
}

function literal(word: string, at: number, after: State): State {
  return byte => {
    const wanted = word[at] ?? '';
    if (String.fromCharCode(byte) !== wanted) return `in literal ${word} (expecting '${wanted}')`;
    return at === word.length - 1 ? after : literal(word, at + 1, after);
  };
}
