/** The formats that flashing reads, against those who made them: bytes of real tools are in builder/test/flash.test.ts. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BuildError } from '../errors.ts';
import { type Bmap, bmapText, parseBmap } from './bmap.ts';
import { fatInUse } from './fat.ts';
import { partitionsOf } from './partition-table.ts';
import { zstdContentBytes } from './zstd.ts';

const map: Bmap = {
  imageBytes: 10 * 4096 - 1,
  blockBytes: 4096,
  ranges: [
    { first: 0, last: 1, sha256: 'a'.repeat(64) },
    { first: 4, last: 4, sha256: 'b'.repeat(64) },
    { first: 9, last: 9, sha256: 'c'.repeat(64) },
  ],
};

test('a block map is read as it was written', () => assert.deepEqual(parseBmap(bmapText(map), 'x.bmap'), map));

/** The text with something else in it, and a checksum that is right again. */
function resummed(change: (text: string) => string): string {
  const changed = change(bmapText(map));
  const body = (sum: string): string => changed.replace(/(<BmapFileChecksum> )[0-9a-f]{64}/, `$1${sum}`);
  return body(
    createHash('sha256')
      .update(body('0'.repeat(64)))
      .digest('hex'),
  );
}

for (const [what, text, said] of [
  [
    'one wrong letter',
    bmapText(map).replace('9 </Range>', '8 </Range>'),
    /is damaged: its checksum is of something else/,
  ],
  ['another version', bmapText(map).replace('"2.0"', '"1.3"'), /is of version 1\.3, not 2\.0/],
  ['no map', '<html>404</html>', /is none/],
  ['other checksums', resummed(text => text.replace('> sha256 <', '> sha1 <')), /checksums of the kind "sha1"/],
  ['ranges out of order', resummed(text => text.replace('> 4 </R', '> 1 </R')), /a range out of order: 1-1/],
  ['a range behind the end', resummed(text => text.replace('> 9 <', '> 10 <')), /a range out of order: 10-10/],
  ['too few ranges', resummed(text => text.replace(/ {8}<Range.*> 4 <.*\n/, '')), /contradicts itself/],
] as const)
  test(`a block map that is wrong: ${what}`, () =>
    assert.throws(
      () => parseBmap(text, 'x.bmap'),
      (error: unknown) => {
        assert.ok(error instanceof BuildError);
        assert.match(error.message, said);
        return error.code === 'IMAGE_DAMAGED';
      },
    ));

/** A FAT16 of 8 KiB clusters, with clusters 3, 4 and 9 in use. */
function fat16(): Buffer {
  const disk = Buffer.alloc(64 * 1024);
  disk.writeUInt16LE(512, 11);
  disk.writeUInt8(16, 13);
  disk.writeUInt16LE(4, 14);
  disk.writeUInt8(2, 16);
  disk.writeUInt16LE(512, 17);
  disk.writeUInt16LE(0, 19);
  disk.writeUInt16LE(20, 22);
  disk.writeUInt32LE(76 + 16 * 5000, 32);
  disk.write('FAT16   ', 54, 'latin1');
  disk.writeUInt16LE(0xaa55, 510);
  for (const cluster of [3, 4, 9]) disk.writeUInt16LE(0xffff, 4 * 512 + 2 * cluster);
  return disk;
}

test('of a FAT its tables, its root and the clusters of files are in use', async () => {
  const disk = fat16();
  const read = async (offset: number, size: number): Promise<Buffer> => disk.subarray(offset, offset + size);
  const dataAt = (4 + 2 * 20 + 32) * 512;
  assert.deepEqual(await fatInUse(read), [
    { offset: 0, sizeBytes: dataAt },
    { offset: dataAt + 8192, sizeBytes: 2 * 8192 },
    { offset: dataAt + 7 * 8192, sizeBytes: 8192 },
  ]);
  disk.fill(0, 510, 512);
  assert.equal(await fatInUse(read), undefined);
});

test('an MBR says where partitions are, a protective one does not', () => {
  const head = Buffer.alloc(1024);
  assert.equal(partitionsOf(head), undefined);
  head.writeUInt16LE(0xaa55, 510);
  head.writeUInt8(0x0c, 446 + 4);
  head.writeUInt32LE(8192, 446 + 8);
  head.writeUInt32LE(1024, 446 + 12);
  head.writeUInt8(0xee, 462 + 4);
  assert.deepEqual(partitionsOf(head), [{ label: '', offset: 8192 * 512, sizeBytes: 1024 * 512 }]);
});

test('how much is in a zstd frame', () => {
  for (const [header, bytes] of [
    ['28b52ffd2007', 7],
    ['28b52ffd60ff00', 0xff + 256],
    ['28b52ffda000002064', 0x64200000],
    ['28b52ffde40000000001000000', 0x100000000],
    ['28b52ffd0058', undefined],
    ['1f8b0800', undefined],
  ] as const) {
    const head = Buffer.alloc(18);
    Buffer.from(header, 'hex').copy(head);
    assert.equal(zstdContentBytes(head), bytes, header);
  }
});
