/**
 * The one file of a backup or snapshot:
 *
 *     atoll-backup 1\n
 *     {"created":…,"revision":…,…}\n        what it is, on one line
 *     gzip members                          records: files, objects, the end with their numbers
 *     \nsha256:<64 hex digits>\n            of everything before
 *
 * Written as a stream, without knowing its length before; only what is current is in it, no history. Whoever reads it checks the
 * whole of it first: a file that is cut, or changed anywhere, is refused.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, gzipSync } from 'node:zlib';

export const MAGIC = 'atoll-backup 1\n';
const MAGIC_START = 'atoll-backup ';
const MAX_HEADER_BYTES = 64 * 1024;
const TRAILER_BYTES = 1 + 'sha256:'.length + 64 + 1;
/** Compressed together: enough to compress well, little to hold. */
const MEMBER_BYTES = 256 * 1024;
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

export interface BackupHeader {
  /** ISO 8601. */
  readonly created: string;
  /** Atoll's version. */
  readonly atoll: string;
  readonly host: string;
  /** The store's newest revision. */
  readonly revision: number;
  /** `backup` has keys and certificates in it, `snapshot` only the store. */
  readonly content: 'backup' | 'snapshot';
}

export interface BackupFile {
  readonly kind: 'file';
  /** Under the server's directory: `tls/server-ca.key`. */
  readonly name: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** A current object as it is in the store's file (encrypted, where it is). */
export interface BackupRow {
  readonly kind: 'row';
  readonly revision: number;
  readonly created: number;
  readonly key: string;
  readonly value: Buffer;
}

export type BackupRecord = BackupFile | BackupRow;

export interface BackupSummary {
  readonly header: BackupHeader;
  readonly files: readonly string[];
  readonly objects: number;
  readonly sizeBytes: number;
}

/** The file is not a whole backup. Nothing has been touched. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  constructor(
    message: string,
    readonly hint = 'Nothing has been changed. Use another backup: `atoll backup list` shows them, `atoll backup verify FILE` checks one.',
  ) {
    super(message);
  }
}

/** The bytes of a backup. */
export function* encodeBackup(header: BackupHeader, records: Iterable<BackupRecord>): Generator<Buffer> {
  const hash = createHash('sha256');
  const out = (bytes: Buffer): Buffer => {
    hash.update(bytes);
    return bytes;
  };
  yield out(Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`));
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let [files, rows] = [0, 0];
  for (const record of records) {
    if (record.kind === 'file') files++;
    else rows++;
    for (const part of encodeRecord(record)) {
      pending.push(part);
      pendingBytes += part.length;
    }
    if (pendingBytes < MEMBER_BYTES) continue;
    yield out(gzipSync(Buffer.concat(pending), { level: 4 }));
    pending = [];
    pendingBytes = 0;
  }
  const end = Buffer.alloc(9);
  end.write('E', 0, 'latin1');
  end.writeUInt32BE(files, 1);
  end.writeUInt32BE(rows, 5);
  yield out(gzipSync(Buffer.concat([...pending, end]), { level: 4 }));
  yield Buffer.from(`\nsha256:${hash.digest('hex')}\n`);
}

function encodeRecord(record: BackupRecord): Buffer[] {
  if (record.kind === 'file') {
    const name = Buffer.from(record.name);
    const head = Buffer.alloc(9);
    head.write('F', 0, 'latin1');
    head.writeUInt16BE(name.length, 1);
    head.writeUInt16BE(record.mode & 0o777, 3);
    head.writeUInt32BE(record.bytes.length, 5);
    return [head, name, record.bytes];
  }
  const key = Buffer.from(record.key);
  const head = Buffer.alloc(25);
  head.write('R', 0, 'latin1');
  head.writeDoubleBE(record.revision, 1);
  head.writeDoubleBE(record.created, 9);
  head.writeUInt32BE(key.length, 17);
  head.writeUInt32BE(record.value.length, 21);
  return [head, key, record.value];
}

/** What the file says it is, unchecked. @throws BackupError */
export async function readBackupHeader(path: string): Promise<BackupHeader & { readonly headBytes: number }> {
  const unreadable = (error: NodeJS.ErrnoException): never => {
    throw new BackupError(`${path} cannot be read: ${error.code ?? error.message}`);
  };
  const file = await open(path, 'r').catch(unreadable);
  try {
    const head = Buffer.alloc(MAX_HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0).catch(unreadable);
    const text = head.toString('utf8', 0, bytesRead);
    if (!text.startsWith(MAGIC)) {
      const [first = ''] = text.split('\n', 1);
      throw new BackupError(
        first.startsWith(MAGIC_START) && /^\d+$/.test(first.slice(MAGIC_START.length))
          ? `${path} has format ${first.slice(MAGIC_START.length)}, this version of Atoll reads 1: a newer Atoll made it`
          : `${path} is not a backup of Atoll`,
      );
    }
    const end = text.indexOf('\n', MAGIC.length);
    let header: Partial<BackupHeader> | undefined;
    try {
      header = JSON.parse(text.slice(MAGIC.length, end)) as Partial<BackupHeader>;
    } catch {
      // Said below.
    }
    const { created, atoll, host, revision, content } = header ?? {};
    if (
      end < 0 ||
      typeof created !== 'string' ||
      typeof atoll !== 'string' ||
      typeof host !== 'string' ||
      typeof revision !== 'number' ||
      !Number.isSafeInteger(revision) ||
      (content !== 'backup' && content !== 'snapshot')
    ) {
      throw new BackupError(`${path} is damaged: its header cannot be read`);
    }
    const headBytes = Buffer.byteLength(text.slice(0, end + 1));
    return { created, atoll, host, revision, content, headBytes };
  } finally {
    await file.close();
  }
}

/**
 * Reads the whole file twice: once for its checksum, then for its records, each of which is shown to `take`. What `take` does must be
 * undone when this throws.
 * @throws BackupError, before the first record if the checksum does not hold
 */
export async function readBackup(
  path: string,
  take: (record: BackupRecord) => void | Promise<void>,
): Promise<BackupSummary> {
  const { headBytes, ...header } = await readBackupHeader(path);
  const file = await open(path, 'r');
  let sizeBytes: number;
  let wanted: string | undefined;
  const hash = createHash('sha256');
  try {
    sizeBytes = (await file.stat()).size;
    if (sizeBytes < headBytes + TRAILER_BYTES)
      throw new BackupError(`${path} is cut: it ends after ${sizeBytes} bytes`);
    const head = Buffer.alloc(headBytes);
    await file.read(head, 0, headBytes, 0);
    hash.update(head);
    const trailer = Buffer.alloc(TRAILER_BYTES);
    await file.read(trailer, 0, TRAILER_BYTES, sizeBytes - TRAILER_BYTES);
    wanted = /^\nsha256:([0-9a-f]{64})\n$/.exec(trailer.toString('latin1'))?.[1];
  } finally {
    await file.close();
  }
  if (wanted === undefined) throw new BackupError(`${path} is cut or damaged: it does not end as a backup does`);
  const range = { start: headBytes, end: sizeBytes - TRAILER_BYTES - 1 };
  for await (const chunk of createReadStream(path, range) as AsyncIterable<Buffer>) hash.update(chunk);
  if (hash.digest('hex') !== wanted) throw new BackupError(`${path} is damaged: its checksum does not hold`);
  const body = createReadStream(path, range);
  const parser = new RecordParser();
  const files: string[] = [];
  let objects = 0;
  try {
    const records = createGunzip();
    body.on('error', error => records.destroy(error));
    body.pipe(records);
    for await (const chunk of records as AsyncIterable<Buffer>) {
      for (const record of parser.push(chunk)) {
        if (record.kind === 'file') files.push(record.name);
        else objects++;
        await take(record);
      }
    }
  } catch (error) {
    if (isZlibError(error)) throw new BackupError(`${path} is damaged: ${error.message}`);
    throw error instanceof ParseError ? new BackupError(`${path} is damaged: ${error.message}`) : error;
  } finally {
    body.destroy();
  }
  const numbers = parser.end;
  if (numbers === undefined || numbers.files !== files.length || numbers.rows !== objects) {
    throw new BackupError(`${path} is damaged: it has ${files.length} files and ${objects} objects, and no end`);
  }
  return { header, files, objects, sizeBytes };
}

class ParseError extends Error {}

const isZlibError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');

class RecordParser {
  #rest: Buffer = Buffer.alloc(0);
  end: { readonly files: number; readonly rows: number } | undefined;

  *push(chunk: Buffer): Generator<BackupRecord> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const found = this.#next(bytes);
      if (found === undefined) break;
      bytes = bytes.subarray(found.length);
      if (found.record) yield found.record;
    }
    this.#rest = bytes;
  }

  #next(bytes: Buffer): { readonly length: number; readonly record?: BackupRecord } | undefined {
    if (bytes.length === 0) return undefined;
    if (this.end) throw new ParseError('something follows its end');
    switch (bytes[0]) {
      case 0x46: {
        if (bytes.length < 9) return undefined;
        const [nameLength, mode, size] = [bytes.readUInt16BE(1), bytes.readUInt16BE(3), bytes.readUInt32BE(5)];
        const length = checked(9 + nameLength + size);
        if (bytes.length < length) return undefined;
        const name = bytes.toString('utf8', 9, 9 + nameLength);
        if (!isSafeName(name)) throw new ParseError(`${JSON.stringify(name)} is no name for a file in it`);
        // A copy: these outlive the chunk.
        return {
          length,
          record: { kind: 'file', name, mode, bytes: Buffer.from(bytes.subarray(9 + nameLength, length)) },
        };
      }
      case 0x52: {
        if (bytes.length < 25) return undefined;
        const [keyLength, valueLength] = [bytes.readUInt32BE(17), bytes.readUInt32BE(21)];
        const length = checked(25 + keyLength + valueLength);
        if (bytes.length < length) return undefined;
        const [revision, created] = [bytes.readDoubleBE(1), bytes.readDoubleBE(9)];
        if (!(Number.isSafeInteger(revision) && revision > 0 && Number.isSafeInteger(created)))
          throw new ParseError('an object in it has no revision');
        const key = bytes.toString('utf8', 25, 25 + keyLength);
        return {
          length,
          record: { kind: 'row', revision, created, key, value: bytes.subarray(25 + keyLength, length) },
        };
      }
      case 0x45:
        if (bytes.length < 9) return undefined;
        this.end = { files: bytes.readUInt32BE(1), rows: bytes.readUInt32BE(5) };
        return { length: 9 };
      default:
        throw new ParseError('it holds something unknown');
    }
  }
}

function checked(length: number): number {
  if (length > MAX_RECORD_BYTES) throw new ParseError('a record in it is too large');
  return length;
}

/** Stays under the directory it is restored to. */
const isSafeName = (name: string): boolean =>
  /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name) && !name.split('/').some(part => part === '.' || part === '..');
