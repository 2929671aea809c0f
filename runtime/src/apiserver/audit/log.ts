/**
 * A file of lines that rotates by size and keeps a bounded number of older ones for a bounded time.
 *
 * Always true:
 * - nothing waits for the disk: lines are queued, and written in batches, one at a time, in order;
 * - the queue is bounded: when the disk is too slow lines are lost, and how many is told in the log of the server;
 * - a file in use is named as configured; an older one `<name>-<time><extension>` (as upstream's, so that tools find them).
 */
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { makeDirectory } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';

const QUEUE_BYTES = 4 * 1024 * 1024;
const DAY_MS = 24 * 3600 * 1000;

export interface AuditLogOptions {
  readonly path: string;
  /** A file that has grown past this is rotated; 0: never. */
  readonly maxSizeBytes: number;
  /** Older files kept; 0: all. */
  readonly maxBackups: number;
  /** Older files are kept so long; 0: for ever. */
  readonly maxAgeDays: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AuditLog {
  readonly #options: AuditLogOptions;
  #file: FileHandle | undefined;
  #sizeBytes = 0;
  #queue: string[] = [];
  #queuedBytes = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  private constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** @throws Error when the file cannot be written. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await makeDirectory(dirname(options.path), 0o700);
    await log.#open();
    return log;
  }

  /** @param line without its line break. */
  write(line: string): void {
    if (this.#closed) return;
    const size = line.length + 1;
    if (this.#queuedBytes + size > QUEUE_BYTES) {
      this.#lost++;
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += size;
    this.#writing ??= this.#drain();
  }

  /** What is queued is written first. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #drain(): Promise<void> {
    // A turn of the event loop, so that what comes together is written together.
    await new Promise<void>(resolve => setImmediate(resolve));
    try {
      while (this.#queue.length > 0) {
        const batch = Buffer.from(`${this.#queue.join('\n')}\n`);
        this.#queue = [];
        this.#queuedBytes = 0;
        await this.#append(batch);
        if (this.#lost > 0) {
          this.#options.logger.warn({ lost: this.#lost }, 'the audit log could not keep up: events are lost');
          this.#lost = 0;
        }
      }
    } catch (error) {
      this.#options.logger.error({ err: error, path: this.#options.path }, 'the audit log could not be written');
      this.#queue = [];
      this.#queuedBytes = 0;
      await this.#file?.close().catch(() => undefined); // broken already
      this.#file = undefined; // the next line tries again
    } finally {
      this.#writing = undefined;
    }
  }

  async #append(batch: Buffer): Promise<void> {
    const { maxSizeBytes } = this.#options;
    if (!this.#file) await this.#open();
    if (maxSizeBytes > 0 && this.#sizeBytes > 0 && this.#sizeBytes + batch.length > maxSizeBytes) await this.#rotate();
    await this.#file?.appendFile(batch);
    this.#sizeBytes += batch.length;
  }

  async #open(): Promise<void> {
    this.#file = await open(this.#options.path, 'a', 0o600);
    this.#sizeBytes = (await this.#file.stat()).size;
  }

  async #rotate(): Promise<void> {
    const { path, clock } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    const time = new Date(clock.now()).toISOString().replaceAll(':', '-').replace('Z', '');
    const extension = extname(path);
    const stem = path.slice(0, path.length - extension.length);
    let older = `${stem}-${time}${extension}`;
    for (let i = 1; await exists(older); i++) older = `${stem}-${time}.${i}${extension}`;
    await rename(path, older);
    await this.#open();
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const { path, maxBackups, maxAgeDays, clock } = this.#options;
    const extension = extname(path);
    const prefix = `${basename(path, extension)}-`;
    const older = (await readdir(dirname(path)))
      .filter(name => name.startsWith(prefix) && name.endsWith(extension))
      .sort()
      .reverse();
    for (const [index, name] of older.entries()) {
      const file = join(dirname(path), name);
      const tooMany = maxBackups > 0 && index >= maxBackups;
      const tooOld = maxAgeDays > 0 && (await stat(file)).mtimeMs < clock.now() - maxAgeDays * DAY_MS;
      if (tooMany || tooOld) await unlink(file);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
