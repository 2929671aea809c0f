/** The order of a merged list: the patch's own elements as the patch has them, the others where they stood. */
import { isObject } from './mergePatch.ts';

export type Elements = unknown[];

/** What identifies an element: the value itself, or its merge key's. */
export function keyOf(element: unknown, mergeKey: string): unknown {
  return mergeKey !== '' && isObject(element) ? element[mergeKey] : element;
}

/**
 * `wanted` orders the elements it names; the rest keep their places relative to each other and, where both are known
 * there, stand before a wanted one that they preceded in `before`.
 */
export function inOrder(
  list: readonly unknown[],
  wanted: readonly unknown[],
  before: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const positions = (of: readonly unknown[]): Map<unknown, number> => {
    const map = new Map<unknown, number>();
    for (const [i, element] of of.entries()) {
      const key = keyOf(element, mergeKey);
      if (!map.has(key)) map.set(key, i);
    }
    return map;
  };
  const wantedAt = positions(wanted);
  const beforeAt = positions(before);
  const place = (map: Map<unknown, number>, element: unknown): number =>
    map.get(keyOf(element, mergeKey)) ?? Number.MAX_SAFE_INTEGER;
  const named = list.filter(e => wantedAt.has(keyOf(e, mergeKey)));
  const others = list.filter(e => !wantedAt.has(keyOf(e, mergeKey)));
  named.sort((a, b) => place(wantedAt, a) - place(wantedAt, b));
  others.sort((a, b) => place(beforeAt, a) - place(beforeAt, b));
  const result: unknown[] = [];
  let i = 0;
  for (const element of named) {
    const at = beforeAt.get(keyOf(element, mergeKey));
    while (i < others.length) {
      const other = beforeAt.get(keyOf(others[i], mergeKey));
      if (at === undefined || other === undefined || other >= at) break;
      result.push(others[i++]);
    }
    result.push(element);
  }
  return [...result, ...others.slice(i)];
}
