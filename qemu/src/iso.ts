/**
 * A small ISO 9660 image (ECMA-119) with files in its root, as tools for cloud-init's `CIDATA` make it: enough for Linux, which shows
 * the names in lower case and without their version.
 */

const sector = 2048;

/** Both byte orders, little-endian first (ECMA-119 §7.3.3). */
function both32(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt32LE(value, 0);
  out.writeUInt32BE(value, 4);
  return out;
}
function both16(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt16LE(value, 0);
  out.writeUInt16BE(value, 2);
  return out;
}

/** A directory record (§9.1). */
function record(name: Buffer, extent: number, length: number, isFolder: boolean): Buffer {
  const size = 33 + name.length + ((name.length + 1) % 2);
  const out = Buffer.alloc(size);
  out[0] = size;
  both32(extent).copy(out, 2);
  both32(length).copy(out, 10);
  Buffer.from([126, 1, 1, 0, 0, 0, 0]).copy(out, 18);
  out[25] = isFolder ? 2 : 0;
  both16(1).copy(out, 28);
  out[32] = name.length;
  name.copy(out, 33);
  return out;
}

/** @param label the volume's name, `CIDATA` @param files name → content */
export function isoImage(label: string, files: Readonly<Record<string, string | Buffer>>): Buffer {
  const contents = Object.entries(files).map(([name, content]) => ({ name, content: Buffer.from(content) }));
  // Sectors: 16 primary descriptor, 17 terminator, 18 and 19 path tables, 20 root folder, 21… files.
  const root = 20;
  let next = root + 1;
  const placed = contents.map(({ name, content }) => {
    const extent = next;
    next += Math.max(1, Math.ceil(content.length / sector));
    return { name: Buffer.from(`${name.toUpperCase()}.;1`), content, extent };
  });
  placed.sort((a, b) => a.name.compare(b.name));
  const image = Buffer.alloc(next * sector);
  const folder = Buffer.concat([
    record(Buffer.from([0]), root, sector, true),
    record(Buffer.from([1]), root, sector, true),
    ...placed.map(({ name, content, extent }) => record(name, extent, content.length, false)),
  ]);
  if (folder.length > sector) throw new Error('isoImage: too many files for one sector of names');
  folder.copy(image, root * sector);
  for (const { content, extent } of placed) content.copy(image, extent * sector);

  const descriptor = image.subarray(16 * sector, 17 * sector);
  descriptor[0] = 1;
  descriptor.write('CD001\x01', 1, 'latin1');
  descriptor.fill(' ', 8, 72);
  descriptor.write(label, 40, 'latin1');
  both32(next).copy(descriptor, 80);
  both16(1).copy(descriptor, 120);
  both16(1).copy(descriptor, 124);
  both16(sector).copy(descriptor, 128);
  both32(10).copy(descriptor, 132);
  descriptor.writeUInt32LE(18, 140);
  descriptor.writeUInt32BE(19, 148);
  record(Buffer.from([0]), root, sector, true).copy(descriptor, 156);
  descriptor.fill(' ', 190, 813);
  descriptor.fill('0', 813, 881);
  descriptor[881] = 1;
  // One path: the root (§9.4).
  for (const [at, isBig] of [
    [18, false],
    [19, true],
  ] as const) {
    const path = image.subarray(at * sector);
    path[0] = 1;
    if (isBig) {
      path.writeUInt32BE(root, 2);
      path.writeUInt16BE(1, 6);
    } else {
      path.writeUInt32LE(root, 2);
      path.writeUInt16LE(1, 6);
    }
  }
  const terminator = image.subarray(17 * sector);
  terminator[0] = 255;
  terminator.write('CD001\x01', 1, 'latin1');
  return image;
}
