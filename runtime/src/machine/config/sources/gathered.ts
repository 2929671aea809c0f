/**
 * The sources at this machine, as `/usr/lib/atoll/config-gather` laid them down: one folder a source with its documents, `location`
 * and, where something could not be read, `error`. The shell script is the only thing that mounts and reads them, at boot and later.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DocumentName,
  documentNames,
  type Problem,
  type SourceDocuments,
  type SourceName,
  sourceNames,
} from '../types.ts';

/** Bytes of the longest document that is read; the gatherer keeps one more, so that a longer one is seen as such. */
export const longestDocument = 1024 * 1024;

export interface Gathered {
  /** From the strongest; only those that have a document. */
  readonly sources: readonly SourceDocuments[];
  /** What could not be read, as errors. */
  readonly problems: readonly Problem[];
}

/** Reads a folder of sources: `/run/atoll/config/sources`, or the `sources/` of a generation. */
export function readGathered(folder: string): Gathered {
  const sources: SourceDocuments[] = [];
  const problems: Problem[] = [];
  for (const source of present(folder)) {
    const at = join(folder, source);
    const location = text(join(at, 'location')) ?? source;
    const said = text(join(at, 'error'));
    const complain = (message: string, hint?: string): void =>
      void problems.push({
        severity: 'error',
        path: '',
        message: `${location}: ${message}`,
        ...(hint ? { hint } : {}),
      });
    if (said !== undefined) complain(said);
    const documents: Partial<Record<DocumentName, Buffer>> = {};
    for (const name of documentNames) {
      const bytes = read(join(at, name));
      if (bytes === undefined) continue;
      if (bytes.length > longestDocument)
        complain(`${name} is longer than ${longestDocument} bytes`, 'a configuration is a text of some kilobytes');
      else documents[name] = bytes;
    }
    if (Object.keys(documents).length > 0) sources.push({ source, location, documents });
  }
  return { sources, problems };
}

/** What a source says now stands for all of that source; one that is silent keeps what it said last. From the strongest. */
export function effectiveSources(
  now: readonly SourceDocuments[],
  stored: readonly SourceDocuments[],
): readonly SourceDocuments[] {
  return sourceNames.flatMap(name => {
    const found = now.find(({ source }) => source === name) ?? stored.find(({ source }) => source === name);
    return found ? [found] : [];
  });
}

/** The same source in both: byte for byte. */
export function sameDocuments(a: SourceDocuments | undefined, b: SourceDocuments | undefined): boolean {
  return documentNames.every(name => {
    const [left, right] = [a?.documents[name], b?.documents[name]];
    return left === undefined || right === undefined ? left === right : left.equals(right);
  });
}

function present(folder: string): SourceName[] {
  const names = new Set(entries(folder));
  return sourceNames.filter(name => names.has(name));
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

const text = (path: string): string | undefined => read(path)?.toString('utf8').trim();
