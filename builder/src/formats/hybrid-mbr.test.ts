import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hybridMbr } from './hybrid-mbr.ts';

const partition = (record: Buffer, index: number): readonly [type: number, first: number, sectors: number] => {
  const at = 446 + index * 16;
  return [record.readUInt8(at + 4), record.readUInt32LE(at + 8), record.readUInt32LE(at + 12)];
};

test('the boot partition comes first, as FAT32; the protective entry second, from sector 1 up to it', () => {
  const record = hybridMbr({ firstSector: 2048, sectors: 1048576 });
  assert.equal(record.length, 512);
  assert.deepEqual(partition(record, 0), [0x0c, 2048, 1048576]);
  assert.deepEqual(partition(record, 1), [0xee, 1, 2047]);
  assert.deepEqual(partition(record, 2), [0, 0, 0]);
  assert.deepEqual(partition(record, 3), [0, 0, 0]);
  assert.deepEqual([...record.subarray(510)], [0x55, 0xaa]);
});
test('what 32 bits cannot say is refused', () =>
  assert.throws(() => hybridMbr({ firstSector: 2 ** 32, sectors: 1 }), RangeError));
