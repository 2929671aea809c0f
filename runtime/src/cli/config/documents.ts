/** The documents a person names on the command line, or those of this node. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { linkedFolder } from '../../machine/config/generations.ts';
import { readGathered } from '../../machine/config/sources/gathered.ts';
import { type DocumentName, documentNames, type SourceDocuments } from '../../machine/config/types.ts';
import { UsageError } from '../command.ts';

const STDIN = 0;

/** The text of each document, by the place's `location`, for showing a line of it. */
export type Texts = ReadonlyMap<string, Buffer>;

export interface Named {
  readonly sources: readonly SourceDocuments[];
  /** By {@link textKey}. */
  readonly texts: Texts;
}

export const textKey = (location: string, document: DocumentName): string => `${document} ${location}`;

const withTexts = (sources: readonly SourceDocuments[]): Named => ({
  sources,
  texts: new Map(
    sources.flatMap(({ location, documents }) =>
      documentNames.flatMap(name => {
        const bytes = documents[name];
        return bytes === undefined ? [] : [[textKey(location, name), bytes] as const];
      }),
    ),
  ),
});

/** @param path a document, a folder of documents, or `-`. */
export function namedDocuments(path: string): Named {
  if (path !== '-' && statOf(path).isDirectory()) return withTexts([folder(path)]);
  const bytes = path === '-' ? readFileSync(STDIN) : readFileSync(path);
  const location = path === '-' ? 'standard input' : path;
  return withTexts([{ source: 'esp', location, documents: { [documentOf(path, bytes)]: bytes } }]);
}

function statOf(path: string): ReturnType<typeof statSync> & object {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UsageError(`${path}: there is no such file`);
  return found;
}

function folder(path: string): SourceDocuments {
  const names = new Set(readdirSync(path));
  const documents = Object.fromEntries(
    documentNames.filter(name => names.has(name)).map(name => [name, readFileSync(join(path, name))]),
  );
  if (Object.keys(documents).length === 0)
    throw new UsageError(`${path}: there is none of ${documentNames.join(', ')} in it`);
  return { source: 'esp', location: path, documents };
}

/** What a file is: its first line, its name, its keys. */
function documentOf(path: string, bytes: Buffer): DocumentName {
  const start = bytes
    .subarray(0, 65_536)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  if (start.startsWith('#cloud-config')) return 'user-data';
  const name = basename(path);
  const byName = documentNames.find(document => name.startsWith(document) || name.includes(`.${document}`));
  if (byName) return byName;
  if (/^(?:network|ethernets|wifis|bonds|bridges|vlans):/m.test(start)) return 'network-config';
  return /^(?:instance-id|local-hostname):/m.test(start) ? 'meta-data' : 'user-data';
}

/** What is in force on this node; undefined where nothing is, as on a workstation. */
export function nodeDocuments(base: string): Named | undefined {
  const generation = linkedFolder(base, 'generation');
  if (generation === undefined) return undefined;
  const { sources } = readGathered(join(generation, 'sources'));
  return withTexts(sources);
}
