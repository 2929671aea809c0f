/** The machine this runs on, as an upgrade sees it: what runs, where its slots are, which loader it has. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { release } from '../release.ts';
import { openLoader } from './loader/index.ts';
import type { Machine } from './plan.ts';
import { peekState } from './state.ts';
import type { Installed, UpgradePlaces } from './types.ts';
import { UpgradeError } from './upgradeError.ts';

/** The partitions of the disk that was started from: other disks may have the same names (rootfs/initrd/lib/disk). */
const OUR_DISK = '/dev/disk/atoll';

export const upgradePlaces: UpgradePlaces = {
  stateDir: '/var/lib/atoll/upgrade',
  runDir: '/run/atoll',
  trustDir: '/usr/lib/atoll/ota',
  esp: '/efi',
  root: { a: join(OUR_DISK, 'root-a'), b: join(OUR_DISK, 'root-b') },
  verity: { a: join(OUR_DISK, 'verity-a'), b: join(OUR_DISK, 'verity-b') },
};

/** `atoll-` and the image's name, as bundles name it. */
export const compatibleOf = (image = release().image): string => `atoll-${image}`;

/**
 * The version that runs: root hash from the sealed command line, slot from the initrd.
 * @throws UpgradeError SLOT outside of an image
 */
export function runningVersion(runDir = upgradePlaces.runDir, cmdline = '/proc/cmdline'): Installed {
  const roothash = /(?:^|\s)atoll\.roothash=([0-9a-f]{64})(?:\s|$)/.exec(text(cmdline))?.[1];
  const slot = text(join(runDir, 'slot')).trim();
  if (roothash === undefined || (slot !== 'a' && slot !== 'b'))
    throw new UpgradeError(
      'SLOT',
      'this is no machine that was started from an image of Atoll: it has no slots',
      'upgrades are for nodes that boot an image; elsewhere replace the program',
    );
  return { version: release().version, roothash, slot };
}

/** @throws UpgradeError, LoaderError */
export async function thisMachine(places: UpgradePlaces = upgradePlaces): Promise<Machine> {
  const running = runningVersion(places.runDir);
  const { state } = await peekState(places.stateDir);
  return {
    places,
    loader: await openLoader(places.esp),
    running,
    compatible: compatibleOf(),
    refused: state.refused,
  };
}

/** Partitions of the two slots that this disk does not have. */
export const missingPartitions = (places: UpgradePlaces = upgradePlaces): readonly string[] =>
  [places.root.a, places.verity.a, places.root.b, places.verity.b].filter(path => !existsSync(path));

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
