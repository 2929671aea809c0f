import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { uBootScript } from './u-boot-script.ts';

test('a script has a header whose two sums are right', () => {
  const image = uBootScript('echo hello\n');
  const header = Buffer.from(image.subarray(0, 64));
  assert.equal(header.readUInt32BE(0), 0x27051956);
  assert.equal(header.readUInt32BE(24), crc32(image.subarray(64)));
  assert.equal(header.readUInt32BE(12), image.length - 64);
  const sum = header.readUInt32BE(4);
  header.writeUInt32BE(0, 4);
  assert.equal(sum, crc32(header));
  assert.equal(header.readUInt8(30), 6);
  assert.deepEqual([image.readUInt32BE(64), image.readUInt32BE(68)], [11, 0]);
  assert.equal(image.toString('utf8', 72), 'echo hello\n');
});
test('the same script gives the same bytes', () => assert.deepEqual(uBootScript('x'), uBootScript('x')));
