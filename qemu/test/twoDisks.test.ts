/**
 * A machine with Atoll on two disks, both written from one image: it comes up from the one it is started from, with that one's data, and never
 * touches the other, which the kernel names first. In the first boot the other holds another version, in the second the same.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadDefinition } from '../../builder/src/definition/load.ts';
import { deviceRepartFiles } from '../../builder/src/on-device.ts';
import { repositoryRoot } from '../../builder/src/paths.ts';
import { tool } from '../../builder/src/tools.ts';
import { findPartition } from '../src/gpt.ts';
import { Machine } from '../src/machine.ts';
import { minutes, patient } from './examples.ts';
import { artefacts, diskBytes, imageMachine } from './image.ts';

const otherId = '0123456789abcdef0123456789abcdef';
/** The top of a hash tree lies behind the superblock. */
const treeBytes = 4096;

/** A disk that has been in use: every partition is there, and the data of another machine. @param scratch a folder of its own */
async function usedDisk(file: string, scratch: string): Promise<void> {
  const [definitions, data] = [join(scratch, 'repart.d'), join(scratch, 'data')];
  await mkdir(definitions);
  await mkdir(data);
  await writeFile(join(data, 'machine-id'), `${otherId}\n`);
  for (const [path, text] of Object.entries(deviceRepartFiles((await loadDefinition('vm-x86_64')).image))) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const content = name.endsWith('-var.conf') ? `CopyFiles=${data}:/lib/atoll\n` : '';
    // The types are the running architecture's, which is the guest's here.
    await writeFile(join(definitions, name), text.replace(/^Type=root/m, 'Type=root-x86-64') + content);
  }
  await copied(artefacts.raw, file);
  const how = ['--offline=yes', '--dry-run=no', '--no-pager', '--seed=random', `--size=${diskBytes}`];
  await tool(['systemd-repart', ...how, `--definitions=${definitions}`, file], {
    binds: [scratch],
    env: { TMPDIR: scratch },
  });
}

/** With its holes. */
const copied = (from: string, to: string) =>
  tool(['qemu-img', 'convert', '-q', '-f', 'raw', '-O', 'raw', from, to], { readOnly: [from], binds: [dirname(to)] });

describe('a machine with Atoll on two disks', { timeout: 20 * minutes }, () => {
  let scratch: string;
  let machine: Machine;
  /** The other disk as it is in the second boot. */
  let used: string;
  let id: string;

  before(async () => {
    await mkdir(join(repositoryRoot, 'out/test'), { recursive: true });
    scratch = await mkdtemp(join(repositoryRoot, 'out/test/two-disks-'));
    used = join(scratch, 'used.raw');
    await usedDisk(used, scratch);
    const changed = join(scratch, 'changed.raw');
    await copied(used, changed);
    const file = await open(changed, 'r+');
    await file.write(Buffer.alloc(treeBytes), 0, treeBytes, (await findPartition(used, 'verity-a')).offset + treeBytes);
    await file.close();
    const options = imageMachine('two-disks');
    const [ours] = options.disks ?? [];
    assert.ok(ours);
    machine = await Machine.start({
      ...options,
      disks: [
        { file: changed, bootIndex: 2 },
        { ...ours, bootIndex: 1 },
      ],
    });
  });
  after(async () => {
    await machine?.stop();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  });

  const guest = (command: string) => machine.shell.output(command, patient);
  const ownRoot = async (): Promise<void> => {
    await machine.shell.output(
      'while [ ! -s /run/atoll/config/applied ] || [ ! -s /var/lib/atoll/machine-id ]; do usleep 200000; done',
      { timeoutMs: 7 * minutes },
    );
    await guest('udevadm settle');
    const links = await guest('for link in /dev/disk/atoll/*; do echo $(basename $link) $(readlink -f $link); done');
    const expected = ['esp 1', 'root-a 2', 'root-b 4', 'var 6', 'verity-a 3', 'verity-b 5'];
    assert.deepEqual(
      links.split('\n'),
      expected.map(line => line.replace(' ', ' /dev/vdb')),
      'an upgrade writes to these',
    );
    assert.equal(await guest('readlink /run/atoll/disk; cat /run/atoll/slot'), '/sys/block/vdb\na');
    assert.equal(await guest('ls /sys/block/dm-*/slaves'), 'vdb2\nvdb3');
    // The automounter asks for the boot partition, and checks it.
    await guest('ls /efi/EFI');
    assert.equal(
      await guest(`sed -n 's,^/dev/\\(vd.*\\) /\\(var\\|efi\\) .*,\\1 \\2,p' /proc/mounts | sort`),
      'vdb1 efi\nvdb6 var',
    );
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    assert.doesNotMatch(await guest('dmesg'), /left to systemd/);
  };
  const otherIsUntouched = async (): Promise<void> => {
    const now = join(scratch, 'now.raw');
    await machine.exportDisk(0, now);
    await tool(['qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'raw', used, now], { readOnly: [used, now] });
    await rm(now);
  };

  it('comes up from its own where the other holds another version', async () => {
    await ownRoot();
    id = await guest('cat /etc/machine-id');
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.notEqual(id, otherId);
    assert.match(await guest('dmesg'), /atoll-initrd: slot a of vdb/);
    // From here on it is the same version: all else on it must be as it was.
    await guest(
      `dd if=/dev/vdb3 of=/dev/vda3 bs=${treeBytes} skip=1 seek=1 count=1 conv=notrunc,fsync 2> /dev/null && sync`,
    );
    await machine.powerCut();
    await otherIsUntouched();
  });

  it('comes up from its own where the other holds the same', async () => {
    await machine.powerOn();
    await ownRoot();
    assert.equal(await guest('cat /etc/machine-id; cat /var/lib/atoll/machine-id'), `${id}\n${id}`);
    assert.match(await guest('dmesg'), /atoll-initrd: this version is on vda vdb: vdb is taken/);
    await machine.powerCut();
    await otherIsUntouched();
  });
});
