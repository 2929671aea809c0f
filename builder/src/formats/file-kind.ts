/** What a file is by its first bytes: for somebody who took it for something else. */

export interface FileKind {
  /** Completes "it is …". */
  readonly name: string;
  /** What makes a disk image of it, or what to take instead: a sentence. */
  readonly instead: string;
}

const unpack = (tool: string): string => `Unpack it first: ${tool}.`;
const convert = 'Take the .raw beside it, or convert it: qemu-img convert -O raw.';

/** Bytes as latin1, and where they are. */
const kinds: readonly (readonly [magic: string, at: number, kind: FileKind])[] = [
  ['QFI\xfb', 0, { name: 'a qcow2 image', instead: convert }],
  ['KDMV', 0, { name: 'a VMDK image', instead: convert }],
  ['# Disk DescriptorFile', 0, { name: 'a VMDK image', instead: convert }],
  ['vhdxfile', 0, { name: 'a VHDX image', instead: convert }],
  ['conectix', 0, { name: 'a VHD image', instead: convert }],
  ['\x7f\x10\xda\xbe', 64, { name: 'a VirtualBox image', instead: convert }],
  ['\x28\xb5\x2f\xfd', 0, { name: 'compressed with zstd', instead: 'Give it a name that ends with .raw.zst.' }],
  ['\xfd7zXZ\0', 0, { name: 'compressed with xz', instead: unpack('unxz') }],
  ['\x1f\x8b', 0, { name: 'compressed with gzip', instead: unpack('gunzip') }],
  ['BZh', 0, { name: 'compressed with bzip2', instead: unpack('bunzip2') }],
  ['PK\x03\x04', 0, { name: 'a zip archive', instead: unpack('unzip') }],
  ['ustar', 257, { name: 'a tar archive', instead: unpack('tar -xf') }],
  [
    'hsqs',
    0,
    { name: 'a squashfs, as update bundles (.raucb) are', instead: 'A bundle is for `atoll upgrade` on a node.' },
  ],
  ['MZ', 0, { name: 'an EFI program', instead: 'Take the .raw beside it, which has it on its first partition.' }],
  ['\xe2\xe1\xf5\xe0', 1024, { name: 'an EROFS file system', instead: 'Take the image of a whole disk.' }],
  ['\x53\xef', 1080, { name: 'an ext4 file system', instead: 'Take the image of a whole disk.' }],
  ['CD001', 32_769, { name: 'the image of a disc (.iso)', instead: 'Take the image of a whole disk.' }],
  ['FAT', 54, { name: 'a FAT file system', instead: 'Take the image of a whole disk.' }],
  ['FAT32', 82, { name: 'a FAT file system', instead: 'Take the image of a whole disk.' }],
];

/** @param head the file's first bytes; 33 KiB are enough for all kinds. */
export function fileKind(head: Buffer): FileKind | undefined {
  return kinds.find(([magic, at]) => head.toString('latin1', at, at + magic.length) === magic)?.[2];
}
