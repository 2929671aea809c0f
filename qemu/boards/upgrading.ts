/** An image's upgrade 1 → 2 and its return from a broken 3, as tests: the same on every board, whatever loads its kernel. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { BundleServer } from '../src/bundle-server.ts';
import { demoDeployment } from '../src/demo.ts';
import type { MachineOptions } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { rolledOut } from '../test/rolledOut.ts';
import { builtVersion, type Version } from '../test/versions.ts';

const minutes = 60_000;
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {value: from-1}\n';

export interface Upgrading {
  readonly image: string;
  /** Its definition: absolute. Default: the one of that name in images/. */
  readonly definition?: string;
  /** The definition of a version of it that does not come up: absolute. */
  readonly broken: string;
  /** What the history says of that. */
  readonly reason: RegExp;
  /** What else has to hold when it is back. */
  readonly back?: (node: AtollNode) => Promise<void>;
  /** What the machine has besides. */
  readonly machine?: Partial<MachineOptions>;
  /** How long the broken one may try, as the command takes it. */
  readonly deadline: string;
}

export function testUpgrading({
  image,
  definition = image,
  broken,
  reason,
  back,
  machine = {},
  deadline,
}: Upgrading): void {
  describe(`${image}: upgrades`, { timeout: 90 * minutes }, () => {
    let node: AtollNode;
    let server: BundleServer;
    let second: Version;
    let third: Version;

    const guest = (command: string, timeoutMs = 2 * minutes): Promise<string> =>
      node.machine.shell.output(command, { timeoutMs });
    const running = (): Promise<string> => guest('. /etc/os-release; echo $IMAGE_VERSION');
    const installed = ({ version }: Version, ...words: string[]): Promise<string> => {
      const url = `http://10.0.2.100:8080/${image}-${version}.raucb`;
      return guest(['atoll upgrade --yes --no-reboot', ...words, url, '2>&1'].join(' '), 15 * minutes);
    };
    const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
      const deadlineMs = performance.now() + 25 * minutes;
      while (!(await holds())) {
        assert.ok(performance.now() < deadlineMs, `${what}\n${node.machine.console.lastLines()}`);
        await setTimeout(1000);
      }
    };
    /** Nothing is on trial any more. */
    const blessed = (): Promise<void> =>
      eventually('it is blessed', async () => {
        const { exitCode } = await node.machine.shell.run(
          'test ! -e /var/lib/atoll/upgrade/trial && atoll upgrade history',
        );
        return exitCode === 0;
      });
    const restarted = async (): Promise<void> => {
      const reset = node.machine.qmpEvent('RESET', 5 * minutes);
      await node.machine.shell.run('systemctl reboot --no-block');
      await reset;
      node.machine.forgetBoot();
    };
    const keepsData = async (): Promise<void> => {
      await rolledOut(node);
      assert.equal(await node.kubectlOutput(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.value}']), 'from-1');
    };

    before(async () => {
      second = await builtVersion('0.2.0', definition);
      third = await builtVersion('0.3.0', broken);
      server = await BundleServer.start([second.bundle, third.bundle]);
      node = await AtollNode.start({
        ...imageMachine(`upgrading-${image}`, image),
        guestForwards: { 8080: server.port },
        ...machine,
      });
      await node.ready();
    });
    after(async () => {
      await node?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    it('comes up in the new version with its pod and its data, and blesses it', async t => {
      await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
      await node.kubectlOutput(['apply', '-f', '-'], { stdin: configMap });
      await rolledOut(node);
      t.diagnostic((await installed(second)).split('\n').at(-1) ?? '');
      await restarted();
      await node.ready();
      assert.equal(await running(), '0.2.0');
      await blessed();
      assert.match(await guest('atoll upgrade history'), /0\.2\.0.*blessed|blessed.*0\.2\.0/s);
      await keepsData();
    });

    it('goes back by itself from a version that does not come up, and says why', async t => {
      await installed(third, '--deadline', deadline);
      await restarted();
      // The trial fails, and the machine restarts by itself until the loader gives it what ran before.
      await eventually('it is back', async () => {
        const { exitCode, stdout } = await node.machine.shell
          .run('test ! -e /var/lib/atoll/upgrade/trial && . /etc/os-release && echo $IMAGE_VERSION')
          .catch(() => ({ exitCode: 1, stdout: '' }));
        return exitCode === 0 && stdout.trim() === '0.2.0';
      });
      await node.ready();
      await keepsData();
      const history = await guest('atoll upgrade history');
      t.diagnostic(history);
      assert.match(history, /fell[ -]back/i);
      assert.match(history, reason);
      await back?.(node);
    });
  });
}
