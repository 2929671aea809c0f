/**
 * What a card says of its own: user-data and network-config on its FAT partition, checked by the device's own validator before
 * anything is written, put there by mtools in a copy of the partition, and flashed as the blocks in which that differs.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostNames } from '../../../runtime/src/machine/config/render/identity.ts';
import { type DocumentName, documentNames, type Problem } from '../../../runtime/src/machine/config/types.ts';
import { blockBytes } from '../block-map.ts';
import { type Judged, judged, refusedByNode } from '../configuration.ts';
import { BuildError } from '../errors.ts';
import { fatInUse } from '../formats/fat.ts';
import { type Partition, partitionsOf } from '../formats/partition-table.ts';
import { tool } from '../tools.ts';
import { makeTemporary, sweepTemporary } from '../workspace.ts';
import type { Patches } from './card.ts';
import { headOf } from './disk-image.ts';
import type { Chunk, ImageSource } from './source.ts';
import { hasKey, header, type Settings, withSettings } from './user-data.ts';

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
function settingsOf({ hostname, token, server }: Customisation, hasRole: boolean): Settings {
  return [
    ...(hostname === undefined ? [] : [[['hostname'], hostname] as const]),
    // A node with a server is its agent; the validator would otherwise say that this is missing.
    ...(server === undefined || hasRole ? [] : [[['atoll', 'role'], 'agent'] as const]),
    ...(server === undefined ? [] : [[['atoll', 'server'], server] as const]),
    ...(token === undefined ? [] : [[['atoll', 'token'], token] as const]),
  ];
}

/** The partition table and the boot sector of the FAT are in it: boards leave at most 8 MiB before it. */
const headBytes = 16 * 1024 ** 2;

type Documents = Partial<Record<DocumentName, Buffer>>;

const checked = (documents: Documents, location: string): Judged => judged([{ source: 'esp', location, documents }]);
const refused = (card: string, told: readonly string[]): BuildError =>
  refusedByNode(card, told, 'Nothing was written.');

/** A document that cannot be read is what its person has to mend first: there is no line in what would become of it. */
const isUnread = ({ severity, path }: Problem): boolean => severity === 'error' && path === '';

const isSame = (a: Problem, b: Problem): boolean =>
  a.place?.document === b.place?.document && a.path === b.path && a.message === b.message;

export interface CardDocuments {
  readonly documents: Documents;
  readonly warnings: readonly string[];
  /** What the node will be called; absent where nothing says it. */
  readonly hostname?: string;
}

/**
 * The documents for a card. Only what becomes of a document and the options has to be right: either may be the half of it.
 * @param present what is on the image's FAT already; a person's document replaces it, options change it.
 * @param card how the card is named in messages.
 * @throws BuildError CONFIGURATION_INVALID with every mistake in it, and where the node would not have the name it is given.
 */
export function documentsFor(customisation: Customisation, present: Documents, card: string): CardDocuments {
  const own: Documents = {};
  const alone: Judged['problems'][number][] = [];
  for (const name of documentNames) {
    const given = customisation.documents[name];
    if (!given) continue;
    own[name] = given.bytes;
    alone.push(...checked({ [name]: given.bytes }, given.path).problems);
  }
  if (alone.some(({ problem }) => isUnread(problem)))
    throw refused(
      card,
      alone.map(({ text }) => text),
    );
  const base = (own['user-data'] ?? present['user-data'] ?? Buffer.from(header)).toString('utf8');
  const userData = withSettings(base, settingsOf(customisation, hasKey(base, ['atoll', 'role'])));
  if (userData === undefined) {
    const location = customisation.documents['user-data']?.path ?? 'the image';
    const { config, problems } = checked({ 'user-data': Buffer.from(base) }, location);
    if (!config)
      throw refused(
        card,
        problems.map(({ text }) => text),
      );
    throw new BuildError('CONFIGURATION_INVALID', `the user-data of ${location} cannot take --hostname and the like`, {
      hint: 'Nothing was written. Give one of your own with --user-data.',
    });
  }
  if (userData !== base || own['user-data']) own['user-data'] = Buffer.from(userData);
  const { config, problems } = checked({ ...present, ...own }, `the card ${card}`);
  // What is wrong in a person's own document is shown in its lines, as far as there are such.
  const told = problems.map(({ problem, text }) => alone.find(each => isSame(each.problem, problem))?.text ?? text);
  if (!config) throw refused(card, told);
  const name = hostNames(config.userData, config.metaData)?.host;
  const { hostname } = customisation;
  // Of a name with a domain, a node takes the first part.
  if (hostname !== undefined && name !== hostname.toLowerCase() && name !== hostname.toLowerCase().split('.')[0])
    throw otherName(hostname, name, customisation.documents['user-data']?.path ?? 'the image');
  return { documents: own, warnings: told, ...(name === undefined ? {} : { hostname: name }) };
}

/** @param name that it would have; undefined where its user-data leaves names alone */
const otherName = (wanted: string, name: string | undefined, location: string): BuildError =>
  new BuildError(
    'CONFIGURATION_INVALID',
    `the node would not be called ${wanted}: ${
      name === undefined
        ? `the user-data of ${location} says preserve_hostname: true`
        : `it would be ${name}, as the user-data of ${location} says prefer_fqdn_over_hostname: true`
    }`,
    { hint: `Nothing was written. Take that out of ${location}, or leave out the host name.` },
  );

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
    // What one that was killed has left holds its token.
    await sweepTemporary(temporary);
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
  const partition = await firstFat(await headOf(image, headBytes, signal));
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
