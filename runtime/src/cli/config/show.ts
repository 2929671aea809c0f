/** `atoll config show`: what counts, of all sources, as YAML or JSON; secrets only where they are asked for. */
import { stringify } from 'yaml';
import { type ReadConfiguration, readConfig } from '../../machine/config/read.ts';
import { documentShapes } from '../../machine/config/schema.ts';
import { fieldShape, isCovered, itemShape } from '../../machine/config/secrets.ts';
import type { Shape } from '../../machine/config/shape.ts';
import { readConfigStatus } from '../../machine/config/status.ts';
import { coveredUrls, placeOf, plainValue, type Spot, scalarKind, type Tree } from '../../machine/config/tree.ts';
import { documentNames, type SourceDocuments } from '../../machine/config/types.ts';
import type { CommandContext } from '../command.ts';
import { UsageError } from '../command.ts';
import { namedDocuments, nodeDocuments } from './documents.ts';
import { coloursOf, placeText, problemText } from './problems.ts';
import { outputOf } from './validate.ts';

export const COVERED = '(secret)';

export function show({ values, rest, stdout }: CommandContext): number {
  const [file, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll config show takes one file or folder; "${more[0]}" was given, too`);
  const output = outputOf(values.optional('output') ?? values.optional('o'), ['json', 'yaml']);
  const named = file === undefined ? nodeDocuments(values.one('config-dir')) : namedDocuments(file);
  if (!named) {
    stdout(
      output === 'json'
        ? '{"sources":[]}\n'
        : '# No configuration: the defaults count. This node is a cluster of its own, with DHCP.\n',
    );
    return 0;
  }
  const read = readConfig(named.sources);
  const wanted = { secrets: values.has('secrets'), sources: values.has('sources') };
  // Of a file somebody names, nothing has been put in force.
  const { failures = [] } = (file === undefined ? readConfigStatus() : undefined) ?? {};
  stdout(
    output === 'json'
      ? asJson(named.sources, read, wanted, failures)
      : `${failures.map(failure => `# Not done: ${failure}\n`).join('')}${asYaml(named.sources, read, wanted)}`,
  );
  if (read.config) return 0;
  const paint = coloursOf(process.stderr.isTTY === true, process.env);
  for (const problem of read.problems) process.stderr.write(problemText(problem, named.texts, paint));
  return 1;
}

interface Wanted {
  readonly secrets: boolean;
  readonly sources: boolean;
}

function asJson(
  sources: readonly SourceDocuments[],
  { trees, origins }: ReadConfiguration,
  wanted: Wanted,
  failures: readonly string[],
): string {
  const documents = Object.fromEntries(
    documentNames.flatMap(name => {
      const tree = trees[name];
      return tree ? [[name, shown(tree, documentShapes[name], wanted.secrets)]] : [];
    }),
  );
  const from = Object.fromEntries(
    documentNames.map(name => [
      name,
      Object.fromEntries(
        [...origins[name]].map(([path, { source, location, line, column }]) => [
          path,
          { source, location, line, column },
        ]),
      ),
    ]),
  );
  const listed = sources.map(({ source, location, documents: own }) => ({
    source,
    location,
    documents: Object.keys(own),
  }));
  const whole = {
    sources: listed,
    ...documents,
    ...(failures.length > 0 ? { failures } : {}),
    ...(wanted.sources ? { origins: from } : {}),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/** A value with its secrets covered. */
export function shown(tree: Tree, shape: Shape | undefined, secrets: boolean): unknown {
  if (!secrets && tree.kind === 'scalar' && isCovered(tree, shape)) return COVERED;
  if (tree.kind === 'scalar') {
    const value = shape ? scalarValue(tree, shape) : plainValue(tree);
    return typeof value === 'string' && !secrets ? coveredUrls(value) : value;
  }
  if (tree.kind === 'list') return tree.items.map(item => shown(item, itemShape(shape), secrets));
  return Object.fromEntries(
    [...tree.entries].map(([key, { value }]) => [key, shown(value, fieldShape(shape, key, tree), secrets)]),
  );
}

/** A number where text is meant stays as it is written. */
function scalarValue(tree: Extract<Tree, { kind: 'scalar' }>, shape: Shape): unknown {
  const isText = shape.kind === 'text' && scalarKind(tree) !== 'nothing';
  return isText ? tree.text : plainValue(tree);
}

function asYaml(sources: readonly SourceDocuments[], { trees }: ReadConfiguration, wanted: Wanted): string {
  const head = sources.map(
    ({ source, location, documents }) => `#   ${source.padEnd(8)}${location}: ${Object.keys(documents).join(', ')}\n`,
  );
  const parts = documentNames.flatMap(name => {
    const tree = trees[name];
    if (!tree) return [];
    const lines: Line[] = [];
    emit(tree, documentShapes[name], wanted, '', lines);
    const width = Math.min(60, Math.max(0, ...lines.map(({ text }) => text.length)));
    const body = lines.map(({ text, from }) =>
      from && wanted.sources ? `${text.padEnd(width)}  # ${placeText(placeOf(from))}` : text,
    );
    return [`# ${name}\n${body.join('\n')}\n`];
  });
  return `# From, the strongest first:\n${head.join('')}\n${parts.join('\n')}`;
}

interface Line {
  readonly text: string;
  readonly from?: Spot;
}

function emit(tree: Tree, shape: Shape | undefined, wanted: Wanted, indent: string, lines: Line[]): void {
  if (tree.kind === 'mapping') {
    for (const [key, { at, value }] of tree.entries) {
      const name = stringify(key, { lineWidth: 0 }).trimEnd();
      place(`${indent}${name}:`, value, fieldShape(shape, key, tree), { wanted, indent, at }, lines);
    }
    return;
  }
  if (tree.kind === 'list') {
    for (const item of tree.items) {
      const own: Line[] = [];
      if (item.kind === 'scalar' || isEmpty(item))
        place(`${indent}-`, item, itemShape(shape), { wanted, indent, at: item.at }, own);
      else emit(item, itemShape(shape), wanted, `${indent}  `, own);
      const [first, ...rest] = own;
      if (first) lines.push({ ...first, text: `${indent}-${first.text.slice(indent.length + 1)}` }, ...rest);
    }
    return;
  }
  lines.push({ text: `${indent}${scalarText(tree, shape, wanted, indent)}` });
}

interface Around {
  readonly wanted: Wanted;
  readonly indent: string;
  readonly at: Spot;
}

function place(start: string, value: Tree, shape: Shape | undefined, around: Around, lines: Line[]): void {
  const { wanted, indent, at } = around;
  if (value.kind === 'scalar' || isEmpty(value)) {
    const text =
      value.kind === 'scalar' ? scalarText(value, shape, wanted, indent) : value.kind === 'list' ? '[]' : '{}';
    const [first = '', ...rest] = text.split('\n');
    lines.push({ text: first === '' ? start : `${start} ${first}`, from: at }, ...rest.map(line => ({ text: line })));
    return;
  }
  lines.push({ text: start, from: at });
  emit(value, shape, wanted, `${indent}  `, lines);
}

const isEmpty = (tree: Tree): boolean =>
  tree.kind === 'list' ? tree.items.length === 0 : tree.kind === 'mapping' && tree.entries.size === 0;

function scalarText(tree: Tree, shape: Shape | undefined, { secrets }: Wanted, indent: string): string {
  const value = shown(tree, shape, secrets);
  if (value === null) return '';
  const text = stringify(value, { lineWidth: 0 }).trimEnd();
  return text
    .split('\n')
    .map((line, i) => (i === 0 || line === '' ? line : `${indent}  ${line}`))
    .join('\n');
}
