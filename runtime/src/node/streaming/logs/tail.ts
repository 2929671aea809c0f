/** Finding where the last lines of a file begin, without reading what is before them. */
import type { FileHandle } from 'node:fs/promises';
import { parseLogLine } from './line.ts';

const BLOCK_BYTES = 64 * 1024;
/** No line is that long: containerd cuts them at 16 KiB. What is longer is damage (zeros after a power cut). */
const MAX_LINE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Offset at which the last `count` lines begin; pieces of one line count once, an unfinished last line and
 * what is no log line do not count. Reads backwards in blocks of 64 KiB.
 */
export async function tailOffset(file: FileHandle, sizeBytes: number, count: number): Promise<number> {
  if (count === 0) return sizeBytes;
  let lines = 0;
  /** Bytes from `start` of the file on that belong to a line whose beginning is not read yet. */
  let pending = Buffer.alloc(0);
  let start = sizeBytes;
  let lineStart = sizeBytes;
  while (start > 0) {
    const length = Math.min(BLOCK_BYTES, start);
    const block = Buffer.alloc(length);
    await file.read(block, 0, length, start - length);
    start -= length;
    const bytes = Buffer.concat([block, pending]);
    let end = bytes.length;
    for (;;) {
      // The line break before the last one still in `bytes[0, end)` is where the line that ends at `end` begins.
      const before = end < 2 ? -1 : bytes.lastIndexOf(NEWLINE, end - 2);
      if (end === 0 || (before < 0 && start > 0)) break;
      const line = bytes.subarray(before + 1, bytes[end - 1] === NEWLINE ? end - 1 : end);
      if (bytes[end - 1] === NEWLINE && parseLogLine(line)?.partial === false) {
        if (lines === count) return lineStart;
        lines++;
      }
      lineStart = start + before + 1;
      end = before + 1;
    }
    pending = bytes.subarray(0, end);
    if (pending.length > MAX_LINE_BYTES) return lineStart;
  }
  return 0;
}
