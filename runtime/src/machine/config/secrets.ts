/**
 * What of a document nobody may see who only looks: by the declaration of its key, by what stands beside it, by what it holds. Says it
 * for `atoll config show` and `diff`, and for the lines that messages show.
 */
import { namesOf } from './check.ts';
import { isSecret } from './checkWords.ts';
import type { Shape } from './shape.ts';
import type { MappingTree, ScalarTree, Tree } from './tree.ts';

const secretText: Shape = { kind: 'text', secret: true };

/** The shape of what is under a key; undefined: nobody knows the key, or nobody takes it. */
export function fieldShape(shape: Shape | undefined, key: string, beside?: MappingTree): Shape | undefined {
  if (shape?.kind === 'anything') return shape;
  if (shape?.kind === 'mapping') {
    const name = namesOf(shape.fields).get(key) ?? '';
    const known = shape.fields[name];
    if (known?.secretBeside?.(sibling => textAt(beside, sibling)) === true) return secretText;
    return known?.unsupported === undefined ? known?.shape : undefined;
  }
  if (shape?.kind === 'dictionary') return shape.value;
  // One item without its dash.
  if (shape?.kind === 'list') return fieldShape(shape.of, key, beside);
  if (shape?.kind !== 'either') return inMistake(shape);
  const mapping = shape.of.find(({ kind }) => kind === 'mapping' || kind === 'dictionary');
  return mapping ? fieldShape(mapping, key, beside) : inMistake(shape.of[0]);
}

/** What stands in a mapping or a list where a text or a number is meant is as secret as that would be. */
function inMistake(shape: Shape | undefined): Shape | undefined {
  if (shape?.kind === 'text') return shape;
  return shape?.kind === 'integer' || shape?.kind === 'boolean' ? { kind: 'anything' } : undefined;
}

function textAt(tree: MappingTree | undefined, key: string): string | undefined {
  const value = tree?.entries.get(key)?.value;
  return value?.kind === 'scalar' ? value.text : undefined;
}

export function itemShape(shape: Shape | undefined): Shape | undefined {
  if (shape?.kind === 'anything') return shape;
  if (shape?.kind === 'list') return shape.of;
  if (shape?.kind !== 'either') return inMistake(shape);
  const list = shape.of.find(({ kind }) => kind === 'list');
  return list ? itemShape(list) : inMistake(shape.of[0]);
}

/** Whether a text is not to be seen. What stands under an unknown key may be a secret whose name is misspelled. */
export const isCovered = ({ text }: ScalarTree, shape: Shape | undefined): boolean =>
  !shape || isSecret(shape) || (shape.kind === 'text' && shape.secretIf?.(text) === true);

/** Every text of a tree that {@link isCovered}, and the offset after it. */
export function secretsOf(
  tree: Tree,
  shape: Shape | undefined,
): readonly { readonly secret: ScalarTree; readonly end: number }[] {
  const found: ScalarTree[] = [];
  const starts: number[] = [];
  const walk = (here: Tree, of: Shape | undefined): void => {
    starts.push(here.at.offset);
    if (here.kind === 'scalar') {
      if (isCovered(here, of)) found.push(here);
    } else if (here.kind === 'list') for (const item of here.items) walk(item, itemShape(of));
    else
      for (const [key, { at, value }] of here.entries) {
        starts.push(at.offset);
        walk(value, fieldShape(of, key, here));
      }
  };
  walk(tree, shape);
  starts.sort((a, b) => a - b);
  return found.map(secret => ({ secret, end: endOf(secret, starts) }));
}

/** Where a text ends in its page: what is written over lines ends where the next key or value begins, at the latest. */
function endOf({ text, plain, at }: ScalarTree, starts: readonly number[]): number {
  const { page, offset } = at;
  if (plain && page.text.startsWith(text, offset)) return offset + text.length;
  const quoted = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^']|'')*'/y;
  quoted.lastIndex = offset;
  const [whole] = quoted.exec(page.text) ?? [];
  if (whole !== undefined) return offset + whole.length;
  return starts.find(start => start > offset) ?? page.text.length;
}
