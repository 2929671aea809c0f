/** FieldsV1 as a client sent it, made a set in the one form that {@link FieldSet} promises. */
import { canonicalElement } from './elements.ts';
import { emptySet, type FieldSet, nodeOf, SELF, union } from './fieldSet.ts';

/** Deeper than any type is; sets recurse. */
const MAX_DEPTH = 200;

/** @throws Error saying what is no set of fields. */
export function parseFieldsV1(value: unknown): FieldSet {
  if (value === undefined || value === null) return emptySet;
  return parseNode(value, 0).children;
}

/** @returns what is below a place, and whether the place itself is meant. */
function parseNode(value: unknown, depth: number): { readonly children: FieldSet; readonly member: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('ReadMapCB: expect { or n, but found something else');
  if (depth > MAX_DEPTH) throw new Error(`fields are nested more than ${MAX_DEPTH} levels deep`);
  const children: Record<string, FieldSet> = {};
  let member = false;
  for (const [key, inner] of Object.entries(value)) {
    if (key === SELF) {
      member = true;
      continue;
    }
    const element = canonicalElement(key);
    if (element === undefined) continue;
    const parsed = parseNode(inner, depth + 1);
    const node = nodeOf({ ...parsed.children }, parsed.member);
    if (!node) continue;
    const known = children[element];
    children[element] =
      known === undefined ? node : (union({ [element]: known }, { [element]: node })[element] ?? node);
  }
  const node = nodeOf(children, false) ?? emptySet;
  return { children: node, member: member || Object.keys(children).length === 0 };
}
