import { globPattern } from '../tree.ts';
import type { FinishingStep } from './step.ts';

export const trim: FinishingStep = {
  name: 'trim',
  why: 'rootfs/trim.yaml: what a node never uses',
  apply(tree, { trim: rules, dropped }) {
    for (const rule of rules) {
      const remove = rule.remove.map(globPattern);
      const keep = rule.keep.map(globPattern);
      const paths: string[] = [];
      for (const node of tree.list()) {
        const path = `/${node.path}`;
        if (
          !tree.has(node.path) ||
          !remove.some(pattern => pattern.test(path)) ||
          keep.some(pattern => pattern.test(path))
        )
          continue;
        const kept =
          node.type === 'directory' &&
          tree.under(node.path).some(child => keep.some(pattern => pattern.test(`/${child.path}`)));
        if (!kept) paths.push(...tree.remove(node.path).map(removed => `/${removed.path}`));
      }
      dropped.set(rule.name, paths);
    }
  },
};
