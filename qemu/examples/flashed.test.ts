/** A card as `atoll-builder flash` writes it, booted: it is the node that its user-data names, and makes its partitions out of what room there is. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../builder/src/paths.ts';
import { AtollNode } from '../src/node.ts';
import { minutes, patient } from '../test/examples.ts';
import { artefacts, diskBytes, imageMachine } from '../test/image.ts';

const run = promisify(execFile);

describe('a flashed card', { timeout: 15 * minutes }, () => {
  let folder: string;
  let node: AtollNode;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-flashed-'));
    const card = join(folder, 'card.img');
    const userData = join(folder, 'user-data');
    await writeFile(userData, '#cloud-config\ntimezone: Europe/Berlin\natoll:\n  node-label: [site=hall-2]\n');
    // From the compressed image: what people download.
    await run(process.execPath, [
      ...['--import', 'tsx', join(repositoryRoot, 'builder/src/cli.ts'), 'flash', artefacts.compressed, '--to', card],
      ...['--size', String(diskBytes), '--user-data', userData, '--hostname', 'press-7'],
    ]);
    node = await AtollNode.start({
      ...imageMachine('examples-flashed'),
      disks: [{ file: card, sizeBytes: diskBytes }],
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is the node that its user-data and --hostname say, in the API', async () => {
    assert.equal(await node.ready(), 'press-7');
    const label = ['get', 'node', 'press-7', '-o', 'jsonpath={.metadata.labels.site}'];
    assert.equal(await node.kubectlOutput(label), 'hall-2');
    assert.equal(
      await node.machine.shell.output('readlink /etc/localtime', patient),
      '/usr/share/zoneinfo/Europe/Berlin',
    );
  });

  it('took the whole card at its first boot, with the second table at its end', async () => {
    const labels = await node.machine.shell.output('ls /dev/disk/atoll | sort | tr "\\n" " "', patient);
    assert.equal(labels.trim(), 'esp root-a root-b var verity-a verity-b');
    const end = await node.machine.shell.output(
      'dd if=/dev/vda bs=512 skip=$(($(cat /sys/block/vda/size) - 1)) 2>/dev/null | head -c 8',
      patient,
    );
    assert.equal(end, 'EFI PART');
  });
});
