/**
 * Reads a configuration file that a person has written, YAML or JSON: every mistake is found, and named with its line.
 * What such a file may say is in the classes that extend {@link ConfigReader}.
 */
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigFileError } from './configFileError.ts';

export class ConfigReader {
  protected readonly top: Node | null;
  readonly #document: Document;
  readonly #lines = new LineCounter();
  readonly #errors: { readonly line: number; readonly what: string }[] = [];

  /** @param path for messages only. @throws ConfigFileError for what is no YAML. */
  constructor(
    text: string,
    protected readonly path: string,
    private readonly hint: string,
  ) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    this.top = this.#document.contents as Node | null;
    for (const { pos, message } of this.#document.errors) this.wrong(pos[0], message.split('\n')[0] ?? message);
    this.throwIfWrong();
  }

  wrong(at: number | Node | null | undefined, what: string): void {
    const offset = typeof at === 'number' ? at : (at?.range?.[0] ?? 0);
    this.#errors.push({ line: this.#lines.linePos(offset).line || 1, what });
  }

  throwIfWrong(): void {
    if (this.#errors.length === 0) return;
    const inOrder = this.#errors.sort((a, b) => a.line - b.line);
    throw this.error(inOrder.map(({ line, what }) => `${this.path}:${line}: ${what}`).join('\n'));
  }

  protected error(message: string): Error {
    return new ConfigFileError(message, this.hint);
  }

  map(node: Node | null | undefined, known: readonly string[]): Map<string, Node> {
    const fields = new Map<string, Node>();
    if (!isMap(node)) {
      this.wrong(node, `must be an object with the fields ${known.join(', ')}`);
      return fields;
    }
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const name = String(pair.key.value);
      if (!known.includes(name)) this.wrong(pair.key, `unknown field ${name}; there are ${known.join(', ')}`);
      else if (pair.value !== null) fields.set(name, pair.value as Node);
    }
    return fields;
  }

  items(node: Node | undefined, name: string): Node[] {
    if (node === undefined || isNothing(node)) return [];
    if (isSeq(node)) return node.items as Node[];
    this.wrong(node, `${name}: must be a list`);
    return [];
  }

  texts(node: Node | undefined, name: string): string[] {
    return this.items(node, name).flatMap(item => {
      const text = textOf(item);
      if (text === undefined) this.wrong(item, `${name}: ${shown(item)} is no text`);
      return text === undefined ? [] : [text];
    });
  }

  /** Undefined where it is not there. */
  text(node: Node | undefined, name: string): string | undefined {
    if (node === undefined || isNothing(node)) return undefined;
    const text = textOf(node);
    if (text === undefined) this.wrong(node, `${name}: ${shown(node)} is no text`);
    return text;
  }

  /** A whole number that is not below `min`; undefined where it is not there, or wrong. */
  integer(node: Node | undefined, name: string, min: number): number | undefined {
    if (node === undefined || isNothing(node)) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
    this.wrong(node, `${name}: ${shown(node)}: must be a whole number, at least ${min}`);
    return undefined;
  }

  oneOf<T extends string>(node: Node | undefined, name: string, known: readonly T[]): T[] {
    return this.items(node, name).flatMap(item => this.choice(item, name, known) ?? []);
  }

  choice<T extends string>(node: Node | undefined, name: string, known: readonly T[]): T | undefined {
    const found = known.find(value => value === textOf(node));
    if (!found) this.wrong(node, `${name}: ${shown(node)}: must be one of ${known.join(', ')}`);
    return found;
  }

  flag(node: Node | undefined, name: string): boolean | undefined {
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.wrong(node, `${name}: must be true or false`);
    return undefined;
  }

  /** @param values several where older versions are good too. */
  mustBe(fields: ReadonlyMap<string, Node>, at: Node | null, name: string, ...values: readonly string[]): void {
    const node = fields.get(name);
    if (!values.includes(textOf(node) ?? '')) this.wrong(node ?? at, `${name}: ${shown(node)}: must be ${values[0]}`);
  }
}

export const textOf = (node: Node | null | undefined): string | undefined =>
  isScalar(node) && typeof node.value === 'string' ? node.value : undefined;

export const shown = (node: Node | undefined): string => (node === undefined ? 'it is missing' : JSON.stringify(node));

const isNothing = (node: Node): boolean => isScalar(node) && node.value === null;
