/**
 * The write-ahead log as it was found (https://www.sqlite.org/fileformat2.html#walformat).
 *
 * SQLite stops reading a log at the first frame that does not check, which is right for the end a power cut tore off: nobody was
 * told that it was written. But frames that check after one that does not are no torn end: that one had been written and synced,
 * perhaps acknowledged, and what follows it is lost with it. SQLite does not say so; this does. And a damaged last frame cannot be
 * told from a torn end: that, too, is said, for revisions given out in it must not be used again.
 */
import { readFile } from 'node:fs/promises';
import { hasCode } from '../../lib/files.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

export interface LogCondition {
  /** Frames up to the first that does not check. */
  readonly goodFrames: number;
  /** What is wrong, if it is more than a torn end. */
  readonly damage: string | undefined;
  /** Its end is torn, as by a power cut in the middle of a write. */
  readonly torn: boolean;
}

const whole: LogCondition = { goodFrames: 0, damage: undefined, torn: false };

export async function inspectLog(path: string): Promise<LogCondition> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return whole;
    throw error;
  }
  return inspectLogBytes(bytes);
}

export function inspectLogBytes(log: Buffer): LogCondition {
  if (log.length <= HEADER_BYTES + FRAME_HEADER_BYTES) return whole;
  const magic = log.readUInt32BE(0);
  const pageBytes = log.readUInt32BE(8);
  const sum = new Sum((magic & 1) === 1);
  sum.add(log, 0, 24);
  const headerGood =
    (magic & ~1) >>> 0 === MAGIC && log.readUInt32BE(24) === sum.first && log.readUInt32BE(28) === sum.second;
  if (!headerGood) return { goodFrames: 0, damage: 'the header of its log is not what was written', torn: false };
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const frames = Math.floor((log.length - HEADER_BYTES) / frameBytes);
  let good = 0;
  let torn = false;
  for (let frame = 0, broken = false; frame < frames; frame++) {
    const at = HEADER_BYTES + frame * frameBytes;
    // What an earlier round of the log left behind has two other salts; where one fits, the other has been damaged.
    const salts = [8, 12].filter(salt => log.readUInt32BE(at + salt) === log.readUInt32BE(salt + 8)).length;
    const current = salts === 2;
    if (salts === 1) torn = true;
    if (broken) {
      // Each frame's sum goes on from the one before as it stands there.
      const before = at - frameBytes + 16;
      sum.first = log.readUInt32BE(before);
      sum.second = log.readUInt32BE(before + 4);
    }
    if (current) {
      sum.add(log, at, 8);
      sum.add(log, at + FRAME_HEADER_BYTES, pageBytes);
    }
    const holds = current && log.readUInt32BE(at + 16) === sum.first && log.readUInt32BE(at + 20) === sum.second;
    if (holds && broken) {
      return {
        goodFrames: good,
        damage: `its log is damaged after ${good} of at least ${frame + 1} pages`,
        torn: true,
      };
    }
    if (holds) good++;
    else {
      broken = true;
      torn ||= current;
    }
  }
  return { goodFrames: good, damage: undefined, torn };
}

/** SQLite's running sum over pairs of 32-bit words. */
class Sum {
  first = 0;
  second = 0;
  constructor(private readonly bigEndian: boolean) {}

  add(bytes: Buffer, start: number, length: number): void {
    let [first, second] = [this.first, this.second];
    const words = new DataView(bytes.buffer, bytes.byteOffset + start, length);
    for (let at = 0; at + 8 <= length; at += 8) {
      first = (first + words.getUint32(at, !this.bigEndian) + second) >>> 0;
      second = (second + words.getUint32(at + 4, !this.bigEndian) + first) >>> 0;
    }
    this.first = first;
    this.second = second;
  }
}
