/**
 * JSONPath as printer columns and selectable fields are written (client-go's package `util/jsonpath`,
 * https://kubernetes.io/docs/reference/kubectl/jsonpath/): `.spec.a`, `['a.b']`, `[0]`, `[-1:]`, `[*]`, `..a`, `['a','b']` and
 * filters such as `[?(@.type=="Ready")]`. What is missing is no error.
 */
import { isObject, type Json } from './model.ts';

/** The values found, in order. */
export type JsonPath = (root: unknown) => unknown[];

type Step = (values: readonly unknown[]) => unknown[];

/** @throws Error for a path that cannot be read. */
export function parseJsonPath(text: string): JsonPath {
  const steps = new Parser(text).steps();
  return root => steps.reduce<unknown[]>((values, step) => step(values), [root]);
}

const field =
  (name: string): Step =>
  values =>
    values.flatMap(value => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));

const wildcard: Step = values =>
  values.flatMap(value => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []));

const everything: Step = values => values.flatMap(value => [value, ...descendants(value)]);

function descendants(value: unknown): unknown[] {
  const inner = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return inner.flatMap(one => [one, ...descendants(one)]);
}

const slice =
  (from: number | undefined, to: number | undefined, step: number): Step =>
  values =>
    values.flatMap(value => {
      if (!Array.isArray(value)) return [];
      return value.slice(from, to).filter((_, i) => i % step === 0);
    });

const index =
  (at: number): Step =>
  values =>
    values.flatMap(value => {
      if (!Array.isArray(value)) return [];
      const found = value.at(at);
      return found === undefined ? [] : [found];
    });

const union =
  (steps: readonly Step[]): Step =>
  values =>
    values.flatMap(value => steps.flatMap(step => step([value])));

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.trim().replace(/^\$/, '');
  }

  #fail(why: string): Error {
    return new Error(`${why} at ${this.#at} of the JSONPath ${JSON.stringify(this.#text)}`);
  }

  steps(): Step[] {
    const steps: Step[] = [];
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at];
      if (c === '[') steps.push(this.#brackets());
      else if (c === '.') {
        this.#at++;
        if (this.#text[this.#at] === '.') {
          steps.push(everything);
          this.#at++;
        }
        if (this.#at >= this.#text.length) break; // `.` alone is the root
        if (this.#text[this.#at] === '[') continue;
        steps.push(this.#name());
      } else if (steps.length === 0) steps.push(this.#name());
      else throw this.#fail(`unexpected ${JSON.stringify(c)}`);
    }
    return steps;
  }

  #name(): Step {
    const [all = ''] = /^(?:\\.|[^.[\]\s\\])+/.exec(this.#text.slice(this.#at)) ?? [];
    if (all === '') throw this.#fail('expected a name');
    this.#at += all.length;
    return all === '*' ? wildcard : field(all.replace(/\\(.)/g, '$1'));
  }

  #brackets(): Step {
    const inside = this.#inside();
    const filter = /^\?\((.*)\)$/s.exec(inside);
    if (filter) return filterStep(filter[1] ?? '');
    const steps = splitOutside(inside, ',').map(part => this.#selector(part.trim()));
    return steps.length === 1 && steps[0] ? steps[0] : union(steps);
  }

  #selector(text: string): Step {
    if (text === '*') return wildcard;
    const quoted = /^'((?:[^'\\]|\\.)*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(text);
    if (quoted) return field((quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1'));
    if (/^-?\d+$/.test(text)) return index(Number(text));
    const range = /^(-?\d*):(-?\d*)(?::(\d*))?$/.exec(text);
    if (!range) throw this.#fail(`invalid array index ${text}`);
    const number = (part: string | undefined): number | undefined => (part ? Number(part) : undefined);
    return slice(number(range[1]), number(range[2]), Math.max(1, number(range[3]) ?? 1));
  }

  /** What stands between this bracket and the one that closes it. */
  #inside(): string {
    const start = ++this.#at;
    let depth = 1;
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at];
      if (c === "'" || c === '"') this.#at = endOfQuoted(this.#text, this.#at);
      else if (c === '[') depth++;
      else if (c === ']' && --depth === 0) return this.#text.slice(start, this.#at++);
    }
    throw this.#fail('unterminated array');
  }
}

/** The index of the quote that closes the one at `start`, or the last of the text. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[start]) return at;
  }
  return text.length - 1;
}

function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "'" || text[at] === '"') at = endOfQuoted(text, at);
    else if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

type Operand = (item: unknown) => unknown;

/** `@.type=="Ready"`, or `@.type`: it is there. */
function filterStep(text: string): Step {
  const [, left = text, operator = '', right = ''] =
    /^((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^'"=!<>])*?)\s*(==|!=|<=|>=|<|>)\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  const first = operand(left);
  const second = operator === '' ? undefined : operand(right);
  const holds = (item: unknown): boolean => {
    const value = first(item);
    if (!second) return value !== undefined;
    return value !== undefined && compares(value, second(item), operator);
  };
  return values =>
    values.flatMap(value =>
      Array.isArray(value) ? value.filter(holds) : isObject(value) && holds(value) ? [value] : [],
    );
}

function operand(text: string): Operand {
  const trimmed = text.trim();
  const quoted = /^'([\s\S]*)'$|^"([\s\S]*)"$/.exec(trimmed);
  if (quoted) {
    const value = (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1');
    return () => value;
  }
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return () => Number(trimmed);
  if (trimmed === 'true' || trimmed === 'false') return () => trimmed === 'true';
  if (!trimmed.startsWith('@')) throw new Error(`unrecognized identifier ${trimmed} in a filter of a JSONPath`);
  const path = parseJsonPath(trimmed.slice(1));
  return item => path(item)[0];
}

function compares(a: unknown, b: unknown, operator: string): boolean {
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) return false;
  const [left, right] = [a, b as typeof a];
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

/** The value at a plain path of names, `.spec.replicas`; `undefined` where there is none. */
export function valueAt(root: Json, path: string): unknown {
  let value: unknown = root;
  for (const name of path.replace(/^\./, '').split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Sets the value at a plain path of names, making the objects on the way. Throws an Error where something else is in the way. */
export function setValueAt(root: Json, path: string, value: unknown): void {
  const names = path.replace(/^\./, '').split('.');
  const last = names.pop() ?? '';
  let at = root;
  for (const name of names) {
    const next = at[name] ?? {};
    if (!isObject(next)) throw new Error(`value cannot be set because .${names.join('.')} is not an object`);
    at[name] = next;
    at = next;
  }
  at[last] = value;
}
