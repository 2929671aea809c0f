/**
 * The data partition and the configuration before systemd starts (rootfs/overlay/usr/lib/atoll/early): at the first boot, after a power cut
 * with a file system that has errors, on a disk that has grown, and where the initrd leaves it to systemd: its step ends in the middle, a disc it
 * cannot see, a reset, a file system that nobody mends.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Machine } from '../src/machine.ts';
import { Disks } from './configDisks.ts';
import { minutes, patient } from './examples.ts';
import { diskBytes, imageMachine } from './image.ts';

const configuration = `#cloud-config
hostname: early
write_files: [{path: /etc/site, content: site}]
machine: {sysctls: {net.core.somaxconn: 4097}}
`;

describe('the data partition of a machine that starts again', { timeout: 30 * minutes }, () => {
  let disks: Disks;
  let machine: Machine;
  let id: string;
  let iso: string;

  before(async () => {
    disks = await Disks.make();
    machine = await Machine.start({
      ...imageMachine('data'),
      smbios: [`io.atoll.user-data=${Buffer.from(configuration).toString('base64')}`],
    });
  });
  after(async () => {
    await machine?.stop();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => machine.shell.output(command, patient);
  const applied = async (): Promise<void> => {
    await machine.shell.output(
      'while [ ! -s /run/atoll/config/applied ] || [ ! -s /var/lib/atoll/machine-id ]; do usleep 200000; done',
      { timeoutMs: 7 * minutes },
    );
  };
  const inForce = async (): Promise<void> => {
    await guest('while ! systemctl is-active -q sysinit.target; do usleep 200000; done');
    assert.equal(await guest('hostname; cat /etc/site; echo; sysctl -n net.core.somaxconn'), 'early\nsite\n4097');
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    assert.match(await guest('grep " /var " /proc/mounts'), /^\/dev\/\S+ \/var ext4 rw,noatime/);
  };
  const atSystemdsStart = async (): Promise<boolean> => {
    const [end = ''] = (await guest('cat /run/atoll/config/applied')).split(' ');
    return 1e6 * Number(end) < Number(await guest('systemctl show -P UserspaceTimestampMonotonic'));
  };
  const device = 'readlink -f $(sed -n "s, /var .*,,p" /proc/mounts)';
  const sizeKiB = async (): Promise<number> =>
    Number(await guest('df -k /var | sed -n 2p | tr -s " " | cut -d " " -f 2'));

  const disc = (swappiness: string): string => `#cloud-config
timezone: Europe/Oslo
machine: {sysctls: {vm.swappiness: ${swappiness}}}
`;
  const said = async (generation: number, swappiness: string): Promise<void> => {
    assert.equal(
      await guest('readlink /etc/localtime; sysctl -n vm.swappiness'),
      `/usr/share/zoneinfo/Europe/Oslo\n${swappiness}`,
    );
    const { state, generation: found, sources } = JSON.parse(await guest('cat /run/atoll/config.json'));
    assert.deepEqual([state, found, sources.length], ['applied', generation, 2]);
  };

  it('is made in the initrd at the first boot, which applies the configuration, too', async () => {
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), true);
    const dmesg = await guest('dmesg');
    assert.match(dmesg, /atoll-early: the data partition is being made[\s\S]*atoll-config: applied, generation 1/);
    assert.doesNotMatch(dmesg, /are left to systemd/);
    id = await guest('cat /etc/machine-id');
    assert.equal(await guest('cat /var/lib/atoll/machine-id'), id);
    // The kernel's own way to say that a file system has errors, which it writes down in its own time (bit 1 of s_state, ext4's superblock);
    // it is not checked while it is mounted.
    await guest(
      `disk=$(${device}) && echo tried > /sys/fs/ext4/$(basename $disk)/trigger_fs_error && ` +
        "until dd if=$disk bs=1 skip=1082 count=1 2> /dev/null | od -An -tu1 | grep -q '[23]'; do usleep 100000; done && sync",
    );
    await machine.powerCut();
  });

  it('is mended and mounted in the initrd, and the configuration is in force when systemd starts', async () => {
    await machine.powerOn();
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), true);
    assert.equal(await guest('cat /etc/machine-id'), id);
    assert.match(await guest('dmesg'), /atoll-early: the data partition has been mended/);
    assert.equal(await guest('systemctl is-active var.mount'), 'active');
    assert.equal(await guest('systemctl is-active atoll-config || true'), 'inactive', 'nobody waits for it');
    await guest('while ! systemctl is-active -q atoll-data.service; do usleep 200000; done');
    assert.doesNotMatch(machine.console.text, /atoll-early|e2fsck/);
  });

  it('grows with its disk all the same', async () => {
    const before = await sizeKiB();
    await machine.qmp('block_resize', { 'node-name': 'disk0', size: diskBytes + 1024 ** 3 });
    await guest('sync');
    await machine.powerCut();
    await machine.powerOn({ extraArguments: ['-device', 'virtio-scsi-pci,id=late'] });
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), true);
    await guest('while ! systemctl is-active -q atoll-data.service; do usleep 200000; done');
    const grown = (await sizeKiB()) - before;
    assert.ok(grown > 900_000, `${grown} KiB more`);
  });

  it('takes what a disc says that the initrd has not seen', async () => {
    iso = await disks.iso('cidata', { 'user-data': disc('9') });
    const [driver, file] = [
      { driver: 'raw', 'read-only': true },
      { driver: 'file', filename: iso },
    ];
    await machine.qmp('blockdev-add', { 'node-name': 'disc', ...driver, file });
    await machine.qmp('device_add', { driver: 'scsi-cd', bus: 'late.0', drive: 'disc' });
    await guest(
      'while [ ! -e /dev/disk/by-label/cidata ]; do usleep 100000; done; systemctl restart atoll-config-look',
    );
    await inForce();
    await said(2, '9');
  });

  it('has a configuration that systemd puts in force where the initrd has ended in the middle: nothing of that is left', async () => {
    const current = '/var/lib/atoll/config/current/boot';
    const half =
      '[ -d /run/systemd ] || { echo half > /etc/half; (trap "" TERM; while :; do echo more >> /var/half; usleep 50000; done) & usleep 200000; exit 9; }';
    await guest(
      `echo '${half}' > /run/boot && cat ${current} >> /run/boot && cp ${current} /var/boot && cp /run/boot ${current} && sync`,
    );
    await machine.powerCut();
    await machine.powerOn({
      extraArguments: ['-drive', `if=none,id=disc,format=raw,readonly=on,file=${iso}`, '-device', 'ide-cd,drive=disc'],
    });
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), false);
    assert.match(
      await guest('dmesg'),
      /atoll-early: the configuration could not be put in force[\s\S]*atoll-initrd: the data partition and the configuration are left to systemd/,
    );
    assert.equal(
      await guest('cat /etc/machine-id; ls /etc/half 2> /dev/null; systemctl is-active atoll-config'),
      `${id}\nactive`,
    );
    const written = await guest('stat -c %s /var/half');
    assert.equal(await guest('usleep 500000; stat -c %s /var/half'), written);
    await guest(`cp /var/boot ${current} && rm /var/half && sync`);
    await machine.powerCut();
  });

  it('takes what a disc says that is new', async () => {
    await disks.iso('cidata', { 'user-data': disc('5') });
    await machine.powerOn();
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), true);
    assert.doesNotMatch(await guest('dmesg'), /are left to systemd/);
    await said(3, '5');
    await machine.powerCut();
  });

  it('keeps that when the disc is out: the initrd, which does not hear it, leaves it to systemd', async () => {
    await machine.powerOn({ extraArguments: [] });
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), false);
    await said(3, '5');
  });

  it('is erased by systemd where that is asked for: the initrd has left it as it was', async () => {
    await machine.shell.output('touch /var/lib/old && sync', patient);
    await machine.powerCut();
    await machine.powerOn({ kernelArguments: ['atoll.debug-shell', 'atoll.reset=keep-identity'] });
    await machine.console.waitFor(/this machine begins anew/, { timeoutMs: 5 * minutes });
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), false);
    assert.equal(await guest('cat /etc/machine-id; ls /var/lib/old 2> /dev/null || true'), id);
  });

  it('is not in use where nobody mends it: the machine comes up and says so, and a reset makes it anew', async () => {
    // Read-only first, as sysrq does it: the file system would write its superblock again, now and then.
    await guest(
      `disk=$(${device}) && echo u > /proc/sysrq-trigger && until grep -q ' /var ext4 ro,' /proc/mounts; do usleep 50000; done && ` +
        'dd if=/dev/zero of=$disk bs=1M count=200 conv=fsync',
    );
    await machine.powerCut();
    await machine.powerOn({ kernelArguments: ['atoll.debug-shell'] });
    await guest('while [ ! -s /run/atoll/data-problem ]; do usleep 200000; done');
    assert.match(await guest('cat /run/atoll/data-problem'), /cannot be used: its file system is damaged: /);
    assert.match(await guest('dmesg | grep atoll-early'), /is left to systemd: \S*e2fsck: Bad magic number/);
    assert.match(await guest('grep " /var " /proc/mounts'), /^tmpfs \/var tmpfs /);
    await machine.console.waitFor(/the data partition cannot be used/, { timeoutMs: 5 * minutes });
    await machine.powerCut();
    await machine.powerOn({ kernelArguments: ['atoll.debug-shell', 'atoll.reset=1'] });
    await applied();
    await inForce();
    assert.equal(await atSystemdsStart(), false);
    assert.notEqual(await guest('cat /etc/machine-id'), id);
  });
});
