/**
 * Path elements in their serialized form, which is also what sets are made of: `f:replicas` a field, `k:{"name":"web"}` an item
 * of a list map, `v:"a"` an item of a set, `i:0` an index (https://github.com/kubernetes-sigs/structured-merge-diff, FieldsV1).
 *
 * Always true: an element has one spelling (keys sorted, JSON as Go writes it), so equal elements are equal strings.
 */
import type { ListView } from './types.ts';

/** A value that does not fit its type; the text names the place below the value asked about. */
export class TypedError extends Error {
  readonly errors: readonly string[];

  constructor(errors: readonly string[]) {
    super(errors.length === 1 ? (errors[0] ?? '') : ['errors:', ...errors.map(e => `  ${e}`)].join('\n'));
    this.name = 'TypedError';
    this.errors = errors;
  }
}

export const fieldElement = (name: string): string => `f:${name}`;

const ESCAPED = /[<>&\u2028\u2029]/g;
/** JSON as Go's encoder writes it: `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value);
  return ESCAPED.test(text)
    ? text.replace(ESCAPED, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}

/**
 * What an item is called in its list; an error text for one that cannot be.
 * @param list not atomic.
 */
export function itemElement(list: ListView, item: unknown): { readonly element: string } | { readonly error: string } {
  if (list.keys.length === 0) return setElement(item);
  if (item === null || item === undefined) return { error: 'associative list with keys may not have a null element' };
  if (typeof item !== 'object' || Array.isArray(item))
    return { error: 'associative list with keys may not have non-map elements' };
  let text = 'k:{';
  for (const key of list.keys) {
    let value = (item as Readonly<Record<string, unknown>>)[key];
    if (value === undefined) value = list.element.map?.fields.get(key)?.default;
    if (value === undefined) {
      return {
        error: `associative list with keys has an element that omits key field ${JSON.stringify(key)} (and doesn't have default value)`,
      };
    }
    text += `${text.length > 3 ? ',' : ''}${JSON.stringify(key)}:${goJson(value)}`;
  }
  return { element: `${text}}` };
}

function setElement(item: unknown): { readonly element: string } | { readonly error: string } {
  if (item === null || item === undefined)
    return { error: "associative list without keys has an element that's an explicit null" };
  if (Array.isArray(item)) return { error: 'not supported: associative list with lists as elements' };
  if (typeof item === 'object') return { error: "associative list without keys has an element that's a map type" };
  return { element: `v:${goJson(item)}` };
}

const FIELD = 'f'.charCodeAt(0);
/** Where upstream sorts them: fields, keys, values, indices. */
const KINDS = '.fkvi';

/** Upstream's order; `.`, the set's own membership, comes first. */
export function compareElements(a: string, b: string): number {
  if (a === b) return 0;
  if (a.charCodeAt(0) === FIELD && b.charCodeAt(0) === FIELD) return a < b ? -1 : 1;
  const kind = KINDS.indexOf(a.charAt(0)) - KINDS.indexOf(b.charAt(0));
  if (kind !== 0) return kind;
  if (a.startsWith('i')) return Number(a.slice(2)) - Number(b.slice(2));
  return compareValues(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)));
}

const rankOf = (value: unknown): number => {
  if (typeof value === 'number') return 0;
  if (typeof value === 'string') return 1;
  if (typeof value === 'boolean') return 2;
  if (Array.isArray(value)) return 3;
  return value === null ? 5 : 4;
};

function compareValues(a: unknown, b: unknown): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'string') return a < (b as string) ? -1 : a > (b as string) ? 1 : 0;
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a === null) return 0;
  // Names and values in turn: of lists the names are the same indices.
  const left = Object.entries(a as object);
  const right = Object.entries(b as object);
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [name = '', value] = left[at] ?? [];
    const [other = '', otherValue] = right[at] ?? [];
    if (name !== other) return name < other ? -1 : 1;
    const order = compareValues(value, otherValue);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/**
 * An element as a client wrote it, in the one spelling; undefined for a kind that is not known, which upstream ignores.
 * @throws Error for what is no element.
 */
export function canonicalElement(text: string): string | undefined {
  if (text.length < 2) throw new Error('key must be 2 characters long:');
  if (text[1] !== ':') throw new Error(`missing colon: ${text}`);
  switch (text[0]) {
    case 'f':
      return text;
    case 'v':
      return `v:${goJson(JSON.parse(text.slice(2)))}`;
    case 'i':
      if (!/^[+-]?\d+$/.test(text.slice(2)))
        throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text.slice(2))}: invalid syntax`);
      return `i:${Number(text.slice(2))}`;
    case 'k': {
      const key: unknown = JSON.parse(text.slice(2));
      if (typeof key !== 'object' || key === null || Array.isArray(key))
        throw new Error(`expected a key of fields: ${text}`);
      const names = Object.keys(key).sort();
      const fields = names.map(name => `${JSON.stringify(name)}:${goJson((key as Record<string, unknown>)[name])}`);
      return `k:{${fields.join(',')}}`;
    }
    default:
      return undefined;
  }
}

/** For people: `.spec`, `[name="web"]`, `[="a"]`, `[0]`. */
export function elementText(element: string): string {
  const content = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${content}`;
    case 'k':
      return `[${Object.entries(JSON.parse(content) as object)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`;
    case 'v':
      return `[=${JSON.stringify(JSON.parse(content))}]`;
    default:
      return `[${content}]`;
  }
}
