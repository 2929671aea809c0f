/**
 * Brings an image to its place: what the target has stays, what the machine has is copied, the rest comes from the bundle.
 *
 * Always true: no block is written whose SHA-256 is not the one in the bundle's index; blocks are written in the order of their places (a file
 * on a FAT is not filled with zeros first); no more than {@link SYNC_BYTES} wait in memory for the card.
 */
import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { hasCode } from '../../lib/files.ts';
import { HASH_BYTES } from './blockIndex.ts';
import type { Bundle } from './bundle/bundle.ts';
import { PIECE_BYTES } from './device.ts';
import { FETCH, type ImagePlan, SAME, ZERO } from './plan.ts';
import { BLOCK_BYTES } from './types.ts';
import { UpgradeError } from './upgradeError.ts';

/** Stretches so near to each other are one request: the blocks between cost less than another round trip. */
const GAP_BLOCKS = 4;
/** Others want the card too: never more than this is written without waiting for it. */
const SYNC_BYTES = 8 << 20;
const PIECE_BLOCKS = PIECE_BYTES / BLOCK_BYTES;
/** Wrong bytes at one place, then it is named. */
const ATTEMPTS = 3;

export interface TransferCounts {
  writtenBytes: number;
  copiedBytes: number;
  /** Blocks dealt with, in bytes; of the same sum as the plan's `writeBytes`. */
  doneBytes: number;
}

export interface Run {
  readonly kind: 'fetch' | 'copy' | 'zero';
  readonly first: number;
  readonly end: number;
}

/** What is done in one go, by place. A stretch that is fetched may hold blocks that are not: they are thrown away, or used. */
export function runs(from: Int32Array): Run[] {
  const found: { kind: Run['kind']; first: number; end: number }[] = [];
  let block = 0;
  while (block < from.length) {
    const source = from[block] ?? SAME;
    if (source === SAME) {
      block++;
      continue;
    }
    const kind = source === FETCH ? 'fetch' : source === ZERO ? 'zero' : 'copy';
    let end = block + 1;
    while (end < from.length && (kind === 'copy' ? from[end] === source + end - block : from[end] === source)) end++;
    const last = found.at(-1);
    if (kind === 'fetch') {
      // Also over short stretches of other kinds: those that came after the last fetched one go into it.
      let near = found.length - 1;
      while (near >= 0 && found[near]?.kind !== 'fetch') near--;
      const fetched = found[near];
      if (fetched && block - fetched.end <= GAP_BLOCKS) {
        fetched.end = end;
        found.length = near + 1;
      } else found.push({ kind, first: block, end });
    } else if (last?.kind === kind && kind === 'zero' && last.end === block) last.end = end;
    else found.push({ kind, first: block, end });
    block = end;
  }
  return found;
}

