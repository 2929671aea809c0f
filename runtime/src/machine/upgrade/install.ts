/**
 * Installs a bundle into the slot that does not run.
 *
 * The order, so that the power may go at any moment and there is always a slot that boots, whole:
 *  1. the running version has proved itself, signature, manifest, sizes and space are checked, and everything is compared: nothing has been
 *     written yet;
 *  2. what boots from the slot that is to be written is refused by the loader (`loader.refuse`), durably. Only then its first block changes: half a
 *     root is never what the loader would boot;
 *  3. root and hash tree are written, then the kernel image beside those that boot, all synced;
 *  4. all of it is read back from the device and checked up to the signed root hash;
 *  5. the caller notes what is about to be tried (`beforeArm`), and `loader.arm` makes it the next boot: its last write decides.
 * Cut off anywhere before 5 the machine boots what it ran, and the next attempt finds what is there. Nobody remembers where it stopped:
 * it is read. The running slot is only ever read.
 */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../lib/files.ts';
import type { Bundle } from './bundle/bundle.ts';
import { openForWriting } from './device.ts';
import { exclusive } from './exclusive.ts';
import {
  type ImagePlan,
  imageNames,
  type Machine,
  type Plan,
  planInstall,
  requireProven,
  SAME,
  type Wishes,
} from './plan.ts';
import { Told } from './progress.ts';
import { readBackRoot, readBackTree, readBackUki } from './readBack.ts';
import { type TransferCounts, transfer, writeError } from './transfer.ts';
import type { Installed, Progress } from './types.ts';
import { UpgradeError } from './upgradeError.ts';

export interface InstallOptions extends Wishes {
  /** Boots that the trial has. */
  readonly tries: number;
  readonly onProgress?: (progress: Progress) => void;
  /** What was armed in the slot, if anything was, will not be tried any more: before the loader is told so, and before the slot's first block. */
  readonly beforeGiveUp?: () => Promise<void>;
  /**
   * Everything is in its place and checked; the loader is told next. What has to be known after the restart (`UpgradeState.trial`) is written here.
   */
  readonly beforeArm?: (trial: Installed) => Promise<void>;
}

export interface InstallResult {
  /** `runs`: it runs already, nothing was done. */
  readonly outcome: 'armed' | 'runs';
  readonly trial: Installed;
  readonly bundleBytes: number;
  /** All that came from the bundle's source since it was opened. */
  readonly downloadedBytes: number;
  readonly copiedBytes: number;
  /** To the slot and to the boot partition. */
  readonly writtenBytes: number;
  readonly seconds: number;
}

/**
 * The bundle stays the caller's to close.
 * @throws UpgradeError; LoaderError; what `signal` was aborted with. The loader's entries are then those of before, but for the refused one
 * of the slot that was to be written.
 */
export async function install(
  bundle: Bundle,
  machine: Machine,
  options: InstallOptions,
  signal: AbortSignal,
): Promise<InstallResult> {
  const { runDir } = machine.places;
  await using _lock = await exclusive(runDir);
  const told = new Told(runDir, bundle.shown, options.onProgress);
  const began = performance.now();
  try {
    const result = await run(bundle, machine, options, told, signal);
    told.phase('done', { downloadedBytes: result.downloadedBytes, writtenBytes: result.writtenBytes });
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } finally {
    await told.settled();
  }
}

async function run(
  bundle: Bundle,
  machine: Machine,
  options: InstallOptions,
  told: Told,
  signal: AbortSignal,
): Promise<Omit<InstallResult, 'seconds'>> {
  const { manifest, source } = bundle;
  if (manifest.roothash !== machine.running.roothash) await requireProven(machine);
  told.phase('comparing', { version: manifest.version, downloadedBytes: source.receivedBytes });
  const plan = await planInstall(bundle, machine, options, signal, (doneBytes, totalBytes) =>
    told.update({ doneBytes, totalBytes, downloadedBytes: source.receivedBytes }),
  );
  try {
    const trial: Installed = { version: manifest.version, roothash: manifest.roothash, slot: plan.slot };
    const counts: TransferCounts = { writtenBytes: 0, copiedBytes: 0, doneBytes: 0 };
    const result = (outcome: InstallResult['outcome']): Omit<InstallResult, 'seconds'> => ({
      outcome,
      trial: outcome === 'runs' ? machine.running : trial,
      bundleBytes: plan.bundleBytes,
      downloadedBytes: source.receivedBytes,
      copiedBytes: counts.copiedBytes,
      writtenBytes: counts.writtenBytes,
    });
    if (plan.runs) return result('runs');
    if (plan.images.some(({ image, from }) => image !== 'uki' && from.some(one => one !== SAME))) {
      await onDisk(machine.places.stateDir, () => options.beforeGiveUp?.());
      await giveUp(plan, machine);
    }
    told.phase('writing', { totalBytes: plan.writeBytes });
    for (const image of plan.images)
      await bring(image, bundle, counts, signal, () =>
        told.update({
          doneBytes: counts.doneBytes,
          downloadedBytes: source.receivedBytes,
          writtenBytes: counts.writtenBytes,
        }),
      );
    await readBack(plan, machine, told, signal);
    told.phase('arming');
    signal.throwIfAborted();
    await onDisk(machine.places.stateDir, () => options.beforeArm?.(trial));
    await onDisk(machine.places.esp, () => machine.loader.arm(trial, options.tries));
    return result('armed');
  } finally {
    await plan.close();
  }
}

/** A disk that is full, or fails, is told by its place. */
async function onDisk(place: string, work: () => Promise<void> | undefined): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw writeError(place, cause);
  }
}

/** What boots from the slot until now: refused before the slot is touched. One that opens the running root is not the slot's. */
async function giveUp({ slot }: Plan, { loader, running }: Machine): Promise<void> {
  for (const entry of await loader.entries())
    if (entry.slot === slot && entry.triesLeft !== 0 && entry.roothash !== running.roothash)
      await loader.refuse(entry.roothash);
}

async function bring(
  plan: ImagePlan,
  bundle: Bundle,
  counts: TransferCounts,
  signal: AbortSignal,
  onDone: () => void,
): Promise<void> {
  const isFile = plan.image === 'uki';
  // Others' files are on the boot partition too: whoever put a link there does not lead us elsewhere.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  let file: FileHandle;
  try {
    file = isFile ? await open(plan.target, flags, 0o644) : await openForWriting(plan.target);
  } catch (cause) {
    throw cause instanceof UpgradeError ? cause : writeError(plan.target, cause);
  }
  try {
    if (isFile && (await file.stat()).size > plan.sizeBytes) await file.truncate(plan.sizeBytes);
    await transfer(plan, file, bundle, counts, signal, onDone);
  } finally {
    await file.close();
  }
  if (isFile) await syncDirectory(dirname(plan.target));
}

async function readBack(plan: Plan, { places }: Machine, told: Told, signal: AbortSignal): Promise<void> {
  const { manifest, slot } = plan;
  let doneBytes = 0;
  const onRead = (bytes: number): void => {
    doneBytes += bytes;
    told.update({ doneBytes });
  };
  told.phase('verifying', { totalBytes: imageNames.reduce((sum, image) => sum + manifest.images[image].sizeBytes, 0) });
  const leaves = await readBackTree(places.verity[slot], manifest, signal, onRead);
  await readBackRoot(places.root[slot], leaves, manifest.images.root.sizeBytes, signal, onRead);
  const uki = plan.images.find(({ image }) => image === 'uki');
  if (uki) await readBackUki(uki.target, manifest, signal, onRead);
}
