/** The words a value is refused with. */
import { nearest } from '../../lib/nearest.ts';
import type { EitherShape, Shape, TextShape } from './shape.ts';
import { inYaml11, printable, quoted, scalarKind, type Tree } from './tree.ts';

export const unavailable = (reason: string): string =>
  reason.startsWith('not yet: ')
    ? `is not available yet: ${reason.slice('not yet: '.length)}`
    : `is not available: ${reason}`;

export const hidden = ({ secret, quiet }: TextShape): boolean => secret === true || quiet === true;

/** A refused text and why in one sentence: `must be …, not "x"`, `"x" has …`, `"x": the key …`. */
export function refusal(text: string, why: string): string {
  if (/^must (?:(?![;:] ).)*$/.test(why)) return `${why}, not ${quoted(text)}`;
  return /^(?:is|has|names|stands|needs|must) /.test(why) ? `${quoted(text)} ${why}` : `${quoted(text)}: ${why}`;
}

export function nearestWord({ of }: EitherShape, tree: Tree): string | undefined {
  const words = of.flatMap(one => (one.kind === 'text' ? (one.oneOf ?? []) : []));
  const near = tree.kind === 'scalar' ? nearest(tree.text, words) : undefined;
  return near === undefined ? undefined : `did you mean ${quoted(near)}?`;
}

export function isSecret(shape: Shape): boolean {
  if (shape.kind === 'either') return shape.of.some(isSecret);
  if (shape.kind === 'list') return isSecret(shape.of);
  return shape.kind === 'text' && shape.secret === true;
}

/** Completes "must be …". */
export function wordsOf(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      if (shape.oneOf)
        return shape.oneOf.length === 1 ? quoted(shape.oneOf[0] ?? '') : `one of ${shape.oneOf.join(', ')}`;
      return shape.meaning ?? 'text';
    case 'integer':
      return shape.meaning === undefined
        ? `a whole number from ${shape.min} to ${shape.max}`
        : `${shape.meaning} from ${shape.min} to ${shape.max}`;
    case 'boolean':
      return shape.meaning ?? 'true or false';
    case 'list':
      return 'a list';
    case 'mapping':
    case 'dictionary':
      return 'a mapping';
    case 'either':
      return [...new Set(shape.of.map(wordsOf))].join(' or ');
    case 'anything':
      return 'anything';
  }
}

export function wordsOfTree(tree: Tree, secret: boolean): string {
  if (tree.kind !== 'scalar') return `a ${tree.kind}`;
  const kind = scalarKind(tree);
  if (kind === 'nothing') return 'nothing';
  if (secret) return kind === 'text' ? 'text' : `a ${kind === 'boolean' ? 'switch' : 'number'}`;
  if (kind === 'text') return quoted(tree.text);
  const short = tree.text.length > 40 ? `${tree.text.slice(0, 40)}…` : tree.text;
  return kind === 'boolean' ? short : `the number ${short}`;
}

export function kindHint(shape: Shape, tree: Tree): string | undefined {
  if (tree.kind === 'list' && (shape.kind === 'mapping' || shape.kind === 'dictionary'))
    return 'write "key: value", without "-" and brackets';
  const isOneValue = shape.kind !== 'either' && !(shape.kind === 'boolean' && shape.meaning !== undefined);
  if (tree.kind === 'list' && isOneValue) return 'remove the "-" or the brackets';
  if (tree.kind !== 'scalar') return undefined;
  const kind = scalarKind(tree);
  if (shape.kind === 'text') {
    if (kind === 'nothing') return 'give it a value';
    return shape.oneOf && !shape.oneOf.includes(tree.text) ? undefined : 'put it in quotes';
  }
  if (kind === 'nothing')
    return shape.kind === 'mapping' || shape.kind === 'dictionary' ? 'write {} for none' : undefined;
  if (shape.kind === 'list') {
    const isSeveral = /,\s/.test(tree.text) && tree.text.length <= 60 && !isSecret(shape);
    return isSeveral ? `write [${printable(tree.text)}]` : 'write it as an item: "- " before it';
  }
  if (tree.plain) return undefined;
  const bare = { ...tree, plain: true };
  const helps =
    (shape.kind === 'integer' && scalarKind(bare) === 'integer') ||
    (shape.kind === 'boolean' && (scalarKind(bare) === 'boolean' || /^(?:true|false)$/.test(inYaml11(bare) ?? '')));
  return helps ? 'remove the quotes' : undefined;
}
