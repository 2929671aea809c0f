/**
 * The disk as a power cut leaves it, made from a write log.
 *
 * A cut at byte `at` of the log: everything logged up to the last flush before it is there. Of the writes after that flush,
 * which sat in the drive's volatile cache, each one is there, lost, or torn (only its first pages), by the toss of a seeded
 * coin: drives write their cache back in any order. Aligned pages of 4 KiB are whole, as the drives in use promise (physical
 * sectors, flash pages, NVMe's AWUPF); ext4 relies on more than 512 bytes too, for its superblock.
 *
 * So one run of a guest gives as many cuts as are wanted, at every possible moment, each stricter than pulling the plug of an
 * emulator, whose host still keeps what the guest forgot to flush.
 */
import { execFile } from 'node:child_process';
import { type FileHandle, open, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { LogEntry, LoggedWrite } from './write-log.ts';

export interface CutOptions {
  readonly logFile: string;
  readonly entries: readonly LogEntry[];
  /** The part of the disk that is made, bytes: a partition. */
  readonly part: { readonly offset: number; readonly sizeBytes: number };
  /** File holding the part as it was before the log; default: all zeros. It is not changed. */
  readonly base?: string;
}

/** What became of the unflushed writes of one cut. */
export interface CutSummary {
  readonly kept: number;
  readonly lost: number;
  readonly torn: number;
}

/** Written whole or not at all. */
const pageSize = 4096;
const run = promisify(execFile);

/**
 * Makes cuts one after the other, each later in the log than the one before it.
 *
 * Invariant: `#durable` holds the writes of the entries before `#next`, all of which are followed by a flush that is
 * before the last cut.
 */
export class CutMaker implements AsyncDisposable {
  readonly #options: CutOptions;
  readonly #durableFile: string;
  readonly #durable: FileHandle;
  readonly #log: FileHandle;
  #next = 0;

  private constructor(options: CutOptions, durableFile: string, durable: FileHandle, log: FileHandle) {
    this.#options = options;
    this.#durableFile = durableFile;
    this.#durable = durable;
    this.#log = log;
  }

  /** @param scratch a file it may make and keep while it works, as large as the part (sparse); the caller removes it */
  static async open(options: CutOptions, scratch: string): Promise<CutMaker> {
    if (options.base === undefined) {
      await writeFile(scratch, '');
      await truncate(scratch, options.part.sizeBytes);
    } else {
      await copySparse(options.base, scratch);
    }
    return new CutMaker(options, scratch, await open(scratch, 'r+'), await open(options.logFile, 'r'));
  }

  /**
   * Writes the part after a cut to `file`.
   * @param at byte position in the log: entries that end there or before happened
   * @param random decides the fate of unflushed writes: numbers in [0, 1)
   */
  async cut(at: number, file: string, random: () => number): Promise<CutSummary> {
    const { entries } = this.#options;
    let happened = this.#next;
    let flushed = this.#next;
    for (let entry = entries[happened]; entry !== undefined && entry.endsAt <= at; entry = entries[happened]) {
      happened += 1;
      flushed = entry.kind === 'flush' ? happened : flushed;
    }
    await this.#apply(this.#durable, entries.slice(this.#next, flushed));
    this.#next = flushed;
    await copySparse(this.#durableFile, file);
    const volatile = entries.slice(flushed, happened).filter(entry => entry.kind === 'write');
    const survivors: LoggedWrite[] = [];
    const summary = { kept: 0, lost: 0, torn: 0 };
    for (const write of volatile) {
      const fate = (['kept', 'lost', 'torn'] as const)[Math.floor(random() * 3)] ?? 'kept';
      summary[fate] += 1;
      if (fate === 'kept') {
        survivors.push(write);
      } else if (fate === 'torn') {
        survivors.push({ ...write, length: tornLength(write, random()) });
      }
    }
    const handle = await open(file, 'r+');
    try {
      await this.#apply(handle, survivors);
    } finally {
      await handle.close();
    }
    return summary;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#durable.close();
    await this.#log.close();
  }

  async #apply(to: FileHandle, entries: readonly LogEntry[]): Promise<void> {
    const { offset, sizeBytes } = this.#options.part;
    for (const entry of entries) {
      if (entry.kind === 'flush') {
        continue;
      }
      const from = Math.max(entry.offset, offset);
      const length = Math.min(entry.offset + entry.length, offset + sizeBytes) - from;
      if (length > 0) {
        const data = Buffer.alloc(length);
        await this.#log.read(data, 0, length, entry.dataAt + (from - entry.offset));
        await to.write(data, 0, length, from - offset);
      }
    }
  }
}

/** How much of a torn write is there: a share of it, up to a page boundary of the disk. */
function tornLength({ offset, length }: LoggedWrite, share: number): number {
  const end = Math.floor((offset + share * length) / pageSize) * pageSize;
  return Math.max(0, end - offset);
}

async function copySparse(from: string, to: string): Promise<void> {
  await run('cp', ['--sparse=auto', '--reflink=auto', '--', from, to]);
}

/** A small seeded generator (mulberry32), so that a failed cut can be made again from the seed in its message. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
