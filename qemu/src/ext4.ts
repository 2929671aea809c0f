/** Looking into an ext4 partition on the host without mounting it, so without being root (e2fsprogs of the tools tree). */
import { dirname } from 'node:path';
import { tool } from '../../builder/src/tools.ts';

/**
 * Does what mounting after a power cut does: replays the journal. Then checks the whole file system.
 * @throws with e2fsck's words if anything but the journal had to be mended
 */
export async function recover(image: string): Promise<void> {
  const mounts = { binds: [dirname(image)] };
  await tool(['e2fsck', '-p', '-E', 'journal_only', image], mounts);
  await tool(['e2fsck', '-f', '-n', image], mounts);
}

/**
 * Copies files out of it. Those that do not exist are left out.
 * @param files path inside → path on the host
 */
export async function extract(image: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [inside, outside] of Object.entries(files)) {
    await tool(['debugfs', '-R', `dump ${inside} ${outside}`, image], { binds: [dirname(image), dirname(outside)] });
  }
}
