/**
 * Partitions that are full, damaged or gone: the machine comes up far enough to say so, and is mended with what the page says
 * (docs/upgrades.md). `make test-upgrades`.
 */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { BundleServer } from '../src/bundle-server.ts';
import { demoDeployment } from '../src/demo.ts';
import type { MachineOptions, SavedMachine } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { rolledOut } from '../test/rolledOut.ts';
import { builtVersion, type Version } from '../test/versions.ts';

const minutes = 60_000;
const data = '/dev/disk/atoll/var';

/** Takes the other slot out of both partition tables of the disk. Source: UEFI 2.10, section 5.3. */
const forget = `
const { crc32 } = require('node:zlib');
const { openSync, readSync, writeSync, fsyncSync } = require('node:fs');
const disk = openSync('/dev/vda', 'r+');
const read = (at, length) => { const bytes = Buffer.alloc(length); readSync(disk, bytes, 0, length, at); return bytes; };
const first = read(512, 512);
for (const at of [512, Number(first.readBigUInt64LE(32)) * 512]) {
  const header = read(at, 512);
  const entriesAt = Number(header.readBigUInt64LE(72)) * 512;
  const [count, size] = [header.readUInt32LE(80), header.readUInt32LE(84)];
  const entries = read(entriesAt, count * size);
  for (let n = 0; n < count; n++) {
    const entry = entries.subarray(n * size, (n + 1) * size);
    if (/^(root|verity)-b\\0/.test(entry.toString('utf16le', 56))) entry.fill(0);
  }
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header.subarray(0, header.readUInt32LE(12))), 16);
  writeSync(disk, entries, 0, entries.length, entriesAt);
  writeSync(disk, header, 0, 512, at);
}
fsyncSync(disk);
`;

