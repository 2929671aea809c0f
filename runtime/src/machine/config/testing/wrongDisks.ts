/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. Extra disks. */
import type { WrongCase } from './lines.ts';

const disk = (device: string, where: string): string =>
  `fs_setup: [{device: ${device}, filesystem: ext4, label: data}]\nmounts: [[LABEL=data, ${where}]]`;
const hidesWhatIsThere = (where: string): WrongCase => [
  disk('/dev/vdb', where),
  `3:23 mounts[0][1] "${where}" holds what the node is made of: a disk there would hide it → take a folder of its own, such as /var/data`,
];
const byId = 'name it as /dev/disk/by-id or /dev/disk/by-path has it';

export const disks: readonly WrongCase[] = [
  ...[
    '/var/lib',
    '/var/log',
    '/var/home',
    '/var/log/',
    '/var/lib/atoll',
    '/var/lib/atoll/server',
    '/var/lib/atoll/agent/images',
  ].map(hidesWhatIsThere),
  ...['/var/data', '/var/lib/atoll/backups', '/srv'].map((where): WrongCase => [disk('/dev/vdb', where), []]),
  [
    disk('/dev/vdb', '"/var/a b"'),
    '3:23 mounts[0][1] "/var/a b" has white space in it → take a folder of its own, such as /var/data',
  ],
  ...['by-partlabel', 'atoll'].map(
    (folder): WrongCase => [
      disk(`/dev/disk/${folder}/var`, '/var/data'),
      `2:21 fs_setup[0].device "/dev/disk/${folder}/var" is a partition of the node's own → ${byId}`,
    ],
  ),
  [disk('/dev/disk/by-partlabel/press-data', '/var/data'), []],
  [
    disk('/dev/disk/by-label/data', '/var/data'),
    `2:21 warning: fs_setup[0].device "/dev/disk/by-label/data" is a name that an empty disk does not have: only one that has been formatted is found → ${byId}`,
  ],
  [
    `${disk('/dev/disk/by-label/data', '/var/data')}\ndisk_setup: {/dev/disk/by-label/data: {layout: false}}`,
    `4:39 disk_setup["/dev/disk/by-label/data"] is a name that an empty disk does not have: it would never be found → ${byId}`,
  ],
];
