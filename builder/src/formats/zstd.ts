/** The header of a zstd frame. Source: RFC 8878, section 3.1.1. */

const magic = 0xfd2fb528;

/** @param head the file's first 18 bytes. @returns the size of the content, where the frame says it; undefined for anything else. */
export function zstdContentBytes(head: Buffer): number | undefined {
  if (head.length < 18 || head.readUInt32LE(0) !== magic) return undefined;
  const descriptor = head.readUInt8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? head.readUInt8(at) : undefined;
    case 1:
      return head.readUInt16LE(at) + 256;
    case 2:
      return head.readUInt32LE(at);
    default:
      return Number(head.readBigUInt64LE(at));
  }
}
