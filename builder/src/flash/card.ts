/**
 * Writing one card, so that a card that is not whole does not look whole.
 *
 * Always true: from the first write on, both ends of the card (its partition tables) are zeros, until everything else has been
 * written, synchronised and read back from the card itself; the image's first MiB is written last, and read back too. A card that is
 * pulled, fails or is given up therefore has no partition table, and nothing boots from it.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { BuildError } from '../errors.ts';
import { tableBytes } from '../formats/partition-table.ts';
import { run } from '../process.ts';
import { sequenceOf } from './disks.ts';
import { deviceNumber } from './mounts.ts';
import type { Chunk, ImageSource } from './source.ts';
import { sizeText } from './words.ts';

export interface Target {
  /** Of a block device, or of a file that is made or replaced. */
  readonly path: string;
  readonly kind: 'device' | 'file';
  /** For people: `SanDisk Ultra, 29.8 GiB`; empty where there is nothing to say. */
  readonly description: string;
  /** Of the device, or what the file shall have. */
  readonly sizeBytes: number;
  /** The file is there already. */
  readonly exists: boolean;
  /** The file holds secrets: nobody else may read it. */
  readonly isPrivate: boolean;
  /** The device's, as it was chosen: `sequence` of a BlockDevice. */
  readonly sequence?: string;
}

/** What is different from the image on one card: whole blocks, in order, by their place on the disk. */
export type Patches = readonly Chunk[];

export type Phase = 'writing' | 'reading back' | 'finishing';

/** Told how a card does. What `phase` returns is waited for. */
export interface Observer {
  readonly phase?: (card: string, phase: Phase) => void | Promise<void>;
  /** Bytes of this phase. */
  readonly progress?: (card: string, doneBytes: number, totalBytes: number) => void | Promise<void>;
  readonly end?: (card: string, well: boolean) => void;
}

interface Piece {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Between two of these the card's own pace is not seen: the kernel takes what it gets. */
const syncEveryBytes = 32 * 1024 ** 2;
/** A command that flushes or forgets caches has nothing to do that takes longer. */
const commandMs = 120_000;

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The kernel's words for a card that is gone or broken. */
const deviceErrors: Readonly<Record<string, string>> = {
  EIO: 'the card does not take it: it was pulled out, or is broken',
  ENXIO: 'the card is gone',
  ENODEV: 'the card is gone',
  ENOMEDIUM: 'the card is gone',
  ENOSPC: 'there is no more room, less than the card claims',
  EROFS: 'it is read-only',
  EREMOTEIO: 'the card does not take it: it was pulled out, or is broken',
  ETIMEDOUT: 'the card does not answer',
};

export class Card {
  readonly target: Target;
  readonly #file: FileHandle;
  readonly #imageBytes: number;
  readonly #patches: Patches;
  readonly #leftover: Patches;
  readonly #observer: Observer;
  readonly #pieces: Piece[] = [];
  /** Both ends of the image, which come last. */
  readonly #held: Chunk[] = [];
  readonly #totalBytes: number;
  #patchAt = 0;
  #writtenBytes = 0;
  #unsyncedBytes = 0;
  #begun = false;
  #looksWhole = false;

