/** When a verdict is reached, with a clock of the test's own: each look takes five seconds. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judge } from './judge.ts';
import type { Observation } from './observation.ts';
import { agent, before, containerd, server, unit, well } from './testing.ts';

/** What the machine is like at an uptime. */
async function verdict(at: (uptimeSeconds: number) => Observation, deadlineSeconds = 600): Promise<string> {
  let uptime = 20;
  const stop = new AbortController();
  const report = await judge({
    version: '0.2.0',
    before,
    deadlineSeconds,
    observe: async () => at(uptime),
    uptimeSeconds: () => uptime,
    onReport: () => {
      uptime += 5;
      if (uptime > 2 * 3600) stop.abort();
    },
    watched: '/nowhere',
    pauseMs: 0,
    signal: stop.signal,
  });
  return report ? `${report.verdict} after ${report.uptimeSeconds} s` : 'no verdict';
}

const withServer = (one: typeof server): Observation => ({
  ...well,
  units: { ...well.units, wanted: [one, containerd, agent] },
});
const down = unit('atoll-server.service', 'activating', 'auto-restart', 1);
/** Lives for so long, is away for ten seconds, and so on. */
const crashing =
  (livesSeconds: number) =>
  (uptime: number): Observation => {
    const period = livesSeconds + 10;
    const restarts = Math.floor(uptime / period);
    return withServer(uptime % period < livesSeconds ? { ...server, restarts } : { ...down, restarts: restarts + 1 });
  };

const rows: readonly (readonly [what: string, at: (uptime: number) => Observation, deadline: number, says: string])[] =
  [
    ['well all the time', () => well, 600, 'healthy after 35 s'],
    ['well from a minute on', uptime => (uptime < 60 ? withServer(down) : well), 600, 'healthy after 75 s'],
    [
      'one that was started again once is looked at for longer',
      uptime => withServer(uptime < 60 ? down : { ...server, restarts: 1 }),
      600,
      'healthy after 150 s',
    ],
    ['a server that crashes every 25 seconds', crashing(15), 600, 'failed after 615 s'],
    ['one that lives for more than half a minute', crashing(35), 600, 'failed after 620 s'],
    ['never well', () => withServer(down), 120, 'failed after 120 s'],
    ['a first boot waits for as long as it takes', () => withServer(down), 0, 'no verdict'],
  ];
for (const [what, at, deadline, says] of rows) it(what, async () => assert.equal(await verdict(at, deadline), says));
