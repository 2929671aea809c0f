import { globPattern } from '../tree.ts';
import type { FinishingStep } from './step.ts';

const folder = 'usr/lib/firmware';

export const firmware: FinishingStep = {
  name: 'firmware',
  why: 'firmware packages hold what hundreds of drivers ask for: only what the kept kernel modules may ask for stays',
  apply(tree, { firmware: asked, dropped }) {
    const patterns = asked.map(name => globPattern(`${folder}/${name}`));
    const kept = new Set<string>();
    for (const node of tree.under(folder)) {
      if (node.type === 'directory' || !patterns.some(pattern => pattern.test(node.path))) continue;
      kept.add(node.path);
      const target = tree.resolve(node.path);
      if (target) kept.add(target.path);
    }
    const removed: string[] = [];
    // Folders come before what is in them, so from the end: each is empty by then, or stays.
    for (const node of [...tree.under(folder)].reverse()) {
      const stays = node.type === 'directory' ? tree.children(node.path).length > 0 : kept.has(node.path);
      if (!stays) removed.push(...tree.remove(node.path).map(gone => `/${gone.path}`));
    }
    if (removed.length > 0) dropped.set('firmware', removed);
  },
};