/** @throws UpgradeError WRONG_BYTES, NO_SPACE, or as the bundle's source */
export async function transfer(
  plan: ImagePlan,
  file: FileHandle,
  bundle: Bundle,
  counts: TransferCounts,
  signal: AbortSignal,
  onDone: () => void,
): Promise<void> {
  const { index, from } = plan;
  let unsynced = 0;
  const missed: number[] = [];

  const isGood = (bytes: Buffer, block: number): boolean =>
    hash('sha256', bytes, 'buffer').compare(index, block * HASH_BYTES, (block + 1) * HASH_BYTES) === 0;

  /** Writes those of the blocks in `bytes` that are wanted and good; gives the numbers of those that are wanted and not good. */
  const put = async (bytes: Buffer, first: number, wanted: (block: number) => boolean): Promise<number[]> => {
    const bad: number[] = [];
    const count = bytes.length / BLOCK_BYTES;
    let start = 0;
    const flush = async (end: number): Promise<void> => {
      if (end > start) {
        await write(bytes.subarray(start * BLOCK_BYTES, end * BLOCK_BYTES), first + start);
        counts.doneBytes += (end - start) * BLOCK_BYTES;
      }
      start = end + 1;
    };
    for (let at = 0; at < count; at++) {
      const good = wanted(first + at);
      if (good && isGood(bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES), first + at)) continue;
      if (good) bad.push(first + at);
      await flush(at);
    }
    await flush(count);
    onDone();
    return bad;
  };

  const write = async (bytes: Buffer, block: number): Promise<void> => {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file
        .write(bytes, done, bytes.length - done, block * BLOCK_BYTES + done)
        .catch((cause: unknown) => {
          throw writeError(plan.target, cause);
        });
      done += bytesWritten;
    }
    counts.writtenBytes += bytes.length;
    unsynced += bytes.length;
    if (unsynced < SYNC_BYTES) return;
    await file.datasync();
    unsynced = 0;
  };

  const isWanted = (block: number): boolean => from[block] !== SAME;

  const fetch = async (first: number, end: number, wanted: (block: number) => boolean): Promise<void> => {
    const wrong: number[] = [];
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, (end - first) * BLOCK_BYTES));
    let at = first;
    let filled = 0;
    for await (const piece of bundle.stream(plan.image, first * BLOCK_BYTES, (end - first) * BLOCK_BYTES, signal)) {
      for (let taken = 0; taken < piece.length; ) {
        const copied = piece.copy(buffer, filled, taken);
        taken += copied;
        filled += copied;
        if (filled < buffer.length && at + filled / BLOCK_BYTES < end) continue;
        wrong.push(...(await put(buffer.subarray(0, filled), at, wanted)));
        at += filled / BLOCK_BYTES;
        filled = 0;
      }
    }
    await again(wrong);
  };

  /** Asked for once more, each stretch by itself: what is broken on the way is seldom broken twice. */
  const again = async (blocks: readonly number[]): Promise<void> => {
    let wrong = blocks;
    for (let attempt = 1; wrong.length > 0; attempt++) {
      if (attempt === ATTEMPTS)
        throw new UpgradeError(
          'WRONG_BYTES',
          `${bundle.shown} has other bytes in its ${plan.image} image at ${(wrong[0] ?? 0) * BLOCK_BYTES} than the ones that were signed (${wrong.length} blocks, ${ATTEMPTS} attempts)`,
          'it was damaged or changed: get it from somewhere else; what has been written is kept',
        );
      const still: number[] = [];
      for (const [first, end] of stretchesOf(wrong)) {
        const bytes = Buffer.allocUnsafe((end - first) * BLOCK_BYTES);
        let filled = 0;
        for await (const piece of bundle.stream(plan.image, first * BLOCK_BYTES, bytes.length, signal))
          filled += piece.copy(bytes, filled);
        still.push(...(await put(bytes, first, isWanted)));
      }
      wrong = still;
    }
  };

  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (const { kind, first, end } of runs(from)) {
    signal.throwIfAborted();
    if (kind === 'fetch') {
      await fetch(first, end, isWanted);
      continue;
    }
    for (let block = first; block < end; block += PIECE_BLOCKS) {
      signal.throwIfAborted();
      const blocks = Math.min(PIECE_BLOCKS, end - block);
      const bytes = buffer.subarray(0, blocks * BLOCK_BYTES);
      let whole = blocks;
      if (kind === 'zero') bytes.fill(0);
      else whole = Math.floor((await plan.seeds.read(from[block] ?? 0, bytes)) / BLOCK_BYTES);
      const bad = await put(bytes.subarray(0, whole * BLOCK_BYTES), block, isWanted);
      for (let late = block + whole; late < block + blocks; late++) bad.push(late);
      if (kind === 'copy') counts.copiedBytes += (blocks - bad.length) * BLOCK_BYTES;
      missed.push(...bad);
    }
  }
  // What an index promised and the device does not hold.
  const late = new Set(missed);
  for (const [first, end] of stretchesOf(missed)) await fetch(first, end, block => late.has(block));
  await file.sync().catch((cause: unknown) => {
    throw writeError(plan.target, cause);
  });
}

/** Blocks in ascending order as stretches, none longer than what is handled at once. */
function* stretchesOf(blocks: readonly number[]): Generator<[first: number, end: number]> {
  for (let at = 0; at < blocks.length; ) {
    const first = blocks[at] ?? 0;
    let count = 1;
    while (count < PIECE_BLOCKS && blocks[at + count] === first + count) count++;
    yield [first, first + count];
    at += count;
  }
}

export function writeError(path: string, cause: unknown): Error {
  if (hasCode(cause, 'ENOSPC'))
    return new UpgradeError(
      'NO_SPACE',
      `there is no space left for ${path}`,
      'remove what is not needed from that file system',
      { cause },
    );
  if (hasCode(cause, 'EIO') || hasCode(cause, 'EROFS') || hasCode(cause, 'EREMOTEIO'))
    return new UpgradeError(
      'SLOT',
      `${path} cannot be written: ${(cause as Error).message}`,
      'the disk or card is failing, or write protected: `atoll logs` and `dmesg` tell more',
      { cause },
    );
  return cause instanceof Error ? cause : new Error(String(cause));
}
