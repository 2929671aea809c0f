import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { upgradeReport } from '../interface/reports.ts';
import { beginning, tellWhetherItMayPass } from './progress.ts';
import { UpgradeError } from './upgradeError.ts';

it('an installation that has failed says whether it may go well another time, and is at work until it has', async t => {
  const runDir = await mkdtemp(join(tmpdir(), 'atoll-progress-'));
  t.after(() => rm(runDir, { recursive: true }));
  const proc = join(runDir, 'proc');
  await mkdir(join(proc, String(process.pid)), { recursive: true });
  await writeFile(join(proc, String(process.pid), 'comm'), 'node\n');
  const report = () =>
    upgradeReport({ stateDir: runDir, runDir, proc }, { version: '1', image: 'vm', kubernetes: 'v1' }, 0);
  const errors: readonly (readonly [Error, boolean])[] = [
    [new UpgradeError('UNREACHABLE', 'nobody answers'), true],
    [new UpgradeError('REPLACED', 'it was replaced'), true],
    [new UpgradeError('BUSY', 'another one'), true],
    [new UpgradeError('UNSIGNED', 'it has no signature'), false],
    [new UpgradeError('NO_SPACE', 'no room'), false],
    [new Error('what nobody thought of'), false],
  ];
  for (const [error, mayPass] of errors) {
    const failed = { ...beginning('https://x/'), phase: 'failed', message: error.message };
    await writeFile(join(runDir, 'upgrade.json'), JSON.stringify(failed));
    assert.equal(report().busy, true, 'its last word is still to come');
    await tellWhetherItMayPass(runDir, error);
    assert.equal(report().busy, false);
    assert.deepEqual(report().progress, { ...failed, mayPass });
  }
});
