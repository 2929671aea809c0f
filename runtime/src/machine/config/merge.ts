/**
 * The documents of several sources as one: mappings are merged key by key, lists and scalars are taken whole, and the stronger source
 * wins. Every value keeps its place, so that a person is sent to the file it stands in.
 */
import { namesOf } from './check.ts';
import type { Shape } from './shape.ts';
import type { Entry, Tree } from './tree.ts';

/** @param trees of the same document, the strongest source first. */
export function mergeTrees(trees: readonly Tree[], shape: Shape): Tree | undefined {
  const [first, ...weaker] = trees;
  if (!first) return undefined;
  return weaker.reduce((strong, weak) => merged(strong, weak, shape), first);
}

function merged(strong: Tree, weak: Tree, shape: Shape | undefined): Tree {
  if (strong.kind !== 'mapping' || weak.kind !== 'mapping') return strong;
  const inside = insideOf(shape);
  const entries = new Map<string, Entry>(strong.entries);
  // What a key is called in the stronger source, whichever of its spellings is used.
  const spelled = new Map<string, string>();
  for (const key of strong.entries.keys()) spelled.set(inside.name(key), key);
  for (const [key, entry] of weak.entries) {
    const name = inside.name(key);
    const as = spelled.get(name);
    const known = as === undefined ? undefined : strong.entries.get(as);
    if (as === undefined || !known) entries.set(key, entry);
    else entries.set(as, { at: known.at, value: merged(known.value, entry.value, inside.of(name)) });
  }
  return { ...strong, entries };
}

interface Inside {
  name(key: string): string;
  of(name: string): Shape | undefined;
}

function insideOf(shape: Shape | undefined): Inside {
  if (shape?.kind === 'mapping') {
    const names = namesOf(shape.fields);
    return { name: key => names.get(key) ?? key, of: name => shape.fields[name]?.shape };
  }
  if (shape?.kind === 'either') return insideOf(shape.of.find(of => of.kind === 'mapping' || of.kind === 'dictionary'));
  return { name: key => key, of: () => (shape?.kind === 'dictionary' ? shape.value : undefined) };
}
