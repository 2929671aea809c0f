import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  addHistory,
  armTrial,
  emptyState,
  endTrial,
  forgiveVersion,
  giveUpTrial,
  MAX_HISTORY,
  MAX_REFUSED,
  peekState,
  readState,
  refusedVersions,
  refuseVersion,
  trialId,
  writeState,
} from './state.ts';
import { parseState } from './stateShape.ts';
import type { HistoryEntry, Refusal, Trial, UpgradeState } from './types.ts';

const one = { version: '0.1.0', roothash: '1'.repeat(64), slot: 'a' } as const;
const two = { version: '0.2.0', roothash: '2'.repeat(64), slot: 'b' } as const;
const at = '2026-11-22T05:00:00.000Z';
const trial: Trial = {
  ...two,
  id: trialId(two.version, two.roothash),
  from: one,
  armedAt: at,
  deadlineSeconds: 600,
  before: {
    role: 'server',
    takenAt: at,
    nodeReady: true,
    serverReachable: true,
    pods: [{ namespace: 'default', name: 'web', uid: 'u', ready: true, owner: 'o', containers: 1 }],
    failedUnits: ['x.service'],
    kubernetesAnswered: true,
    dnsAnswered: false,
  },
};
const installed: HistoryEntry = { ...two, at, event: 'installed', message: 'in 20 s' };
const refusal: Refusal = {
  ...two,
  id: trial.id,
  at,
  check: 'node',
  reason: 'not Ready',
  kept: '/var/x',
  setAside: '/var/y',
};

describe('the state of upgrades', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'atoll-upgrade-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const trialFile = (): Promise<string | undefined> => readFile(join(dir, 'trial'), 'utf8').catch(() => undefined);

  it('a version that the loader cannot go back from is not refused', async () => {
    const event: HistoryEntry = { ...two, at, event: 'rolled-back', message: 'asked' };
    const known: number[] = [];
    const tell = (error?: Error) => async (): Promise<void> => {
      known.push((await readState(dir)).state.refused.length);
      if (error) throw error;
    };
    await assert.rejects(refuseVersion(dir, refusal, event, tell(new Error('nothing to go back to'))), /nothing to go/);
    assert.deepEqual((await readState(dir)).state, emptyState);
    await refuseVersion(dir, refusal, event, tell());
    assert.deepEqual((await readState(dir)).state.history, [event]);
    assert.deepEqual(known, [1, 1], 'known before the loader is told');
  });

  it('what gives its slot to another version is still what is armed', async () => {
    await giveUpTrial(dir, '0.3.0');
    assert.deepEqual((await readState(dir)).state, emptyState);
    await armTrial(dir, trial, { ...two, at, event: 'installed', message: '' });
    await giveUpTrial(dir, '0.3.0');
    assert.deepEqual((await readState(dir)).state.trial, { ...trial, givenUpFor: '0.3.0' });
  });

  it('is empty at first', async () => {
    assert.deepEqual(await readState(dir), { state: emptyState });
    assert.deepEqual(await readdir(dir), []);
  });

  it('comes back as it was written, for root only', async () => {
    const state: UpgradeState = { format: 1, trial, refused: [refusal], history: [installed] };
    await writeState(join(dir, 'new', 'deep'), state);
    assert.deepEqual(await readState(join(dir, 'new', 'deep')), { state });
    assert.equal((await stat(join(dir, 'new', 'deep', 'state.json'))).mode & 0o777, 0o600);
  });

  it('has a trial, and a file for those who run before Node.js', async () => {
    await armTrial(dir, trial, installed);
    assert.equal(await trialFile(), `${two.roothash}\n`);
    const { state } = await readState(dir);
    assert.deepEqual(state, { format: 1, trial, refused: [], history: [installed] });
  });

  it('ends a trial with a blessing', async () => {
    await armTrial(dir, trial, installed);
    const blessed: HistoryEntry = { ...two, at, event: 'blessed', message: 'healthy' };
    assert.deepEqual(await endTrial(dir, { events: [blessed] }), {
      format: 1,
      refused: [],
      history: [blessed, installed],
    });
    assert.equal(await trialFile(), undefined);
  });

  it('ends a trial with a refusal, which is forgiven when it is asked for', async () => {
    await armTrial(dir, trial, installed);
    const fell: HistoryEntry = { ...two, at, event: 'fell-back', message: 'not Ready' };
    await endTrial(dir, { events: [fell], refusal: { ...refusal, reason: 'first' } });
    await endTrial(dir, { events: [], refusal });
    const { state } = await readState(dir);
    assert.deepEqual([...refusedVersions(state)], [[two.roothash, refusal]]);
    await forgiveVersion(dir, two.roothash);
    assert.deepEqual((await readState(dir)).state.refused, []);
    assert.deepEqual((await readState(dir)).state.history, [fell, installed]);
  });

  it('is bounded', async () => {
    const many = (n: number): string => n.toString(16).padStart(64, '0');
    await writeState(dir, {
      format: 1,
      refused: Array.from({ length: 50 }, (_, n) => ({ ...refusal, roothash: many(n) })),
      history: Array.from({ length: 300 }, (_, n) => ({ ...installed, message: String(n) })),
    });
    await addHistory(dir, { ...installed, message: 'newest' });
    const { state } = await readState(dir);
    assert.equal(state.refused.length, MAX_REFUSED);
    assert.equal(state.history.length, MAX_HISTORY);
    assert.deepEqual([state.history[0]?.message, state.history[1]?.message], ['newest', '0']);
  });

  it('sets a damaged file aside and says so', async () => {
    await writeFile(join(dir, 'state.json'), '{"format":1,"refused":[');
    assert.match((await peekState(dir)).damaged ?? '', /state\.json/);
    const { state, damaged } = await readState(dir, () => new Date(at));
    assert.deepEqual(state, emptyState);
    assert.match(
      damaged ?? '',
      /state\.json cannot be read .*kept as .*damaged-2026-11-22T05-00-00-000Z.*refused is not known/,
    );
    assert.deepEqual(await readdir(dir), ['state.json.damaged-2026-11-22T05-00-00-000Z']);
    await armTrial(dir, trial, installed);
    assert.deepEqual((await readState(dir)).state.trial, trial);
  });
});

