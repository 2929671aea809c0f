import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { stayingOf, upgradeReport } from '../interface/reports.ts';
import { beginning, failure } from './progress.ts';
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
    [new UpgradeError('ON_TRIAL', 'what runs is on trial'), true],
    [new UpgradeError('UNSIGNED', 'it has no signature'), false],
    [new UpgradeError('NO_SPACE', 'no room'), false],
    [new Error('what nobody thought of'), false],
  ];
  for (const [error, mayPass] of errors) {
    await writeFile(join(runDir, 'upgrade.json'), JSON.stringify(beginning('https://x/')));
    assert.equal(report().busy, true);
    const failed = { ...beginning('https://x/'), ...failure(error) };
    await writeFile(join(runDir, 'upgrade.json'), JSON.stringify(failed));
    assert.equal(report().busy, false);
    assert.deepEqual([failed.phase, failed.message, failed.mayPass], ['failed', error.message, mayPass]);
    assert.deepEqual(report().progress, failed);
  }
});

it('what was installed to be tried later is at work, armed, or no more', () => {
  const report = {
    ...{ now: '', bootId: 'b', image: 'vm', refused: [], history: [], busy: false },
    running: { version: '1', roothash: 'aa' },
  };
  const trial = { id: 'x', version: '2', roothash: 'bb', armedAt: '', deadlineSeconds: 600 };
  const rows: readonly (readonly [what: string, more: object, version: string, expected: string | undefined])[] = [
    ['nothing was', { trial }, '', undefined],
    ['it is written', { busy: true }, '2', 'at work'],
    ['it is armed', { trial }, '2', 'armed'],
    ['a person armed another', { trial }, '3', undefined],
    ['it is being tried', { trial, running: { version: '2', roothash: 'bb' } }, '2', undefined],
    ['it could not be installed', {}, '2', undefined],
  ];
  for (const [what, more, version, expected] of rows)
    assert.equal(stayingOf({ ...report, ...more }, version), expected, what);
});
