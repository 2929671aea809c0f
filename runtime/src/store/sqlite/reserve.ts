/**
 * Space kept for bad times: a file of zeros beside the store, given up when the disk is full.
 *
 * Without it a full disk is a trap: to delete an object the log must grow or be brought home, and bringing it home makes the
 * database file grow. While it is given up nothing new is created, so that what it gave is left for deletions and updates.
 */
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const CHUNK = Buffer.alloc(256 * 1024);

export class Reserve {
  readonly #path: string;
  readonly #sizeBytes: number;
  #held: boolean;

  /** @param sizeBytes 0: no reserve, always held */
  constructor(path: string, sizeBytes: number) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
    // A power cut may have left a part of it.
    this.#held = sizeBytes === 0 || statSync(path, { throwIfNoEntry: false })?.size === sizeBytes;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Gives the space up. False: there was none to give. */
  release(): boolean {
    if (!this.#held || this.#sizeBytes === 0) return false;
    rmSync(this.#path, { force: true });
    this.#held = false;
    return true;
  }

  /** Takes the space (back), if the disk has twice as much free: it must not be this that fills it. */
  restore(): void {
    if (this.#held) return;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      if (bavail * bsize < 2 * this.#sizeBytes) return;
      // Not synced: file systems set blocks aside when they are written, and nobody needs these zeros on the disk.
      const file = openSync(this.#path, 'w', 0o600);
      try {
        for (let written = 0; written < this.#sizeBytes; ) {
          written += writeSync(file, CHUNK, 0, Math.min(CHUNK.length, this.#sizeBytes - written));
        }
      } finally {
        closeSync(file);
      }
      this.#held = true;
    } catch {
      // No space after all, or a read-only directory: without it we are where we were.
      rmSync(this.#path, { force: true });
    }
  }
}
