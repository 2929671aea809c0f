/** The documents a person names on the command line, or those of this node. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MAX_DOCUMENT_BYTES } from '../../machine/config/documentText.ts';
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

export const withTexts = (sources: readonly SourceDocuments[]): Named => ({
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

/**
 * @param path a document, a folder of documents, or `-`
 * @throws UsageError where there is nothing to read, with the reason
 */
export function namedDocuments(path: string): Named {
  if (path === '-') return oneDocument('standard input', readSome(STDIN, 'standard input'));
  const { isFolder } = kindOf(path);
  return isFolder ? withTexts([folder(path)]) : oneDocument(path, readFile(path));
}

/** As a person sees it: `standard input` for `-`. */
export const shownName = (path: string): string => (path === '-' ? 'standard input' : path);

const oneDocument = (location: string, bytes: Buffer): Named =>
  withTexts([{ source: 'command', location, documents: { [documentOf(location, bytes)]: bytes } }]);

function kindOf(path: string): { readonly isFolder: boolean } {
  try {
    return { isFolder: statSync(path).isDirectory() };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The folder's location ends with a slash: a place in it is shown as the path of the document. */
function folder(path: string): SourceDocuments {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  for (const name of documentNames) {
    // Editors and Windows put an ending behind it, and hide it.
    const near = names.find(other => new RegExp(`^${name}\\.(txt|ya?ml|cfg|json)$`, 'i').test(other));
    if (near !== undefined && !names.includes(name))
      throw new UsageError(`${join(path, near)}: a node reads ${name}, without ${near.slice(name.length)}: rename it`);
  }
  const found = documentNames.filter(name => names.includes(name));
  if (found.length === 0) throw new UsageError(`${path}: there is none of ${documentNames.join(', ')} in it`);
  const documents = Object.fromEntries(found.map(name => [name, readFile(join(path, name))]));
  return { source: 'command', location: path.endsWith('/') ? path : `${path}/`, documents };
}

function readFile(path: string): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return readSome(file, path);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** At most one byte more than a document may have, which is seen as too long: a device or a pipe may never end. */
function readSome(file: number, path: string): Buffer {
  const parts: Buffer[] = [];
  let left = MAX_DOCUMENT_BYTES + 1;
  while (left > 0) {
    const part = Buffer.allocUnsafe(Math.min(left, 65_536));
    const length = readPart(file, part, path);
    if (length === 0) break;
    parts.push(part.subarray(0, length));
    left -= length;
  }
  return Buffer.concat(parts);
}

function readPart(file: number, part: Buffer, path: string): number {
  for (;;) {
    try {
      return readSync(file, part, 0, part.length, null);
    } catch (error) {
      // Nothing is there yet where somebody made the pipe non-blocking.
      if (codeOf(error) === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      else if (codeOf(error) === 'EOF') return 0;
      else throw unreadable(path, error);
    }
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  EISDIR: 'is a folder, where a file is meant',
  ELOOP: 'is a link that leads to itself',
};
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
const unreadable = (path: string, error: unknown): UsageError =>
  new UsageError(`${path}: ${reasons[codeOf(error)] ?? `cannot be read: ${codeOf(error) || String(error)}`}`);

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
