import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CutMaker, seededRandom } from './cuts.ts';
import { readWriteLog, WriteLogError } from './write-log.ts';

const sector = 512;
/** What is written whole or not at all. */
const page = 4096;
const kept = (): number => 0;
const lost = (): number => 0.5;
/** Torn, and then half of its pages. */
const torn = (): (() => number) => {
  let next = 0.5;
  return () => {
    next = next === 0.7 ? 0.5 : 0.7;
    return next;
  };
};

/** A log of writes (`[page, letters]`, one letter a page) and flushes. */
function log(...steps: ('flush' | [at: number, letters: string])[]): Buffer {
  const entry = (at: number, sectors: number, flags: number): Buffer => {
    const header = Buffer.alloc(sector);
    [at, sectors, flags].forEach((value, index) => {
      header.writeBigUInt64LE(BigInt(value), index * 8);
    });
    return header;
  };
  const superblock = entry(0, 0, 0);
  superblock.writeBigUInt64LE(0x6a736677736872n, 0);
  superblock.writeBigUInt64LE(1n, 8);
  superblock.writeUInt32LE(sector, 24);
  const bodies = steps.map(step =>
    step === 'flush'
      ? entry(0, 0, 1)
      : Buffer.concat([
          entry(step[0] * 8, step[1].length * 8, 0),
          ...[...step[1]].map(letter => Buffer.alloc(page, letter)),
        ]),
  );
  return Buffer.concat([superblock, ...bodies]);
}

describe('a cut', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-cuts-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  // Pages 10 to 13 of the disk are the part. Entries: a, b, flush, c over b, d, flush, e and f over a and c.
  const steps = log([10, 'a'], [11, 'b'], 'flush', [9, 'xcy'], [13, 'dz'], 'flush', [10, 'ef']);
  const end = steps.length;
  const ends = { a: 2 * sector + page, b: 3 * sector + 2 * page, c: 5 * sector + 5 * page };
  const cases: [name: string, at: number, random: () => number, part: string][] = [
    ['before the first write leaves nothing', sector, kept, '....'],
    ['in the middle of a write leaves it out', ends.a - 1, kept, '....'],
    ['before the flush may keep what was written', ends.b, kept, 'ab..'],
    ['before the flush may lose it', ends.b, lost, '....'],
    ['after the flush keeps it', ends.b + sector, lost, 'ab..'],
    ['keeps only the part of a write that is in the part', ends.c, kept, 'cy..'],
    ['may tear a write', end, torn(), 'ey.d'],
    ['at the end may keep everything', end, kept, 'ef.d'],
    ['at the end loses only what was not flushed', end, lost, 'cy.d'],
  ];
  for (const [name, at, random, part] of cases) {
    it(name, async () => {
      const logFile = join(directory, 'log');
      await writeFile(logFile, steps);
      const options = {
        logFile,
        entries: await readWriteLog(logFile),
        part: { offset: 10 * page, sizeBytes: 4 * page },
      };
      await using maker = await CutMaker.open(options, join(directory, 'durable'));
      await maker.cut(Math.min(at, ends.b), join(directory, 'cut'), lost);
      await maker.cut(at, join(directory, 'cut'), random);
      const image = await readFile(join(directory, 'cut'));
      const letters = [0, 1, 2, 3].map(index => String.fromCharCode(image[index * page] || 46)).join('');
      assert.equal(letters, part);
    });
  }

  it('of something that is no log is refused', async () => {
    await writeFile(join(directory, 'bad'), Buffer.alloc(4096));
    await assert.rejects(readWriteLog(join(directory, 'bad')), WriteLogError);
  });
});

it('tosses the same coins for the same seed', () => {
  const [one, two, other] = [seededRandom(7), seededRandom(7), seededRandom(8)];
  const numbers = Array.from({ length: 5 }, one);
  assert.deepEqual(numbers, Array.from({ length: 5 }, two));
  assert.notDeepEqual(numbers, Array.from({ length: 5 }, other));
  assert.ok(numbers.every(number => number >= 0 && number < 1));
});