const whole = { format: 1, trial, refused: [refusal], history: [installed] };
const wrong: readonly (readonly [string, unknown, RegExp])[] = [
  ['a list', [], /state is not an object/],
  ['null', null, /state is not an object/],
  ['no format', { ...whole, format: undefined }, /format is undefined, not 1/],
  ['a later format', { ...whole, format: 2 }, /format is 2, not 1/],
  ['no refusals', { ...whole, refused: undefined }, /refused is not a list/],
  ['a refusal that is none', { ...whole, refused: [1] }, /refused\[0\] is not an object/],
  [
    'a refusal without a reason',
    { ...whole, refused: [{ ...refusal, reason: 3 }] },
    /refused\[0\]\.reason is not a text/,
  ],
  ['a history that is none', { ...whole, history: {} }, /history is not a list/],
  [
    'an event nobody knows',
    { ...whole, history: [{ ...installed, event: 'x' }] },
    /history\[0\]\.event is none of installed/,
  ],
  [
    'a root hash that is none',
    { ...whole, history: [{ ...installed, roothash: 'g'.repeat(64) }] },
    /history\[0\]\.roothash is not 64 hex/,
  ],
  ['a slot c', { ...whole, trial: { ...trial, slot: 'c' } }, /trial\.slot is none of a, b/],
  ['a trial from nowhere', { ...whole, trial: { ...trial, from: undefined } }, /trial\.from is not an object/],
  ['no deadline', { ...whole, trial: { ...trial, deadlineSeconds: '600' } }, /trial\.deadlineSeconds is not a number/],
  ['no before', { ...whole, trial: { ...trial, before: undefined } }, /trial\.before is not an object/],
  [
    'a role nobody has',
    { ...whole, trial: { ...trial, before: { ...trial.before, role: 'x' } } },
    /role is none of server, agent/,
  ],
  [
    'a pod without a name',
    { ...whole, trial: { ...trial, before: { ...trial.before, pods: [{}] } } },
    /pods\[0\]\.namespace is not a text/,
  ],
  [
    'units that are numbers',
    { ...whole, trial: { ...trial, before: { ...trial.before, failedUnits: [1] } } },
    /failedUnits\[0\] is not a text/,
  ],
];
for (const [what, value, message] of wrong) {
  it(`is not ${what}`, () => assert.throws(() => parseState(JSON.stringify(value)), message));
}
it('leaves out what it does not know', () => {
  assert.deepEqual(parseState(JSON.stringify({ ...whole, more: 1 })), whole);
});
