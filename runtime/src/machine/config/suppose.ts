/**
 * What rules say of a part in which something is wrong by itself. A rule is asked several times, with something else in the place of what is
 * wrong: left out, as it was probably meant, each thing it may be. What it says every time is so whatever was meant, and is told; what it
 * says only sometimes may be a consequence of the mistake, and is not.
 */
import { NONE, type Suppose, supposed } from './check.ts';
import type { MappingShape, Shape, TextShape } from './shape.ts';
import { type Entry, Page, pathText, type Tree } from './tree.ts';
import type { Problem } from './types.ts';

/** More things than these are not tried in one place: each is a run of all the rules. */
const MOST_CASES = 30;
/** Texts of a document that are tried where one is wrong. */
const MOST_WORDS = 200;

/** A value as it may have been meant. */
export interface Case<T> {
  readonly value: T;
  /** Paths of what stands there only because something must. */
  readonly invented: readonly string[];
}

/** One case where all is right; where something is wrong, as many as there are things that may be in its place. */
export function casesOf<T>(shape: Shape<T>, tree: Tree, path: readonly string[] = []): readonly Case<T>[] {
  const cases: Case<T>[] = [];
  const words = new Words(tree);
  let most = 1;
  for (let i = 0; i < Math.min(most, MOST_CASES); i++) {
    const choice = new Choice(i, words);
    const value = supposed(shape, tree, choice, path) as T;
    most = Math.max(most, choice.most);
    cases.push({ value, invented: choice.invented.map(pathText) });
  }
  return cases;
}

/** Both at once; every case of each is in one of the pairs. */
export function pairs<A, B>(as: readonly Case<A>[], bs: readonly Case<B>[]): readonly Case<readonly [A, B]>[] {
  return Array.from({ length: Math.max(as.length, bs.length) }, (_, i) => {
    const [a, b] = [as[i % as.length], bs[i % bs.length]];
    return a && b ? [{ value: [a.value, b.value] as const, invented: [...a.invented, ...b.invented] }] : [];
  }).flat();
}

/** What is said in every case, of what is really there. */
export function saidOfAll<T>(cases: readonly Case<T>[], say: (value: T) => readonly Problem[]): readonly Problem[] {
  let said: readonly Problem[] | undefined;
  for (const { value, invented } of cases) {
    const now = invented.length === 0 ? say(value) : sayOfInvented(value, say);
    const real = now.filter(({ path }) => !invented.some(place => isInside(path, place)));
    const keys = new Set(real.map(keyOf));
    said = said ? said.filter(problem => keys.has(keyOf(problem))) : real;
    if (said.length === 0) return said;
  }
  return said ?? [];
}

/** A rule trusts that every value is right by itself; of one that is not it has nothing to say, however it comes to that. */
function sayOfInvented<T>(value: T, say: (value: T) => readonly Problem[]): readonly Problem[] {
  try {
    return say(value);
  } catch {
    return [];
  }
}

const isInside = (path: string, place: string): boolean =>
  path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
const keyOf = ({ severity, path, message, hint = '' }: Problem): string => [severity, path, message, hint].join('\n');

/** The `number`th of what may be in each place. */
class Choice implements Suppose {
  readonly invented: (readonly (string | number)[])[] = [];
  /** As many may be in one place. */
  most = 1;

  constructor(
    private readonly number: number,
    private readonly words: Words,
  ) {}

  wrong(shape: Shape, tree: Tree | undefined, path: readonly (string | number)[], isOptional: boolean): unknown {
    const meant = tree ? this.meant(shape, tree, path) : [];
    return this.one([...(isOptional ? [NONE] : []), ...meant, ...this.samples(shape, path)], path);
  }

  misspelled(names: readonly string[], path: readonly (string | number)[]): string | undefined {
    this.invented.push(...names.map(name => [...path, name]));
    this.most = Math.max(this.most, names.length + 1);
    return names[(this.number % (names.length + 1)) - 1];
  }

  private one(all: readonly unknown[], path: readonly (string | number)[]): unknown {
    this.invented.push(path);
    // Two at least: no rule says the same of two texts that nobody wrote.
    this.most = Math.max(this.most, 2 * all.length, 2);
    return all.length === 0 ? NONE : all[this.number % all.length];
  }

