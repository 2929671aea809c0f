import { withoutUnwindTables } from '../../formats/elf-unwind.ts';
import type { FinishingStep } from './step.ts';

/** Smaller libraries have little to lose. */
const leastBytes = 8 * 1024 ** 2;

export const unwindTables: FinishingStep = {
  name: 'unwind tables',
  why: 'libnode is built without exceptions: 1.1 MB of compressed tables for native stack traces; those of JavaScript need none',
  async apply(tree) {
    for (const node of tree.list()) {
      if (node.type !== 'file' || node.sizeBytes < leastBytes) continue;
      const smaller = withoutUnwindTables(await node.read());
      if (smaller) tree.add({ ...node, sizeBytes: smaller.length, read: async () => smaller });
    }
  },
};
