/**
 * What a card says of its own: user-data and network-config on its FAT partition, checked by the device's own validator before
 * anything is written, put there by mtools in a copy of the partition, and flashed as the blocks in which that differs.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml';
import { withTexts } from '../../../runtime/src/cli/config/documents.ts';
import { noColours, problemText } from '../../../runtime/src/cli/config/problems.ts';
import { readConfig } from '../../../runtime/src/machine/config/read.ts';
import { type DocumentName, documentNames } from '../../../runtime/src/machine/config/types.ts';
import { blockBytes } from '../block-map.ts';
import { BuildError } from '../errors.ts';
import { fatInUse } from '../formats/fat.ts';
import { type Partition, partitionsOf } from '../formats/partition-table.ts';
import { tool } from '../tools.ts';
import { makeTemporary } from '../workspace.ts';
import type { Patches } from './card.ts';
import type { Chunk, ImageSource } from './source.ts';

/** What one card shall be told. */
export interface Customisation {
  /** Documents as a person wrote them, with where they are from. */
  readonly documents: Readonly<Partial<Record<DocumentName, { readonly path: string; readonly bytes: Buffer }>>>;
  readonly hostname?: string;
  /** What it joins with; never shown. */
  readonly token?: string;
  /** The server it joins. */
  readonly server?: string;
}

export const isCustomised = ({ documents, hostname, token, server }: Customisation): boolean =>
  Object.keys(documents).length > 0 || [hostname, token, server].some(value => value !== undefined);

/** Keys that options set, in user-data's words. */
function optionKeys({ hostname, token, server }: Customisation, hasRole: boolean): [readonly string[], string][] {
  return [
    ...(hostname === undefined ? [] : [[['hostname'], hostname] as [string[], string]]),
    // A node with a server is its agent; the validator would otherwise say that this is missing.
    ...(server === undefined || hasRole ? [] : [[['atoll', 'role'], 'agent'] as [string[], string]]),
    ...(server === undefined ? [] : [[['atoll', 'server'], server] as [string[], string]]),
    ...(token === undefined ? [] : [[['atoll', 'token'], token] as [string[], string]]),
  ];
}

const header = '#cloud-config\n';
/** The partition table and the boot sector of the FAT are in it: boards leave at most 8 MiB before it. */
const headBytes = 16 * 1024 ** 2;

/** Makes a mapping of it where there is nothing yet. @returns false where there is something else */
function mappingAt(document: Document, path: readonly string[]): boolean {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(node)) return true;
  if (node !== undefined && node !== null && !(isScalar(node) && node.value === null)) return false;
  if (path.length === 0) return true;
  const mapping = new YAMLMap(document.schema);
  if (node?.commentBefore) mapping.commentBefore = node.commentBefore;
  if (node?.comment) mapping.comment = node.comment;
  document.setIn(path, mapping);
  return true;
}

/** The text with the keys of the options set, everything else as it was, comments too; undefined for a text in which they have no place. */
function withOptions(text: string, customisation: Customisation): string | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !mappingAt(document, [])) return undefined;
  const keys = optionKeys(customisation, document.hasIn(['atoll', 'role']));
  if (keys.length === 0) return text;
  for (const [path, value] of keys) {
    if (path.length > 1 && !mappingAt(document, path.slice(0, -1))) return undefined;
    document.setIn(path, value);
  }
  const printed = document.toString({ lineWidth: 0 });
  // The printer sets a comment at the top apart.
  const changed = text.startsWith(`${header}\n`) ? printed : printed.replace(`${header}\n`, header);
  return changed.startsWith(header) ? changed : `${header}${changed.replace(/^#cloud-config\s*\n/m, '')}`;
}

type Documents = Partial<Record<DocumentName, Buffer>>;

/** @throws BuildError CONFIGURATION_INVALID with every mistake in it, secrets covered. @returns warnings. */
function validated(documents: Documents, location: string, card: string): string[] {
  const { sources, texts } = withTexts([{ source: 'esp', location, documents }]);
  const { config, problems } = readConfig(sources);
  const told = problems.map(problem => problemText(problem, texts, noColours).trimEnd());
  if (config) return told;
  throw new BuildError('CONFIGURATION_INVALID', `the configuration for ${card} would be refused by the node`, {
    tail: told.join('\n'),
    hint: 'Nothing was written. docs/configuration.md has every key.',
  });
}

/**
 * The documents for a card.
 * @param present what is on the image's FAT already; a person's document replaces it, options change it.
 * @param card how the card is named in messages.
 */
export function documentsFor(
  customisation: Customisation,
  present: Documents,
  card: string,
): { readonly documents: Documents; readonly warnings: readonly string[] } {
  const own: Documents = {};
  for (const name of documentNames) {
    const given = customisation.documents[name];
    if (!given) continue;
    own[name] = given.bytes;
    // By itself first: its lines are the person's own.
    validated({ [name]: given.bytes }, given.path, card);
  }
  const base = (own['user-data'] ?? present['user-data'] ?? Buffer.from(header)).toString('utf8');
  const userData = withOptions(base, customisation);
  if (userData === undefined) {
    const location = customisation.documents['user-data']?.path ?? 'the image';
    validated({ 'user-data': Buffer.from(base) }, location, card);
    throw new BuildError('CONFIGURATION_INVALID', `the user-data of ${location} cannot take --hostname and the like`, {
      hint: 'Nothing was written. Give one of your own with --user-data.',
    });
  }
  if (userData !== base || own['user-data']) own['user-data'] = Buffer.from(userData);
  const warnings = validated({ ...present, ...own }, `the card ${card}`, card);
  return { documents: own, warnings };
}

