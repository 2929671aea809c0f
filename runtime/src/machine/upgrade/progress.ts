/** Tells how far an installation is: to whoever started it, and to everybody in `/run/atoll/upgrade.json`. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/files.ts';
import type { Progress } from './types.ts';
import { mayPass } from './upgradeError.ts';

/** Between two of the file; in a phase's first moment and at the end always. */
const everyMs = 500;
/** Over which the speed is measured. */
const windowMs = 15_000;

/** Of an installation that has done nothing yet. */
export const beginning = (source: string): Progress => ({
  pid: process.pid,
  source,
  phase: 'reading',
  doneBytes: 0,
  totalBytes: 0,
  downloadedBytes: 0,
  writtenBytes: 0,
});

/** The last word of an installation that has failed: why, what to do, and whether the same may go well another time. */
export function failure(error: unknown): Pick<Progress, 'phase' | 'message' | 'mayPass'> {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? `. ${error.hint}` : '';
  return { phase: 'failed', message: `${message}${hint}`, mayPass: mayPass(error) };
}

export class Told {
  #value: Progress;
  #writing: Promise<void> = Promise.resolve();
  #writtenMs = 0;
  /** Of this phase: when, and how far it was. */
  #marks: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(
    private readonly runDir: string,
    source: string,
    private readonly onProgress?: (progress: Progress) => void,
  ) {
    this.#value = beginning(source);
  }

  get value(): Progress {
    return this.#value;
  }

  phase(phase: Progress['phase'], more: Partial<Progress> = {}): void {
    const { secondsLeft: _, ...rest } = this.#value;
    this.#value = { ...rest, doneBytes: 0, totalBytes: 0, ...more, phase };
    this.#marks = [];
    this.#tell(true);
  }

  update(more: Partial<Omit<Progress, 'phase'>>): void {
    this.#value = { ...this.#value, ...more };
    const nowMs = performance.now();
    if (nowMs - this.#writtenMs < everyMs) return;
    this.#marks.push({ atMs: nowMs, bytes: this.#value.doneBytes });
    while ((this.#marks[0]?.atMs ?? nowMs) < nowMs - windowMs) this.#marks.shift();
    const first = this.#marks[0];
    if (first && this.#value.doneBytes > first.bytes) {
      const bytesPerMs = (this.#value.doneBytes - first.bytes) / (nowMs - first.atMs);
      const left = (this.#value.totalBytes - this.#value.doneBytes) / bytesPerMs / 1000;
      this.#value = { ...this.#value, secondsLeft: Math.max(0, Math.ceil(left)) };
    }
    this.#tell(false);
  }

  /** The last word is on the file when this resolves. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #tell(now: boolean): void {
    this.#writtenMs = performance.now();
    const value = this.#value;
    this.onProgress?.(value);
    // One at a time, the last one always. It is for people: an installation does not fail for it.
    const write = (): Promise<void> =>
      value === this.#value || now
        ? writeFileAtomic(join(this.runDir, 'upgrade.json'), `${JSON.stringify(value)}\n`).catch(() => {})
        : Promise.resolve();
    this.#writing = this.#writing.then(write);
  }
}
