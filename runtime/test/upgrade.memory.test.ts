/** A bundle is larger than the memory of a small board: what is downloaded must not stay in it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Behaviour, MisbehavingServer } from './upgradeServer.ts';

const child = fileURLToPath(new URL('./upgradeMemoryChild.ts', import.meta.url));
const fileBytes = 96 << 20;
/** The end that is kept, and what is on its way. */
const mostMiB = 24;

describe('what a download takes of the memory', () => {
  const bytes = randomFillSync(Buffer.alloc(fileBytes));
  const rows: readonly { what: string; behaviour: Behaviour; timesRead: number }[] = [
    { what: 'with ranges', behaviour: ({ good: answer }) => answer(), timesRead: 1 },
    { what: 'without ranges', behaviour: ({ good: answer }) => answer({ noRanges: true }), timesRead: 2 },
  ];
  for (const { what, behaviour, timesRead } of rows)
    it(`is bounded ${what}`, { timeout: 120_000 }, async t => {
      await using server = await new MisbehavingServer(bytes, behaviour).start();
      const small = Buffer.alloc(9);
      server.behaviour = asked =>
        asked.request.url?.endsWith('?small') ? asked.good({ bytes: small, noRanges: true }) : behaviour(asked);
      // As /usr/bin/atoll starts it.
      const argv = ['--max-semi-space-size=2', '--import', 'tsx', child, server.url];
      const { stdout } = await promisify(execFile)(process.execPath, argv);
      const [read, grown = Number.NaN] = stdout.trim().split(' ').map(Number);
      assert.equal(read, fileBytes);
      assert.ok(server.sentBytes > timesRead * fileBytes, `${server.sentBytes} bytes were sent`);
      t.diagnostic(`${grown} MiB`);
      assert.ok(grown < mostMiB, `${grown} MiB more`);
    });
});
