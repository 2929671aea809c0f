import { readElf } from '../../formats/elf.ts';
import { symbolNames, withoutExports } from '../../formats/elf-exports.ts';
import type { RootFile } from '../tree.ts';
import { findLibrary } from './libraries.ts';
import type { FinishingStep } from './step.ts';

/** Smaller programs have little to lose. */
const leastBytes = 8 * 1024 ** 2;

export const unusedExports: FinishingStep = {
  name: 'unused exports',
  why: 'Go’s linker exports every function of a program with cgo: 9 MB of compressed names that no library asks for',
  async apply(tree, { architecture }) {
    const names = new Map<RootFile, ReadonlySet<string>>();
    for (const node of tree.list()) {
      if (node.type !== 'file' || node.sizeBytes < leastBytes || (node.mode & 0o111) === 0) continue;
      const content = await node.read();
      const known = new Set<string>();
      for (const soname of readElf(content)?.needed ?? []) {
        const library = findLibrary(tree, soname, architecture.multiarch, node.path);
        if (!library) continue;
        if (!names.has(library)) names.set(library, symbolNames(await library.read()));
        for (const name of names.get(library) ?? []) known.add(name);
      }
      const smaller = withoutExports(content, known);
      if (smaller) tree.add({ ...node, sizeBytes: smaller.length, read: async () => smaller });
    }
  },
};
