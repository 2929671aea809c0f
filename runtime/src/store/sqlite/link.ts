/** The main thread's end of a store thread. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type {
  FromThread,
  SnapshotRole,
  ThreadError,
  ThreadRole,
  WriterReply,
  WriterRequest,
  WriterRole,
} from './protocol.ts';

/**
 * Where the thread's code is: beside this file, or, in a bundle, `store-thread.js` beside the bundle
 * (the builder bundles `thread.ts` as a second output of that name).
 */
export function threadUrl(here: string = import.meta.url): URL {
  return new URL(here.endsWith('.ts') ? './thread.ts' : './store-thread.js', here);
}

/** V8's limits for a thread whose data is all outside its heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/**
 * From source (development, tests) the thread's code is bundled on the spot, in about 30 ms: Node 20's threads do not inherit
 * tsx's hooks, and teaching them TypeScript anew takes ten times as long. esbuild is not on the device, nor is this path taken there.
 */
function startThread(url: URL, options: WorkerOptions): Worker {
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options);
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
  });
  const resolveFrom = `require('node:module').createRequire(${JSON.stringify(import.meta.url)})`;
  return new Worker(`(require => {${outputFiles[0]?.text}\n})(${resolveFrom})`, { ...options, eval: true });
}

/** What a thread answered with, or how it died. */
export class ThreadFailure extends Error {
  override readonly name = 'ThreadFailure';
  constructor(readonly error: ThreadError) {
    super(error.message);
  }
}

interface Waiting {
  resolve(message: FromThread & { ok: true }): void;
  reject(error: ThreadFailure): void;
}

/** One question at a time, answered in turn. */
class Link {
  readonly #worker: Worker;
  #waiting: Waiting | undefined;
  #died: ThreadFailure | undefined;

  constructor(role: ThreadRole, url: URL) {
    this.#worker = startThread(url, { name: `store-${role.role}`, workerData: role, resourceLimits: RESOURCE_LIMITS });
    this.#worker.on('message', (message: FromThread) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (message.ok) waiting?.resolve(message);
      else waiting?.reject(new ThreadFailure(message.error));
    });
    this.#worker.on('error', error => this.#die(`its thread died: ${error.message}`));
    this.#worker.on('exit', code => this.#die(`its thread ended with code ${code}`));
  }

  #die(message: string): void {
    this.#died ??= new ThreadFailure({ code: 'THREAD', message });
    this.#waiting?.reject(this.#died);
    this.#waiting = undefined;
  }

  answer(): Promise<FromThread & { ok: true }> {
    return new Promise((resolve, reject) => {
      if (this.#died) reject(this.#died);
      else if (this.#waiting) reject(new Error('the store thread is still busy with the last request'));
      else this.#waiting = { resolve, reject };
    });
  }

  ask(request: WriterRequest, transfer: ArrayBuffer[]): Promise<FromThread & { ok: true }> {
    const answer = this.answer();
    if (!this.#died) this.#worker.postMessage(request, transfer);
    return answer;
  }

  /** Resolves when the thread is gone. It ends by itself after its last message; a dead or broken one is ended. */
  async end(force: boolean): Promise<void> {
    if (this.#died) return;
    if (force) await this.#worker.terminate();
    else await once(this.#worker, 'exit');
  }
}

export class WriterLink {
  readonly #link: Link;

  private constructor(link: Link) {
    this.#link = link;
  }

  /** Starts the writer and resolves when it has opened and checked the file. @throws ThreadFailure */
  static async start(role: WriterRole, url: URL): Promise<{ writer: WriterLink; reply: WriterReply }> {
    const link = new Link(role, url);
    try {
      const reply = replyOf(await link.answer());
      return { writer: new WriterLink(link), reply };
    } catch (error) {
      await link.end(true);
      throw error;
    }
  }

  /** @throws ThreadFailure */
  async ask(request: WriterRequest, transfer: ArrayBuffer[] = []): Promise<WriterReply> {
    return replyOf(await this.#link.ask(request, transfer));
  }

  /** Closes the file and ends the thread. @throws ThreadFailure; the thread is gone then too. */
  async close(): Promise<void> {
    try {
      await this.ask({ kind: 'close' });
    } catch (error) {
      await this.#link.end(true);
      throw error;
    }
    await this.#link.end(false);
  }
}

/** Copies the store to `target` in a thread of its own. @throws ThreadFailure */
export async function takeSnapshot(role: SnapshotRole, url: URL): Promise<{ revision: number; sizeBytes: number }> {
  const link = new Link(role, url);
  try {
    const message = await link.answer();
    if (!('snapshot' in message)) throw new Error('the snapshot thread answered something else');
    return message.snapshot;
  } finally {
    await link.end(true);
  }
}

function replyOf(message: FromThread & { ok: true }): WriterReply {
  if (!('reply' in message)) throw new Error('the writer thread answered something else');
  return message.reply;
}
