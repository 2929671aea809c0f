/**
 * A script as U-Boot's `source` takes it (`boot.scr`): a legacy image of type script. Source: U-Boot 2025.01, include/image.h, "legacy_img_hdr";
 * doc/usage/cmd/source.rst.
 */
import { crc32 } from 'node:zlib';

const MAGIC = 0x27051956;
const LINUX = 5;
const SCRIPT = 6;
const HEADER_BYTES = 64;

/** The same text gives the same bytes: no time, no architecture that matters. */
export function uBootScript(text: string, name = 'atoll'): Buffer {
  const script = Buffer.from(text);
  // A list of sizes that ends with zero, then the only one.
  const data = Buffer.concat([Buffer.alloc(8), script]);
  data.writeUInt32BE(script.length, 0);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(data.length, 12);
  header.writeUInt32BE(crc32(data), 24);
  header.writeUInt8(LINUX, 28);
  header.writeUInt8(SCRIPT, 30);
  header.write(name, 32, 31, 'latin1');
  header.writeUInt32BE(crc32(header), 4);
  return Buffer.concat([header, data]);
}
