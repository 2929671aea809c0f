import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountSource } from './mounts.ts';

/** As Linux 6.1 shows a root on ext4, a btrfs with two of its subvolumes, one in the other, and a stick in a folder with a blank. */
const table = `25 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
29 25 0:26 / /tmp rw,nosuid,nodev shared:12 - tmpfs tmpfs rw,inode64
88 25 0:51 /@data /srv rw,relatime shared:45 - btrfs /dev/sdb1 rw,ssd,subvolid=256,subvol=/@data
91 88 0:51 /@images /srv/images rw,relatime shared:47 - btrfs /dev/sdb1 rw,ssd,subvolid=257,subvol=/@images
97 25 8:33 / /media/me/My\\040Stick rw,nosuid shared:52 - vfat /dev/sdc1 rw,fmask=0022
99 25 8:49 / /mnt rw,relatime shared:55 - ext4 /dev/sdd1 rw
101 99 8:65 / /mnt rw,relatime shared:57 - ext4 /dev/sde1 rw
`;

for (const [path, source] of [
  ['/home/me/vm.raw', '/dev/nvme0n1p2'],
  ['/tmp/vm.raw', 'tmpfs'],
  ['/srv/vm.raw', '/dev/sdb1'],
  ['/srv/images/vm.raw', '/dev/sdb1'],
  ['/srv2/vm.raw', '/dev/nvme0n1p2'],
  ['/media/me/My Stick/vm.raw', '/dev/sdc1'],
  ['/mnt/vm.raw', '/dev/sde1'],
] as const)
  test(`${path} is on ${source}`, () => assert.equal(mountSource(path, table), source));

test('what is in no table is on nothing', () => assert.equal(mountSource('/vm.raw', ''), undefined));
