/**
 * Versions that do not come up, each in its own way: every one falls back by itself, is refused afterwards, and its reason names what was wrong.
 * `make test-upgrades`; a version whose server crashes is in qemu/test/upgrade.test.ts.
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
import { broken } from './broken.ts';

const minutes = 60_000;

interface FallBackOptions {
  /** A command between the installation and the restart. */
  readonly beforeRestart?: string;
  /** Of the trial. */
  readonly deadline?: string;
  /** While it is on trial. */
  readonly during?: () => Promise<void>;
}

const urlOf = ({ version }: Version): string => `http://10.0.2.100:8080/vm-x86_64-${version}.raucb`;

describe('versions that do not come up', { timeout: 120 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-broken`);
  const versions = new Map<string, Version>();
  let server: BundleServer;
  let saved: SavedMachine;

  const options = (name: string): MachineOptions => ({
    ...imageMachine(name),
    guestForwards: { 8080: server.port },
    // One that resets the machine 30 s after nobody asked it not to.
    extraArguments: ['-device', 'i6300esb'],
  });
  const output = (node: AtollNode, command: string, timeoutMs = minutes): Promise<string> =>
    node.machine.shell.output(command, { timeoutMs });

  before(async () => {
    await mkdir(folder, { recursive: true });
    for (const [index, { definition }] of broken.entries())
      versions.set(definition, await builtVersion(`0.${index + 2}.0`, definition));
    versions.set('good', await builtVersion('0.9.0'));
    server = await BundleServer.start([...versions.values()].map(({ bundle }) => bundle));
    const node = await AtollNode.start(options('broken-before'));
    await node.ready();
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await rolledOut(node);
    for (const deadline = performance.now() + 5 * minutes; ; await setTimeout(1000)) {
      if ((await output(node, 'ls /efi/loader/entries')) === 'atoll-a.conf') break;
      assert.ok(performance.now() < deadline, 'the flashed version is not blessed');
    }
    saved = await node.machine.save(join(folder, 'saved'));
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Installs it, restarts, and waits for the version before to be back. */
  const fallsBack = async (
    node: AtollNode,
    version: Version,
    { beforeRestart = '', deadline = '180s', during = async () => {} }: FallBackOptions = {},
  ): Promise<string> => {
    await output(node, `atoll upgrade --yes --no-reboot --deadline ${deadline} ${urlOf(version)} 2>&1`, 10 * minutes);
    if (beforeRestart !== '') await output(node, beforeRestart);
    await node.machine.shell.run('systemctl reboot --no-block');
    await during();
    const told = 'test ! -e /var/lib/atoll/upgrade/trial && atoll upgrade history';
    for (const until = performance.now() + 20 * minutes; ; await setTimeout(3000)) {
      assert.ok(performance.now() < until, `did not fall back\n${node.machine.console.lastLines()}`);
      const said = await node.machine.shell.run(told, { timeoutMs: 30_000 }).catch(() => undefined);
      if (said?.exitCode === 0) {
        assert.equal(await output(node, '. /etc/os-release; echo $IMAGE_VERSION'), '0.1.0');
        return said.stdout;
      }
    }
  };
  const comesBack = async (node: AtollNode, { version, roothash }: Version): Promise<void> => {
    node.machine.forgetBoot();
    await rolledOut(node);
    const refused = JSON.parse(await output(node, 'cat /var/lib/atoll/upgrade/state.json')) as {
      refused: { version: string; roothash: string }[];
    };
    assert.deepEqual(
      refused.refused.map(one => [one.version, one.roothash]),
      [[version, roothash]],
    );
  };

  /** In the trial: something is written, and somebody asks for yet another version. */
  const inTrial = async (node: AtollNode, { version }: Version): Promise<void> => {
    const serves = `. /etc/os-release; [ "$IMAGE_VERSION" = ${version} ] && systemctl is-active atoll-server`;
    for (const until = performance.now() + 5 * minutes; ; await setTimeout(1000)) {
      const said = await node.machine.shell.run(serves, { timeoutMs: 30_000 }).catch(() => undefined);
      if (said?.exitCode === 0) break;
      assert.ok(performance.now() < until, `no server in the trial\n${node.machine.console.lastLines()}`);
    }
    await node.kubectlOutput(['create', 'configmap', 'written-in-the-trial']);
    const good = versions.get('good');
    assert.ok(good);
    const other = await node.machine.shell.run(`atoll upgrade --yes --no-reboot ${urlOf(good)} 2>&1`, {
      timeoutMs: 3 * minutes,
    });
    assert.notEqual(other.exitCode, 0, other.stdout);
    assert.match(other.stdout, /which runs here, has not proved itself yet/);
  };
  /** Nothing of what was acknowledged is lost, and nothing that a failed version wrote is in force. */
  const isAsBefore = async (node: AtollNode, history: string): Promise<void> => {
    assert.match(history, /set-aside +.*changes? that it wrote to the store (is|are) not in force; kept in (\S+),/);
    await node.kubectlOutput(['get', 'configmap', 'written-before']);
    assert.equal(await node.kubectlOutput(['get', 'configmap', 'written-in-the-trial', '--ignore-not-found']), '');
    assert.match(
      await output(node, 'cat /var/lib/atoll/upgrade/set-aside/*/changes.txt'),
      /configmaps\/default\/written-in-the-trial/,
    );
  };

  for (const { definition, what, reason, serves } of broken) {
    it(`falls back from a version ${what}`, async t => {
      const version = versions.get(definition);
      assert.ok(version);
      await using node = await AtollNode.start({ ...options(`broken-${definition}`), snapshotOf: saved });
      await node.ready();
      if (serves) await node.kubectlOutput(['create', 'configmap', 'written-before']);
      const during = serves ? () => inTrial(node, version) : undefined;
      const history = await fallsBack(node, version, during ? { during, deadline: '300s' } : {});
      t.diagnostic(history);
      assert.match(history, reason);
      await comesBack(node, version);
      if (serves) await isAsBefore(node, history);
    });
  }

  it('falls back from a version whose root went bad on the disk', async t => {
    const version = versions.get('good');
    assert.ok(version);
    await using node = await AtollNode.start({ ...options('broken-root'), snapshotOf: saved });
    await node.ready();
    const spoil =
      'dd if=/dev/urandom of=/dev/disk/atoll/root-b bs=4096 seek=1 count=20000 conv=notrunc,fsync 2> /dev/null';
    const history = await fallsBack(node, version, { beforeRestart: spoil });
    t.diagnostic(history);
    assert.match(history, /verity|corrupt|root|never came/i);
    await comesBack(node, version);
  });
});
