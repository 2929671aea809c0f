/** The kinds that have something of their own, by group and kind. */
import type { KindModule } from './kind.ts';

const modules: readonly KindModule[] = [];

const byName = new Map<string, KindModule>();
for (const module of modules) {
  byName.set(`${module.group}/${module.kind}/${module.version}`, module);
  byName.set(`${module.group}/${module.kind}`, byName.get(`${module.group}/${module.kind}`) ?? module);
}

/** The module of a kind, of that version where one is asked for. `undefined`: everything about the kind is generic. */
export function kindModule(group: string, kind: string, version?: string): KindModule | undefined {
  return byName.get(version === undefined ? `${group}/${kind}` : `${group}/${kind}/${version}`);
}
