/**
 * A file that stays the one it was, whatever is put in its place or taken away meanwhile: a build replaces its image by rename, and
 * unpacked images go from the cache when newer ones come.
 *
 * Always true, until it is disposed: what opens `path`, in this process or its children, opens the file that was opened first.
 */
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';

export class HeldFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #file: string;
  readonly path: string;

  private constructor(handle: FileHandle, file: string, path: string) {
    this.#handle = handle;
    this.#file = file;
    this.path = path;
  }

  static async open(file: string): Promise<HeldFile> {
    const handle = await open(file);
    try {
      // What lies over another file finds that from its own folder: it is opened by its name, as ever.
      const path = (await isOverAnother(handle)) ? await realpath(file) : `/proc/${process.pid}/fd/${handle.fd}`;
      return new HeldFile(handle, file, path);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Of the file that is held. */
  stat(): ReturnType<FileHandle['stat']> {
    return this.#handle.stat();
  }

  /** Whether it still is the file of that name. */
  async isInPlace(): Promise<boolean> {
    const [held, named] = await Promise.all([this.stat(), stat(this.#file).catch(() => undefined)]);
    return held.dev === named?.dev && held.ino === named.ino;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** A qcow2 file with a backing file (QEMU's docs/interop/qcow2: magic, version, `backing_file_offset`). */
async function isOverAnother(handle: FileHandle): Promise<boolean> {
  const header = Buffer.alloc(16);
  await handle.read(header, 0, header.length, 0);
  return header.toString('latin1', 0, 4) === 'QFI\u00fb' && header.readBigUInt64BE(8) !== 0n;
}
