/** configs/data-disk on a machine, and what the machine says of itself: `atoll status`, `atoll logs`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from './configDisks.ts';
import { assertInForce, example, minutes, patient } from './examples.ts';
import { diskBytes, imageMachine } from './image.ts';

describe('a node with an extra disk', { timeout: 25 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;

  before(async () => {
    disks = await Disks.make();
    node = await AtollNode.start({
      ...imageMachine('examples-machine'),
      disks: [
        { file: await disks.flashed(example('data-disk')), sizeBytes: diskBytes },
        { file: await disks.empty('data', 128 * 1024 ** 2), serial: 'data' },
      ],
      // A controller that the image has no driver for, as far as the initrd can tell not yet: systemd applies the first configuration.
      extraArguments: ['-device', 'lsi53c810'],
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => node.machine.shell.output(command, patient);
  const get = (what: string, path: string): Promise<string> =>
    node.kubectlOutput(['get', ...what.split(' '), '-o', `jsonpath={${path}}`]);
  it('data-disk: the empty disk has a file system and is mounted', async () => {
    assert.equal(await node.ready(), 'store-1');
    await assertInForce(node.machine);
    assert.match(
      await guest('grep /var/data /proc/mounts; blkid -s LABEL -o value /dev/vdb'),
      /^\/dev\/disk\/by-id\/virtio-data \/var\/data ext4 rw,noatime[^\n]*\ndata$/,
    );
    assert.equal(await get('nodes -l disk=data', '.items[*].metadata.name'), 'store-1');
  });

  it('a configuration that may be on a disk not seen yet is not the initrd’s to apply', async () => {
    assert.equal(await guest('cd /run/atoll/config && echo early* applied*'), 'early* applied');
    assert.equal(await guest('systemctl show -P Result atoll-config.service'), 'success');
  });

  it('atoll status is a page for people, and JSON for programs', async () => {
    const page = await guest('atoll status');
    for (const line of [
      /^ {2}store-1 {2}Ready$/m,
      /^ *Atoll {2,}\d+\.\d+\.\d+, image vm-x86_64, slot a, Kubernetes v1\.36/m,
      /^ *Role {2,}server and node$/m,
      /^ *Address {2,}10\.0\.2\.15/m,
      /^ *Server {2,}ready, [\d.]+ s after power-on$/m,
      /^ *Agent {2,}ready, [\d.]+ s after power-on$/m,
      /^ *Nodes {2,}store-1 {2}Ready {2}10\.0\.2\.15$/m,
      /^ *Configuration +generation 1$/m,
      /^ *from esp \(user-data\)$/m,
      /^ *Memory {2,}\d+ MiB available of \d+ MiB$/m,
      /^ *Store {2,}\S/m,
      /^ *Certificates {2,}\S/m,
    ])
      assert.match(page, line, page);
    const status = JSON.parse(await guest('atoll status -o json')) as Record<string, unknown>;
    assert.deepEqual(
      [status.ready, status.role, status.nodeName, status.slot, status.reason],
      [true, 'server and node', 'store-1', 'a', undefined],
    );
  });

  it('atoll logs reads the journal: all of it, a part, the kernel, as lines and as JSON', async () => {
    const all = await guest('atoll logs');
    assert.match(all, /^\d\d-\d\d \d\d:\d\d:\d\d (server|agent|containerd)/m);
    for (const part of ['server', 'agent', 'containerd']) assert.match(all, new RegExp(`^\\S+ \\S+ ${part}[ :]`, 'm'));
    const server = await guest('atoll logs server --lines 5');
    assert.equal(server.split('\n').length, 5, server);
    assert.doesNotMatch(server, /"level":|"pid":/, 'lines of people, not of programs');
    for (const line of server.split('\n')) assert.match(line, /^\d\d-\d\d \d\d:\d\d:\d\d server[ :]/);
    assert.match(await guest('atoll logs kernel --lines 50'), /\S/);
    const [entry = ''] = (await guest('atoll logs agent -o json --lines 1')).split('\n');
    assert.ok('MESSAGE' in (JSON.parse(entry) as Record<string, unknown>), entry);
    const wrong = await node.machine.shell.run('atoll logs sever');
    assert.match(wrong.stderr, /did you mean server\?/);
    process.stderr.write(`${server}\n`);
  });
});
