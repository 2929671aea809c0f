/** What a machine's kernel must have for a configuration. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { machineOf } from './needs.ts';
import type { Kernel } from './needsOfKernel.ts';
import { readConfig } from './read.ts';
import { problemOf } from './testing/lines.ts';
import { thisMachine } from './thisMachine.ts';

const MiB = 1024 ** 2;
const accounts = { passwd: '', group: '', shadow: '', gshadow: '' };
const board: Kernel = {
  lacking: names => names.filter(name => name === 'nope'),
  hasSysctl: name => name === 'vm.swappiness' || name === 'fs.binfmt/misc.on',
  memoryBytes: 512 * MiB,
  isOwnDisk: device => device.startsWith('/dev/vda'),
};

const cases: readonly (readonly [userData: string, problems: readonly string[]])[] = [
  [
    'machine: {kernel-modules: [bonding, snd-bcm2835, {name: nope}]}',
    [
      '2:50 machine.kernel-modules[2] the image has no kernel module "nope" → kernel.modules of the image says which it has: docs/images.md',
    ],
  ],
  [
    'machine: {sysctls: {vm.swappiness: 1, vm/nope: 1, fs.binfmt/misc.on: 1, net.ipv4.conf.eth7.rp_filter: 1, net.netfilter.nf_conntrack_max: 1}}',
    [
      '2:48 warning: machine.sysctls["vm/nope"] this kernel has no parameter "vm/nope": nothing is set → is it of a module? Then name that in kernel-modules',
    ],
  ],
  ['machine: {sysctls: {bonding.nope: 1}, kernel-modules: [bonding]}', []],
  [
    'machine: {zram: {size: 999999G}}',
    ['2:24 machine.zram.size 999999G is more than this machine can keep track of in 512M'],
  ],
  [
    'machine: {zram: {size: 2G}}',
    [
      '2:24 warning: machine.zram.size 2G is more than twice the memory, which is 512M: so much does not fit, compressed',
    ],
  ],
  ['machine: {zram: {size: 1G}}', []],
  [
    'fs_setup: [{device: /dev/vda3, filesystem: ext4, label: data}]\nmounts: [[LABEL=data, /var/data]]',
    [
      '2:21 fs_setup[0].device "/dev/vda3" is the disk the node runs from → name another disk, as /dev/disk/by-id has it',
    ],
  ],
];
for (const [userData, problems] of cases)
  it(userData, () => {
    const documents = { 'user-data': Buffer.from(`#cloud-config\n${userData}\n`) };
    const machine = { ...machineOf(accounts, () => true), kernel: board };
    const read = readConfig([{ source: 'esp', location: 'test', documents }], machine);
    assert.deepEqual(read.problems.map(problemOf), problems);
  });

it('knows this machine', () => {
  const { kernel } = thisMachine(accounts, {});
  assert.equal(kernel?.hasSysctl?.('vm.swappiness'), true);
  assert.equal(kernel?.hasSysctl?.('vm.nope'), false);
  assert.equal(kernel?.isOwnDisk?.('/dev/null'), false);
  assert.ok((kernel?.memoryBytes ?? 0) > 64 * MiB);
});
