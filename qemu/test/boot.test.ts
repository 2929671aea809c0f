/** The image on the smallest machine, as its user sees it: Ready, a pod, a reboot. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { demoDeployment, demoPod } from '../src/demo.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from './image.ts';
import { rolledOut } from './rolledOut.ts';

const minutes = 60_000;

describe('a node with 512 MiB of memory and no network but its own', { timeout: 20 * minutes }, () => {
  let node: AtollNode;
  let name: string;

  before(async () => {
    node = await AtollNode.start(imageMachine('boot'));
    name = await node.ready();
  });
  after(() => node?.[Symbol.asyncDispose]());

  const guest = (command: string) => node.machine.shell.output(command, { timeoutMs: minutes });
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + 3 * minutes; !(await holds()); ) {
      assert.ok(performance.now() < deadline, `${what}\n${node.machine.console.lastLines()}`);
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  };

  it('is seen Ready by the real kubectl', async () => {
    const nodes = await node.kubectlOutput(['get', 'nodes', '--no-headers']);
    assert.match(nodes, new RegExp(`^${name}\\s+Ready\\s`));
  });

  it('has started everything and no unit failed', async () => {
    assert.doesNotMatch(await guest('dmesg'), /left to systemd/, 'the initrd has done its part');
    await guest('systemctl is-system-running --wait || true');
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  });

  it('starts its daemons from the code cache', async () => {
    await guest('test -s /usr/lib/atoll/runtime.cache');
    assert.equal(await guest("journalctl -b -u atoll-server -u atoll-agent | grep 'code cache' || true"), '');
  });

  it('shows on the console that it is Ready', async () => {
    await node.machine.console.waitFor(/State\s+Ready, [\d.]+ s after power-on/, { timeoutMs: minutes });
  });

  it('can not be written to, but for /var and what is transient', async () => {
    for (const path of ['/usr/bin/new', '/usr/lib/atoll/atoll.js', '/new']) {
      const { exitCode, stderr } = await node.machine.shell.run(`echo x >> ${path}`);
      assert.notEqual(exitCode, 0, path);
      assert.match(stderr, /Read-only file system/, path);
    }
    await guest('touch /var/lib/atoll/written && rm /var/lib/atoll/written');
    await guest('touch /etc/written');
  });

  it('keeps nothing secret on the console', () => {
    assert.doesNotMatch(node.machine.console.text, /client-key-data|PRIVATE KEY|K10[0-9a-f]{64}/);
  });

  it('runs a pod of the real kubectl: apply, wait, logs, exec with its exit code, delete', async () => {
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoPod });
    await node.kubectlOutput(['wait', '--for=condition=Ready', 'pod/hello', '--timeout=100s'], {
      timeoutMs: 2 * minutes,
    });
    assert.match(await node.kubectlOutput(['logs', 'hello']), /^hello from hello, an Atoll node's pod$/m);
    const exec = await node.kubectl(['exec', 'hello', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.deepEqual([exec.stdout, exec.exitCode], ['out\n', 7]);
    assert.match(exec.stderr, /^err$/m);
    const echoed = await node.kubectlOutput(['exec', '-i', 'hello', '--', 'cat'], { stdin: 'through and back' });
    assert.equal(echoed, 'through and back');
    await node.kubectlOutput(['delete', 'pod', 'hello', '--timeout=60s'], { timeoutMs: 1.5 * minutes });
    const gone = await node.kubectl(['get', 'pod', 'hello']);
    assert.match(gone.stderr, /pods "hello" not found/);
  });

  it('comes back after a reboot, with its identity, its objects and its pods', async () => {
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await rolledOut(node);
    const machineId = await guest('cat /etc/machine-id');
    assert.equal(name, `atoll-${machineId.slice(0, 8)}`);
    assert.equal(await guest('hostname; cat /etc/hostname'), `${name}\n${name}`);
    const uid = await node.kubectlOutput(['get', 'node', name, '-o', 'jsonpath={.metadata.uid}']);

    const reset = node.machine.qmpEvent('RESET', 2 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    await reset;
    node.machine.forgetBoot();
    assert.equal(await node.ready(), name);

    assert.equal(await guest('cat /etc/machine-id'), machineId);
    assert.equal(await node.kubectlOutput(['get', 'node', name, '-o', 'jsonpath={.metadata.uid}']), uid);
    await eventually('the pod runs again', async () => {
      const { stdout, exitCode } = await node.kubectl(['logs', 'deployment/hello']);
      return exitCode === 0 && stdout.includes("an Atoll node's pod");
    });
    await rolledOut(node);
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    assert.match(await guest('ls /etc/written 2>&1 || true'), /No such file/, '/etc is transient');
  });
});
