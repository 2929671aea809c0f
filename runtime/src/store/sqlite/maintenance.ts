/** What the writer does between groups of writes: decided here as data, done by the store. */
import type { FileState, WriterRequest } from './protocol.ts';
import { PAGE_BYTES } from './schema.ts';

const MIB = 1024 * 1024;

/** With nothing else to do, the log is brought home from 4 MiB… */
const CHECKPOINT_IDLE_PAGES = (4 * MIB) / PAGE_BYTES;
/** …and from 6 MiB also between writes: on a full disk it must fit into the reserve. */
const CHECKPOINT_BUSY_PAGES = (6 * MIB) / PAGE_BYTES;
/** Free pages are given back to the file system from 4 MiB and this part of the file on… */
const VACUUM_FROM_PAGES = (4 * MIB) / PAGE_BYTES;
const VACUUM_FROM_PART = 1 / 4;
/** …until this part of the file is left: room for the next writes. */
const VACUUM_TO_PART = 1 / 10;
/** Pages moved in one go: a few ms. */
const VACUUM_SLICE_PAGES = 128;

export interface Situation {
  readonly file: FileState;
  /** Compaction may go up to here now. */
  readonly compactTo: number;
  /** Writes are waiting. */
  readonly busy: boolean;
  /** Whether the last step was a vacuum: then it goes on to the lower mark. */
  readonly vacuuming: boolean;
  /** Pages the last checkpoint had to leave in the log, because a reader (a snapshot) still needs what was before them. */
  readonly heldPages: number;
}

/** The next step, or undefined: nothing to do until something is written. */
export function nextStep({ file, compactTo, busy, vacuuming, heldPages }: Situation): WriterRequest | undefined {
  const log = file.walPages - heldPages;
  // First, or compaction under a steady load would let the log grow without end.
  if (log >= CHECKPOINT_BUSY_PAGES) return { kind: 'checkpoint' };
  if (file.compacted < compactTo) return { kind: 'compact', target: compactTo };
  if (busy) return undefined;
  if (log >= CHECKPOINT_IDLE_PAGES) return { kind: 'checkpoint' };
  const floor = vacuuming ? file.pages * VACUUM_TO_PART : Math.max(VACUUM_FROM_PAGES, file.pages * VACUUM_FROM_PART);
  return file.freePages > floor ? { kind: 'vacuum', pages: VACUUM_SLICE_PAGES } : undefined;
}