/** The FAT partition that the node reads its documents from, as it is in the image. */
export class FatPartition {
  readonly #folder: string;
  readonly #file: string;
  readonly #partition: Partition;
  readonly present: Documents;

  private constructor(folder: string, file: string, partition: Partition, present: Documents) {
    this.#folder = folder;
    this.#file = file;
    this.#partition = partition;
    this.present = present;
  }

  /**
   * Reads it out of the image.
   * @param temporary where a folder may be made; it is removed by {@link close}.
   * @throws BuildError IMAGE_DAMAGED where there is none.
   */
  static async extract(image: ImageSource, temporary: string, signal: AbortSignal): Promise<FatPartition> {
    const folder = await makeTemporary(temporary);
    try {
      const path = join(folder, 'fat.img');
      const file = await open(path, 'wx+', 0o600);
      try {
        const partition = await copyFat(image, file, signal);
        return new FatPartition(folder, path, partition, await presentDocuments(path));
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The blocks of the disk in which it differs when these files are on it. */
  async patches(documents: Documents): Promise<Patches> {
    const copy = join(this.#folder, `${randomUUID()}.img`);
    const names = Object.keys(documents) as DocumentName[];
    try {
      await tool(['cp', '--sparse=always', this.#file, copy], { binds: [this.#folder] });
      for (const name of names) {
        const from = join(this.#folder, name);
        await writeFile(from, documents[name] ?? '', { mode: 0o600 });
        await mtools(['mcopy', '-o', '-i', copy, from, '::'], this.#folder);
        await rm(from);
      }
      return await differences(this.#file, copy, this.#partition.offset);
    } finally {
      await rm(copy, { force: true });
    }
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

const mtools = async (argv: readonly [string, ...string[]], folder: string): Promise<string> =>
  (await tool(argv, { binds: [folder], env: { MTOOLS_SKIP_CHECK: '1' } })).stdout;

async function presentDocuments(image: string): Promise<Documents> {
  const listed = new Set((await mtools(['mdir', '-b', '-i', image, '::'], join(image, '..'))).split('\n'));
  const found: Documents = {};
  for (const name of documentNames)
    if (listed.has(`::/${name}`))
      found[name] = Buffer.from(await mtools(['mtype', '-i', image, `::${name}`], join(image, '..')));
  return found;
}

/** Copies the first FAT partition's used blocks to the start of `file`; nothing behind it is read. */
async function copyFat(image: ImageSource, file: FileHandle, signal: AbortSignal): Promise<Partition> {
  const noFat = (): BuildError =>
    new BuildError('IMAGE_DAMAGED', `there is no FAT partition in ${image.path} that could hold a configuration`, {
      hint: 'Flash it without --user-data, --hostname and the like.',
    });
  const head = Buffer.alloc(headBytes);
  for await (const { offset, bytes } of image.read(signal)) {
    if (offset >= headBytes) break;
    bytes.copy(head, offset);
  }
  const partition = await firstFat(head);
  if (!partition || partition.offset % blockBytes !== 0) throw noFat();
  await file.truncate(partition.sizeBytes);
  for await (const chunk of image.read(signal)) {
    if (chunk.offset >= partition.offset + partition.sizeBytes) break;
    await copyInto(file, partition, chunk);
  }
  return partition;
}

async function firstFat(head: Buffer): Promise<Partition | undefined> {
  for (const partition of partitionsOf(head) ?? []) {
    const read = (at: number, size: number): Promise<Buffer> => {
      const bytes = Buffer.alloc(size);
      head.copy(bytes, 0, partition.offset + at, partition.offset + at + size);
      return Promise.resolve(bytes);
    };
    if (await fatInUse(read)) return partition;
  }
  return undefined;
}

async function copyInto(file: FileHandle, { offset: start, sizeBytes }: Partition, chunk: Chunk): Promise<void> {
  const from = Math.max(start, chunk.offset);
  const to = Math.min(start + sizeBytes, chunk.offset + chunk.bytes.length);
  if (from < to) await file.write(chunk.bytes, from - chunk.offset, to - from, from - start);
}

/** Whole blocks of `changed` that are not the same in `original`, at their places on the disk. */
async function differences(original: string, changed: string, diskOffset: number): Promise<Chunk[]> {
  const step = 4 * 1024 ** 2;
  const [a, b] = [await open(original, 'r'), await open(changed, 'r')];
  try {
    const { size } = await b.stat();
    const [left, right] = [Buffer.alloc(step), Buffer.alloc(step)];
    const found: Chunk[] = [];
    for (let offset = 0; offset < size; offset += step) {
      const length = Math.min(step, size - offset);
      await Promise.all([a.read(left, 0, length, offset), b.read(right, 0, length, offset)]);
      if (left.compare(right, 0, length, 0, length) === 0) continue;
      for (let at = 0; at < length; at += blockBytes) {
        const block = right.subarray(at, Math.min(at + blockBytes, length));
        if (left.compare(block, 0, block.length, at, at + block.length) !== 0)
          found.push({ offset: diskOffset + offset + at, bytes: Buffer.from(block) });
      }
    }
    return found;
  } finally {
    await a.close();
    await b.close();
  }
}
