import assert from 'node:assert/strict';
import { it } from 'node:test';
import { release } from './bulk.ts';

const MIB = 1024 * 1024;

it('gives memory back before anything else happens', () => {
  for (let round = 0; round < 3; round++) {
    const memory = [new ArrayBuffer(32 * MIB), new ArrayBuffer(32 * MIB)];
    const before = process.memoryUsage().arrayBuffers;
    release(memory);
    assert.ok(before - process.memoryUsage().arrayBuffers >= 64 * MIB);
    assert.deepEqual(
      memory.map(({ byteLength }) => byteLength),
      [0, 0],
    );
  }
  release([]);
});
