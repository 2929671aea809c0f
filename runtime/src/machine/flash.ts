/**
 * Bytes written to the disk that holds the data: since the boot, as the kernel counts them, and in all. What was before this boot is kept
 * beside it and written seldom; a power cut loses at most what was counted since.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { writeFileAtomic } from '../lib/files.ts';

/** Of `/sys/block/<disk>/stat`, always 512 bytes. Source: Documentation/block/stat.rst. */
const SECTOR_BYTES = 512;
const SECTORS_WRITTEN = 6;
/** A few hundred bytes each time. */
const KEEP_MS = 6 * 3_600_000;

export interface FlashWritten {
  /** `mmcblk0` */
  readonly disk: string;
  readonly sinceBootBytes: number;
  readonly inAllBytes: number;
}

interface Kept {
  readonly bootId: string;
  readonly beforeBytes: number;
  readonly sinceBootBytes: number;
}

export interface FlashPlaces {
  readonly sys?: string;
  readonly proc?: string;
}

/** The whole disk a path is on; undefined where it is on none (a RAM disk, a network). */
export function diskOf(path: string, sys = '/sys'): string | undefined {
  try {
    const { dev } = statSync(path);
    const [major, minor] = [Math.floor(dev / 256) % 4096, (dev % 256) + Math.floor(dev / 2 ** 20) * 256];
    const device = realpathSync(join(sys, 'dev/block', `${major}:${minor}`));
    const isPartition = readText(join(device, 'partition')) !== undefined;
    return basename(isPartition ? dirname(device) : device);
  } catch {
    return undefined;
  }
}

export class Flash {
  readonly #file: string;
  readonly #disk: string | undefined;
  readonly #sys: string;
  readonly #bootId: string;
  readonly #beforeBytes: number;

  /** @param directory where it is kept: `/var/lib/atoll/agent` */
  constructor(directory: string, { sys = '/sys', proc = '/proc' }: FlashPlaces = {}, disk = diskOf(directory, sys)) {
    this.#file = join(directory, 'flash-written.json');
    this.#sys = sys;
    this.#disk = disk;
    this.#bootId = readText(join(proc, 'sys/kernel/random/boot_id')) ?? '';
    const kept = this.#kept();
    this.#beforeBytes = !kept
      ? 0
      : kept.bootId === this.#bootId
        ? kept.beforeBytes
        : kept.beforeBytes + kept.sinceBootBytes;
  }

  /** Undefined where the disk is not known. */
  written(): FlashWritten | undefined {
    if (this.#disk === undefined) return undefined;
    const fields = readText(join(this.#sys, 'block', this.#disk, 'stat'))?.split(/\s+/);
    const sinceBootBytes = Number(fields?.[SECTORS_WRITTEN] ?? Number.NaN) * SECTOR_BYTES;
    if (!Number.isFinite(sinceBootBytes)) return undefined;
    return { disk: this.#disk, sinceBootBytes, inAllBytes: this.#beforeBytes + sinceBootBytes };
  }

  async keep(): Promise<void> {
    const written = this.written();
    if (!written) return;
    const kept: Kept = { bootId: this.#bootId, beforeBytes: this.#beforeBytes, sinceBootBytes: written.sinceBootBytes };
    await writeFileAtomic(this.#file, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
  }

  /** Every six hours, and when `signal` aborts. */
  keepWhile(clock: Clock, signal: AbortSignal): void {
    const quietly = (): void => void this.keep().catch(() => undefined); // a disk that takes nothing now: the next time
    let cancel = (): void => undefined;
    const arm = (): void => {
      cancel = clock.after(KEEP_MS, () => {
        quietly();
        arm();
      });
    };
    arm();
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        quietly();
      },
      { once: true },
    );
  }

  #kept(): Kept | undefined {
    try {
      return JSON.parse(readText(this.#file) ?? '') as Kept;
    } catch {
      return undefined;
    }
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
