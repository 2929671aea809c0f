/** What lsblk and sysfs of other machines say, from copies of the files they read. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { type BlockDevice, listDisks } from './disks.ts';
import { refusal } from './judge.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-disks-'));
});
after(() => rm(root, { recursive: true, force: true }));

/** Copies of a machine's files: a text is a file, `{ to }` a link to another of them. */
async function copyOf(
  name: string,
  files: Readonly<Record<string, string | { readonly to: string }>>,
): Promise<string> {
  const machine = join(root, name);
  for (const [path, content] of Object.entries(files)) {
    const at = join(machine, path);
    await mkdir(dirname(at), { recursive: true });
    if (typeof content === 'string') await writeFile(at, content);
    else await symlink(relative(dirname(at), join(machine, content.to)), at);
  }
  return machine;
}

/** A machine with one device behind an MMC controller. @param type of the device: MMC of an eMMC, SD of a card */
function machineWith(type: 'MMC' | 'SD'): Promise<string> {
  const device = 'sys/devices/platform/mmc0/mmc0:0001';
  const block = `${device}/block/mmcblk0`;
  return copyOf(type, {
    [`${device}/type`]: `${type}\n`,
    [`${device}/subsystem`]: { to: 'sys/bus/mmc' },
    'sys/bus/mmc/uevent': '',
    'sys/class/block/mmcblk0': { to: block },
    [`${block}/subsystem`]: { to: 'sys/class/block' },
    [`${block}/device`]: { to: device },
    [`${block}/dev`]: '179:0\n',
    [`${block}/size`]: '61071360\n',
    [`${block}/ro`]: '0\n',
    [`${block}/removable`]: '0\n',
    [`${block}/queue/logical_block_size`]: '512\n',
    'sys/dev/block/179:0': { to: block },
    'sys/block/mmcblk0': { to: block },
    'dev/mmcblk0': '',
    'proc/self/mountinfo': '',
    'proc/swaps': '',
  });
}

for (const { type, removable, refused } of [
  { type: 'SD', removable: true, refused: undefined },
  { type: 'MMC', removable: false, refused: /^is built in: neither removable nor on USB/ },
] as const)
  test(`behind an MMC controller, the type ${type} is ${removable ? 'a card' : 'built in'}`, async () => {
    const disks: BlockDevice[] = await listDisks(await machineWith(type));
    assert.deepEqual(
      disks.map(({ path, bus, sizeBytes, removable: is }) => ({ path, bus, sizeBytes, removable: is })),
      [{ path: '/dev/mmcblk0', bus: 'mmc', sizeBytes: 61071360 * 512, removable }],
    );
    const why = refusal('/dev/mmcblk0', disks, { imageBytes: 1, force: false, unmount: false });
    if (refused) assert.match(why?.reason ?? 'not refused', refused);
    else assert.equal(why, undefined);
    assert.equal(refusal('/dev/mmcblk0', disks, { imageBytes: 1, force: true, unmount: false }), undefined);
  });
