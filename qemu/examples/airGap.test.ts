/**
 * configs/air-gap: a registry next door, by an authority that only the configuration names; an archive of images on the card; nothing else in
 * reach. The machine was something else before, and is erased by `atoll.reset=1` on the kernel command line.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { toolsTree } from '../../builder/src/paths.ts';
import { tool } from '../../builder/src/tools.ts';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, filledIn, minutes, patient, putOnEsp, uncommented, until } from '../test/examples.ts';
import { imageMachine } from '../test/image.ts';
import { type Authority, authority, Registry } from '../test/registry.ts';
import { busyboxLayer, dockerArchive } from '../test/testImage.ts';

const credentials = ['puller', randomBytes(8).toString('hex')] as const;

describe('a node that reaches nothing but a registry next door', { timeout: 25 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  let registry: Registry;
  let stranger: Registry;
  let known: Authority;
  let files: Server;

  before(async () => {
    disks = await Disks.make();
    const layer = busyboxLayer(await readFile(join(toolsTree(), 'usr/bin/busybox')));
    const folder = disks.folder;
    known = await authority(folder, 'plant', ['IP:10.0.2.100']);
    registry = await Registry.start(known, layer, credentials.join(':'));
    stranger = await Registry.start(await authority(folder, 'stranger', ['IP:10.0.2.100']), layer, 'nobody:knows');
    const archive = await zstd(folder, dockerArchive('registry.example.org/team/app:1', layer));
    files = createServer((_, response) => response.end(archive));
    await new Promise<void>(resolve => files.listen(0, '127.0.0.1', resolve));
    node = await AtollNode.start({
      ...imageMachine('examples-air-gap'),
      guestForwards: { 80: (files.address() as AddressInfo).port, 5000: registry.port, 5001: stranger.port },
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    files?.close();
    await registry?.[Symbol.asyncDispose]();
    await stranger?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => node.machine.shell.output(command, patient);
  const get = (what: string, path: string): Promise<string> =>
    node.kubectlOutput(['get', ...what.split(' '), '-o', `jsonpath={${path}}`]);
  const identity = (): Promise<string> =>
    guest('cat /etc/machine-id /var/lib/atoll/server/node-token; sha256sum /var/lib/atoll/agent/node.key');

  it('atoll.reset=1 on the kernel command line: a new machine, with air-gap', async () => {
    await node.ready();
    const first = await identity();
    await guest(
      'mount /dev/disk/atoll/esp /mnt && mkdir -p /mnt/images && wget -q -O /mnt/images/app.tar.zst http://10.0.2.100/ && umount /mnt',
    );
    await putOnEsp(node.machine, airGap());
    await node.machine.powerCut();
    await node.machine.powerOn({ kernelArguments: ['atoll.debug-shell', 'atoll.reset=1'] });
    await node.machine.console.waitFor(/erasing the data of this machine \(all\)/, { timeoutMs: 3 * minutes });
    assert.equal(await node.ready(), 'island-1');
    await assertInForce(node.machine);
    const now = await identity();
    for (const line of first.split('\n')) assert.ok(!now.includes(line), `${line} is the old one`);
  });

  it('air-gap: containerd asks the registry next door, and nobody else', async () => {
    const hosts = await guest('grep -v "^#" /etc/containerd/certs.d/docker.io/hosts.toml');
    assert.equal(hosts, 'server = "https://10.0.2.100:5000"\n\n[host]');
  });

  it('air-gap: the preloaded image is there, pinned, and a pod of it runs without anybody being asked', async () => {
    await node.kubectlOutput(['run', 'app', '--image=registry.example.org/team/app:1', '--image-pull-policy=Never']);
    await node.kubectlOutput(['wait', '--for=condition=Ready', 'pod/app', '--timeout=120s'], {
      timeoutMs: 3 * minutes,
    });
    assert.ok(!registry.asked.some(line => line.includes('team/app')), registry.asked.join('\n'));
    assert.match(await get('node island-1', '.status.images[*].names'), /registry\.example\.org\/team\/app:1/);
  });

  it('air-gap: the named image is pulled ahead, before any pod wants it', async () => {
    await until(node.machine, 'nginx is there', async () =>
      /docker\.io\/library\/nginx:1\.29/.test(await get('node island-1', '.status.images[*].names')),
    );
    assert.equal(await guest('cat /run/atoll/images.json 2>/dev/null || echo {}'), '{}');
  });

  it('air-gap: an image is pulled from next door, with the password and by the authority of ca_certs', async () => {
    await node.kubectlOutput(['run', 'pulled', '--image=docker.io/library/tool:2']);
    await node.kubectlOutput(['wait', '--for=condition=Ready', 'pod/pulled', '--timeout=120s'], {
      timeoutMs: 3 * minutes,
    });
    assert.ok(
      registry.asked.some(line => line.startsWith('HEAD /v2/library/tool/manifests/2')),
      registry.asked.join('\n'),
    );
    assert.match(await guest('atoll config show | grep -A30 registries'), /password: \(secret\)/);
  });

  it('air-gap: who has a certificate of nobody’s is not believed', async () => {
    await node.kubectlOutput(['run', 'strange', '--image=registry.k8s.io/tool:3']);
    await until(node.machine, 'the pull is refused for the certificate', async () =>
      /certificate signed by unknown authority/.test(
        await get('events --field-selector involvedObject.name=strange', '.items[*].message'),
      ),
    );
    assert.equal(await get('pod strange', '.status.containerStatuses[0].state.waiting.reason'), 'ErrImagePull');
    assert.equal(stranger.refused, 0);
  });

  function airGap(): { 'user-data': string } {
    const text = example('air-gap')['user-data'] ?? '';
    const indented = known.ca.trim().replaceAll('\n', '\n      ');
    return {
      'user-data': filledIn(
        uncommented(uncommented(text, 'ca_certs'), 'images'),
        ['-----BEGIN CERTIFICATE-----\n      …\n      -----END CERTIFICATE-----', indented],
        [
          'registry.k8s.io: {endpoint: ["https://registry.example.org:5000"]}',
          'registry.k8s.io: {endpoint: ["https://10.0.2.100:5001"]}',
        ],
        ['registry.example.org:5000', '10.0.2.100:5000'],
        ['change-me', credentials[1]],
      ),
    };
  }
});

async function zstd(folder: string, content: Buffer): Promise<Buffer> {
  const plain = join(folder, 'app.tar');
  await writeFile(plain, content);
  await tool(['zstd', '-q', '-f', plain], { binds: [folder] });
  return readFile(`${plain}.zst`);
}
