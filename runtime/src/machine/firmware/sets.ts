/**
 * Firmware on the boot partition of a Raspberry Pi, in numbered sets: 0 as flashed, 1 and 2 made in turn by this. `config.txt` chooses one.
 *
 * Always true: the set that `config.txt` chooses is whole, and nothing of it is written or removed. Another is chosen, by one write of one sector, only
 * when all of it has been written, synced, and read back from the card. A cut leaves the old choice or the new one.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode, syncDirectory } from '../../lib/files.ts';
import { piecesOfDevice } from '../upgrade/device.ts';
import { removeWholly } from '../upgrade/loader/durable.ts';
import {
  CONFIG_BYTES,
  configText,
  FLASHED_SET,
  flashedName,
  MADE_SETS,
  nameIn,
  namesStartFiles,
  setOf,
} from './configText.ts';

export interface FirmwarePlaces {
  /** The newest set, in the root: its files, and `SHA256SUMS` that names them. */
  readonly source: string;
  /** The mounted boot partition. */
  readonly boot: string;
}

/** In words: what is wrong, and what to do. */
export class FirmwareError extends Error {
  override readonly name = 'FirmwareError';
  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface FirmwareState {
  /** What `config.txt` chooses; undefined: it is somebody's own. */
  readonly set: number | undefined;
  /** That set is what the image brings, by its list. */
  readonly current: boolean;
  /** Paths of that set's files that are missing, or not what its list says. */
  readonly damaged: readonly string[];
}

const SUMS = 'SHA256SUMS';
/** Names in a set with `@` for its number → hex SHA-256. */
type Sums = ReadonlyMap<string, string>;

function parseSums(text: string): Sums {
  const lines = text.split('\n').map(line => /^([0-9a-f]{64}) {2}(\S+)$/.exec(line));
  return new Map(lines.flatMap(match => (match ? [[match[2] ?? '', match[1] ?? ''] as const] : [])));
}

/** @returns undefined where there is no such file */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const sumsPath = (boot: string, set: number): string => join(boot, `atoll-${set}`, SUMS);
/** Where the choice stands: it is not one of a set's own files. */
const CONFIG = 'config.txt';

/** @throws FirmwareError where the image brings no firmware */
async function wantedSums(source: string): Promise<string> {
  const wanted = await textOf(join(source, SUMS));
  if (wanted !== undefined) return wanted;
  throw new FirmwareError(
    'this image brings no firmware',
    'Only boards without firmware of their own have some on the card.',
  );
}

/** Reads the whole set from the card, some 8 MB. @throws FirmwareError */
export async function firmwareState(
  { source, boot }: FirmwarePlaces,
  signal: AbortSignal = new AbortController().signal,
): Promise<FirmwareState> {
  const wanted = await wantedSums(source);
  const set = setOf((await textOf(join(boot, CONFIG))) ?? '');
  if (set === undefined) return { set, current: false, damaged: [] };
  const text = (await textOf(sumsPath(boot, set))) ?? '';
  return { set, current: text === wanted, damaged: await damagedFiles(boot, set, parseSums(text), signal) };
}

/** @returns paths of the files that are not what the list says; what cannot be read is not */
async function damagedFiles(boot: string, set: number, sums: Sums, signal: AbortSignal): Promise<string[]> {
  const damaged: string[] = [];
  for (const [name, expected] of sums) {
    // Set 0 has its start files under names of their own, which no list has.
    if (name === CONFIG || (set === FLASHED_SET && !name.includes('/'))) continue;
    const path = join(boot, nameIn(set, name));
    const found = await hashOnCard(path, signal).catch(() => signal.throwIfAborted());
    if (found !== expected) damaged.push(path);
  }
  return damaged;
}

/**
 * Makes a set of what the image brings, and chooses it for the next boot. A set that is like it already, and whole, is left alone.
 * @returns the set that `config.txt` chooses now, and whether it was made
 * @throws FirmwareError; then the choice is what it was
 */
export async function updateFirmware(
  places: FirmwarePlaces,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ readonly set: number; readonly made: boolean }> {
  const { source, boot } = places;
  const { set: before, current, damaged } = await firmwareState(places, signal);
  if (before === undefined)
    throw new FirmwareError(
      `${join(boot, CONFIG)} is not as Atoll wrote it: its firmware is left alone`,
      `Put settings of yours into user.txt beside it, and make it anew: cp ${join(source, CONFIG)} there, with a number for each @.`,
    );
  if (current && damaged.length === 0) return { set: before, made: false };
  const set = MADE_SETS.find(number => number !== before) ?? MADE_SETS[0];
  const sumsText = await wantedSums(source);
  const sums = parseSums(sumsText);
  const template = (await textOf(join(source, CONFIG))) ?? '';
  const startFiles = (await startsWithOwn(boot, sums, signal)) ? 'flashed' : 'numbered';
  await removeSet(boot, set, sums);
  try {
    await requireRoom(places, sums);
    await writeSet(places, set, sumsText, signal);
  } catch (error) {
    // Half a set is of use to nobody, and an upgrade needs the room.
    await removeSet(boot, set, sums).catch(() => undefined);
    signal.throwIfAborted();
    if (error instanceof FirmwareError) throw error;
    throw new FirmwareError(`firmware set ${set} cannot be written: ${messageOf(error)}`, WORN_OUT, { cause: error });
  }
  await choose(join(boot, CONFIG), configText(template, set, startFiles));
  return { set, made: true };
}

const WORN_OUT = 'The card may be worn out. The firmware in use has not been touched.';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Whether the start files that this machine starts with are neither those that were flashed nor those that the image brings: somebody has put newer ones in their
 * place, as the board does not start with ours (docs/boards/rpi-4.md). Those of another set would be the end of it.
 */
async function startsWithOwn(boot: string, wanted: Sums, signal: AbortSignal): Promise<boolean> {
  if (namesStartFiles((await textOf(join(boot, CONFIG))) ?? '')) return false;
  const flashed = parseSums((await textOf(sumsPath(boot, FLASHED_SET))) ?? '');
  for (const [name, sum] of flashed) {
    const path = flashedName(name);
    if (path === undefined) continue;
    const found = await hashOnCard(join(boot, path), signal).catch(ignoreMissing);
    if (found && found !== sum && found !== wanted.get(name)) return true;
  }
  return false;
}

/** @throws FirmwareError: the boot partition has no room for a set */
async function requireRoom({ source, boot }: FirmwarePlaces, sums: Sums): Promise<void> {
  const { bavail, bsize } = await statfs(boot);
  const onCard = (sizeBytes: number): number => Math.ceil(sizeBytes / bsize) * bsize;
  // The list; folders grow by a cluster each.
  let neededBytes = onCard(100 * sums.size) + 2 * bsize;
  for (const name of sums.keys()) if (name !== CONFIG) neededBytes += onCard((await stat(join(source, name))).size);
  if (neededBytes <= bavail * bsize) return;
  throw new FirmwareError(
    `the boot partition ${boot} has ${bavail * bsize} bytes free, and this version's firmware needs ${neededBytes}`,
    `Remove what is not Atoll's from it (ls -lR ${boot}), then: atoll firmware update. Until then it starts with the firmware it has.`,
  );
}

/** All of it synced, and read back from the card. @throws FirmwareError */
async function writeSet(
  { source, boot }: FirmwarePlaces,
  set: number,
  sums: string,
  signal: AbortSignal,
): Promise<void> {
  // Somebody has removed it.
  if ((await mkdir(join(boot, `atoll-${set}`), { recursive: true })) !== undefined) await syncDirectory(boot);
  const wanted = parseSums(sums);
  for (const name of wanted.keys()) {
    signal.throwIfAborted();
    if (name !== CONFIG) await writeNew(join(boot, nameIn(set, name)), await readFile(join(source, name)));
  }
  await writeNew(sumsPath(boot, set), Buffer.from(sums));
  const [wrong] = await damagedFiles(boot, set, wanted, signal);
  if (wrong !== undefined) throw new FirmwareError(`${wrong} reads back as something else than was written`, WORN_OUT);
}

/** What is left of the set before, or of one that a cut ended; its list of files goes first. */
async function removeSet(boot: string, set: number, wanted: Sums): Promise<void> {
  const old = parseSums((await textOf(sumsPath(boot, set))) ?? '');
  await removeWholly(sumsPath(boot, set)).catch(ignoreMissing);
  for (const name of new Set([...old.keys(), ...wanted.keys()]))
    if (name !== CONFIG) await removeWholly(join(boot, nameIn(set, name))).catch(ignoreMissing);
}

const ignoreMissing = (error: unknown): boolean => {
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return false;
  throw error;
};

async function writeNew(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

async function hashOnCard(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const { size } = await stat(path);
  for await (const { bytes } of piecesOfDevice(path, size, signal)) hash.update(bytes);
  return hash.digest('hex');
}

/** In place: the file keeps its size and its clusters, so one sector is all that changes. */
async function choose(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    if (size !== CONFIG_BYTES) throw new FirmwareError(`${basename(path)} has ${size} bytes`, 'Run the update again.');
    await file.write(Buffer.from(text), 0, CONFIG_BYTES, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}
