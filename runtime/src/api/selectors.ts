/**
 * Label and field selectors, as in query strings and in objects
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors). Texts that cannot be read
 * give a 400 with upstream's words.
 */
import type { LabelSelector } from './generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { labelValueErrors, qualifiedNameErrors } from './names.ts';
import { badRequest } from './status.ts';

export type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  /** Sorted, without repetition; one for `=`, `==`, `!=`, `gt`, `lt`; none for `exists` and `!`. */
  readonly values: readonly string[];
}

/** All of them must hold; empty selects everything. */
export type Selector = readonly Requirement[];

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

type Labels = Readonly<Record<string, string>> | undefined;

const OPERATORS = new Set(['in', 'notin', '=', '==', '!=', '>', '<']);
const OPERATOR_LIST = 'in, notin, =, ==, !=, gt, lt';

/** Symbols `=` `==` `!=` `!` `>` `<` `(` `)` `,` and words between them. */
function tokens(text: string): string[] {
  return text.match(/==|!=|[=!><(),]|[^=!><(),\s]+/g) ?? [];
}

const isWord = (token: string | undefined): token is string => token !== undefined && !/^[=!><(),]/.test(token);
const found = (token: string | undefined, expected: string): Error =>
  new Error(`found '${token ?? ''}', expected: ${expected}`);

class LabelParser {
  readonly #tokens: readonly string[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  #peek(): string | undefined {
    return this.#tokens[this.#position];
  }

  #take(): string | undefined {
    return this.#tokens[this.#position++];
  }

  all(): Requirement[] {
    const requirements: Requirement[] = [];
    while (this.#peek() !== undefined) {
      if (!isWord(this.#peek()) && this.#peek() !== '!') throw found(this.#peek(), "!, identifier, or 'end of string'");
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        throw new Error(`unable to parse requirement: ${error instanceof Error ? error.message : String(error)}`);
      }
      const next = this.#take();
      if (next === undefined) break;
      if (next !== ',') throw found(next, "',' or 'end of string'");
      if (!isWord(this.#peek()) && this.#peek() !== '!') throw found(this.#peek(), "identifier after ','");
    }
    return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  #requirement(): Requirement {
    let key = this.#take();
    const negated = key === '!';
    if (negated) key = this.#take();
    if (!isWord(key)) throw found(key, 'identifier');
    const faults = qualifiedNameErrors(key);
    if (faults.length > 0) throw new Error(`<nil>: Invalid value: ${JSON.stringify(key)}: ${faults.join('; ')}`);
    const next = this.#peek();
    if (next === undefined || next === ',') return { key, operator: negated ? '!' : 'exists', values: [] };
    this.#position++;
    if (negated || !OPERATORS.has(next)) throw found(next, OPERATOR_LIST);
    const operator = next === '>' ? 'gt' : next === '<' ? 'lt' : (next as Operator);
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()];
    for (const value of values) {
      if ((operator === 'gt' || operator === 'lt') && !/^[-+]?\d+$/.test(value))
        throw new Error(
          `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      const wrong = labelValueErrors(value);
      if (wrong.length > 0)
        throw new Error(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
    }
    return { key, operator, values };
  }

  #value(): string {
    const token = this.#peek();
    if (token === undefined || token === ',') return '';
    this.#position++;
    if (!isWord(token)) throw found(token, 'identifier');
    return token;
  }

  /** `(a,b)`; nothing between two commas is the empty value. */
  #values(): string[] {
    const open = this.#take();
    if (open !== '(') throw new Error(`found '${open ?? ''}' expected: '('`);
    const values = new Set<string>();
    let expectsValue = true;
    for (;;) {
      const token = this.#take();
      if (token === ')') {
        if (expectsValue) values.add('');
        return [...values].sort();
      }
      if (token === ',') {
        if (expectsValue) values.add('');
        expectsValue = true;
      } else if (isWord(token) && expectsValue) {
        values.add(token);
        expectsValue = false;
      } else throw found(token, expectsValue ? "',', ')' or identifier" : "',' or ')'");
    }
  }
}

/** `app=web,tier in (a,b),!canary` → requirements sorted by key. Throws a 400. */
export function parseLabelSelector(text: string): Selector {
  try {
    return new LabelParser(text).all();
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The requirements of a selector that stands in an object. `undefined` selects nothing, an empty one everything: that is
 * why there is no selector to return for the first.
 */
export function selectorOf(selector: LabelSelector): Selector {
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    requirements.push({ key, operator: '=', values: [value] });
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const sorted = [...new Set(values ?? [])].sort();
    if (operator === 'In') requirements.push({ key, operator: 'in', values: sorted });
    else if (operator === 'NotIn') requirements.push({ key, operator: 'notin', values: sorted });
    else if (operator === 'Exists') requirements.push({ key, operator: 'exists', values: [] });
    else if (operator === 'DoesNotExist') requirements.push({ key, operator: '!', values: [] });
    else throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[-+]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}

/** One requirement; node selectors use it too, with their `Gt` and `Lt`. */
export function requirementMatches(requirement: Requirement, labels: Labels): boolean {
  const { key, operator, values } = requirement;
  const has = labels !== undefined && Object.hasOwn(labels, key);
  const value = has ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return has;
    case '!':
      return !has;
    case 'gt':
    case 'lt': {
      const [left, right] = [integer(value), integer(values[0])];
      if (left === undefined || right === undefined || values.length !== 1) return false;
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

/** Takes a parsed selector or one as it stands in an object; no selector at all matches nothing. */
export function labelSelectorMatches(selector: Selector | LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const requirements = Array.isArray(selector) ? (selector as Selector) : selectorOf(selector as LabelSelector);
  return requirements.every(r => requirementMatches(r, labels));
}

/** The text of a selector, in the form `kubectl` prints and the scale subresource publishes. */
export function formatLabelSelector(selector: Selector | LabelSelector): string {
  const requirements = Array.isArray(selector) ? (selector as Selector) : selectorOf(selector as LabelSelector);
  return requirements
    .map(({ key, operator, values }) => {
      if (operator === '!') return `!${key}`;
      if (operator === 'exists') return key;
      if (operator === 'in' || operator === 'notin') return `${key} ${operator} (${values.join(',')})`;
      return `${key}${operator === 'gt' ? '>' : operator === 'lt' ? '<' : operator}${values[0] ?? ''}`;
    })
    .join(',');
}

/** Splits at commas and unescapes `\\`, `\,` and `\=`, as apimachinery's `fields` package does. */
function fieldTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) term += `\\${text[++i]}`;
    else if (text[i] === ',') {
      terms.push(term);
      term = '';
    } else term += text[i];
  }
  terms.push(term);
  return terms.filter(t => t !== '');
}

/** `metadata.name=web,status.phase!=Running`. Which fields a resource offers is checked by the caller. Throws a 400. */
export function parseFieldSelector(text: string): FieldSelector {
  return fieldTerms(text).map(term => {
    const match = /^((?:\\.|[^\\=!])*?)(==|!=|=)([\s\S]*)$/.exec(term);
    const [, field = '', operator, raw = ''] = match ?? [];
    const unescaped = raw.replace(/\\([\\,=])/g, '$1');
    if (!match || /(^|[^\\])(\\\\)*=/.test(raw))
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field, operator: operator === '!=' ? '!=' : '=', value: unescaped };
  });
}

/** `fields` holds the object's selectable fields; a field it lacks counts as empty. */
export function fieldSelectorMatches(selector: FieldSelector, fields: Readonly<Record<string, string>>): boolean {
  return selector.every(({ field, operator, value }) => ((fields[field] ?? '') === value) === (operator === '='));
}
