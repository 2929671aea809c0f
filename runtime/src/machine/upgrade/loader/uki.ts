/**
 * What a unified kernel image says of itself: the root hash on its sealed command line, the version in its os-release. Only the
 * headers and the two small sections are read. Sources: UAPI.5 Unified Kernel Image; Microsoft's PE format, "Section Table".
 */
import { type FileHandle, open } from 'node:fs/promises';
import { parseOsRelease } from '../../release.ts';

export interface UkiFacts {
  readonly version: string;
  /** Hex, 64 digits. */
  readonly roothash: string;
}

/** Beyond this neither a section table nor one of the two sections is believed. */
const MAX_BYTES = 65536;

/** @returns undefined where the file is not there, or is not (wholly) a kernel of Atoll. @throws what the disk says */
export async function readUki(path: string): Promise<UkiFacts | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
  try {
    return await factsOf(file);
  } finally {
    await file.close();
  }
}

async function factsOf(file: FileHandle): Promise<UkiFacts | undefined> {
  const { size } = await file.stat();
  const sections = await sectionsOf(file);
  if (!sections) return undefined;
  // A file that was cut while it was written: its sections reach behind its end.
  for (const { offset, sizeBytes } of sections.values()) if (offset + sizeBytes > size) return undefined;
  const text = async (name: string): Promise<string> => {
    const section = sections.get(name);
    if (!section || section.sizeBytes > MAX_BYTES) return '';
    return (await bytes(file, section.offset, section.sizeBytes)).toString('utf8').replace(/\0+$/, '');
  };
  const [cmdline, release] = [await text('.cmdline'), parseOsRelease(await text('.osrel'))];
  const roothash = /(?:^|\s)atoll\.roothash=([0-9a-f]{64})(?:\s|$)/.exec(cmdline)?.[1];
  const version = release.IMAGE_VERSION ?? release.VERSION_ID;
  return roothash !== undefined && version !== undefined ? { roothash, version } : undefined;
}

interface Section {
  readonly offset: number;
  readonly sizeBytes: number;
}

async function sectionsOf(file: FileHandle): Promise<Map<string, Section> | undefined> {
  const dos = await bytes(file, 0, 64);
  if (dos.length < 64 || dos.toString('latin1', 0, 2) !== 'MZ') return undefined;
  const at = dos.readUInt32LE(60);
  const coff = await bytes(file, at, 24);
  if (coff.length < 24 || coff.toString('latin1', 0, 4) !== 'PE\0\0') return undefined;
  const [count, optional] = [coff.readUInt16LE(6), coff.readUInt16LE(20)];
  if (count > MAX_BYTES / 40) return undefined;
  const table = await bytes(file, at + 24 + optional, count * 40);
  if (table.length < count * 40) return undefined;
  const sections = new Map<string, Section>();
  for (let row = 0; row < table.length; row += 40) {
    const name = table.toString('latin1', row, row + 8).replace(/\0+$/, '');
    // The smaller of both: the rest of the raw data is padding.
    const sizeBytes = Math.min(table.readUInt32LE(row + 8), table.readUInt32LE(row + 16));
    sections.set(name, { offset: table.readUInt32LE(row + 20), sizeBytes });
  }
  return sections;
}

/** Fewer than asked for at the file's end. */
async function bytes(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