describe('partitions', { timeout: 60 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-healing`);
  let second: Version;
  let server: BundleServer;
  let saved: SavedMachine;

  const options = (name: string): MachineOptions => ({ ...imageMachine(name), guestForwards: { 8080: server.port } });
  const guest = (node: AtollNode, command: string, timeoutMs = minutes): Promise<string> =>
    node.machine.shell.output(command, { timeoutMs });
  const eventually = async (node: AtollNode, what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + 5 * minutes; ; await setTimeout(1000)) {
      if (await holds().catch(() => false)) return;
      assert.ok(performance.now() < deadline, `${what}\n${node.machine.console.lastLines()}`);
    }
  };
  /** Restarts, and waits until it is up again. The node need not be Ready. */
  const restart = async (node: AtollNode): Promise<void> => {
    const boot = await guest(node, 'cat /proc/sys/kernel/random/boot_id');
    await node.machine.shell.run('systemctl reboot --no-block');
    await eventually(node, 'it comes up', async () => {
      const [now, state] = (
        await guest(node, 'cat /proc/sys/kernel/random/boot_id; systemctl is-system-running || true', 20_000)
      ).split('\n');
      return now !== boot && (state === 'running' || state === 'degraded');
    });
  };

  before(async () => {
    await mkdir(folder, { recursive: true });
    second = await builtVersion('0.2.0');
    server = await BundleServer.start([second.bundle]);
    const node = await AtollNode.start(options('healing-before'));
    await node.ready();
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await rolledOut(node);
    await eventually(node, 'the flashed version is blessed', async () => {
      return (await guest(node, 'ls /efi/loader/entries')) === 'atoll-a.conf';
    });
    saved = await node.machine.save(join(folder, 'saved'));
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('of data: damaged; it says so, and is mended by e2fsck', async () => {
    await using node = await AtollNode.start({ ...options('healing-damaged'), snapshotOf: saved });
    await node.ready();
    // The first superblock and the table of groups: what only a person may decide to mend.
    await guest(node, `sync; dd if=/dev/urandom of=${data} bs=4096 count=4 conv=notrunc,fsync 2> /dev/null`);
    await restart(node);
    assert.match(await guest(node, 'cat /run/atoll/data-problem'), /^the data partition cannot be used: /);
    assert.match(await guest(node, 'atoll status || true'), /not ready: the data partition cannot be used/);
    const daemons = 'systemctl is-active atoll-server atoll-agent containerd || true';
    assert.equal(await guest(node, daemons), 'inactive\ninactive\ninactive', 'no new cluster is begun');
    await guest(node, `e2fsck -fy -b 32768 ${data} || test $? -le 3`, 5 * minutes);
    await restart(node);
    await node.ready();
    await rolledOut(node);
  });

  it('of data: wiped out; `atoll reset` makes it anew, and another node begins', async () => {
    await using node = await AtollNode.start({ ...options('healing-reset'), snapshotOf: saved });
    await node.ready();
    const before = await node.kubectlOutput(['get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}']);
    await guest(node, `sync; blkdiscard -f ${data} || dd if=/dev/zero of=${data} bs=1M count=64 conv=fsync`);
    await restart(node);
    assert.match(await guest(node, 'atoll status || true'), /the data partition cannot be used/);
    await node.machine.shell.run('atoll reset --yes', { timeoutMs: 2 * minutes }).catch(() => undefined);
    node.machine.forgetBoot();
    await eventually(node, 'it comes up with its data partition', async () => {
      return (
        (await guest(
          node,
          'test -e /run/atoll/data-problem && echo problem; awk \'$2 == "/var" {print $3}\' /proc/mounts',
          20_000,
        )) === 'ext4'
      );
    });
    await node.ready();
    const after = await node.kubectlOutput(['get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}']);
    assert.notEqual(after, before);
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await rolledOut(node);
  });

  it('of data: full; the node is up and says so, through a restart, and is well again with room', async () => {
    await using node = await AtollNode.start({ ...options('healing-full'), snapshotOf: saved });
    const name = await node.ready();
    const pressure = async (): Promise<string> =>
      node.kubectlOutput([
        ...['get', 'node', name, '-o'],
        'jsonpath={.status.conditions[?(@.type=="DiskPressure")].status}',
      ]);
    // Down to the last block, also of those that are kept for root.
    await guest(
      node,
      `fallocate -l "$(df -k /var | awk 'NR == 2 { print $4 }')k" /var/full
       dd if=/dev/zero of=/var/full-too bs=4k 2> /dev/null; sync; true`,
      10 * minutes,
    );
    await eventually(node, 'DiskPressure', async () => (await pressure()) === 'True');
    await restart(node);
    await node.ready();
    await eventually(node, 'DiskPressure after a restart', async () => (await pressure()) === 'True');
    const { stdout, stderr, exitCode } = await node.machine.shell.run(
      `atoll upgrade --yes --no-reboot http://10.0.2.100:8080/vm-x86_64-${second.version}.raucb`,
      { timeoutMs: 3 * minutes },
    );
    assert.notEqual(exitCode, 0);
    assert.match(stdout + stderr, /the data partition has .* free; a trial needs/);
    await guest(node, 'rm -f /var/full /var/full-too');
    await eventually(node, 'no DiskPressure', async () => (await pressure()) === 'False');
    await rolledOut(node);
  });

  it('of the other slot: gone; they are made again, and an upgrade fills them', async () => {
    await using node = await AtollNode.start({ ...options('healing-slot'), snapshotOf: saved });
    await node.ready();
    await guest(node, `cat > /run/forget.js << 'END'\n${forget}END\nnode /run/forget.js && sync`);
    await restart(node);
    await node.ready();
    const url = `http://10.0.2.100:8080/vm-x86_64-${second.version}.raucb`;
    await guest(node, `atoll upgrade --yes --no-reboot ${url} 2>&1`, 10 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    await eventually(node, 'the new version is blessed', async () => {
      return (await guest(node, 'ls /efi/loader/entries', 20_000)).split('\n').includes('atoll-b.conf');
    });
    await node.ready();
    assert.equal(await guest(node, '. /etc/os-release; echo $IMAGE_VERSION'), '0.2.0');
    await rolledOut(node);
  });
});
