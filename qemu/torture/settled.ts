/** Waiting for the end of a trial, whatever it is. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { AtollNode } from '../src/node.ts';

const minutes = 60_000;

/** Until no trial is open and the machine is up. @returns the version that runs then */
export async function settled(node: AtollNode): Promise<string> {
  const guest = (command: string): Promise<string> => node.machine.shell.output(command, { timeoutMs: 20_000 });
  for (const deadline = performance.now() + 20 * minutes; ; ) {
    assert.ok(performance.now() < deadline, `no end of the trial\n${node.machine.console.lastLines()}`);
    try {
      // A trial that falls back restarts in the middle of this.
      const trial = await guest('cat /var/lib/atoll/upgrade/trial 2> /dev/null || true');
      const up = await guest('systemctl is-active multi-user.target || true');
      if (trial === '' && up === 'active') return await guest('. /etc/os-release; echo $IMAGE_VERSION');
    } catch {
      // Not up yet, or going down.
    }
    await setTimeout(3000);
  }
}
