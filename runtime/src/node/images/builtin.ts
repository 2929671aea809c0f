/**
 * The container images that are in the root (pause, demo): imported into containerd and pinned, so that a node starts pods without
 * a network and they are never collected as garbage.
 *
 * Always true: the stamp is written last and holds the archive's hash, so the next start does nothing, another version of Atoll
 * imports its own, and an import that was interrupted, by a power cut say, begins again from nothing: what containerd has of
 * these images then may be names of files whose bytes never reached the disk.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Clock, delay } from '../../lib/clock.ts';
import { readFileIfExists, writeFileAtomic } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { type CriClient, isRuntimeDown } from '../cri/client.ts';
import { importArchive } from './transfer.ts';

const run = promisify(execFile);

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
const CRI_POLL_MS = 20;
const CRI_TIMEOUT_MS = 60_000;

/** Of images that CRI manages and never removes; containerd, pkg/cri/labels. */
export const PINNED = { 'io.cri-containerd.image': 'managed', 'io.cri-containerd.pinned': 'pinned' };

export interface BuiltinImagesOptions {
  readonly cri: CriClient;
  /** Holds `images.tar` and `images.list`: the archive's hash after `# `, then a name a line. Neither: there are no images. */
  readonly folder: string;
  /** File that says what has been imported. */
  readonly stamp: string;
  readonly signal: AbortSignal;
}

/**
 * @returns the images that were imported now; none when all are there already
 * @throws ImportError, CriError; call it again then
 */
export async function ensureBuiltinImages(options: BuiltinImagesOptions): Promise<readonly string[]> {
  const { cri, folder, stamp, signal } = options;
  const list = (await readFileIfExists(join(folder, 'images.list')))?.toString('utf8');
  if (list === undefined) return [];
  const names = list.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  const imported = (await readFileIfExists(stamp))?.toString('utf8') === list;
  const present = await Promise.all(names.map(name => cri.imageStatus(name)));
  if (imported && present.every(image => image !== undefined)) return [];
  for (const [at, name] of names.entries()) {
    if (present[at]) await cri.removeImage(name);
  }
  await importArchive({ socket: cri.socket, archive: join(folder, 'images.tar'), names, labels: PINNED, signal });
  for (const name of names) await seenByCri(cri, name, signal);
  // The stamp must not reach the disk before what it stands for.
  await run('sync', [], { signal });
  await writeFileAtomic(stamp, list, { mode: 0o600 });
  return names;
}

export interface BuiltinImages {
  /** Why pods cannot start yet. */
  pending(): string | undefined;
  /** Resolves when all are there, or when the signal aborts. Never rejects: a failure is logged and tried again. */
  readonly settled: Promise<void>;
}

/** Brings the images, whatever it takes: containerd may be on its way up, the disk full for now. */
export function keepBuiltinImages(
  options: BuiltinImagesOptions & { readonly logger: Logger; readonly clock: Clock },
): BuiltinImages {
  const { signal, logger, clock } = options;
  let pending: string | undefined = 'the container images of the root are being imported';
  const bring = async (): Promise<void> => {
    for (let waitMs = FIRST_RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        const images = await ensureBuiltinImages(options);
        pending = undefined;
        if (images.length > 0) logger.info({ images }, 'imported the container images of the root');
        return;
      } catch (error) {
        if (signal.aborted) return;
        const down = isRuntimeDown(error);
        if (!down) logger.error({ err: error }, 'the container images of the root are not there; trying again');
        pending = down ? 'containerd is not up yet' : textOf(error);
        await delay(waitMs, signal, clock);
      }
    }
  };
  return { pending: () => pending, settled: bring() };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** CRI follows containerd's events, and has none of its own for images. */
export async function seenByCri(cri: CriClient, name: string, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CRI_TIMEOUT_MS)]);
  while (!(await cri.imageStatus(name))?.pinned) {
    if (deadline.aborted) {
      signal.throwIfAborted();
      throw new Error(`containerd has the image ${name}, but its CRI has not seen it in ${CRI_TIMEOUT_MS / 1000} s`);
    }
    await setTimeout(CRI_POLL_MS, undefined, { signal });
  }
  cri.imagesChanged();
}
