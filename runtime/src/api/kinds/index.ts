/** The kinds that have something of their own, by group and kind. */
import type { KindModule } from './kind.ts';

const modules: readonly KindModule[] = [];

const byName = new Map(modules.map(m => [`${m.group}/${m.kind}`, m]));

/** `undefined`: everything about the kind is generic. */
export function kindModule(group: string, kind: string): KindModule | undefined {
  return byName.get(`${group}/${kind}`);
}
