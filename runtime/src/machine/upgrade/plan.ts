/**
 * What an upgrade would do, without doing any of it: may this bundle be installed here, and which of its blocks come from where.
 */
import { hash } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import { HASH_BYTES } from './blockIndex.ts';
import type { Bundle } from './bundle/bundle.ts';
import { deviceSize } from './device.ts';
import { compareVersions } from './loader/versionOrder.ts';
import { Seeds, scan, shippedIndex } from './seeds.ts';
import { peekState } from './state.ts';
import {
  BLOCK_BYTES,
  type BundleManifest,
  type ImageName,
  type Installed,
  type Loader,
  type Refusal,
  type SlotName,
  type UpgradePlaces,
} from './types.ts';
import { UpgradeError } from './upgradeError.ts';

export const imageNames: readonly ImageName[] = ['root', 'verity', 'uki'];

export interface Machine {
  readonly places: UpgradePlaces;
  readonly loader: Loader;
  readonly running: Installed;
  /** `atoll-` and the image's name. */
  readonly compatible: string;
  readonly refused: readonly Refusal[];
}

export interface Wishes {
  /** A version before the running one is meant. */
  readonly older?: boolean;
  /** A version that was refused before is to be tried again. */
  readonly again?: boolean;
}

/** Where a block comes from: a seed's block from 0 up, or one of these. */
export const SAME = -1;
export const FETCH = -2;
export const ZERO = -3;

export interface ImagePlan {
  readonly image: ImageName;
  readonly target: string;
  readonly sizeBytes: number;
  readonly index: Buffer;
  readonly from: Int32Array;
  readonly seeds: Seeds;
}

export interface Plan {
  readonly manifest: BundleManifest;
  readonly signer: string;
  readonly bundleBytes: number;
  /** The slot that will hold it. */
  readonly slot: SlotName;
  /** It runs already: nothing is to be done. */
  readonly runs: boolean;
  /** Of the images; what had to be read for the plan itself is not in it. */
  readonly downloadBytes: number;
  readonly copyBytes: number;
  /** To the slot and to the boot partition. */
  readonly writeBytes: number;
  readonly images: readonly ImagePlan[];
  close(): Promise<void>;
}

const otherSlot = (slot: SlotName): SlotName => (slot === 'a' ? 'b' : 'a');

/**
 * Whether this bundle may go to this machine at all: everything that can be said before anything is downloaded.
 * @throws UpgradeError
 */
export function admit(
  manifest: BundleManifest,
  machine: Pick<Machine, 'compatible' | 'running' | 'refused'>,
  wishes: Wishes,
): void {
  const { running, compatible, refused } = machine;
  const { version, roothash, minimumVersion } = manifest;
  if (manifest.compatible !== compatible)
    throw new UpgradeError(
      'WRONG_IMAGE',
      `the bundle is for ${manifest.compatible}, and this machine is ${compatible}`,
      'get the bundle of this image',
    );
  if (roothash === running.roothash) return;
  if (minimumVersion !== undefined && compareVersions(running.version, minimumVersion) < 0)
    throw new UpgradeError(
      'TOO_OLD_TO_UPGRADE',
      `${version} can be installed from ${minimumVersion} on, and ${running.version} runs here`,
      `upgrade to ${minimumVersion} first`,
    );
  if (compareVersions(version, running.version) < 0 && !wishes.older)
    throw new UpgradeError(
      'OLDER',
      `${version} is older than ${running.version}, which runs here`,
      'say --downgrade if that is meant',
    );
  const before = refused.find(one => one.roothash === roothash);
  if (before && !wishes.again)
    throw new UpgradeError(
      'REFUSED_BEFORE',
      `${version} was refused here on ${before.at.slice(0, 10)}: ${before.reason}`,
      '`atoll upgrade history` tells more; --force tries it again',
    );
}

/**
 * A version on trial has one slot to fall back to, which is the one an installation would overwrite.
 * @throws UpgradeError ON_TRIAL
 */
export async function requireProven({ places, loader, running }: Machine): Promise<void> {
  const entry = (await loader.entries()).find(({ roothash }) => roothash === running.roothash);
  const { trial } = (await peekState(places.stateDir)).state;
  if (trial?.roothash !== running.roothash && entry?.triesLeft === undefined) return;
  throw new UpgradeError(
    'ON_TRIAL',
    `${running.version}, which runs here, has not proved itself yet: the other slot is what it would fall back to`,
    'wait until it is blessed (atoll upgrade status says what for), or go back with atoll rollback',
  );
}

/**
 * Reads what the slots hold and compares. Nothing is written. Whoever gets a plan closes it.
 * @param onCompared of how many bytes so far, and of how many in all
 * @throws UpgradeError
 */
