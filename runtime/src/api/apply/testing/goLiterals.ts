/**
 * Reads the literals out of Go source: upstream keeps its test cases as Go tables, and we want to run those very cases.
 * Composite literals, calls, strings, numbers, names; no statements.
 */

export type Go =
  | string
  | number
  | boolean
  | null
  | { readonly name: string }
  | { readonly call: string; readonly args: readonly Go[] }
  | GoComposite;

/** `Type{a, b}`, `Type{Field: a}`, `map[string]T{"k": v}`; elements without a type have the empty one. */
export interface GoComposite {
  readonly type: string;
  readonly items: readonly Go[];
  /** By field name or key. */
  readonly fields: ReadonlyMap<string, Go>;
}

export const isComposite = (value: Go | undefined): value is GoComposite =>
  typeof value === 'object' && value !== null && 'fields' in value;

const TOKEN =
  /\s+|\/\/[^\n]*|(`[^`]*`)|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|(map\[[^\]]*\]|\[\])|([A-Za-z_][\w.]*)|([{}()[\],:&*+])/gy;

function tokensOf(source: string, from: number): Generator<string> {
  return (function* () {
    TOKEN.lastIndex = from;
    for (;;) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(source);
      if (!match) throw new Error(`cannot read Go at: ${source.slice(at, at + 60)}`);
      const after = TOKEN.lastIndex;
      const token = match[1] ?? match[2] ?? match[3] ?? match[4] ?? match[5] ?? match[6];
      if (token !== undefined) yield token;
      TOKEN.lastIndex = after;
    }
  })();
}

class Reader {
  readonly #tokens: Generator<string>;
  #next: string;
  readonly #variables: ReadonlyMap<string, Go>;

  constructor(source: string, from: number, variables: ReadonlyMap<string, Go>) {
    this.#tokens = tokensOf(source, from);
    this.#variables = variables;
    this.#next = this.#pull();
  }

  #pull(): string {
    const { value, done } = this.#tokens.next();
    return done ? '' : value;
  }

  #take(): string {
    const token = this.#next;
    // Not further than the literal goes: what follows may be no literal.
    this.#next = '';
    return token;
  }

  #peek(): string {
    if (this.#next === '') this.#next = this.#pull();
    return this.#next;
  }

  #expect(token: string): void {
    const got = this.#peek();
    if (got !== token) throw new Error(`expected ${token}, found ${got}`);
    this.#take();
  }

  value(inner = false): Go {
    const token = this.#peek();
    this.#take();
    if (token.startsWith('`')) return this.#joined(token.slice(1, -1));
    if (token.startsWith('"')) return this.#joined(JSON.parse(token) as string);
    if (/^-?\d/.test(token)) return Number(token);
    if (token === '&' || token === '*') return this.value(inner);
    if (token === '{') return this.#composite('');
    let type = token;
    if (token === '[]' || token.startsWith('map[')) {
      while (['[]', '*'].includes(this.#peek()) || this.#peek().startsWith('map[')) type += this.#takeNext();
      type += this.#takeNext();
      if (this.#peek() === '{' && type.endsWith('interface')) {
        this.#take();
        this.#expect('}');
      }
    }
    if (this.#peek() === '{') {
      this.#take();
      return this.#composite(type);
    }
    if (this.#peek() === '(') return this.#call(type);
    if (type === 'true' || type === 'false') return type === 'true';
    if (type === 'nil') return null;
    return this.#variables.get(type) ?? { name: type };
  }

  #takeNext(): string {
    const token = this.#peek();
    this.#take();
    return token;
  }

  #joined(text: string): string {
    let all = text;
    while (this.#peek() === '+') {
      this.#take();
      const more = this.value();
      if (typeof more !== 'string') throw new Error('only strings are joined');
      all += more;
    }
    return all;
  }

  #composite(type: string): GoComposite {
    const items: Go[] = [];
    const fields = new Map<string, Go>();
    while (this.#peek() !== '}') {
      const value = this.value(true);
      if (this.#peek() === ':') {
        this.#take();
        const key = typeof value === 'object' && value !== null && 'name' in value ? value.name : String(value);
        fields.set(key, this.value(true));
      } else items.push(value);
      if (this.#peek() === ',') this.#take();
    }
    this.#take();
    return { type, items, fields };
  }

  #call(name: string): Go {
    this.#expect('(');
    const args: Go[] = [];
    while (this.#peek() !== ')') {
      args.push(this.value(true));
      if (this.#peek() === ',') this.#take();
    }
    this.#take();
    if (name === 'fmt.Sprintf') {
      let at = 1;
      return String(args[0]).replace(/%[vsd]/g, () => String(args[at++]));
    }
    return /(^|\.)(YAMLObject|APIVersion)$/.test(name) ? (args[0] ?? null) : { call: name, args };
  }
}

/**
 * The literal that follows `marker` (`tests := `, `var mergeCases = `), in the `occurrence`th place it stands.
 * @param variables what names in it stand for
 */
export function goLiteral(source: string, marker: string | RegExp, variables: ReadonlyMap<string, Go> = new Map()): Go {
  const match = typeof marker === 'string' ? source.indexOf(marker) : source.search(marker);
  if (match < 0) throw new Error(`the source has no ${String(marker)}`);
  const length = typeof marker === 'string' ? marker.length : (marker.exec(source)?.[0].length ?? 0);
  return new Reader(source, match + length, variables).value();
}

/** `var name = \`…\`` of a source, and the schema in `var name = func() … NewParser(\`…\`)`. */
export function goTexts(source: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [, name = '', text = ''] of source.matchAll(/^var (\w+) = (?:func\(\)[^`]*?NewParser\()?`([^`]*)`/gm))
    texts.set(name, text);
  return texts;
}
