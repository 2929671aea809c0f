/**
 * Reading a container's log file, and following it while it grows and is rotated.
 *
 * Following is driven by the directory's inotify events. The file is read to its end after every event; when another file
 * has taken its name (the node rotates by renaming, then tells containerd to open a new one), reading goes on there.
 */
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../../lib/files.ts';
import { LogFormatter, type LogOptions } from './format.ts';
import { tailOffset } from './tail.ts';

const BLOCK_BYTES = 64 * 1024;

/**
 * The log as the client asked for it, in pieces of at most about 64 KiB.
 *
 * @param exited resolves when the container no longer runs: following ends then, after what is left has been read.
 * @param signal the client has gone.
 */
export async function* readLog(
  path: string,
  options: LogOptions,
  exited: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const formatter = new LogFormatter(options);
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const events = options.follow ? new LogEvents(path, exited, signal) : undefined;
  let file = await openIfExists(path);
  let position = 0;
  try {
    if (file && options.tailLines !== undefined) {
      position = await tailOffset(file, (await file.stat()).size, options.tailLines);
    }
    for (;;) {
      // Looked at before reading: what happens while we read is seen in the next round.
      const last = events === undefined || events.over;
      const replaced = events !== undefined && (await isReplaced(file, path));
      while (file && !signal.aborted && !formatter.done) {
        const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const output = formatter.push(block.subarray(0, bytesRead));
        if (output.length > 0) yield output;
      }
      if (signal.aborted || formatter.done) return;
      if (replaced) {
        await file?.close();
        file = await openIfExists(path);
        position = 0;
        formatter.restart();
        continue;
      }
      if (last) return;
      if (file && (await file.stat()).size < position)
        position = 0; // truncated in place
      else await events?.next();
    }
  } finally {
    events?.close();
    await file?.close();
  }
}

async function openIfExists(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether there is a file of that name, and it is not the one we have open. */
async function isReplaced(file: FileHandle | undefined, path: string): Promise<boolean> {
  try {
    const [named, opened] = await Promise.all([stat(path), file?.stat()]);
    return named.ino !== opened?.ino || named.dev !== opened.dev;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false; // renamed, and the new one is not there yet
    throw error;
  }
}

/** Why a follower wakes: something in the directory changed, the container has exited, or the client has gone. */
class LogEvents {
  /** The container has exited or the client has gone. */
  over = false;
  readonly #watcher: FSWatcher;
  readonly #stop = new AbortController();
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, exited: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
    this.#watcher = watch(dirname(path), () => this.#notify());
    this.#watcher.on('error', () => this.#end()); // the directory is gone
    const end = (): void => this.#end();
    signal.addEventListener('abort', end, { once: true, signal: this.#stop.signal });
    exited(AbortSignal.any([signal, this.#stop.signal])).then(end, end);
    if (signal.aborted) end();
  }

  async next(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    this.#changed = false;
  }

  close(): void {
    this.#stop.abort();
    this.#watcher.close();
  }

  #end(): void {
    this.over = true;
    this.#notify();
  }

  #notify(): void {
    this.#changed = true;
    this.#wake?.();
    this.#wake = undefined;
  }
}
