/** configs/kiosk on a machine without any network: Ready, the page is served, and a NodePort Service is kept for who comes by the network. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Machine } from '../src/machine.ts';
import { readyTimeoutMs } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, minutes, patient, until } from '../test/examples.ts';
import { diskBytes, imageMachine } from '../test/image.ts';

describe('a kiosk without a network card', { timeout: 15 * minutes }, () => {
  let disks: Disks;
  let machine: Machine;
  before(async () => {
    disks = await Disks.make();
    machine = await Machine.start({
      ...imageMachine('examples-kiosk'),
      disks: [{ file: await disks.flashed(example('kiosk')), sizeBytes: diskBytes }],
      nic: 'none',
    });
  });
  after(async () => {
    await machine?.stop();
    await disks?.[Symbol.asyncDispose]();
  });
  const guest = (command: string) => machine.shell.output(command, patient);

  it('is Ready', async () => {
    await machine.console.waitFor(/State\s+Ready, [\d.]+ s after power-on/, { timeoutMs: readyTimeoutMs });
    assert.equal(await guest('ls /sys/class/net | grep -vE "^(lo|cni|veth|dummy)" || true'), '');
    assert.match(await guest('atoll kubectl get nodes --no-headers'), /^kiosk-1\s+Ready\s/);
    await assertInForce(machine);
  });

  it('restarts when it hangs, and shows errors of the kernel only', async () => {
    assert.equal(await guest('systemctl show -P RuntimeWatchdogUSec; cut -f1 /proc/sys/kernel/printk'), '1min\n3');
    assert.match(await guest('readlink /etc/localtime'), /Europe\/Berlin$/);
  });

  it('serves its page from a pod of its manifest', async () => {
    await until(machine, 'the page', async () => {
      const address = await guest('atoll kubectl get pods -l app=kiosk -o jsonpath={.items[*].status.podIP}');
      const { stdout } = await machine.shell.run(`wget -q -T 5 -O - http://${address}:8080/`, patient);
      return /hello/.test(stdout);
    });
  });

  it('has the Service with its port on every node', async () => {
    const service = JSON.parse(await guest('atoll kubectl get service kiosk -o json')) as {
      spec: { type: string; ports: unknown[]; clusterIP: string };
    };
    assert.equal(service.spec.type, 'NodePort');
    assert.match(service.spec.clusterIP, /^10\.43\./);
    assert.deepEqual(service.spec.ports, [{ port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30080 }]);
  });
});
