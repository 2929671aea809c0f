import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeIndex } from '../../../runtime/src/machine/upgrade/blockIndex.ts';
import { blockBytes, blockHashes, blockIndex, wholeBlocks } from './block-index.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

for (const blocks of [0, 1, 2, 127, 128, 129, 257, 700]) {
  test(`the index of ${blocks} blocks is what a node reads`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-index-'));
    try {
      const image = Buffer.concat(Array.from({ length: blocks }, (_, index) => Buffer.alloc(blockBytes, `${index} `)));
      await writeFile(join(folder, 'image'), image);
      const entries = await blockHashes(join(folder, 'image'));
      const expected = Array.from({ length: blocks }, (_, index) =>
        sha256(image.subarray(index * blockBytes, (index + 1) * blockBytes)),
      );
      assert.equal(entries.toString('hex'), expected.join(''));
      const index = blockIndex(entries);
      assert.equal(index.length, blockBytes + wholeBlocks(blocks * 32));
      if (blocks > 0) assert.equal(decodeIndex(index)?.toString('hex'), expected.join(''));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test('the rest of a last block counts as zeros', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-index-'));
  try {
    await writeFile(join(folder, 'image'), Buffer.alloc(blockBytes + 5, 7));
    const entries = await blockHashes(join(folder, 'image'));
    const last = Buffer.concat([Buffer.alloc(5, 7), Buffer.alloc(blockBytes - 5)]);
    assert.equal(entries.toString('hex', 32), sha256(last));
  } finally {
    await rm(folder, { recursive: true });
  }
});
