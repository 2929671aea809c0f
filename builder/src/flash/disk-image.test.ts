import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BuildError } from '../errors.ts';
import type { Choice } from './choose.ts';
import { assertDiskImage, assertRoom, nodeBytes } from './disk-image.ts';
import { openImage } from './source.ts';

const never = new AbortController().signal;
const mebibyte = 1024 ** 2;
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-disk-image-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const withText = (text: string, at = 0): Buffer => {
  const bytes = Buffer.alloc(2 * mebibyte);
  bytes.write(text, at, 'latin1');
  return bytes;
};

/** With the signature of an MBR, and a partition from 1 MiB on. */
function mbr(sectors: number, text = '', at = 0): Buffer {
  const bytes = withText(text, at);
  bytes.writeUInt8(0x0c, 446 + 4);
  bytes.writeUInt32LE(2048, 446 + 8);
  bytes.writeUInt32LE(sectors, 446 + 12);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

/** With a GPT's signature and what its header says of its entries. */
function gpt(entries: number, entryBytes: number): Buffer {
  const bytes = withText('EFI PART', 512);
  bytes.writeBigUInt64LE(2n, 512 + 72);
  bytes.writeUInt32LE(entries, 512 + 80);
  bytes.writeUInt32LE(entryBytes, 512 + 84);
  return bytes;
}

for (const [what, bytes, said] of [
  ['an MBR with a partition', mbr(2048), undefined],
  ['a hybrid that is an ISO, too', mbr(2048, 'MZ'), undefined],
  [
    'a partition that ends behind the file',
    mbr(2049),
    /is cut off: it has 2097152 bytes, its partition ends at 2097664$/,
  ],
  ['a table without partitions', mbr(0), /is no image of a disk: there is no partition table in it$/],
  ['a GPT without partitions', gpt(128, 128), /there is no partition table in it$/],
  ['a GPT that claims four thousand million entries', gpt(0xffffffff, 0), /there is no partition table in it$/],
  ['text', Buffer.from('deadbeef  vm-x86_64.raw\n'), /there is no partition table in it$/],
  ['zeros', Buffer.alloc(2 * mebibyte), /there is no partition table in it$/],
  ['a qcow2 image', withText('QFI\xfb'), /it is a qcow2 image$/],
  ['what xz has packed', withText('\xfd7zXZ\0'), /it is compressed with xz$/],
  ['a zip', withText('PK\x03\x04'), /it is a zip archive$/],
  ['an update bundle', withText('hsqs'), /it is a squashfs, as update bundles \(\.raucb\) are$/],
  ['a FAT, whose boot sector is signed as a table is', mbr(0xfffffff, 'FAT16', 54), /it is a FAT file system$/],
] as const)
  test(`${what}: ${said ? 'refused' : 'an image'}`, async () => {
    const path = join(folder, 'image');
    await writeFile(path, bytes);
    const outcome = assertDiskImage(await openImage(path, folder), never);
    if (!said) return void (await outcome);
    await assert.rejects(outcome, (error: unknown) => {
      assert.ok(error instanceof BuildError, String(error));
      assert.match(error.message, said);
      assert.equal(error.code, error.message.includes('cut off') ? 'IMAGE_DAMAGED' : 'USAGE');
      return true;
    });
  });

const gibibyte = 1024 ** 3;
const partition = (label: string, sizeBytes: number) => ({ label, offset: mebibyte, sizeBytes });
const atoll = [partition('esp', gibibyte / 2), partition('root-a', gibibyte), partition('verity-a', 64 * mebibyte)];

for (const [what, partitions, sizeBytes, small] of [
  ['a card of 2 GB', atoll, 2_000_000_000, true],
  ['the least a node can live on', atoll, 1602 * mebibyte + gibibyte + 128 * mebibyte, false],
  ['a sector less', atoll, 1602 * mebibyte + gibibyte + 128 * mebibyte - 512, true],
  ["somebody else's image on a card of 2 GB", [partition('rootfs', gibibyte)], 2_000_000_000, false],
] as const)
  test(`${what}: ${small ? 'too small' : 'room enough'}`, () => {
    const choice = { target: { path: '/dev/sdz' }, disk: { sizeBytes } } as unknown as Choice;
    const file = { target: { path: 'card.img' } } as Choice;
    const judge = (): void => assertRoom([file, choice], nodeBytes(partitions, 1602 * mebibyte));
    if (!small) return judge();
    assert.throws(
      judge,
      /\/dev\/sdz is too small for a node: it has 1\.9 GiB|is too small for a node: it has 2\.7 GiB/,
    );
  });
