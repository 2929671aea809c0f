/**
 * configs/data-disk and configs/single-node on one machine, with resets: one that keeps who it is, and one that is cut in the middle.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, minutes, patient, putOnEsp } from '../test/examples.ts';
import { diskBytes, imageMachine } from '../test/image.ts';

describe('a machine that is given one example after the other', { timeout: 25 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;

  before(async () => {
    disks = await Disks.make();
    node = await AtollNode.start({
      ...imageMachine('examples-reset'),
      disks: [
        { file: await disks.flashed(example('data-disk')), sizeBytes: diskBytes },
        { file: await disks.empty('data', 128 * 1024 ** 2), serial: 'data' },
      ],
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => node.machine.shell.output(command, patient);
  const get = (what: string, path: string): Promise<string> =>
    node.kubectlOutput(['get', ...what.split(' '), '-o', `jsonpath={${path}}`]);
  /** Who this machine is. */
  const identity = (): Promise<string> =>
    guest(
      'cat /etc/machine-id /var/lib/atoll/server/node-token; cd /var/lib/atoll; sha256sum agent/node.key agent/node-name server/tls/*.key',
    );
  /** A reboot the machine does itself; the console's mark is where the new boot begins. */
  const restarts = async (command: string): Promise<void> => {
    const reset = node.machine.qmpEvent('RESET', 2 * minutes);
    await node.machine.shell.run(command, patient);
    await reset;
    node.machine.forgetBoot();
  };
  let first: string;

  it('data-disk: the empty disk has a file system and is mounted', async () => {
    assert.equal(await node.ready(), 'store-1');
    await assertInForce(node.machine);
    assert.match(
      await guest('grep /var/data /proc/mounts; blkid -s LABEL -o value /dev/vdb'),
      /^\/dev\/disk\/by-id\/virtio-data \/var\/data ext4 rw,noatime[^\n]*\ndata$/,
    );
    assert.equal(await get('nodes -l disk=data', '.items[*].metadata.name'), 'store-1');
    await guest('echo precious > /var/data/keep && sync');
    await node.kubectlOutput(['create', 'configmap', 'old']);
    first = await identity();
  });

  it('atoll reset --keep-identity: the cluster is new, the machine is the same, the data disk is not touched', async () => {
    await restarts('atoll reset --yes --keep-identity');
    assert.equal(await node.ready(), 'store-1');
    await assertInForce(node.machine);
    assert.equal(await identity(), first);
    assert.match((await node.kubectl(['get', 'configmap', 'old'])).stderr, /"old" not found/);
    assert.equal(await guest('cat /var/data/keep; ls /var/lib/atoll/reset-requested 2>/dev/null || true'), 'precious');
    assert.equal(await get('nodes -l disk=data', '.items[*].metadata.name'), 'store-1');
  });

  it('atoll reset, with the power cut in the middle of it, twice: finishes, and single-node is a new machine', async () => {
    await putOnEsp(node.machine, example('single-node'));
    // Enough to erase that it takes a while.
    await guest(
      'mkdir -p /var/old && cd /var/old && for n in $(seq 400); do head -c 4096 /dev/urandom > $n; done; sync',
    );
    await restarts('atoll reset --yes');
    for (const afterMs of [0, 400]) {
      await node.machine.console.waitFor(/erasing the data of this machine \(all\)/, { timeoutMs: 3 * minutes });
      await new Promise(resolve => setTimeout(resolve, afterMs));
      await node.machine.powerCut();
      await node.machine.powerOn();
    }
    assert.equal(await node.ready(), 'press-7');
    await assertInForce(node.machine);
    const now = await identity();
    for (const line of first.split('\n')) assert.ok(!now.includes(line), `${line} is the old one`);
    assert.equal(await guest('ls /var/old /var/lib/atoll/reset-requested 2>/dev/null || true'), '');
    assert.match((await node.kubectl(['get', 'configmap', 'old'])).stderr, /"old" not found/);
    first = now;
  });

  it('single-node: has its name, time zone, label and certificate', async () => {
    assert.match(await guest('hostname; readlink /etc/localtime'), /^press-7\n\S*Europe\/Berlin$/);
    assert.equal(await get('node press-7', '.metadata.labels.site'), 'hall-2');
    assert.match(
      await guest('grep -A3 tls-san /etc/atoll/config.yaml; stat -c %a /etc/atoll/config.yaml'),
      /press-7\.example\.org[\s\S]*600$/,
    );
    assert.equal(await guest('systemctl is-active atoll-ssh || true'), 'inactive', 'nobody has a key');
    assert.equal(await guest('grep -c /var/data /proc/mounts || true'), '0');
    assert.equal(await guest('mount -o ro /dev/vdb /mnt && cat /mnt/keep && umount /mnt'), 'precious');
  });
});