export async function planInstall(
  bundle: Bundle,
  machine: Machine,
  wishes: Wishes,
  signal: AbortSignal,
  onCompared?: (doneBytes: number, totalBytes: number) => void,
): Promise<Plan> {
  const { manifest } = bundle;
  admit(manifest, machine, wishes);
  const slot = otherSlot(machine.running.slot);
  const runs = manifest.roothash === machine.running.roothash;
  const images: ImagePlan[] = [];
  const close = async (): Promise<void> => {
    for (const { seeds } of images) await seeds.close();
  };
  try {
    if (!runs) {
      const targets = await roomFor(manifest, slot, machine);
      const compared = { done: 0, total: imageNames.reduce((sum, image) => sum + manifest.images[image].sizeBytes, 0) };
      const onRead = (bytes: number): void => {
        compared.done += bytes;
        onCompared?.(compared.done, compared.total);
      };
      // In the bundle's own order, for servers that cannot go back.
      for (const image of [...imageNames].sort((a, b) => bundle.startOf(a) - bundle.startOf(b)))
        images.push(await compare(bundle, image, targets[image], machine, signal, onRead));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const count = (wanted: (from: number) => boolean): number =>
    images.reduce((sum, { from }) => from.reduce((blocks, one) => blocks + (wanted(one) ? 1 : 0), sum), 0) *
    BLOCK_BYTES;
  return {
    manifest,
    signer: bundle.signer,
    bundleBytes: bundle.sizeBytes,
    slot,
    runs,
    downloadBytes: count(from => from === FETCH),
    copyBytes: count(from => from >= 0),
    writeBytes: count(from => from !== SAME),
    images,
    close,
  };
}

/** @throws UpgradeError TOO_LARGE, NO_SPACE, SLOT */
async function roomFor(
  manifest: BundleManifest,
  slot: SlotName,
  { places, loader, running }: Machine,
): Promise<Record<ImageName, string>> {
  const targets = { root: places.root[slot], verity: places.verity[slot], uki: await loader.staging() };
  for (const kind of ['root', 'verity'] as const) {
    if (targets[kind] === places[kind][running.slot])
      throw new UpgradeError(
        'SLOT',
        `${targets[kind]} is the running slot`,
        'ls -l /dev/disk/atoll shows the partitions; the machine has no second slot',
      );
    const { sizeBytes } = manifest.images[kind];
    const room = await deviceSize(targets[kind]);
    if (sizeBytes > room)
      throw new UpgradeError(
        'TOO_LARGE',
        `the ${kind} image has ${sizeBytes} bytes, and its partition ${targets[kind]} only ${room}`,
        'this machine has to be flashed anew with a current image, whose partitions are larger',
      );
  }
  const staged = await stat(targets.uki).catch(() => undefined);
  const { bavail, bsize } = await statfs(places.esp);
  const needed = manifest.images.uki.sizeBytes + bootSlackBytes - (staged ? staged.blocks * 512 : 0);
  if (needed > bavail * bsize)
    throw new UpgradeError(
      'NO_SPACE',
      `the boot partition ${places.esp} has ${bavail * bsize} bytes free, and the new kernel needs ${needed}`,
      `remove what is not Atoll's from it: ls -lR ${places.esp}`,
    );
  return targets;
}

/** For what the loader writes besides. */
const bootSlackBytes = 64 * 1024;
const zeros = hash('sha256', Buffer.alloc(BLOCK_BYTES), 'buffer');

async function compare(
  bundle: Bundle,
  image: ImageName,
  target: string,
  machine: Machine,
  signal: AbortSignal,
  onRead: (bytes: number) => void,
): Promise<ImagePlan> {
  const { sizeBytes } = bundle.manifest.images[image];
  const index = await bundle.index(image, signal);
  const there = await scan(target, sizeBytes, signal, onRead);
  const from = new Int32Array(index.length / HASH_BYTES);
  let missing = 0;
  for (let block = 0; block < from.length; block++) {
    const at = block * HASH_BYTES;
    const same =
      at + HASH_BYTES <= there.length && index.compare(there, at, at + HASH_BYTES, at, at + HASH_BYTES) === 0;
    from[block] = same ? SAME : index.compare(zeros, 0, HASH_BYTES, at, at + HASH_BYTES) === 0 ? ZERO : FETCH;
    if (from[block] === FETCH) missing++;
  }
  // Nothing is looked for where nothing is missing: an installation that goes on is quick to do so.
  const seeds = Seeds.of(missing === 0 ? [] : await seedsOf(image, sizeBytes, machine, signal));
  for (let block = 0; block < from.length; block++) {
    if (from[block] !== FETCH) continue;
    const found = seeds.find(index, block * HASH_BYTES);
    if (found >= 0) from[block] = found;
  }
  return { image, target, sizeBytes, index, from, seeds };
}

async function seedsOf(
  image: ImageName,
  sizeBytes: number,
  { places, loader, running }: Machine,
  signal: AbortSignal,
): Promise<{ path: string; index: Buffer }[]> {
  if (image === 'root') {
    const path = places.root[running.slot];
    return [
      {
        path,
        index: (await shippedIndex(places.verity[running.slot])) ?? (await scan(path, await deviceSize(path), signal)),
      },
    ];
  }
  const paths = image === 'verity' ? [places.verity[running.slot]] : (await loader.entries()).map(({ uki }) => uki);
  const found: { path: string; index: Buffer }[] = [];
  for (const path of new Set(paths)) {
    const bytes = await deviceSize(path).catch(() => 0);
    // Of the tree's partition only the beginning is used.
    found.push({ path, index: await scan(path, image === 'verity' ? Math.min(bytes, 2 * sizeBytes) : bytes, signal) });
  }
  return found;
}
