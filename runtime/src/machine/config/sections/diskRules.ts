/** Extra disks keep away from what is the node's own: its partitions, and the folders that are in use before a disk is mounted. */
import type { Rule } from '../types.ts';
import type { CloudInit } from './cloudInit.ts';
import { machineFolders, ownState } from './cloudInitRules.ts';

/** The partitions of an image, by their names and by the node's own links (rootfs/initrd/lib/disk). */
const ownPartitions = /^\/dev\/disk\/(?:by-partlabel|atoll)\/(?:esp|var|(?:root|verity)-[ab])$/;
/** Names that a disk has only when something is on it. */
const namedByContent = /^\/dev\/disk\/by-(?:label|uuid)\//;
const BY_ID = 'name it as /dev/disk/by-id or /dev/disk/by-path has it';

/** `/var//log/` is `/var/log`. */
const plain = (path: string): string => `/${path.split('/').filter(Boolean).join('/')}`;

const devices: Rule<CloudInit> = ({ disk_setup = {}, fs_setup = [] }, report) => {
  for (const device of Object.keys(disk_setup))
    if (namedByContent.test(device))
      report(['disk_setup', device], 'is a name that an empty disk does not have: it would never be found', {
        hint: BY_ID,
      });
  fs_setup.forEach(({ device }, i) => {
    const path = ['fs_setup', i, 'device'];
    if (ownPartitions.test(device)) report(path, `"${device}" is a partition of the node's own`, { hint: BY_ID });
    else if (namedByContent.test(device) && disk_setup[device] === undefined)
      report(
        path,
        `"${device}" is a name that an empty disk does not have: only one that has been formatted is found`,
        {
          severity: 'warning',
          hint: BY_ID,
        },
      );
  });
};

const mountPoints: Rule<CloudInit> = ({ mounts = [] }, report) => {
  mounts.forEach(([, where], i) => {
    if (where === undefined) return;
    const hint = 'take a folder of its own, such as /var/data';
    const path = plain(where);
    if (/\s/.test(where)) report(['mounts', i, 1], `"${where}" has white space in it`, { hint });
    else if (machineFolders.test(path) || ownState.test(path) || path === '/var/lib/atoll')
      report(['mounts', i, 1], `"${where}" holds what the node is made of: a disk there would hide it`, { hint });
  });
};

export const diskRules: readonly Rule<CloudInit>[] = [devices, mountPoints];
