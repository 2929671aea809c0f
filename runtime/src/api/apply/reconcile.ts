/** Sets written when a type was another: fields that have become atomic since are owned as one (upstream: `reconcile_schema.go`). */
import { emptySet, type FieldSet, isEmptySet, nodeOf, SELF } from './fieldSet.ts';
import { deducedView, type TypeView } from './types.ts';

/** Sets that are as they are to be: most stay with their objects for long. */
const reconciled = new WeakMap<FieldSet, TypeView>();

/** The set as the type is now; the same one where nothing has to change. */
export function reconcileSet(set: FieldSet, view: TypeView): FieldSet {
  if (reconciled.get(set) === view) return set;
  const next = reconcileNode(set, view) ?? emptySet;
  if (next === set && set !== emptySet) reconciled.set(set, view);
  return next;
}

/** @param node with something below it. */
function reconcileNode(node: FieldSet, view: TypeView): FieldSet | undefined {
  let children: Record<string, FieldSet> | undefined;
  for (const key in node) {
    if (key === SELF) continue;
    const inner = node[key] ?? emptySet;
    if (isEmptySet(inner)) continue;
    const type = typeBelow(view, key);
    if (!type) continue;
    const next = isAtomic(type) ? emptySet : reconcileNode(inner, type);
    if (next === inner || next === undefined) continue;
    children ??= { ...node };
    children[key] = next;
  }
  if (!children) return node;
  const { [SELF]: self, ...rest } = children;
  return nodeOf(rest, self !== undefined);
}

/** Maps of anything have no markers to follow. */
const isDeduced = (view: TypeView): boolean =>
  view.map !== undefined &&
  view.map.fields.size === 0 &&
  (view.map.element === deducedView || view.map.element?.name === 'untyped');

function typeBelow(view: TypeView, key: string): TypeView | undefined {
  if (isDeduced(view)) return undefined;
  if (view.map) {
    if (!key.startsWith('f:')) return view.map.element;
    return view.map.fields.get(key.slice(2))?.type ?? view.map.element;
  }
  return view.list?.element;
}

const isAtomic = (view: TypeView): boolean =>
  view.map ? view.map.atomic && !isDeduced(view) : view.scalar === undefined && view.list?.atomic === true;