  private constructor(file: FileHandle, target: Target, image: ImageSource, patches: Patches, observer: Observer) {
    this.target = target;
    this.#file = file;
    this.#imageBytes = image.imageBytes;
    this.#patches = patches;
    this.#observer = observer;
    this.#leftover = patches.filter(
      ({ offset }) => !image.ranges.some(range => offset >= range.offset && offset < range.offset + range.sizeBytes),
    );
    const bytes = [...image.ranges, ...this.#leftover.map(({ bytes }) => ({ sizeBytes: bytes.length }))];
    this.#totalBytes = bytes.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  }

  /** Takes the target for itself; writes nothing. @throws BuildError TARGET_REFUSED if something else has it. */
  static async open(target: Target, image: ImageSource, patches: Patches, observer: Observer): Promise<Card> {
    const { path, kind, isPrivate } = target;
    // O_EXCL of a block device: not while a file system, LVM, RAID or another flasher has it (open(2)).
    const flags = kind === 'device' ? constants.O_RDWR | constants.O_EXCL : constants.O_RDWR | constants.O_CREAT;
    const file = await open(path, flags, isPrivate ? 0o600 : 0o666).catch((cause: NodeJS.ErrnoException) => {
      const isBusy = cause.code === 'EBUSY';
      const reason = isBusy ? 'something is using it' : (deviceErrors[cause.code ?? ''] ?? cause.message);
      throw new BuildError('TARGET_REFUSED', `${path} cannot be opened for writing: ${reason}`, {
        hint: isBusy
          ? 'Unmount it, and stop what uses it: LVM, RAID, a virtual machine, another flasher.'
          : cause.code === 'EACCES'
            ? 'Disks need root: `make flash TO=…` asks sudo for it.'
            : 'Nothing was written.',
        cause,
      });
    });
    // Looked at when it is open: from here on the kernel would say that another card is in the reader.
    if (target.sequence !== undefined) {
      const now = await sequenceOf(deviceNumber((await file.stat()).rdev));
      if (now !== target.sequence) {
        await file.close();
        throw new BuildError('TARGET_REFUSED', `another card is in ${path} now than the one that was chosen`, {
          hint: 'Nothing was written. Look what is there, and begin anew.',
        });
      }
    }
    return new Card(file, target, image, patches, observer);
  }

  /** How much this card holds of what the image says has to be written, and of its own. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** From here on the card does not boot. */
  async begin(): Promise<void> {
    const { kind, sizeBytes } = this.target;
    await this.#observer.phase?.(this.target.path, 'writing');
    this.#begun = true;
    if (kind === 'file') {
      if (this.target.isPrivate) await this.#attempt('write', 0, () => this.#file.chmod(0o600));
      await this.#attempt('write', 0, () => this.#file.truncate(0));
      await this.#attempt('write', 0, () => this.#file.truncate(sizeBytes));
      return;
    }
    await this.#wipe();
  }

  async #wipe(): Promise<void> {
    const zeros = Buffer.alloc(tableBytes);
    const last = Math.max(0, this.target.sizeBytes - tableBytes);
    for (const offset of [0, last]) await this.#put(offset, zeros);
    await this.#attempt('write', 0, () => this.#file.datasync());
  }

  /** Chunks come in order. */
  async write(chunk: Chunk): Promise<void> {
    const bytes = this.#patched(chunk);
    const tail = this.#imageBytes - tableBytes;
    for (const [from, to] of split(chunk.offset, bytes.length, [tableBytes, tail])) {
      const part: Chunk = { offset: from, bytes: bytes.subarray(from - chunk.offset, to - chunk.offset) };
      if (from < tableBytes || from >= tail) this.#held.push(part);
      else await this.#writePiece(part);
    }
  }

  async #writePiece({ offset, bytes }: Chunk): Promise<void> {
    await this.#put(offset, bytes);
    this.#pieces.push({ offset, sizeBytes: bytes.length, sha256: sum(bytes) });
    this.#writtenBytes += bytes.length;
    this.#unsyncedBytes += bytes.length;
    if (this.target.kind === 'device' && this.#unsyncedBytes >= syncEveryBytes) {
      await this.#attempt('write', offset, () => this.#file.datasync());
      this.#unsyncedBytes = 0;
    }
    await this.#observer.progress?.(this.target.path, this.#writtenBytes, this.#totalBytes);
  }

