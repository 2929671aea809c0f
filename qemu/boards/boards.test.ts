/**
 * Every image as it is published, on the smallest machine of its kind: Ready, a pod of its architecture, a reboot that keeps what there was.
 * `make test-boards`; vm-x86_64 has qemu/test/boot.test.ts, and more.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { artefactPaths } from '../../builder/src/paths.ts';
import { demoDeployment } from '../src/demo.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { rolledOut } from '../test/rolledOut.ts';
import { boardMachines } from './table.ts';

const minutes = 60_000;
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {value: from-before}\n';

for (const [index, board] of boardMachines.entries()) {
  const { image, with: parts, bus, qemu, nicModel, diskBytes, handed, readyOnly, machine, arch, elfMachine } = board;
  const what = parts === undefined ? image : `${image} with ${parts}`;
  describe(`${what}, 512 MiB of memory`, { timeout: 60 * minutes }, () => {
    let node: AtollNode;
    let name: string;
    const guest = (command: string): Promise<string> =>
      node.machine.shell.output(command, { timeoutMs: 2 * minutes * node.machine.emulator.platform.patience });

    before(async () => {
      const options = imageMachine(`boards-${index}-${image}`, image);
      node = await AtollNode.start({
        ...options,
        disks: (options.disks ?? []).map(disk => ({
          ...disk,
          ...(bus === 'sd' ? {} : { serial: 'disk' }),
          ...(bus === undefined ? {} : { bus }),
          ...(diskBytes === undefined ? {} : { sizeBytes: diskBytes }),
        })),
        extraArguments: [...(handed ? ['-kernel', artefactPaths(image).uki] : []), ...(qemu ?? [])],
        ...(nicModel === undefined ? {} : { nicModel }),
      });
    });
    after(() => node?.[Symbol.asyncDispose]());

    it('gets Ready, with every unit', async t => {
      const start = performance.now();
      name = await node.ready();
      t.diagnostic(`Ready after ${((performance.now() - start) / 1000).toFixed(0)} s`);
      await guest('systemctl is-system-running --wait || true');
      assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
      const memory = await guest("sed -n 's/^MemAvailable: *//p' /proc/meminfo");
      t.diagnostic(`MemAvailable ${(Number.parseInt(memory, 10) / 1024).toFixed(0)} MiB`);
    });

    if (readyOnly) return;

    it('says its architecture where the scheduler looks', async () => {
      const label = '{.metadata.labels.kubernetes\\.io/arch} {.status.nodeInfo.architecture}';
      assert.equal(await node.kubectlOutput(['get', 'node', name, '-o', `jsonpath=${label}`]), `${arch} ${arch}`);
    });

    it('runs a pod of its architecture', async () => {
      await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
      await rolledOut(node);
      const inPod = (...words: string[]): Promise<string> =>
        node.kubectlOutput(['exec', 'deployment/hello', '--', ...words], { timeoutMs: 3 * minutes });
      assert.equal(await inPod('uname', '-m'), machine);
      const words = (await inPod('od', '-An', '-t', 'u2', '-j', '18', '-N', '2', '/bin/busybox')).trim();
      assert.equal(Number(words), elfMachine);
      assert.match(await node.kubectlOutput(['logs', 'deployment/hello']), /an Atoll node's pod/);
    });

    it('comes back after a reboot with its identity, its data and its pod', async () => {
      await node.kubectlOutput(['apply', '-f', '-'], { stdin: configMap });
      const machineId = await guest('cat /etc/machine-id');
      const reset = node.machine.qmpEvent('RESET', 5 * minutes);
      await node.machine.shell.run('systemctl reboot --no-block');
      await reset;
      node.machine.forgetBoot();
      assert.equal(await node.ready(), name);
      assert.equal(await guest('cat /etc/machine-id'), machineId);
      const kept = ['get', 'configmap', 'kept', '-o', 'jsonpath={.data.value}'];
      assert.equal(await node.kubectlOutput(kept), 'from-before');
      await rolledOut(node);
      assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    });
  });
}
