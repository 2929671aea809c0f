/**
 * The plug is pulled at random moments of a first boot, of a trial that is being blessed, and of one that falls back; after each the machine
 * comes up by itself, in a version that is whole, and knows how it got there. Most moments are judged without a boot: recorded.test.ts.
 * `make torture`; ATOLL_PULLS=<n> of each kind, ATOLL_SEED=<n>.
 */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { BundleServer } from '../src/bundle-server.ts';
import { seededRandom } from '../src/cuts.ts';
import type { MachineOptions, SavedMachine } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { builtVersion, type Version } from '../test/versions.ts';
import { settled } from './settled.ts';

const minutes = 60_000;
const pulls = Number(process.env.ATOLL_PULLS ?? 1);
const random = seededRandom(Number(process.env.ATOLL_SEED ?? 1));

describe('the plug is pulled', { timeout: 360 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-pulls`);
  const versions: Record<string, Version> = {};
  let server: BundleServer;

  before(async () => {
    await mkdir(folder, { recursive: true });
    versions.good = await builtVersion('0.2.0');
    versions.bad = await builtVersion('0.3.0', 'server-crashes.yaml');
    server = await BundleServer.start(Object.values(versions).map(({ bundle }) => bundle));
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (name: string): MachineOptions => ({
    ...imageMachine(name),
    guestForwards: { 8080: server.port },
    extraArguments: ['-device', 'i6300esb'],
  });
  const guest = (node: AtollNode, command: string, timeoutMs = minutes): Promise<string> =>
    node.machine.shell.output(command, { timeoutMs });
  /** Lets it run for a while, pulls the plug, and switches it on again. */
  const pull = async (node: AtollNode, afterMs: number): Promise<void> => {
    await setTimeout(afterMs);
    await node.machine.powerCut();
    await node.machine.powerOn();
  };
  /** A node that has armed this version and not restarted yet, to be continued as often as wanted. */
  const armed = async ({ version }: Version, name: string, deadline: string): Promise<SavedMachine> => {
    const node = await AtollNode.start(options(name));
    await node.ready();
    for (const deadline = performance.now() + 5 * minutes; ; await setTimeout(1000)) {
      if ((await guest(node, 'ls /efi/loader/entries')) === 'atoll-a.conf') break;
      assert.ok(performance.now() < deadline, 'the flashed version is not blessed');
    }
    const url = `http://10.0.2.100:8080/vm-x86_64-${version}.raucb`;
    await guest(node, `atoll upgrade --yes --no-reboot --deadline ${deadline} ${url} 2>&1 && sync`, 10 * minutes);
    return node.machine.save(join(folder, name));
  };

  for (let n = 1; n <= pulls; n++) {
    it(`in a first boot (${n} of ${pulls})`, async t => {
      const afterMs = 4000 + random() * 70_000;
      await using node = await AtollNode.start(options('pull-first'));
      await pull(node, afterMs);
      await node.ready();
      assert.equal(await guest(node, 'systemctl --failed --no-legend --plain'), '');
      t.diagnostic(`after ${(afterMs / 1000).toFixed(1)} s`);
    });
  }

  it(`in a trial that is being blessed, ${pulls} times`, async t => {
    assert.ok(versions.good);
    const saved = await armed(versions.good, 'pull-good', '10m');
    for (let n = 1; n <= pulls; n++) {
      const afterMs = 4000 + random() * 110_000;
      await using node = await AtollNode.start({ ...options('pull-good'), snapshotOf: saved });
      await pull(node, 0);
      await pull(node, afterMs);
      const version = await settled(node);
      assert.equal(version, '0.2.0', 'one cut is no reason to go back: there are three tries');
      await node.ready();
      assert.equal(await guest(node, 'ls /efi/loader/entries | grep -c -- "-b.conf"'), '1');
      t.diagnostic(`after ${(afterMs / 1000).toFixed(1)} s`);
    }
  });

  it(`in a trial that falls back, ${pulls} times`, async t => {
    assert.ok(versions.bad);
    const saved = await armed(versions.bad, 'pull-bad', '150s');
    for (let n = 1; n <= pulls; n++) {
      const moments = [4000 + random() * 60_000, 4000 + random() * 250_000];
      await using node = await AtollNode.start({ ...options('pull-bad'), snapshotOf: saved });
      await pull(node, 0);
      for (const afterMs of moments) await pull(node, afterMs);
      assert.equal(await settled(node), '0.1.0');
      await node.ready();
      assert.match(await guest(node, 'atoll upgrade history'), /0\.3\.0/);
      assert.equal(await guest(node, 'systemctl --failed --no-legend --plain'), '');
      t.diagnostic(`after ${moments.map(ms => (ms / 1000).toFixed(1)).join(' and ')} s`);
    }
  });
});