  /** The chunk with what this card has of its own in it; a chunk is other cards', too. */
  #patched({ offset, bytes }: Chunk): Buffer {
    let own: Buffer | undefined;
    for (; this.#patchAt < this.#patches.length; this.#patchAt++) {
      const patch = this.#patches[this.#patchAt];
      if (!patch || patch.offset >= offset + bytes.length) break;
      if (patch.offset < offset) continue;
      own ??= Buffer.from(bytes);
      patch.bytes.copy(own, patch.offset - offset);
    }
    return own ?? bytes;
  }

  /** After the last chunk: the rest of the patches, then everything is read back, then the ends are written and read back. */
  async finish(signal: AbortSignal): Promise<void> {
    const { path, kind } = this.target;
    for (const patch of this.#leftover) await this.#writePiece(patch);
    await this.#sync();
    await this.#observer.phase?.(path, 'reading back');
    await this.#readBack(this.#pieces, signal);
    await this.#observer.phase?.(path, 'finishing');
    // The first MiB is the very last: with it the card is whole.
    for (const { offset, bytes } of this.#held.sort((a, b) => b.offset - a.offset)) {
      if (offset < tableBytes) {
        await this.#sync();
        this.#looksWhole = true;
      }
      await this.#put(offset, bytes);
    }
    await this.#sync();
    await this.#readBack(
      this.#held.map(({ offset, bytes }) => ({ offset, sizeBytes: bytes.length, sha256: sum(bytes) })),
      signal,
    );
    await this.#file.close();
    // So that the partitions are there for whoever looks; a loop device without partition scanning has none.
    if (kind === 'device') await command(['blockdev', '--rereadpt', path]).catch(() => undefined);
  }

  async #sync(): Promise<void> {
    await this.#attempt('write', this.#writtenBytes, () => this.#file.sync());
    await forgetCached(this.target);
  }

  async #readBack(pieces: readonly Piece[], signal: AbortSignal): Promise<void> {
    const total = pieces.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
    let done = 0;
    for (const { offset, sizeBytes, sha256 } of pieces) {
      signal.throwIfAborted();
      const { buffer, bytesRead } = await this.#attempt('read', offset, () =>
        this.#file.read(Buffer.allocUnsafe(sizeBytes), 0, sizeBytes, offset),
      );
      if (bytesRead < sizeBytes || sum(buffer) !== sha256)
        throw new BuildError(
          'TARGET_FAILED',
          `${this.target.path} gives back something else than was written, within ${sizeText(sizeBytes)} at ${sizeText(offset)}`,
          { hint: 'The card is worn out, claims more room than it has, or its reader is bad: use another.' },
        );
      done += sizeBytes;
      await this.#observer.progress?.(this.target.path, done, total);
    }
  }

  async #put(offset: number, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#attempt('write', offset + at, () =>
        this.#file.write(bytes, at, bytes.length - at, offset + at),
      );
      at += bytesWritten;
    }
  }

  async #attempt<T>(what: 'read' | 'write', offset: number, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
      const { path, kind } = this.target;
      const file = code === 'ENOSPC' ? 'the disk it is on is full' : undefined;
      const reason = (kind === 'file' ? file : undefined) ?? deviceErrors[code] ?? String(cause);
      const done = what === 'read' ? 'read back' : 'written';
      throw new BuildError(
        'TARGET_FAILED',
        `${path} could not be ${done} at ${sizeText(offset)}: ${reason} (${code})`,
        {
          hint: 'Put it in again, or use another, and flash it anew.',
          cause,
        },
      );
    }
  }

  /** Leaves nothing that looks whole, and lets go of the target; never fails. @returns what it is now, for people. */
  async abandon(): Promise<string> {
    const { path, kind, exists } = this.target;
    if (!this.#begun) {
      await this.#file.close().catch(() => undefined);
      return kind === 'file' && !exists ? removed(path, 'is as it was') : `${path} is as it was.`;
    }
    const isWiped =
      kind === 'device' &&
      (await this.#wipe().then(
        () => true,
        () => false,
      ));
    await this.#file.close().catch(() => undefined);
    if (kind === 'file') return removed(path, 'was removed');
    // A card that is gone cannot be wiped, and need not be: its partition table comes last.
    return isWiped || !this.#looksWhole
      ? `${path} has no partition table now: nothing boots from it.`
      : `${path} has its partition table, and was not read back to its end: do not use it.`;
  }
}

/** @returns that it was, or why not */
const removed = (path: string, well: string): Promise<string> =>
  rm(path, { force: true }).then(
    () => `${path} ${well}.`,
    (error: NodeJS.ErrnoException) => `${path} could not be removed (${error.code}): do not use it.`,
  );

/** The part of `[offset, offset + sizeBytes)` between cuts. */
function split(offset: number, sizeBytes: number, cuts: readonly number[]): [number, number][] {
  const end = offset + sizeBytes;
  const places = [offset, ...cuts.filter(cut => cut > offset && cut < end).sort((a, b) => a - b), end];
  return places.slice(1).map((to, index) => [places[index] ?? offset, to]);
}

const command = (argv: readonly [string, ...string[]]): Promise<unknown> =>
  run(argv, { signal: AbortSignal.timeout(commandMs) });

/** What is read after this comes from the card: BLKFLSBUF, or posix_fadvise's DONTNEED for a file and where one may not. */
async function forgetCached({ path, kind }: Target): Promise<void> {
  const byAdvice = (): Promise<unknown> => command(['dd', `if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
  await (kind === 'device' ? command(['blockdev', '--flushbufs', path]).catch(byAdvice) : byAdvice());
}
