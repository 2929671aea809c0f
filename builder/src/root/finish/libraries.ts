/**
 * Which shared libraries stay: those some program needs, directly or through another library, or opens at run time.
 */
import { type ElfFacts, readElf } from '../../formats/elf.ts';
import type { RootFile, RootTree } from '../tree.ts';
import type { FinishingStep } from './step.ts';

/** Plain libraries, as `/usr/lib/x86_64-linux-gnu/libx.so.1`, that only count if somebody asks for them. */
const libraryPath = /^usr\/lib\/[^/]+-linux-[^/]+\/[^/]+\.so(\.[^/]*)?$/;

/** Libraries the C library opens by name without a note: name service modules and the unwinder (nss(5), pthread_cancel(3)). */
export const openedByName: readonly string[] = ['libnss_files.so.2', 'libnss_dns.so.2', 'libgcc_s.so.1'];

/** Optional libraries (`.note.dlopen`) that are wanted; the others are features a node does not use (PAM, TPM, PKCS#11, QR codes…). */
export const wantedOptional: readonly RegExp[] = [
  /^libkmod\.so/,
  /^libbpf\.so/,
  /^libip4tc\.so/,
  /^libblkid\.so/,
  /^libmount\.so/,
  /^libcryptsetup\.so/,
  /^libcrypto\.so/,
  /^libseccomp\.so/,
  /^libfdisk\.so/,
  /^libzstd\.so/,
  /^liblz4\.so/,
  /^liblzma\.so/,
  /^libacl\.so/,
];

export async function elfFiles(tree: RootTree): Promise<Map<RootFile, ElfFacts>> {
  const found = new Map<RootFile, ElfFacts>();
  for (const node of tree.list()) {
    if (node.type !== 'file' || node.sizeBytes < 64) continue;
    // Modules are ELF too, but no program's.
    if (node.path.startsWith('usr/lib/modules/') || /\.(js|json|conf|service|xz|zst|tar|crt)$/.test(node.path))
      continue;
    const facts = readElf(await node.read());
    if (facts) found.set(node, facts);
  }
  return found;
}

/** Finds a library as the loader would: the default folders, then the folder of who asks (RUNPATH=$ORIGIN of systemd's). */
export function findLibrary(tree: RootTree, soname: string, multiarch: string, askedBy: string): RootFile | undefined {
  const own = askedBy.slice(0, askedBy.lastIndexOf('/'));
  for (const folder of [
    `usr/lib/${multiarch}`,
    'usr/lib',
    'usr/lib64',
    `usr/lib/${multiarch}/systemd`,
    'usr/lib/systemd',
    own,
  ]) {
    const node = tree.resolve(`${folder}/${soname}`);
    if (node?.type === 'file') return node;
  }
  return undefined;
}

export const libraries: FinishingStep = {
  name: 'libraries',
  why: 'libraries of left-out programs: nothing in the root needs or opens them',
  async apply(tree, { architecture, dropped }) {
    const files = await elfFiles(tree);
    const kept = new Set<RootFile>();
    const visit = (node: RootFile): void => {
      const facts = files.get(node);
      if (!facts || kept.has(node)) return;
      kept.add(node);
      const optional = facts.dlopen
        .flatMap(note => note.soname)
        .filter(soname => wantedOptional.some(pattern => pattern.test(soname)));
      for (const soname of [...facts.needed, ...optional]) {
        const library = findLibrary(tree, soname, architecture.multiarch, node.path);
        if (library) visit(library);
      }
      if (facts.interpreter) {
        const loader = tree.resolve(facts.interpreter);
        if (loader?.type === 'file') visit(loader);
      }
    };
    for (const node of files.keys()) if (!libraryPath.test(node.path)) visit(node);
    for (const soname of openedByName) {
      const library = findLibrary(tree, soname, architecture.multiarch, '');
      if (library) visit(library);
    }
    const removed: string[] = [];
    for (const node of files.keys()) {
      if (!kept.has(node)) removed.push(...tree.remove(node.path).map(gone => `/${gone.path}`));
    }
    for (const node of tree.list()) {
      const dangling = node.type === 'symlink' && libraryPath.test(node.path) && !tree.resolve(node.path);
      if (dangling) removed.push(...tree.remove(node.path).map(gone => `/${gone.path}`));
    }
    dropped.set('libraries', removed);
  },
};
