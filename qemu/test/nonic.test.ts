/** No network at all: a node needs none to be Ready. Nor a configuration: this one's only source is wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineStatus } from '../../runtime/src/cli/statusReport.ts';
import { Machine } from '../src/machine.ts';
import { readyTimeoutMs } from '../src/node.ts';
import { imageMachine } from './image.ts';

const wrong = '#cloud-config\nhostname: press-7\nssh_authorised_keys: []\n';

describe('a machine without a network card, and with a wrong configuration only', { timeout: 10 * 60_000 }, () => {
  it('is Ready with the defaults, and says what is wrong', async () => {
    await using machine = await Machine.start({
      ...imageMachine('nonic'),
      nic: 'none',
      fwCfg: { 'opt/atoll/user-data': wrong },
    });
    await machine.console.waitFor(/State\s+Ready, [\d.]+ s after power-on/, { timeoutMs: readyTimeoutMs });
    assert.equal(await machine.shell.output('ls /sys/class/net | grep -vE "^(lo|cni|veth|dummy)" || true'), '');
    assert.match(
      await machine.shell.output('atoll kubectl get nodes --no-headers', { timeoutMs: 60_000 }),
      /^atoll-[0-9a-f]{8}\s+Ready\s/,
    );
    await machine.console.waitFor(/Config\s+the new configuration is refused; the defaults are in\s+force/, {
      timeoutMs: 60_000,
    });
    const said =
      /the new configuration is refused; the defaults are in force\. user-data \(fw_cfg opt\/atoll\), line 3, column 1: ssh_authorised_keys: .*ssh_authorized_keys/;
    assert.match(await machine.shell.output('atoll status', { timeoutMs: 60_000 }), said);
    const { configuration } = JSON.parse(
      await machine.shell.output('atoll status -o json', { timeoutMs: 60_000 }),
    ) as MachineStatus;
    assert.deepEqual(
      [configuration?.state, configuration?.generation, configuration?.sources],
      ['refused', undefined, []],
    );
    const condition = '{range .items[0].status.conditions[?(@.type=="ConfigurationRefused")]}{.status} {.message}{end}';
    assert.match(
      await machine.shell.output(`atoll kubectl get nodes -o 'jsonpath=${condition}'`, { timeoutMs: 60_000 }),
      new RegExp(`^True ${said.source}`),
    );
    assert.equal(await machine.shell.output('systemctl is-active atoll-ssh || true'), 'inactive');
    assert.equal(await machine.shell.output('systemctl --failed --no-legend --plain'), '');
  });
});
