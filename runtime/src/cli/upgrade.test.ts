import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  HistoryEntry,
  Installed,
  LoaderEntry,
  Progress,
  Refusal,
  UpgradeState,
} from '../machine/upgrade/types.ts';
import { type Command, parseOptions, UsageError } from './command.ts';
import { previousOf } from './rollback.ts';
import { rateOf, requestOf, requestWords, sourceOf } from './upgrade.ts';
import { upgradeCommands } from './upgradeCommands.ts';
import { bar, PlainProgress, progressLine } from './upgradeProgress.ts';
import { historyText, statusText, type UpgradeStatus } from './upgradeStatus.ts';
import { unitArguments } from './upgradeUnit.ts';

const command = upgradeCommands[0] as Command;
const request = (...argv: string[]) => {
  const { values, rest } = parseOptions(command, argv, {});
  return requestOf(rest[0] ?? '', values);
};

describe('what is asked for', () => {
  const rates: readonly (readonly [string, number])[] = [
    ['500k', 512_000],
    ['500K', 512_000],
    ['2M', 2 ** 21],
    ['1.5M', 1_572_864],
    ['1G', 2 ** 30],
    ['4096', 4096],
    ['500kB', 512_000],
    ['500KiB/s', 512_000],
  ];
  for (const [text, rate] of rates) it(`a rate of ${text}`, () => assert.equal(rateOf(text), rate));
  for (const text of ['', 'k', '0', '0k', '-1k', '1', '1x', '1 k', 'fast', '1e9'])
    it(`no rate: "${text}"`, () => assert.throws(() => rateOf(text), UsageError));

  for (const [text, seconds] of [
    ['10m', 600],
    ['1m', 60],
    ['1h30m', 5400],
    ['24h', 86_400],
    ['600s', 600],
  ] as const)
    it(`a deadline of ${text}`, () => assert.equal(request('https://x', '--deadline', text).deadlineSeconds, seconds));
  for (const text of ['10', '0', '59s', '25h', 'soon', '-1m'])
    it(`no deadline: ${text}`, () => assert.throws(() => request('https://x', '--deadline', text), /from 1m to 24h/));

  it('is understood again by the unit', () => {
    for (const argv of [
      ['https://updates.example/'],
      ['/media/usb', '--downgrade', '--force', '--no-reboot', '--limit', '500k', '--deadline', '1h30m'],
      ['http://10.0.0.1/a b.raucb', '--limit', '2M'],
    ]) {
      const asked = request(...argv);
      const [name, ...words] = requestWords(asked);
      assert.equal(name, 'upgrade');
      assert.deepEqual(request(...words), asked);
      assert.ok(unitArguments(asked).join(' ').endsWith(requestWords(asked).join(' ')));
    }
  });
  it('without a source it is the channel of the node’s configuration', () => {
    const channel = 'https://updates.example/';
    assert.equal(sourceOf(undefined, { channel }), channel);
    assert.equal(sourceOf('usb', { channel }), 'usb');
    for (const section of [undefined, {}])
      assert.throws(
        () => sourceOf(undefined, section),
        /say what to install: .*upgrade: channel:\), and there is none/,
      );
  });
  it('a file is meant from where it was said', () => {
    assert.equal(request('bundle.raucb').source, `${process.cwd()}/bundle.raucb`);
  });
});

const one: Installed = { version: '0.1.0', roothash: '1'.repeat(64), slot: 'a' };
const two: Installed = { version: '0.2.0', roothash: '2'.repeat(64), slot: 'b' };
const at = '2026-11-22T05:00:00.000Z';
const nowMs = Date.parse(at) + 7_200_000;
const refusal: Refusal = {
  ...two,
  id: 'x',
  at,
  check: 'node',
  reason: 'the node was not Ready',
  kept: '/var/lib/atoll/upgrade/trials/x',
  setAside: '/var/lib/atoll/upgrade/set-aside/x',
};
const entry = (installed: Installed, more: Partial<LoaderEntry> = {}): LoaderEntry => ({
  ...installed,
  id: installed.slot,
  uki: `/efi/EFI/atoll/${installed.slot}.efi`,
  ...more,
});
const event = (kind: HistoryEntry['event'], message: string, of = two): HistoryEntry => ({
  ...of,
  at,
  event: kind,
  message,
});
const state = (more: Partial<UpgradeState> = {}): UpgradeState => ({ format: 1, refused: [], history: [], ...more });

describe('progress', () => {
  const progress: Progress = {
    pid: 1,
    source: 's',
    phase: 'writing',
    doneBytes: 50 * 2 ** 20,
    totalBytes: 100 * 2 ** 20,
    downloadedBytes: 20 * 2 ** 20,
    writtenBytes: 0,
    secondsLeft: 130,
  };
  it('is a bar in eighths', () => {
    assert.equal(bar(0, 4), '····');
    assert.equal(bar(0.5, 4), '██··');
    assert.equal(bar(0.53125, 4), '██▏·');
    assert.equal(bar(1, 4), '████');
    assert.equal(bar(7, 4), '████');
  });
  it('is a line on a terminal', () => {
    assert.equal(
      progressLine(progress, 120),
      '  Writing                     ████████████············  50 %  2 min left  50 MiB of 100 MiB  20 MiB downloaded',
    );
    assert.equal(progressLine({ ...progress, phase: 'reading', totalBytes: 0 }, 80), '  Reading the bundle');
  });
  it('never wraps', () => {
    for (let columns = 1; columns < 140; columns++)
      for (const phase of ['reading', 'comparing', 'writing', 'verifying', 'arming', 'restarting'] as const)
        assert.ok(progressLine({ ...progress, phase }, columns).length <= columns, `${phase} in ${columns}`);
  });
  it('is a line a step elsewhere', () => {
    const lines = new PlainProgress();
    const told: string[] = [];
    for (const phase of ['reading', 'comparing', 'writing', 'verifying', 'done'] as const)
      for (let percent = 0; percent <= 100; percent++)
        told.push(
          ...lines.next({
            ...progress,
            phase,
            doneBytes: percent * 2 ** 20,
            totalBytes: phase === 'reading' ? 0 : 100 * 2 ** 20,
          }),
        );
    assert.equal(told.length, 1 + 4 + 4 + 4);
    assert.equal(told[6], 'Writing: 25 %, 2 min left, 25 MiB of 100 MiB, 20 MiB downloaded');
  });
});

