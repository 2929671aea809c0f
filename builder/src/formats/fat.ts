/** What of a FAT file system is in use: its tables, and the clusters they give to files. Source: Microsoft's fatgen103, 1.03. */

export interface ByteRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Reads from the start of the file system. */
export type ReadAt = (offset: number, sizeBytes: number) => Promise<Buffer>;

interface Layout {
  readonly bits: 12 | 16 | 32;
  readonly clusterBytes: number;
  readonly tableAt: number;
  readonly tableBytes: number;
  /** Where cluster 2 is. */
  readonly dataAt: number;
  readonly clusters: number;
}

function layoutOf(boot: Buffer): Layout | undefined {
  if (boot.length < 512 || boot.readUInt16LE(510) !== 0xaa55) return undefined;
  const isFat = boot.toString('latin1', 54, 57) === 'FAT' || boot.toString('latin1', 82, 85) === 'FAT';
  const sectorBytes = boot.readUInt16LE(11);
  const perCluster = boot.readUInt8(13);
  if (!isFat || sectorBytes === 0 || perCluster === 0) return undefined;
  const tableSectors = boot.readUInt16LE(22) || boot.readUInt32LE(36);
  const rootSectors = Math.ceil((boot.readUInt16LE(17) * 32) / sectorBytes);
  const reserved = boot.readUInt16LE(14);
  const dataSector = reserved + boot.readUInt8(16) * tableSectors + rootSectors;
  const clusters = Math.floor(((boot.readUInt16LE(19) || boot.readUInt32LE(32)) - dataSector) / perCluster);
  return {
    bits: boot.readUInt16LE(22) === 0 ? 32 : clusters < 4085 ? 12 : 16,
    clusterBytes: perCluster * sectorBytes,
    tableAt: reserved * sectorBytes,
    tableBytes: tableSectors * sectorBytes,
    dataAt: dataSector * sectorBytes,
    clusters,
  };
}

function isFree(table: Buffer, bits: Layout['bits'], cluster: number): boolean {
  if (bits === 32) return (table.readUInt32LE(cluster * 4) & 0x0fffffff) === 0;
  if (bits === 16) return table.readUInt16LE(cluster * 2) === 0;
  const pair = table.readUInt16LE(Math.floor(cluster * 1.5));
  return (cluster % 2 === 0 ? pair & 0xfff : pair >> 4) === 0;
}

/** @returns undefined where there is no FAT; otherwise ranges in order, those of neighbouring clusters joined. */
export async function fatInUse(read: ReadAt): Promise<ByteRange[] | undefined> {
  const layout = layoutOf(await read(0, 512));
  if (!layout) return undefined;
  const { bits, clusterBytes, tableAt, tableBytes, dataAt, clusters } = layout;
  const table = await read(tableAt, tableBytes);
  const ranges: { offset: number; sizeBytes: number }[] = [{ offset: 0, sizeBytes: dataAt }];
  for (let cluster = 2; cluster < clusters + 2; cluster++) {
    if (isFree(table, bits, cluster)) continue;
    const offset = dataAt + (cluster - 2) * clusterBytes;
    const last = ranges.at(-1);
    if (last && last.offset + last.sizeBytes === offset) last.sizeBytes += clusterBytes;
    else ranges.push({ offset, sizeBytes: clusterBytes });
  }
  return ranges;
}
