/**
 * A program runs in a guest on a real FAT, every write of it is logged, and the disk is made as a cut at each of them leaves it: as far as it was written,
 * and with what was not flushed lost in part.
 */
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactPaths } from '../../builder/src/paths.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { makeFatDisk } from '../src/fatDisk.ts';
import { startTinyGuest } from '../src/tinyGuest.ts';
import { readWriteLog } from '../src/write-log.ts';

const artefacts = artefactPaths('vm-x86_64');
const DISK_BYTES = 40 << 20;
export const timeoutMs = 600_000;
/** How many times the cache of the drive is lost in another way at each write. */
const FATES = 2;
const SEED = 20261122;

/** What a guest is made of: the image's own kernel and root. */
export const guestMachine = (directory: string, program: URL, task: unknown) => ({
  directory,
  kernel: artefacts.kernel,
  initrd: artefacts.initrd,
  rootDisk: artefacts.raw,
  program: program.pathname,
  task,
});

export interface CutDisk {
  /** An image of the partition, for the time of the judgement. */
  readonly file: string;
  /** The last thing that the program had said it begins, or has done; undefined: nothing. */
  readonly mark: string | undefined;
  /** From 1. */
  readonly number: number;
  /** For messages: which cut this is. */
  readonly what: string;
}

export interface Walk {
  readonly directory: string;
  /** What the partition holds before. */
  readonly files: Readonly<Record<string, Buffer | string>>;
  /** Says `@mark NAME` and waits for a line, and `@end` at its end; the partition is its `/dev/vdb`. */
  readonly program: URL;
  readonly task: unknown;
  /** @param cuts how many there will be */
  readonly judge: (disk: CutDisk, cuts: number) => Promise<void>;
}

/** @returns in words what was judged. @throws what `judge` throws */
export async function judgeEveryCut({ directory, files, program, task, judge }: Walk): Promise<string> {
  const [disk, base, logFile, cut] = ['esp.img', 'base.img', 'writes.log', 'cut.img'].map(name =>
    join(directory, name),
  ) as [string, string, string, string];
  await makeFatDisk(disk, DISK_BYTES, files);
  await copyFile(disk, base);
  await writeFile(logFile, '');
  const marks: { readonly name: string; readonly at: number }[] = [];
  {
    await using guest = await startTinyGuest({
      ...guestMachine(directory, program, task),
      disks: [{ file: disk, writeLog: logFile }],
    });
    for (;;) {
      const [, , name, end] = await guest.console.waitFor(/@((?:mark ([a-z0-9 ]+))|(end))\r?\n/, { timeoutMs });
      if (end !== undefined) break;
      marks.push({ name: name ?? '', at: (await stat(logFile)).size });
      guest.console.send('\n');
    }
  }
  const entries = await readWriteLog(logFile);
  await using maker = await CutMaker.open(
    { logFile, entries, part: { offset: 0, sizeBytes: DISK_BYTES }, base },
    join(directory, 'durable.img'),
  );
  const random = seededRandom(SEED);
  let number = 0;
  for (const { endsAt: at } of entries) {
    const mark = marks.findLast(known => known.at <= at)?.name;
    for (let fate = 0; fate <= FATES; fate++) {
      // The first time everything that was written is there; then some of what was not flushed is lost.
      await maker.cut(at, cut, fate === 0 ? () => 0 : random);
      number += 1;
      const what = `cut ${number} at byte ${at} of the log, after "${mark}", fate ${fate} (seed ${SEED})`;
      await judge({ file: cut, mark, number, what }, entries.length * (FATES + 1));
    }
  }
  return `${number} cuts at ${entries.length} writes and flushes`;
}

/** With which cut it was, where that fails. */
export function inWords<T>(what: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
