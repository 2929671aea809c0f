/**
 * The version of a step is its source: the hash of its module and of every module of ours it imports (type-only imports do
 * not count: they leave no code). Change one and the step runs again; there is no version number to forget.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const importPattern = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm;

/** Relative modules imported for their code, in the order written. */
export function importedModules(source: string): string[] {
  return [...source.matchAll(importPattern)].map(match => match[1] ?? '');
}

/** Modules that only run, show or describe; their changes cannot change a step's result. */
const neutral = /\/(errors|process|tools|progress|paths|step)\.ts$/;

/** @param moduleUrl `import.meta.url` of the step. @returns hex SHA-256 over the module and its own imports. */
export function sourceHash(moduleUrl: string): string {
  const seen = new Map<string, string>();
  const visit = (file: string): void => {
    if (seen.has(file) || neutral.test(file)) return;
    const source = readFileSync(file, 'utf8');
    seen.set(file, source);
    for (const specifier of importedModules(source)) visit(resolve(dirname(file), specifier));
  };
  visit(fileURLToPath(moduleUrl));
  const hash = createHash('sha256');
  for (const [, source] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(source).update('\0');
  return hash.digest('hex');
}