  /** What a person who wrote this may have wanted to write. */
  private meant(shape: Shape, tree: Tree, path: readonly (string | number)[]): readonly unknown[] {
    switch (shape.kind) {
      case 'text':
        return tree.kind === 'scalar' && !shape.oneOf ? [tree.text, ...(shape.perhaps?.(tree.text) ?? [])] : [];
      case 'integer': {
        const number = tree.kind === 'scalar' && tree.text !== '' ? Number(tree.text) : Number.NaN;
        return Number.isFinite(number) ? [number] : [];
      }
      case 'list': {
        const items = tree.kind === 'list' ? tree.items : [tree];
        const values = items.map((item, i) => supposed(shape.of, item, this, [...path, i]));
        return [values.filter(value => value !== NONE)];
      }
      case 'mapping':
      case 'dictionary':
        return tree.kind === 'list' ? [supposed(shape, asMapping(tree.items, tree), this, path)] : [];
      case 'either':
        return shape.of.flatMap(of => this.meant(of, tree, path));
      case 'boolean':
      case 'anything':
        return [];
    }
  }

  /** Each thing it may be, or some of them. */
  private samples(shape: Shape, path: readonly (string | number)[]): readonly unknown[] {
    switch (shape.kind) {
      case 'text': {
        // Nobody else has written the first of them.
        return shape.oneOf ?? [`text ${this.number} of ${pathText(path)}`, ...this.words.of(shape)];
      }
      case 'integer':
        return [shape.min, shape.max];
      case 'boolean':
        return [true, false];
      case 'list':
        return this.lists(this.samples(shape.of, [...path, 0]));
      case 'mapping':
        return [supposed(shape, nothingIn, this, path), this.everything(shape, path)];
      case 'dictionary':
        return [
          {},
          Object.fromEntries(
            this.words.of(shape.key).map(word => [word, this.nth(this.samples(shape.value, [...path, word]))]),
          ),
        ];
      case 'either':
        return shape.of.flatMap(of => this.samples(of, path));
      case 'anything':
        return [];
    }
  }

  /** None, all, each alone. */
  private lists(items: readonly unknown[]): readonly unknown[] {
    return [[], items, ...items.map(item => [item])];
  }

  /** A mapping with every key it may have. */
  private everything({ fields }: MappingShape, path: readonly (string | number)[]): unknown {
    const entries = Object.entries(fields).filter(([, { unsupported }]) => unsupported === undefined);
    const values = entries.map(([name, { shape }]) => [name, this.nth(this.samples(shape, [...path, name]))] as const);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
  }

  private nth(all: readonly unknown[]): unknown {
    // Slower than what it stands in, so that all of both come together.
    return all[(this.number >> 1) % Math.max(all.length, 1)];
  }
}

/** The texts of a document: what others name is probably among what is wrong. */
class Words {
  private all: readonly string[] | undefined;
  private readonly fitting = new Map<Shape, readonly string[]>();

  constructor(private readonly tree: Tree) {}

  /** Those that a shape takes. */
  of(shape: TextShape): readonly string[] {
    const known = this.fitting.get(shape);
    if (known) return known;
    this.all ??= [...new Set(textsOf(this.tree))].slice(0, MOST_WORDS);
    const { pattern, refuse, perhaps, maxLength = 1000 } = shape;
    const fitting = this.all.filter(
      text => text.length <= maxLength && pattern?.test(text) !== false && refuse?.(text) === undefined,
    );
    const more = perhaps ? ['', ...this.all].flatMap(perhaps) : [];
    const found = [...new Set([...more, ...fitting])];
    this.fitting.set(shape, found);
    return found;
  }
}

const textsOf = (tree: Tree): readonly string[] => {
  // `LABEL=data` names "data".
  if (tree.kind === 'scalar') return [tree.text, ...tree.text.split(/[\s=,]+/, 20)];
  if (tree.kind === 'list') return tree.items.flatMap(textsOf);
  return [...tree.entries].flatMap(([key, { value }]) => [key, ...textsOf(value)]);
};

const nothingIn: Tree = {
  kind: 'mapping',
  entries: new Map(),
  at: { page: new Page({ source: 'defaults', location: '', document: 'user-data' }, ''), offset: 0 },
};

/** `- eth0: {…}` where `eth0: {…}` is meant. */
function asMapping(items: readonly Tree[], { at }: Tree): Tree {
  const entries = new Map<string, Entry>();
  for (const item of items)
    if (item.kind === 'mapping') for (const [key, entry] of item.entries) entries.set(key, entry);
  return { kind: 'mapping', entries, at };
}
