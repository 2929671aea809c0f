/**
 * Reads a FAT32 file system from a file, as strictly as firmware does: a file whose chain of clusters is broken, shared with another, or
 * shorter than its size cannot be read. Source: Microsoft's FAT specification (fatgen103), 1.03.
 */
import { readFileSync } from 'node:fs';

export interface FatFile {
  /** With slashes: `/EFI/atoll/a.efi`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly firstCluster: number;
}

const END = 0x0ffffff8;

export class FatVolume {
  readonly files: readonly FatFile[];
  readonly #disk: Buffer;
  readonly #clusterBytes: number;
  readonly #fatAt: number;
  readonly #dataAt: number;
  readonly #clusters: number;

  /** @throws where it is no FAT32 at all */
  constructor(file: string) {
    this.#disk = readFileSync(file);
    const disk = this.#disk;
    if (disk.readUInt16LE(510) !== 0xaa55 || disk.readUInt16LE(22) !== 0) throw new Error(`${file}: no FAT32`);
    const sector = disk.readUInt16LE(11);
    this.#clusterBytes = sector * disk.readUInt8(13);
    this.#fatAt = sector * disk.readUInt16LE(14);
    const fatBytes = sector * disk.readUInt32LE(36);
    this.#dataAt = this.#fatAt + disk.readUInt8(16) * fatBytes;
    this.#clusters = Math.floor((sector * disk.readUInt32LE(32) - this.#dataAt) / this.#clusterBytes) + 2;
    this.files = [...this.#walk('', disk.readUInt32LE(44), 0)];
  }

  /** @throws where not all of it can be read */
  read({ path, sizeBytes, firstCluster }: FatFile): Buffer {
    const chain = sizeBytes === 0 ? [] : this.#chain(firstCluster);
    if (chain.length * this.#clusterBytes < sizeBytes) throw new Error(`${path} ends before its size`);
    return Buffer.concat(chain.map(cluster => this.#cluster(cluster))).subarray(0, sizeBytes);
  }

  /** Where a file's first byte is on the disk. @throws where it is not there, or empty */
  placeOf(path: string): number {
    const cluster = this.files.find(file => file.path === path)?.firstCluster ?? 0;
    if (cluster < 2) throw new Error(`${path} has no place on the disk`);
    return this.#placeOf(cluster);
  }

  /** Clusters that the table says are in use, and no file or folder has. */
  lostClusters(): number {
    const used = new Set<number>();
    const mark = (first: number): void => {
      for (const cluster of this.#chain(first)) used.add(cluster);
    };
    mark(this.#disk.readUInt32LE(44));
    for (const folder of this.#folders) mark(folder);
    for (const { firstCluster } of this.files) if (firstCluster !== 0) mark(firstCluster);
    let lost = 0;
    for (let cluster = 2; cluster < this.#clusters; cluster++)
      if (this.#next(cluster) !== 0 && !used.has(cluster)) lost++;
    return lost;
  }

  readonly #folders: number[] = [];

  *#walk(path: string, first: number, depth: number): Generator<FatFile> {
    let long: string[] = [];
    for (const entry of this.#entries(first)) {
      const attributes = entry.readUInt8(11);
      if (entry[0] === 0xe5) {
        long = [];
      } else if (attributes === 0x0f) {
        if ((entry.readUInt8(0) & 0x40) !== 0) long = [];
        long.unshift(longPart(entry));
      } else if ((attributes & 0x08) === 0 && entry[0] !== 0x2e) {
        const name = long.length > 0 ? long.join('') : shortName(entry);
        long = [];
        const cluster = entry.readUInt16LE(20) * 65536 + entry.readUInt16LE(26);
        if ((attributes & 0x10) === 0) {
          yield { path: `${path}/${name}`, sizeBytes: entry.readUInt32LE(28), firstCluster: cluster };
        } else if (depth < 8 && cluster !== 0) {
          this.#folders.push(cluster);
          yield* this.#walk(`${path}/${name}`, cluster, depth + 1);
        }
      } else {
        long = [];
      }
    }
  }

  *#entries(first: number): Generator<Buffer> {
    for (const cluster of this.#chain(first)) {
      const content = this.#cluster(cluster);
      for (let at = 0; at < content.length; at += 32) {
        const entry = content.subarray(at, at + 32);
        if (entry[0] === 0) return;
        yield entry;
      }
    }
  }

  /** @throws where a link leads outside, to a free cluster, or round and round */
  #chain(first: number): number[] {
    const chain: number[] = [];
    const seen = new Set<number>();
    for (let cluster = first; cluster < END; cluster = this.#next(cluster)) {
      if (cluster < 2 || cluster >= this.#clusters || seen.has(cluster))
        throw new Error(`a chain leads to cluster ${cluster}`);
      if (this.#next(cluster) === 0) throw new Error(`cluster ${cluster} is free, and in a chain`);
      seen.add(cluster);
      chain.push(cluster);
    }
    return chain;
  }

  #next(cluster: number): number {
    return this.#disk.readUInt32LE(this.#fatAt + cluster * 4) & 0x0fffffff;
  }

  #placeOf(cluster: number): number {
    return this.#dataAt + (cluster - 2) * this.#clusterBytes;
  }

  #cluster(cluster: number): Buffer {
    const at = this.#placeOf(cluster);
    return this.#disk.subarray(at, at + this.#clusterBytes);
  }
}

function longPart(entry: Buffer): string {
  const units = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]).toString(
    'utf16le',
  );
  const end = units.search(/[\0\uffff]/);
  return end < 0 ? units : units.slice(0, end);
}

/** Windows' and Linux' way to say that a short name is in small letters: two bits of byte 12. */
function shortName(entry: Buffer): string {
  const part = (from: number, to: number, small: number): string => {
    const text = entry.toString('latin1', from, to).trimEnd();
    return (entry.readUInt8(12) & small) === 0 ? text : text.toLowerCase();
  };
  const [name, extension] = [part(0, 8, 0x08), part(8, 11, 0x10)];
  return extension === '' ? name : `${name}.${extension}`;
}
