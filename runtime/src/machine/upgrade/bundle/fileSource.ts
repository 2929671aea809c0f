/** A bundle in a file: a USB stick, a directory, what somebody copied here. */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UpgradeError } from '../upgradeError.ts';
import type { Source } from './source.ts';
import { Speed } from './speed.ts';

const pieceBytes = 1 << 18;

/** @throws UpgradeError where there is no such file or it cannot be read */
export async function openFileSource(path: string): Promise<Source> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new UpgradeError('NO_BUNDLE', `${path} cannot be read: ${reasonOf(cause)}`, undefined, { cause });
  });
  const { size } = await file.stat();
  return new FileSource(path, size, file);
}

class FileSource implements Source {
  readonly sequential = false;
  receivedBytes = 0;
  readonly #file: FileHandle;
  readonly #speed = new Speed();

  constructor(
    readonly shown: string,
    readonly sizeBytes: number,
    file: FileHandle,
  ) {
    this.#file = file;
  }

  get bytesPerSecond(): number | undefined {
    return this.#speed.bytesPerSecond;
  }

  async *stream(offset: number, lengthBytes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const beganMs = performance.now();
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, lengthBytes));
    for (let done = 0; done < lengthBytes; ) {
      signal.throwIfAborted();
      const want = Math.min(piece.length, lengthBytes - done);
      const { bytesRead } = await this.#file.read(piece, 0, want, offset + done).catch((cause: unknown) => {
        throw new UpgradeError(
          'UNREACHABLE',
          `${this.shown} cannot be read at byte ${offset + done}: ${reasonOf(cause)}`,
          'is the medium still there? what has been written is kept: the same command goes on from here',
          { cause },
        );
      });
      if (bytesRead === 0)
        throw new UpgradeError(
          'REPLACED',
          `${this.shown} ended at byte ${offset + done}; it had ${this.sizeBytes} bytes when it was opened`,
          'start again when nothing changes it any more; what has been written is kept',
        );
      this.receivedBytes += bytesRead;
      done += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
    this.#speed.add(lengthBytes, performance.now() - beganMs);
  }

  async beside(name: string, mostBytes: number): Promise<Buffer | undefined> {
    const path = join(dirname(this.shown), name);
    try {
      return (await stat(path)).size > mostBytes ? undefined : await readFile(path);
    } catch {
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'it is not allowed';
    case 'EIO':
      return 'the medium has an error (EIO)';
    case 'ENODEV':
    case 'ENXIO':
      return 'the device is gone';
    default:
      return error.message;
  }
}
