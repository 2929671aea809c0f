import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { openSqliteStore } from '../sqlite/open.ts';
import { put, withDirectory } from '../sqlite/testing.ts';
import { listBackups } from './files.ts';
import { scheduleSnapshots } from './schedule.ts';

const HOUR = 3_600_000;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    assert.ok(Date.now() < end, 'in time');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

describe('snapshots on schedule', () => {
  it('the first one soon, then one an interval if anything was written; so many are kept; backups have the keys, too', () =>
    withDirectory(async directory => {
      const clock = new ManualClock();
      const store = await openSqliteStore({
        path: join(directory, 'state.db'),
        clock,
        compaction: false,
        reserveBytes: 0,
      });
      const [snapshots, backups] = [join(directory, 'snapshots'), directory];
      const start = () =>
        scheduleSnapshots({
          snapshot: (path, keysOf) => store.snapshot(path, keysOf),
          writes: () => store.stats().groups,
          snapshots,
          backups: { directory: backups, keysOf: directory },
          intervalMs: 6 * HOUR,
          keep: 2,
          clock,
          logger: silentLogger,
        });
      const revisions = async (): Promise<number[]> =>
        (await listBackups(snapshots)).map(({ header }) => header?.revision ?? 0);
      /** Lets the timer that is due next fire, and waits for the next one. */
      const next = async (): Promise<number> => {
        await until(() => clock.nextMs !== undefined);
        const waited = clock.nextMs ?? 0;
        clock.jump(waited);
        await until(() => clock.nextMs !== undefined);
        return waited;
      };
      let end = start();
      try {
        await store.commit(put('/a', '1'));
        assert.equal(await next(), 60_000);
        assert.deepEqual(await revisions(), [2]);
        assert.equal(await next(), 6 * HOUR);
        assert.deepEqual(await revisions(), [2], 'nothing was written');
        for (const revision of [3, 4]) {
          await store.commit(put('/a', String(revision)));
          await next();
          assert.equal((await revisions())[0], revision);
        }
        assert.deepEqual(await revisions(), [4, 3], 'two are kept');
        assert.deepEqual(
          (await listBackups(backups)).map(({ header }) => header?.content),
          ['backup', 'backup'],
        );
        await end();
        assert.equal(clock.nextMs, undefined, 'no timer is left');
        clock.jump(HOUR);
        end = start();
        await until(() => clock.nextMs !== undefined);
        assert.equal(clock.nextMs, 5 * HOUR, 'a start does not begin anew');
        assert.equal((await readdir(snapshots)).length, 2);
      } finally {
        await end();
        await store.close();
      }
    }));

  it('a failure is tried again soon', () =>
    withDirectory(async directory => {
      const clock = new ManualClock();
      let tries = 0;
      const end = scheduleSnapshots({
        snapshot: async () => {
          tries++;
          throw new Error('no');
        },
        writes: () => 1,
        snapshots: join(directory, 'snapshots'),
        intervalMs: 6 * HOUR,
        keep: 2,
        clock,
        logger: silentLogger,
      });
      await until(() => clock.nextMs === 60_000);
      clock.jump(60_000);
      await until(() => clock.nextMs === 600_000);
      assert.equal(tries, 1);
      await end();
    }));
});
