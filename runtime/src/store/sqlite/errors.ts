/** What SQLite and the system say, turned into the store's errors: what, where, what to do. */
import { StoreCorruptError, StoreFailedError, StoreFullError } from '../store.ts';
import type { ThreadError } from './protocol.ts';

/** The code of errors our own checks raise about the file's content. */
export const CORRUPT_CHECK = 'CORRUPT_CHECK';

/** Raised while opening when the file is not a whole Atoll store. */
export class FileCheckError extends Error {
  override readonly name = 'FileCheckError';
  readonly code = CORRUPT_CHECK;
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** For the journey between threads. */
export function threadError(error: unknown): ThreadError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
  return error instanceof FileCheckError ? { code, message, problems: error.problems } : { code, message };
}

/** The error the store's users see. `doing` completes "while …". */
export function storeError(path: string, doing: string, error: ThreadError): Error {
  const { code, message } = error;
  if (code === CORRUPT_CHECK || code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StoreCorruptError(path, error.problems ?? [message]);
  }
  if (isNoSpace(code)) return noSpaceError(path);
  if (code === 'NEWER_FORMAT') return new StoreFailedError(`the store ${path} was made by a newer Atoll: ${message}`);
  if (isLocked(code)) {
    return new StoreFailedError(
      `another process has the store ${path} locked (${message}); stop the other server, or end the sqlite3 session on it`,
    );
  }
  return new StoreFailedError(
    `the store ${path} failed while ${doing}: ${message} (${code}); look for disk errors in the kernel's log, then restart the server`,
  );
}

/** The group of writes was rolled back whole and the store goes on. */
export const isNoSpace = (code: string): boolean =>
  code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE' || code === 'ENOSPC' || code === 'EDQUOT';

/** Nothing was begun; it may be tried again. */
export const isLocked = (code: string): boolean => code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');

export const noSpaceError = (path: string): StoreFullError =>
  new StoreFullError(`no space left on the disk of the store ${path}; free some, deletes of objects still work`);

export const quotaError = (path: string, quotaBytes: number): StoreFullError =>
  new StoreFullError(
    `the store ${path} has reached its quota of ${Math.round(quotaBytes / 1024 / 1024)} MiB; delete objects or raise the quota`,
  );
