/** How a trial ends, with the real loader on a folder: blessed, given up, found failed by the version before; each begun again after a cut. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { silentLogger } from '../../lib/log.ts';
import { entryText, SystemdBoot } from '../upgrade/loader/systemdBoot.ts';
import { testUki } from '../upgrade/loader/testing/efiProgram.ts';
import { UBoot } from '../upgrade/loader/uboot.ts';
import { armTrial, giveUpTrial, readState } from '../upgrade/state.ts';
import type { HealthReport, Installed, Trial } from '../upgrade/types.ts';
import { bless, conclude, type EndingOptions, hasProved, markBlessed } from './ending.ts';
import { askBack, forgetTrial, keepReport, trialDir } from './evidence.ts';
import { storeProblemPath } from './storeCopy.ts';
import { lastFailure, upgradeCondition } from './text.ts';

const hash = (digit: string): string => digit.repeat(64);
const old: Installed = { version: '0.1.0', roothash: hash('1'), slot: 'a' };
const trial: Trial = {
  id: '0.2.0-22222222',
  version: '0.2.0',
  roothash: hash('2'),
  slot: 'b',
  from: old,
  armedAt: '2026-11-22T05:00:00.000Z',
  deadlineSeconds: 600,
  before: { role: 'server', takenAt: '', nodeReady: true, serverReachable: true, pods: [], failedUnits: [] },
};
const report: HealthReport = {
  at: '2026-11-22T05:10:00.000Z',
  version: '0.2.0',
  uptimeSeconds: 601.4,
  deadlineSeconds: 600,
  verdict: 'failed',
  checks: [
    {
      check: 'units',
      state: 'failed',
      message: 'atoll-server.service is activating (auto-restart), restarted 40 times',
    },
    { check: 'control-plane', state: 'failed', message: 'it does not answer' },
  ],
};

describe('the end of a trial', () => {
  let root: string;
  let options: EndingOptions;
  let esp: string;
  const stateDir = (): string => join(root, 'upgrade');
  const entries = async (): Promise<string[]> =>
    (await options.loader.entries()).map(e => `${e.slot} ${e.triesLeft ?? 'blessed'}`);
  const events = async (): Promise<string[]> =>
    (await readState(stateDir())).state.history.map(({ event, message }) => `${event}: ${message}`);
  /** As systemd-boot does. */
  const started = async (left: number, done: number): Promise<void> => {
    const entry = (await options.loader.entries()).find(({ slot }) => slot === 'b');
    assert.ok(entry);
    const folder = join(esp, 'loader/entries');
    await rename(join(folder, entry.id), join(folder, `atoll-b+${left}-${done}.conf`));
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-ending-'));
    esp = join(root, 'esp');
    await mkdir(join(esp, 'loader/entries'), { recursive: true });
    await mkdir(join(esp, 'EFI/atoll'), { recursive: true });
    await mkdir(join(root, 'journal'));
    await mkdir(join(root, 'run'));
    await mkdir(join(root, 'pstore'));
    await writeFile(join(esp, 'EFI/atoll/a.efi'), testUki(old));
    await writeFile(join(esp, 'loader/entries/atoll-a.conf'), entryText('a', '0.1.0', 1));
    const loader = new SystemdBoot(esp);
    options = {
      dataDir: root,
      runDir: join(root, 'run'),
      places: { stateDir: stateDir(), journalDir: join(root, 'journal'), pstoreDir: join(root, 'pstore') },
      loader,
      logger: silentLogger,
      now: () => new Date('2026-11-22T05:20:00Z'),
    };
    await writeFile(await loader.staging(), testUki(trial));
    const { version, roothash, slot } = trial;
    await armTrial(stateDir(), trial, { at: trial.armedAt, event: 'installed', version, roothash, slot, message: '' });
    await loader.arm(trial, 3);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('blessed: no tries any more, nothing pending, its folder gone; a second time changes nothing', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    for (let time = 0; time < 2; time++)
      await bless(options, trial, time === 0 ? trial : undefined, 'healthy after 40 s');
    assert.deepEqual(await entries(), ['b blessed', 'a blessed']);
    const { state } = await readState(stateDir());
    assert.equal(state.trial, undefined);
    assert.equal((await events())[0], 'blessed: healthy after 40 s');
    assert.equal((await readFile(join(stateDir(), 'blessed'), 'utf8')).trim(), trial.roothash);
    assert.ok(!existsSync(trialDir(stateDir(), trial.id)) && !existsSync(join(stateDir(), 'trial')));
    assert.deepEqual(
      upgradeCondition(state).map(({ status, message }) => `${status} ${message}`),
      ['False 0.2.0 is blessed'],
    );
  });

  it('failed at its deadline: refused with the check, and told everywhere', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    const end = await conclude(options, trial);
    assert.equal(end.kind, 'failed');
    assert.deepEqual(await entries(), ['a blessed', 'b 0']);
    const { state } = await readState(stateDir());
    const [refusal] = state.refused;
    assert.deepEqual(
      [refusal?.check, refusal?.reason, refusal?.kept],
      [
        'units',
        'atoll-server.service is activating (auto-restart), restarted 40 times (601 s after its kernel started)',
        trialDir(stateDir(), trial.id),
      ],
    );
    assert.match((await events())[0] ?? '', /^fell-back: 0\.2\.0 failed its trial \(units\): atoll-server\.service is/);
    assert.equal(lastFailure(state)?.roothash, trial.roothash);
    const [condition] = upgradeCondition(state);
    assert.deepEqual([condition?.type, condition?.status, condition?.reason], ['UpgradeFailed', 'True', 'TrialFailed']);
    assert.match(condition?.message ?? '', /what it left is in .*trials\/0\.2\.0-22222222$/);
  });

  it('used up by a kernel that leaves nothing behind', async () => {
    await started(0, 3);
    await conclude(options, trial);
    assert.match((await events())[0] ?? '', /\(boot\): it was started, and has left nothing behind/);
  });

  it('a panic: the firmware kept its words, in pieces; they are taken out of it', async () => {
    await started(0, 3);
    const piece = (part: number, text: string): Promise<void> =>
      writeFile(join(root, 'pstore', `dmesg-efi_pstore-17000000000${part}001`), `Panic#1 Part${part}\n${text}`);
    await piece(
      1,
      '<0>[   12.3] Kernel panic - not syncing: sysrq triggered crash\n<0>[ 12.4] ---[ end Kernel panic ]---\n',
    );
    await piece(2, '<6>[   10.0] before\n');
    await conclude(options, trial);
    assert.match((await events())[0] ?? '', /\(boot\): its kernel panicked: sysrq triggered crash$/);
    assert.deepEqual(await readdir(join(root, 'pstore')), []);
    assert.match(await readFile(join(trialDir(stateDir(), trial.id), 'panic.txt'), 'utf8'), /before\n.*Kernel panic/s);
  });

  it('its last words, when it did not come as far as judging itself', async () => {
    await started(0, 3);
    const folder = trialDir(stateDir(), trial.id);
    await mkdir(folder, { recursive: true });
    const lines = '[    8.000000] atoll kernel: one\n[    9.123456] atoll systemd[1]: Starting var.mount...\n';
    await writeFile(join(folder, 'journal.gz'), gzipSync(`${'x'.repeat(200)}${Math.random()}\n${lines}`));
    await writeFile(join(folder, 'boots'), '3\n');
    await conclude(options, trial);
    assert.match(
      (await events())[0] ?? '',
      /started 3 times and did not come as far .* systemd\[1\]: Starting var\.mount\.\.\.$/,
    );
  });

  it('a report that only waits: what it waited for', async () => {
    await started(1, 2);
    await keepReport(stateDir(), trial.id, { ...report, verdict: 'waiting', uptimeSeconds: 31 });
    const end = await conclude(options, trial);
    assert.ok(end.kind === 'failed' && end.refusal.check === 'units');
    assert.match(end.refusal.reason, /without a word.*31 s .*waiting for units: atoll-server/);
  });

  it('the timer ended it, as nobody else did', async () => {
    await started(2, 1);
    await writeFile(
      join(stateDir(), 'ended'),
      `${trial.roothash}\nnothing had blessed it 645 s after its kernel started\n`,
    );
    const end = await conclude(options, trial);
    assert.ok(end.kind === 'failed' && end.refusal.check === 'boot');
    assert.match(end.refusal.reason, /^nothing had blessed it 645 s/);
    assert.ok(!existsSync(join(stateDir(), 'ended')));
  });

  it('a person asked for the version before', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    await askBack(stateDir(), trial.roothash, 'somebody asked for atoll rollback');
    const end = await conclude(options, trial);
    assert.ok(end.kind === 'failed' && end.refusal.check === 'asked');
    assert.deepEqual((await events())[0], 'rolled-back: somebody asked for atoll rollback');
    assert.equal(lastFailure((await readState(stateDir())).state), undefined, 'nothing has failed');
  });

  it('armed and not started yet: it goes on waiting', async () => {
    assert.deepEqual(await conclude(options, trial), { kind: 'waiting' });
    assert.equal((await readState(stateDir())).state.trial?.id, trial.id);
    assert.deepEqual(await entries(), ['b 3', 'a blessed']);
  });

  it('cut short before the loader knew: forgotten, and not refused', async () => {
    await rm(join(esp, 'loader/entries/atoll-b+3.conf'));
    assert.deepEqual(await conclude(options, trial), { kind: 'never-armed' });
    const { state } = await readState(stateDir());
    assert.deepEqual([state.trial, state.refused], [undefined, []]);
    assert.equal(upgradeCondition(state)[0]?.status, 'False');
  });

  it('armed, and lost by a loader that boots another one first: forgotten, and not refused', async () => {
    const esp = join(root, 'uboot');
    await mkdir(join(esp, 'EFI/atoll'), { recursive: true });
    await writeFile(join(esp, 'EFI/atoll/a.efi'), testUki(old));
    const loader = new UBoot(esp);
    await loader.bless(old.roothash);
    await writeFile(await loader.staging(), testUki(trial));
    await loader.arm(trial, 3);
    assert.deepEqual(await conclude({ ...options, loader }, trial), { kind: 'waiting' });
    for (const name of ['boot-1.env', 'boot-2.env']) await writeFile(join(esp, 'EFI/atoll', name), 'torn');
    assert.deepEqual(await conclude({ ...options, loader }, trial), { kind: 'never-armed' });
    const { state } = await readState(stateDir());
    assert.deepEqual([state.trial, state.refused], [undefined, []]);
    assert.match((await events())[0] ?? '', /not tried: the loader has lost that it was to be/);
  });

  it('what has proved itself once is known by its root hash', async () => {
    assert.equal(await hasProved(stateDir(), old.roothash), false);
    await markBlessed(stateDir(), old.roothash);
    assert.deepEqual(
      [await hasProved(stateDir(), old.roothash), await hasProved(stateDir(), trial.roothash)],
      [true, false],
    );
  });

  it('given up for another version before it was tried: nothing is said against it', async () => {
    await giveUpTrial(stateDir(), '0.3.0');
    const givenUp = (await readState(stateDir())).state.trial;
    assert.ok(givenUp);
    assert.equal((await conclude(options, givenUp)).kind, 'waiting', 'the loader has not been told: it is still tried');
    await options.loader.refuse(trial.roothash);
    assert.equal((await conclude(options, givenUp)).kind, 'never-armed');
    const { state } = await readState(stateDir());
    assert.deepEqual([state.trial, state.refused], [undefined, []]);
    assert.match((await events())[0] ?? '', /not tried: its slot was given to 0\.3\.0/);
  });

  it('a second trial of a version is not told by what the first one left', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    await askBack(stateDir(), trial.roothash, 'somebody asked for atoll rollback');
    await forgetTrial(stateDir(), trial);
    await conclude(options, trial);
    assert.match((await events())[0] ?? '', /it was started, and has left nothing behind/);
  });

  it('a store that could not be put back is kept, and told with the reason; also after a cut', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    const copy = join(stateDir(), 'store-copy');
    await mkdir(join(copy, 'db'), { recursive: true });
    await writeFile(join(copy, 'db/state.db'), 'as it was');
    await writeFile(join(copy, 'of'), `${trial.roothash}\n`);
    await writeFile(storeProblemPath(options.runDir), 'no space left on device\n');
    const end = await conclude(options, trial);
    assert.ok(end.kind === 'failed' && end.notPutBack);
    assert.match(
      (await events())[0] ?? '',
      /^set-aside: the store could not be put back as it was before 0\.2\.0 \(no space left on device\): 0\.1\.0 goes on with what 0\.2\.0 wrote; what it was before is kept in /,
    );
    assert.equal(await readFile(join(end.notPutBack.path, 'db/state.db'), 'utf8'), 'as it was');
    assert.ok(!existsSync(copy), 'nobody takes it for a copy that is to be put back');
    await rm(storeProblemPath(options.runDir));
    const again = await conclude(options, trial);
    assert.ok(again.kind === 'failed' && again.notPutBack?.path === end.notPutBack.path);
  });

  it('what was set aside of the store is named', async () => {
    await started(2, 1);
    await keepReport(stateDir(), trial.id, report);
    const aside = join(stateDir(), 'set-aside/0.2.0-22222222-20261122T050000Z');
    await mkdir(aside, { recursive: true });
    await writeFile(join(aside, 'about.json'), JSON.stringify({ path: aside, at: '', revision: 9, changes: 12 }));
    const end = await conclude(options, trial);
    assert.ok(end.kind === 'failed' && end.refusal.setAside === aside);
    assert.match(
      (await events())[0] ?? '',
      /^set-aside: 12 changes that it wrote to the store are not in force; kept in .*changes\.txt$/,
    );
  });
});
