/**
 * A document as a tree of values with places. Nothing in it is trusted: size, depth, number of values and what anchors expand
 * to are bounded before they cost anything, and every problem is told at once.
 *
 * YAML 1.2's core schema is read, and `<<` as YAML 1.1 and cloud-init know it. JSON is YAML.
 */
import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, type Node, Parser } from 'yaml';
import { syntaxProblem } from './documentSyntax.ts';
import { textOf } from './documentText.ts';
import { type Entry, type Page, quoted, type Spot, type Tree } from './tree.ts';
import type { Place, Problem } from './types.ts';

const MAX_DEPTH = 64;
/** Values of a document when all anchors are expanded. */
const MAX_VALUES = 20_000;
/** Characters of a document when all anchors are expanded. */
const MAX_EXPANDED = 4 * 1024 * 1024;
/** What the lexer may give: a line has about six. */
const MAX_LEXEMES = 100_000;
/** Syntax errors after the first are mostly its consequences. */
const MAX_SYNTAX_PROBLEMS = 3;

export interface ReadDocument {
  /** Absent where the document cannot be read, and where it holds nothing. Of keys that are there twice it has the first. */
  readonly tree?: Tree;
  readonly page?: Page;
  readonly problems: readonly Problem[];
}

export function readDocument(bytes: Buffer, from: Omit<Place, 'line' | 'column'>): ReadDocument {
  const read = textOf(bytes, from);
  if ('problem' in read) return { problems: [read.problem] };
  return { page: read.page, ...treeOf(read.page) };
}

type Outcome = Pick<ReadDocument, 'tree' | 'problems'>;

