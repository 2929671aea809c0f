/**
 * Reading and writing tar, the two forms that are needed: the data archives of .deb files (ustar and GNU, long names in `L`/`K`
 * members) and one sorted pax archive for mkfs.erofs. Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual,
 * "Basic Tar Format".
 */
import { type FileHandle, open } from 'node:fs/promises';

export type TarType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarMember {
  /** As written in the archive, without leading `./` or `/` and without a trailing `/`; the root is `''`. */
  readonly path: string;
  readonly type: TarType;
  /** Permission bits including setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly sizeBytes: number;
  /** Target of a symlink (verbatim) or hard link (as `path`), else empty. */
  readonly target: string;
  /** Where the content begins in the archive. */
  readonly offset: number;
}

export const blockBytes = 512;

const typeOfFlag: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};
const flagOfType: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const padded = (size: number): number => Math.ceil(size / blockBytes) * blockBytes;

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
}

function number(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f; // GNU base-256
    for (let index = 1; index < length; index++) value = value * 256 + (block[start + index] ?? 0);
    return value;
  }
  const digits = text(block, start, length).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** `./usr/bin/` → `usr/bin`; the archive's root → `''`. */
export function memberPath(path: string): string {
  return path
    .replace(/^(\.?\/)+/, '')
    .replace(/^\.$/, '')
    .replace(/\/+$/, '');
}

function parsePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = Number.parseInt(body.toString('latin1', at, space), 10);
    if (space === -1 || !(length > 0)) break;
    const record = body.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** All members of an archive, without their content. @throws Error on a header whose checksum is wrong. */
export async function readTarIndex(archive: FileHandle): Promise<TarMember[]> {
  const members: TarMember[] = [];
  const block = Buffer.alloc(blockBytes);
  let at = 0;
  let longPath: string | undefined;
  let longTarget: string | undefined;
  for (;;) {
    const { bytesRead } = await archive.read(block, 0, blockBytes, at);
    if (bytesRead === 0 || block.every(byte => byte === 0)) return members;
    if (bytesRead < blockBytes) throw new Error(`tar archive ends inside a header at byte ${at}`);
    let sum = 8 * 0x20;
    for (let index = 0; index < blockBytes; index++) if (index < 148 || index >= 156) sum += block[index] ?? 0;
    if (sum !== number(block, 148, 8)) throw new Error(`tar header at byte ${at} has a wrong checksum`);
    const flag = block.toString('latin1', 156, 157);
    const sizeBytes = number(block, 124, 12);
    const offset = at + blockBytes;
    at = offset + padded(sizeBytes);
    if (flag === 'L' || flag === 'K' || flag === 'x' || flag === 'g') {
      const body = Buffer.alloc(sizeBytes);
      await archive.read(body, 0, sizeBytes, offset);
      if (flag === 'L') longPath = text(body, 0, sizeBytes);
      else if (flag === 'K') longTarget = text(body, 0, sizeBytes);
      else if (flag === 'x') {
        const pax = parsePax(body);
        longPath = pax.get('path') ?? longPath;
        longTarget = pax.get('linkpath') ?? longTarget;
      }
      continue;
    }
    const type = typeOfFlag[flag];
    if (!type) throw new Error(`tar member at byte ${at} has the unknown type ${JSON.stringify(flag)}`);
    const prefix = block.toString('latin1', 257, 262) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : '';
    const name = longPath ?? (prefix ? `${prefix}/${text(block, 0, 100)}` : text(block, 0, 100));
    const target = longTarget ?? text(block, 157, 100);
    const carriesContent = type === 'file';
    if (!carriesContent) at = offset;
    members.push({
      path: memberPath(name),
      type,
      mode: number(block, 100, 8) & 0o7777,
      uid: number(block, 108, 8),
      gid: number(block, 116, 8),
      mtime: number(block, 136, 12),
      sizeBytes: carriesContent ? sizeBytes : 0,
      target: type === 'hardlink' ? memberPath(target) : target,
      offset,
    });
    longPath = undefined;
    longTarget = undefined;
  }
}

/** The files of an archive: path → content. For small archives. */
export async function readTarFiles(path: string): Promise<Record<string, Buffer>> {
  const archive = await open(path, 'r');
  try {
    const files: Record<string, Buffer> = {};
    for (const { type, path: name, offset, sizeBytes } of await readTarIndex(archive)) {
      if (type !== 'file') continue;
      files[name] = Buffer.alloc(sizeBytes);
      await archive.read(files[name], 0, sizeBytes, offset);
    }
    return files;
  } finally {
    await archive.close();
  }
}

function header(flag: string, member: Omit<TarMember, 'type' | 'offset'>): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, start: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), start, length - 1, 'latin1');
  };
  block.write(member.path, 0, 100, 'utf8');
  octal(member.mode, 100, 8);
  octal(member.uid, 108, 8);
  octal(member.gid, 116, 8);
  octal(member.sizeBytes, 124, 12);
  octal(member.mtime, 136, 12);
  block.fill(0x20, 148, 156);
  block.write(flag, 156, 1, 'latin1');
  block.write(member.target, 157, 100, 'utf8');
  block.write('ustar\x0000', 257, 8, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return block;
}

function paxRecord(key: string, value: string): Buffer {
  const body = Buffer.byteLength(` ${key}=${value}\n`);
  let length = body + 1;
  while (String(length).length + body !== length) length = String(length).length + body;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

/** The header of one member (with a pax header before it where a name is too long for ustar). */
export function tarHeader(member: Omit<TarMember, 'offset'>): Buffer {
  const path = member.type === 'directory' && member.path !== '' ? `${member.path}/` : member.path || './';
  const records: Buffer[] = [];
  if (Buffer.byteLength(path) > 100) records.push(paxRecord('path', path));
  if (Buffer.byteLength(member.target) > 100) records.push(paxRecord('linkpath', member.target));
  const main = header(flagOfType[member.type], {
    ...member,
    path,
    sizeBytes: member.type === 'file' ? member.sizeBytes : 0,
  });
  if (records.length === 0) return main;
  const body = Buffer.concat(records);
  const extension = header('x', { ...member, path: 'pax', target: '', sizeBytes: body.length });
  return Buffer.concat([extension, body, tarPadding(body.length), main]);
}

/** Zeros that fill the last block after `sizeBytes` of content. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc(padded(sizeBytes) - sizeBytes);
}

/** What ends an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockBytes);
