/** Upgrades that nobody types: a Plan of the cluster, and a channel that the machine looks at by itself. `make test-upgrades`. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { BundleServer } from '../src/bundle-server.ts';
import { demoDeployment } from '../src/demo.ts';
import type { MachineOptions } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { rolledOut } from '../test/rolledOut.ts';
import { builtVersion } from '../test/versions.ts';

const minutes = 60_000;
const channel = 'http://10.0.2.100:8080/';
const plan = `apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: plant, namespace: default}
spec:
  concurrency: 1
  nodeSelector: {matchLabels: {kubernetes.io/os: linux}}
  channel: ${channel}
  cordon: true
  upgrade: {image: atoll}
`;

describe('a fleet', { timeout: 60 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-fleet`);
  let server: BundleServer;

  before(async () => {
    await mkdir(folder, { recursive: true });
    const { bundle, version } = await builtVersion('0.2.0');
    const newest = { version, bundle: `vm-x86_64-${version}.raucb`, rolloutPercent: 100 };
    await writeFile(join(folder, 'channel.json'), JSON.stringify({ format: 1, images: { 'vm-x86_64': newest } }));
    server = await BundleServer.start([bundle, join(folder, 'channel.json')]);
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (name: string): MachineOptions => ({ ...imageMachine(name), guestForwards: { 8080: server.port } });
  const eventually = async (node: AtollNode, what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + 12 * minutes; ; await setTimeout(2000)) {
      if (await holds().catch(() => false)) return;
      const said = await node.machine.shell
        .run('journalctl -b --no-pager -n 40 -u atoll-server -u atoll-agent -u atoll-upgrade', { timeoutMs: 20_000 })
        .catch(() => undefined);
      assert.ok(performance.now() < deadline, `${what}\n${said?.stdout ?? ''}\n${node.machine.console.lastLines()}`);
    }
  };
  const runs = (node: AtollNode): Promise<string> =>
    node.machine.shell.output('. /etc/os-release; echo $IMAGE_VERSION; ls /efi/loader/entries', { timeoutMs: 20_000 });
  const isBlessed = async (node: AtollNode): Promise<boolean> => {
    const [version, ...entries] = (await runs(node)).split('\n');
    return version === '0.2.0' && entries.includes('atoll-b.conf');
  };

  it('is upgraded by a Plan, also the node that the Plan is worked off on', async () => {
    await using node = await AtollNode.start(options('fleet-plan'));
    const name = await node.ready();
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await rolledOut(node);
    await eventually(node, 'the flashed version is blessed', async () => (await runs(node)) === '0.1.0\natoll-a.conf');
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: plan });
    await eventually(node, 'it runs 0.2.0, blessed', () => isBlessed(node));
    await node.ready();
    const complete = '{.status.conditions[?(@.type=="Complete")].status}';
    await eventually(node, 'the Plan is complete', async () => {
      return (await node.kubectlOutput(['get', 'plan', 'plant', '-o', `jsonpath=${complete}`])) === 'True';
    });
    const hash = await node.kubectlOutput(['get', 'plan', 'plant', '-o', 'jsonpath={.status.latestHash}']);
    const label = '{.metadata.labels.plan\\.upgrade\\.cattle\\.io/plant} {.spec.unschedulable}';
    assert.equal((await node.kubectlOutput(['get', 'node', name, '-o', `jsonpath=${label}`])).trim(), hash);
    await rolledOut(node);
  });

  it('looks at its channel by itself', async () => {
    const userData = `#cloud-config\natoll:\n  upgrade: {channel: "${channel}", poll: 10m, jitter: 1s}\n`;
    await using node = await AtollNode.start({
      ...options('fleet-channel'),
      fwCfg: { 'opt/atoll/user-data': userData },
    });
    await node.ready();
    await eventually(node, 'it runs 0.2.0, blessed', () => isBlessed(node));
    const history = await node.machine.shell.output('atoll upgrade history');
    assert.match(history, /installed +0\.2\.0/);
  });
});