describe('atoll upgrade status', () => {
  const status = (more: Partial<UpgradeStatus>): string =>
    statusText({ running: one, entries: [entry(one)], state: state(), ...more }, nowMs);
  const rows: readonly (readonly [string, Partial<UpgradeStatus>, readonly RegExp[]])[] = [
    ['as flashed', {}, [/Slot a +0\.1\.0, runs, boots next, blessed/, /Slot b +empty/]],
    [
      'with a blessed one in the other slot',
      { entries: [entry(one), entry({ ...two, version: '0.0.9' })] },
      [/Slot a +0\.1\.0, runs, boots next, blessed\n/, /Slot b +0\.0\.9, blessed\n/],
    ],
    [
      'with one that waits for its trial',
      {
        entries: [entry(two, { triesLeft: 3, triesDone: 0 }), entry(one)],
        state: state({ trial: { ...two, id: 'x', from: one, armedAt: at, deadlineSeconds: 600, before: {} as never } }),
      },
      [/Slot b +0\.2\.0, boots next, on trial, 3 of its boots left/, /Trial +0\.2\.0 is tried at the next restart/],
    ],
    [
      'in a trial',
      {
        running: two,
        entries: [entry(two, { triesLeft: 2, triesDone: 1 }), entry(one)],
        state: state({ trial: { ...two, id: 'x', from: one, armedAt: at, deadlineSeconds: 600, before: {} as never } }),
      },
      [
        /Slot b +0\.2\.0, runs, boots next, on trial, 2/,
        /Trial +0\.2\.0 is being tried: 10 min to become as healthy as 0\.1\.0 was/,
      ],
    ],
    [
      'after a fall-back',
      {
        entries: [entry(one), entry(two, { triesLeft: 0 })],
        state: state({ refused: [refusal], history: [event('fell-back', 'why')] }),
      },
      [
        /Slot b +0\.2\.0, refused\n/,
        /Refused +0\.2\.0, 2 h ago: the node was not Ready/,
        /Last +fell-back 0\.2\.0, 2 h ago: why/,
      ],
    ],
    ['without tries', { entries: [entry(one), entry(two, { triesLeft: 0 })] }, [/Slot b +0\.2\.0, has no tries left/]],
    ['without a loader', { entries: [], loaderProblem: 'no /efi' }, [/Slot a +0\.1\.0, runs\n/, /Loader +no \/efi/]],
    ['with a damaged state', { damaged: 'state.json cannot be read' }, [/State +state\.json cannot be read/]],
  ];
  for (const [what, given, expected] of rows)
    it(what, () => {
      for (const line of expected) assert.match(status(given), line);
    });
});

describe('atoll upgrade history', () => {
  it('says when there is none', () => assert.match(historyText(state()), /runs what was flashed/));
  it('tells of each, and of a refused one where to look', () => {
    const text = historyText(
      state({
        refused: [refusal],
        history: [event('fell-back', 'not Ready'), event('installed', 'in 20 s'), event('blessed', 'ok', one)],
      }),
    );
    assert.equal(
      text,
      `2026-11-22 05:00:00  fell-back  0.2.0  slot b  not Ready
                     refused: node: the node was not Ready
                     its journal and last health report: /var/lib/atoll/upgrade/trials/x
                     what it wrote to the store: /var/lib/atoll/upgrade/set-aside/x
2026-11-22 05:00:00  installed  0.2.0  slot b  in 20 s
2026-11-22 05:00:00  blessed    0.1.0  slot a  ok
`,
    );
  });
});

describe('what to go back to', () => {
  const rows: readonly (readonly [string, readonly LoaderEntry[], readonly Refusal[], boolean, string | RegExp])[] = [
    ['the other slot', [entry(two), entry(one)], [], false, '0.1.0'],
    ['nothing there', [entry(two)], [], false, /slot a holds no version/],
    [
      'a refused one',
      [entry(two), entry(one, { triesLeft: 0 })],
      [{ ...refusal, ...one }],
      false,
      /was refused here: the node/,
    ],
    ['a refused one, by force', [entry(two), entry(one, { triesLeft: 0 })], [{ ...refusal, ...one }], true, '0.1.0'],
    ['one without tries', [entry(two), entry(one, { triesLeft: 0 })], [], false, /was refused here/],
    ['one that the loader has lost sight of', [entry(two), entry(one, { triesLeft: 3 })], [], false, '0.1.0'],
    ['one that waits', [entry(one, { triesLeft: 3 }), entry(two)], [], false, /has not been tried yet/],
  ];
  for (const [what, entries, refused, force, expected] of rows)
    it(what, () => {
      const go = () => previousOf(entries, two, { refused }, force);
      if (typeof expected === 'string') assert.equal(go().version, expected);
      else assert.throws(go, expected);
    });
});
