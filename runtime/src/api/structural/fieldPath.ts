/** Paths to fields as selectable fields and validation rules name them: `.spec.color`, `.spec['a.b']` (upstream's `ValidFieldPath`). */
import { additionalOf, propertyOf, type Schema } from './schemas.ts';

export interface FoundField {
  /** Names from the root. */
  readonly names: readonly string[];
  readonly schema: Schema;
}

const unquoted = (text: string): string => text.replace(/\\(['"\\abfnrtv])/g, (_, c: string) => escapes[c] ?? c);
const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Where the path leads, or what is wrong with it. */
export function fieldPathSchema(path: string, root: Schema, allowBrackets: boolean): FoundField | string {
  // The delimiters, quoted texts, and what stands between them.
  const tokens = path.match(/[.[\]]|'(?:[^'\\]|\\.)*'|[^.[\]]+/g) ?? [];
  const names: string[] = [];
  let schema: Schema = root;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`;
    if (token === '[' && !allowBrackets) return 'array notation is not allowed';
    const word = tokens[++i];
    if (word === undefined) return 'unexpected end of JSON path';
    let name = word;
    if (token === '[') {
      if (!/^'.*'$/s.test(word)) return `expected single quoted string but got ${word}`;
      name = unquoted(word.slice(1, -1));
    }
    const next = Object.keys(schema.properties ?? {}).length > 0 ? propertyOf(schema, name) : additionalOf(schema);
    if (!next) return 'does not refer to a valid field';
    schema = next;
    names.push(name);
    if (token === '.') continue;
    const end = tokens[++i];
    if (end === undefined) return 'unexpected end of JSON path';
    if (end !== ']') return `expected ] but got ${end}`;
  }
  return { names, schema };
}
