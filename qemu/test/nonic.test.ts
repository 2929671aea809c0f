/** No network at all: a node needs none to be Ready. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Machine } from '../src/machine.ts';
import { readyTimeoutMs } from '../src/node.ts';
import { imageMachine } from './image.ts';

describe('a machine without a network card', { timeout: 10 * 60_000 }, () => {
  it('is Ready', async () => {
    await using machine = await Machine.start({ ...imageMachine('nonic'), nic: 'none' });
    await machine.console.waitFor(/State\s+Ready, [\d.]+ s after power-on/, { timeoutMs: readyTimeoutMs });
    assert.equal(await machine.shell.output('ls /sys/class/net | grep -vE "^(lo|cni|veth|dummy)" || true'), '');
    assert.match(
      await machine.shell.output('atoll kubectl get nodes --no-headers', { timeoutMs: 60_000 }),
      /\sReady\s/,
    );
    assert.equal(await machine.shell.output('systemctl --failed --no-legend --plain'), '');
  });
});
