/**
 * Self-checks of the finished root: what would only show on the device is found here.
 */
import type { Architecture } from '../../boards.ts';
import { BuildError } from '../../errors.ts';
import { type ElfTarget, foreign } from '../../formats/elf.ts';
import type { RootTree } from '../tree.ts';
import { elfFiles, findLibrary } from './libraries.ts';
import type { FinishingStep } from './step.ts';

/** Programs and libraries whose needed libraries, interpreter or machine do not fit. */
export async function elfProblems(
  tree: RootTree,
  architecture: Pick<Architecture, keyof ElfTarget | 'multiarch'>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [node, facts] of await elfFiles(tree)) {
    const whatFor = foreign(facts, architecture);
    if (whatFor !== undefined) problems.push(`/${node.path} ${whatFor}`);
    if (facts.interpreter && !tree.resolve(facts.interpreter))
      problems.push(`/${node.path} wants the loader ${facts.interpreter}`);
    for (const soname of facts.needed) {
      if (!findLibrary(tree, soname, architecture.multiarch, node.path))
        problems.push(`/${node.path} needs ${soname}, which is not in the root`);
    }
  }
  return problems;
}

/** Scripts whose `#!` interpreter is not in the root. */
export async function shebangProblems(tree: RootTree): Promise<string[]> {
  const problems: string[] = [];
  for (const node of tree.list()) {
    if (node.type !== 'file' || (node.mode & 0o111) === 0 || node.sizeBytes > 1 << 20) continue;
    const match = /^#!\s*(\S+)(?:\s+(\S+))?/.exec((await node.read()).toString('latin1', 0, 128));
    if (!match) continue;
    const [, interpreter = '', argument] = match;
    const program = /\/env$/.test(interpreter) && argument ? `/usr/bin/${argument}` : interpreter;
    if (!tree.resolve(program)) problems.push(`/${node.path} is a script for ${program}, which is not in the root`);
  }
  return problems;
}

/** Links of enabled units that lead nowhere, and programs units start that are not there. */
export async function unitProblems(tree: RootTree): Promise<string[]> {
  const problems: string[] = [];
  for (const node of tree.list()) {
    if (node.type === 'symlink' && /^(etc|usr\/lib)\/systemd\/system\/[^/]+\.(wants|requires)\//.test(node.path)) {
      if (!tree.resolve(node.path)) problems.push(`/${node.path} leads to ${node.target}, which is not in the root`);
    }
    const isEnabled = node.type === 'file' && /^usr\/lib\/systemd\/system\/[^/]+\.service$/.test(node.path);
    if (!isEnabled) continue;
    for (const match of (await tree.text(node.path)).matchAll(/^ExecStart=[-@:+!|]*(\/\S+)/gm)) {
      const program = match[1] ?? '';
      const masked =
        tree.resolve(`etc/systemd/system/${node.path.slice(node.path.lastIndexOf('/') + 1)}`) === undefined;
      const wanted = tree
        .list()
        .some(
          other =>
            other.type === 'symlink' &&
            other.path.endsWith(`/${node.path.slice(node.path.lastIndexOf('/') + 1)}`) &&
            /\.(wants|requires)\//.test(other.path) &&
            other.target !== '/dev/null',
        );
      if (
        wanted &&
        !tree.resolve(program) &&
        !(masked && tree.has(`etc/systemd/system/${node.path.slice(node.path.lastIndexOf('/') + 1)}`))
      ) {
        problems.push(`/${node.path} starts ${program}, which is not in the root`);
      }
    }
  }
  return problems;
}

/** Debian's Node.js keeps some of its built-in modules in files and aborts at start if one is not there: their paths are in libnode. */
export async function builtinProblems(tree: RootTree): Promise<string[]> {
  const problems: string[] = [];
  for (const node of tree.match('/usr/lib/*/libnode.so.*')) {
    if (node.type !== 'file') continue;
    const paths = (await node.read()).toString('latin1').match(/\/usr\/share\/nodejs\/[\w./-]+\.js(?=\0)/g) ?? [];
    for (const path of new Set(paths))
      if (!tree.resolve(path)) problems.push(`/${node.path} loads ${path}, which is not in the root`);
  }
  return problems;
}

export const checks: FinishingStep = {
  name: 'checks',
  why: 'a root that lacks a library, an interpreter or a program must not be built',
  async apply(tree, { architecture }) {
    const problems = [
      ...(await elfProblems(tree, architecture)),
      ...(await shebangProblems(tree)),
      ...(await unitProblems(tree)),
      ...(await builtinProblems(tree)),
    ];
    if (problems.length > 0) {
      throw new BuildError('ROOT_INCONSISTENT', `the root does not hold together (${problems.length} problems)`, {
        tail: problems.slice(0, 20).join('\n'),
        hint: 'Add the package that has it to rootfs/packages.yaml, or trim what needs it in rootfs/trim.yaml.',
      });
    }
  },
};
