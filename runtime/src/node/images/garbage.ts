/**
 * Removes images nobody uses when the disk fills (kubelet `image_gc_manager.go`): above 85 % use, oldest-unused first, until below
 * 80 %. Pinned images (those the node came with) are never removed, nor any that a container, running or not, is made from.
 */
import type { Clock } from '../../lib/clock.ts';
import { delay } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { CriClient } from '../cri/client.ts';
import type { Image } from '../cri/types.ts';

export interface GarbageOptions {
  readonly cri: CriClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the file system that holds images. */
  readonly disk: () => Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
  /** Where it begins and ends, percent of the disk; default {@link HIGH_PERCENT} and {@link LOW_PERCENT}. */
  readonly highPercent?: number;
  readonly lowPercent?: number;
  /** Images are not removed sooner after they were first seen. Default two minutes. */
  readonly minimumAgeMs?: number;
  /** Never removed, besides what the runtime says is pinned: the image's own, by name. */
  readonly pinned?: readonly string[];
}

export const HIGH_PERCENT = 85;
export const LOW_PERCENT = 80;
const PERIOD_MS = 5 * 60_000;
/** Pulled a moment ago, for a container that is not made yet. */
const MINIMUM_AGE_MS = 2 * 60_000;

export interface Candidate {
  readonly image: Image;
  /** When it was last seen in use, or first seen; ms since 1970. */
  readonly lastUsed: number;
  readonly firstSeen: number;
}

/** Which images to remove so that `bytesToFree` become free. Pure. */
export function chooseImages(
  candidates: readonly Candidate[],
  inUse: ReadonlySet<string>,
  pinned: readonly string[],
  bytesToFree: number,
  now: number,
  minimumAgeMs = MINIMUM_AGE_MS,
): Image[] {
  const chosen: Image[] = [];
  let freed = 0;
  const oldest = candidates.toSorted((a, b) => a.lastUsed - b.lastUsed || a.firstSeen - b.firstSeen);
  for (const { image, firstSeen } of oldest) {
    if (freed >= bytesToFree) break;
    const names = [image.id, ...image.repoTags, ...image.repoDigests];
    if (image.pinned || names.some(name => inUse.has(name) || pinned.includes(name))) continue;
    if (now - firstSeen < minimumAgeMs) continue;
    chosen.push(image);
    freed += image.size;
  }
  return chosen;
}

/** Runs until `signal` aborts; never rejects. */
export async function collectImages(options: GarbageOptions, signal: AbortSignal): Promise<void> {
  const { cri, clock, logger, disk, pinned = [], minimumAgeMs } = options;
  const { highPercent = HIGH_PERCENT, lowPercent = LOW_PERCENT } = options;
  const seen = new Map<string, { firstSeen: number; lastUsed: number }>();
  while (!signal.aborted) {
    await delay(PERIOD_MS, signal, clock);
    if (signal.aborted) return;
    try {
      const { totalBytes, availableBytes } = await disk();
      const used = totalBytes - availableBytes;
      const now = clock.now();
      const [images, containers] = await Promise.all([cri.listImages(), cri.listContainers()]);
      const inUse = new Set(containers.flatMap(c => [c.imageRef, c.image?.image ?? '']));
      for (const { id, repoTags } of images) {
        const entry = seen.get(id) ?? { firstSeen: now, lastUsed: 0 };
        if ([id, ...repoTags].some(name => inUse.has(name))) entry.lastUsed = now;
        seen.set(id, entry);
      }
      for (const id of seen.keys()) if (!images.some(i => i.id === id)) seen.delete(id);
      if (used < (totalBytes * highPercent) / 100) continue;
      const candidates = images.map(image => ({ image, ...(seen.get(image.id) ?? { firstSeen: now, lastUsed: 0 }) }));
      const free = used - (totalBytes * lowPercent) / 100;
      for (const image of chooseImages(candidates, inUse, pinned, free, now, minimumAgeMs)) {
        logger.info(
          { image: image.repoTags[0] ?? image.id, bytes: image.size },
          'the disk is filling: an unused image goes',
        );
        await cri.removeImage(image.id);
      }
    } catch (error) {
      logger.warn({ err: error }, 'unused images were not looked for');
    }
  }
}