function treeOf(page: Page): Outcome {
  const tokens = tokensOf(page);
  if (!Array.isArray(tokens)) return { problems: [tokens] };
  let documents: Document.Parsed[];
  try {
    const composer = new Composer({ version: '1.2', schema: 'failsafe', uniqueKeys: false, prettyErrors: false });
    documents = [...composer.compose(tokens, true, page.text.length)] as Document.Parsed[];
  } catch (error) {
    return { problems: [problemAt(page, 0, `cannot be read as YAML: ${String(error)}`)] };
  }
  const errors = documents.flatMap(document => document.errors);
  if (errors.length > 0) {
    const seen = new Set<string>();
    const problems: Problem[] = [];
    for (const error of errors.sort((a, b) => a.pos[0] - b.pos[0])) {
      const problem = syntaxProblem(page, error);
      const key = `${problem.place?.line}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (problems.push(problem) === MAX_SYNTAX_PROBLEMS) break;
    }
    return { problems };
  }
  const [first, second] = documents.filter(document => document.contents !== null);
  if (second)
    return {
      problems: [
        problemAt(
          page,
          second.range[0],
          'holds a second document: a configuration is one',
          'remove the line "---" and everything under it, or put it into the first',
        ),
      ],
    };
  if (!first?.contents) return { problems: [] };
  return new Reader(page).read(first.contents);
}

/** Lexed and parsed piece by piece, so that nesting without end is noticed before it is built. */
function tokensOf(page: Page): CST.Token[] | Problem {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(page.text)) {
    if (++lexemes > MAX_LEXEMES)
      return problemAt(
        page,
        parser.offset,
        'is too long: too many lines and values',
        'keep a configuration to some thousand lines',
      );
    for (const token of parser.next(lexeme)) tokens.push(token);
    // A level of a block takes two places of the stack.
    if (parser.stack.length > 2 * MAX_DEPTH) return tooDeep(page, parser.offset);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function problemAt(page: Page, offset: number, message: string, hint?: string): Problem {
  const place = page.place(offset);
  return { severity: 'error', place, path: '', message, ...(hint === undefined ? {} : { hint }) };
}

const tooDeep = (page: Page, offset: number): Problem =>
  problemAt(page, offset, `is nested deeper than ${MAX_DEPTH} levels`);

/** What a part of the tree comes to with all its anchors expanded. */
interface Weight {
  readonly depth: number;
  readonly values: number;
  readonly characters: number;
}
const LIGHT: Weight = { depth: 1, values: 1, characters: 0 };
interface Weighed extends Weight {
  readonly tree: Tree;
}

/** Stops at what would make going on pointless. */
class Unreadable extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

const STANDARD = 'tag:yaml.org,2002:';

class Reader {
  private readonly problems: Problem[] = [];
  /** The last value each anchor was given; undefined while that value is being read. */
  private readonly anchors = new Map<string, Weighed | undefined>();

  constructor(private readonly page: Page) {}

  read(node: Node): Outcome {
    try {
      const { tree } = this.value(node);
      return { tree, problems: this.problems };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { problems: [...this.problems, error.problem] };
    }
  }

  private value(node: Node | null, fallback = 0): Weighed {
    const offset = node?.range?.[0] ?? fallback;
    const at = this.spot(offset);
    if (node === null) return { tree: { kind: 'scalar', text: '', plain: true, at }, ...LIGHT };
    if (isAlias(node)) return this.alias(node.source, offset);
    const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, undefined);
    const read = this.content(node, at);
    if (read.depth > MAX_DEPTH) throw new Unreadable(tooDeep(this.page, offset));
    if (read.values > MAX_VALUES || read.characters > MAX_EXPANDED) throw new Unreadable(this.tooMuch(offset));
    if (anchor !== undefined) this.anchors.set(anchor, read);
    return read;
  }

  private content(node: Node, at: Spot): Weighed {
    if (isMap(node)) {
      this.tag(node, 'map', at);
      return this.mapping(node.items as readonly YamlPair[], at);
    }
    if (isSeq(node)) {
      this.tag(node, 'seq', at);
      const items: Tree[] = [];
      let weight: Weight = LIGHT;
      for (const item of node.items as readonly (Node | null)[]) {
        const read = this.value(item, at.offset);
        items.push(read.tree);
        weight = plus(weight, read);
      }
      return { tree: { kind: 'list', items, at }, ...weight };
    }
    const text = isScalar(node) ? String((node.type === 'PLAIN' ? node.source : node.value) ?? '') : '';
    const tag = this.scalarTag(node, at);
    const plain = isScalar(node) && node.type === 'PLAIN' && tag !== 'str';
    return {
      tree: {
        kind: 'scalar',
        text,
        plain: plain || (tag !== undefined && tag !== 'str'),
        ...(tag === 'unknown' ? { isUnknown: true } : {}),
        at,
      },
      ...LIGHT,
      characters: text.length,
    };
  }

  private mapping(items: readonly YamlPair[], at: Spot): Weighed {
    const entries = new Map<string, Entry>();
    const inherited: ReadonlyMap<string, Entry>[] = [];
    let weight: Weight = LIGHT;
    let last = at.offset;
    for (const { key, value } of items) {
      const keyAt = this.spot(key?.range?.[0] ?? last);
      const name = this.key(key, keyAt);
      const read = this.value(value, key?.range?.[1] ?? keyAt.offset);
      last = value?.range?.[1] ?? keyAt.offset;
      weight = plus(weight, read);
      if (name === undefined) continue;
      if (name === '<<' && isScalar(key) && key.type === 'PLAIN') {
        inherited.push(...this.merged(read.tree, keyAt));
        continue;
      }
      const twice = entries.get(name);
      if (twice)
        this.problem(
          keyAt,
          `the key ${quoted(name)} is here twice: first in line ${this.page.place(twice.at.offset).line}`,
          'keep one of them',
        );
      else entries.set(name, { at: keyAt, value: read.tree });
    }
    for (const more of inherited) {
      for (const [name, entry] of more) if (!entries.has(name)) entries.set(name, entry);
    }
    return { tree: { kind: 'mapping', entries, at }, ...weight };
  }

  private key(key: Node | null, at: Spot): string | undefined {
    if (isScalar(key)) {
      const name = String((key.type === 'PLAIN' ? key.source : undefined) ?? key.value ?? '');
      if (key.anchor !== undefined) this.anchors.set(key.anchor, this.weighedText(name, at));
      if (name !== '') return name;
      this.problem(at, 'a key is missing before the colon');
    } else if (isAlias(key)) {
      const { tree } = this.alias(key.source, at.offset);
      if (tree.kind === 'scalar') return tree.text;
      this.problem(at, `a key must be text, not a ${tree.kind}`);
    } else if (key === null) this.problem(at, 'a key is missing before the colon');
    else
      this.problem(
        at,
        `a key must be text, not a ${isMap(key) ? 'mapping' : 'list'}`,
        isMap(key) ? 'put text that starts with "{" in quotes' : 'put text that starts with "[" in quotes',
      );
    return undefined;
  }

  private weighedText(text: string, at: Spot): Weighed {
    return { tree: { kind: 'scalar', text, plain: true, at }, ...LIGHT, characters: text.length };
  }

  /** https://yaml.org/type/merge.html: what stands in the mapping itself wins, then the first. */
  private merged(tree: Tree, at: Spot): ReadonlyMap<string, Entry>[] {
    const parts = tree.kind === 'list' ? tree.items : [tree];
    const found = parts.flatMap(part => (part.kind === 'mapping' ? [part.entries] : []));
    if (found.length !== parts.length)
      this.problem(at, 'the key "<<" takes a mapping or a list of mappings', 'write: <<: *name');
    return found;
  }

  private alias(name: string, offset: number): Weighed {
    const known = this.anchors.get(name);
    if (known) return known;
    const at = this.spot(offset);
    if (this.anchors.has(name))
      throw new Unreadable(
        problemAt(this.page, offset, `*${name} stands inside of what &${name} names: that never ends`),
      );
    this.problem(at, `*${name} names nothing: no &${name} stands before it`, 'put text that starts with "*" in quotes');
    return { tree: { kind: 'scalar', text: '', plain: true, isUnknown: true, at }, ...LIGHT };
  }

  /** Only YAML's own tags; what a tag makes of a value is what the value is anyway. */
  private tag(node: Node, own: string, at: Spot): string | undefined {
    const tag = 'tag' in node && typeof node.tag === 'string' ? node.tag : undefined;
    if (tag === undefined || tag === `${STANDARD}${own}` || tag === '!') return undefined;
    const short = tag.startsWith(STANDARD) ? `!!${tag.slice(STANDARD.length)}` : tag;
    this.problem(
      at,
      `the tag ${quoted(short)} is not known here`,
      short === '!!binary'
        ? 'use the key encoding: b64 of write_files'
        : 'remove it; put text that starts with "!" in quotes',
    );
    return tag;
  }

  private scalarTag(node: Node, at: Spot): string | undefined {
    const tag = 'tag' in node && typeof node.tag === 'string' ? node.tag : undefined;
    if (tag === undefined) return undefined;
    const known = ['str', 'int', 'bool', 'float', 'null'].find(name => tag === STANDARD + name);
    if (known === undefined && tag !== '!' && this.tag(node, 'str', at) !== undefined) return 'unknown';
    return known ?? 'str';
  }

  private tooMuch(offset: number): Problem {
    const expanded = this.anchors.size > 0;
    return problemAt(
      this.page,
      offset,
      `comes to more than ${MAX_VALUES} values or ${MAX_EXPANDED / 1024 / 1024} MiB${expanded ? ' when its anchors are expanded' : ''}`,
    );
  }

  private spot(offset: number): Spot {
    return { page: this.page, offset };
  }

  private problem(at: Spot, message: string, hint?: string): void {
    if (this.problems.length < 100) this.problems.push(problemAt(this.page, at.offset, message, hint));
  }
}

interface YamlPair {
  readonly key: Node | null;
  readonly value: Node | null;
}

const plus = (a: Weight, b: Weight): Weight => ({
  depth: Math.max(a.depth, b.depth + 1),
  values: a.values + b.values,
  characters: a.characters + b.characters,
});
