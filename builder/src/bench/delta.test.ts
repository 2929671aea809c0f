import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blocksWritten } from './delta.ts';

describe('blocks that are written over what is in a slot', () => {
  const rows: readonly (readonly [what: string, image: string, hashes: string[], before: string[], count: number])[] = [
    ['none where all are the same', 'root', ['a', 'b'], ['a', 'b'], 0],
    ['those that are others', 'root', ['a', 'x', 'c'], ['a', 'b', 'c'], 1],
    ['those that were elsewhere, too', 'verity', ['b', 'a'], ['a', 'b'], 2],
    ['those beyond the end', 'root', ['a', 'b', 'c'], ['a'], 2],
    ['all where the slot is empty', 'root', ['a', 'b'], [], 2],
    ['all of a kernel image, which is a new file', 'uki', ['a', 'b'], ['a', 'b'], 2],
  ];
  for (const [what, image, hashes, before, count] of rows)
    it(what, () => assert.equal(blocksWritten(image, hashes, before), count));
});
