import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { parseWindow } from '../../lib/timeWindow.ts';
import {
  judge,
  type Known,
  nextLookMs,
  type Offer,
  type PollOptions,
  type PollSettings,
  placeOf,
  pollChannel,
} from './poll.ts';
import { askChannel, offersOf } from './pollRequest.ts';
import { pollSettingsOf } from './pollSettings.ts';

const HOUR = 3_600_000;
const known: Known = {
  running: { version: '1.0.0', roothash: 'aa' },
  refused: [],
  failed: new Set(),
  busy: false,
  machineId: 'm1',
};
const offer: Offer = { version: '1.1.0', roothash: 'bb', rolloutPercent: 100 };

describe('a channel’s offer', () => {
  const rows: readonly (readonly [
    what: string,
    offer: Offer | undefined,
    known: Partial<Known>,
    rollout: number,
    expected: RegExp | true,
  ])[] = [
    ['is taken', offer, {}, 100, true],
    ['is not there', undefined, {}, 100, /nothing for this image/],
    ['runs already', { ...offer, roothash: 'aa' }, {}, 100, /runs already/],
    ['is as old', { ...offer, version: '1.0.0' }, {}, 100, /no newer/],
    ['is older', { ...offer, version: '0.9.9' }, {}, 100, /no newer than 1\.0\.0/],
    ['is a pre-release of what runs', { ...offer, version: '1.0.0~rc1' }, {}, 100, /no newer/],
    [
      'is newer by number, not by letter',
      { ...offer, version: '1.10.0' },
      { running: { version: '1.9.0' } },
      100,
      true,
    ],
    [
      'was refused',
      offer,
      { refused: [{ version: '1.1.0', roothash: 'bb', reason: 'pods: x' }] },
      100,
      /was refused here: pods: x/,
    ],
    [
      'is another build of what was refused',
      offer,
      { refused: [{ version: '1.1.0', roothash: 'cc', reason: '' }] },
      100,
      true,
    ],
    [
      'was refused, says only its version',
      { version: '1.1.0', rolloutPercent: 100 },
      { refused: [{ version: '1.1.0', roothash: 'cc', reason: '' }] },
      100,
      /was refused/,
    ],
    ['failed before', offer, { failed: new Set(['1.1.0 bb']) }, 100, /could not be installed in this boot/],
    ['comes while something is under way', offer, { busy: true }, 100, /under way/],
    ['needs a step between', { ...offer, minimumVersion: '1.0.5' }, {}, 100, /takes 1\.0\.5 at least/],
    ['is for nobody', { ...offer, rolloutPercent: 0 }, {}, 100, /for 0 % of the nodes/],
    ['is for nobody here', offer, {}, 0, /for 0 %/],
    ['is for few, by either word', { ...offer, rolloutPercent: 50 }, {}, 0.01, /for 0\.01 %/],
  ];
  for (const [what, of, more, rolloutPercent, expected] of rows)
    it(what, () => {
      const verdict = judge(of, { rolloutPercent }, { ...known, ...more });
      if (expected === true) assert.deepEqual(verdict, { install: true });
      else assert.match(verdict.install ? 'install' : verdict.why, expected);
    });

  it('is for as many machines as it says, and others for another version', () => {
    const machines = Array.from({ length: 4000 }, (_, i) => `machine-${i}`);
    const within = (version: string, percent: number): string[] =>
      machines.filter(id => placeOf(id, version) < percent);
    for (const percent of [1, 10, 25, 50, 90]) {
      const share = (within('1.1.0', percent).length / machines.length) * 100;
      assert.ok(Math.abs(share - percent) < 2.5, `${percent} %: ${share}`);
    }
    assert.equal(within('1.1.0', 100).length, machines.length);
    const [first, second] = [new Set(within('1.1.0', 10)), within('1.2.0', 10)];
    const both = second.filter(id => first.has(id)).length;
    assert.ok(both < second.length / 3, `${both} of ${second.length} are always first`);
    for (const id of within('1.1.0', 10)) assert.ok(placeOf(id, '1.1.0') < 25, 'a larger share has all of the smaller');
  });
});

describe('the next look', () => {
  const sunday = Date.parse('2026-11-22T12:00:00Z');
  const window = parseWindow('02:00-04:00', 'UTC');
  const base = { everyMs: 6 * HOUR, jitterMs: HOUR };
  const rows: readonly (readonly [
    what: string,
    settings: typeof base & { window?: typeof window },
    random: number,
    first: boolean,
    hours: number,
  ])[] = [
    ['after a period', base, 0, false, 6],
    ['and its jitter', base, 0.5, false, 6.5],
    ['soon after a start', base, 0, true, 2 / 60],
    ['soon, and not all at once', base, 1, true, 1 + 2 / 60],
    ['when the window opens', { ...base, window }, 0, false, 14],
    ['when it has opened, not all at once', { ...base, window }, 0.5, false, 14.5],
    ['no sooner after a start', { ...base, window }, 0, true, 14],
    ['at once where it falls into the window', { ...base, everyMs: 15 * HOUR, window }, 0, false, 15],
  ];
  for (const [what, settings, random, first, hours] of rows)
    it(what, () => {
      const ms = nextLookMs(settings, sunday, () => random, first);
      assert.ok(Math.abs(ms / HOUR - hours) < 0.001, `${ms / HOUR} h`);
    });
});

describe('polling', () => {
  const settings: PollSettings = { channel: 'https://x/channel.json', everyMs: HOUR, jitterMs: 0, rolloutPercent: 100 };
  const poll = (more: Partial<PollSettings> = {}, refuse = false, staying?: 'armed') => {
    const clock = new ManualClock(Date.parse('2026-11-22T12:00:00Z'));
    const stop = new AbortController();
    const asked: (string | undefined)[] = [];
    const started: string[] = [];
    const restarted: number[] = [];
    const now = {
      staying: staying as ReturnType<PollOptions['staying']>,
      known: known as ReturnType<PollOptions['known']>,
      /** What comes of a start: none where it is refused. */
      ends: undefined as NonNullable<ReturnType<PollOptions['known']>['progress']> | 'conflict' | undefined,
      answer: { etag: 'e1', offers: { vm: offer } } as { etag: string; offers: Record<string, Offer> } | undefined,
    };
    pollChannel(
      {
        settings: { ...settings, ...more },
        clock,
        random: () => 0,
        logger: silentLogger,
        image: () => 'vm',
        known: () => now.known,
        ask: async (_, etag) => {
          asked.push(etag);
          if (refuse) throw new Error('nobody answers');
          return now.answer?.etag === etag ? undefined : now.answer;
        },
        staying: () => now.staying,
        restart: async () => void restarted.push(clock.now()),
        start: async (source, _limit, stays) => {
          if (stays) now.staying = 'at work';
          if (now.ends === 'conflict') throw new Error('an upgrade is under way on this node');
          started.push(source);
          if (now.ends) now.known = { ...now.known, progress: { ...now.ends, pid: started.length } };
        },
      },
      stop.signal,
    );
    return { clock, stop, asked, started, restarted, now };
  };

  it('installs what is new, once it is there, and gives up on what does not work', async () => {
    const { clock, asked, started, stop } = poll();
    assert.equal(clock.pending, 1);
    await clock.advance(2 * 60_000);
    assert.deepEqual(started, ['https://x/channel.json']);
    for (let i = 0; i < 9; i++) await clock.advance(HOUR);
    assert.equal(started.length, 5, 'tried again, not for ever');
    assert.deepEqual(asked.slice(0, 3), [undefined, 'e1', 'e1'], 'it asks whether anything has changed');
    stop.abort();
    assert.equal(clock.pending, 0);
  });

  it('does not give up a server that is away', async () => {
    const { clock, started, now } = poll();
    now.ends = { pid: 0, phase: 'failed', mayPass: true };
    for (let i = 0; i < 48; i++) await clock.advance(HOUR);
    assert.equal(started.length, 48, 'once a period, for two days');
    now.ends = { pid: 0, phase: 'failed', mayPass: false };
    for (let i = 0; i < 9; i++) await clock.advance(HOUR);
    assert.equal(started.length, 48 + 5, 'but what will fail again');
  });

  it('asks a server that is away ever less often, and at least once an hour', async () => {
    const { clock, started, now } = poll({ everyMs: 60_000 });
    now.ends = { pid: 0, phase: 'failed', mayPass: true };
    for (let i = 0; i < 60; i++) await clock.advance(60_000);
    assert.equal(started.length, 6, 'after 1, 2, 4, 8, 16 and 32 minutes');
    const before = started.length;
    for (let i = 0; i < 24 * 60; i++) await clock.advance(60_000);
    assert.ok(started.length - before >= 23 && started.length - before <= 25, `${started.length - before} a day`);
  });

  it('counts nothing that was not begun', async () => {
    const { clock, started, now } = poll();
    now.ends = 'conflict';
    for (let i = 0; i < 10; i++) await clock.advance(HOUR);
    now.ends = undefined;
    await clock.advance(HOUR);
    assert.equal(started.length, 1);
  });

  it('does not try what was refused, and takes the next version', async () => {
    const { clock, started, now } = poll();
    now.known = { ...known, refused: [{ version: '1.1.0', roothash: 'bb', reason: '' }] };
    for (let i = 0; i < 5; i++) await clock.advance(HOUR);
    assert.deepEqual(started, []);
    now.answer = { etag: 'e2', offers: { vm: { ...offer, version: '1.2.0', roothash: 'dd' } } };
    await clock.advance(HOUR);
    assert.equal(started.length, 1);
  });

  it('asks nobody outside the window', async () => {
    const { clock, asked } = poll({ window: parseWindow('02:00-04:00', 'UTC') });
    for (let i = 0; i < 13; i++) await clock.advance(HOUR);
    assert.equal(asked.length, 0);
    await clock.advance(HOUR);
    assert.equal(asked.length, 1);
  });

  const window = parseWindow('02:00-04:00', 'UTC');
  const hourOf = (ms: number | undefined): number => new Date(ms ?? 0).getUTCHours();

  it('restarts in the window in which the installation comes to its end', async () => {
    const { clock, started, restarted, now } = poll({ window });
    for (let i = 0; i < 14 * 60 + 3; i++) await clock.advance(60_000);
    assert.equal(started.length, 1);
    for (let i = 0; i < 30; i++) await clock.advance(60_000);
    assert.equal(restarted.length, 0, 'it is still written');
    now.known = { ...known, busy: true };
    now.staying = 'armed';
    for (let i = 0; i < 2; i++) await clock.advance(60_000);
    assert.equal(hourOf(restarted[0]), 2);
  });

  it('waits for the next window where the installation ended outside of it', async () => {
    const { clock, started, restarted, now } = poll({ window });
    for (let i = 0; i < 14 * 60 + 3; i++) await clock.advance(60_000);
    assert.equal(started.length, 1);
    now.known = { ...known, busy: true };
    for (let i = 0; i < 5 * 60; i++) await clock.advance(60_000);
    now.staying = 'armed';
    for (let i = 0; i < 18 * 60; i++) await clock.advance(60_000);
    assert.equal(restarted.length, 0, 'not before the window opens');
    for (let i = 0; i < 90; i++) await clock.advance(60_000);
    assert.equal(hourOf(restarted[0]), 2);
  });

  it('restarts for what an agent before it began, and only in a window', async () => {
    const { clock, restarted, asked } = poll({ window }, false, 'armed');
    for (let i = 0; i < 13 * 60; i++) await clock.advance(60_000);
    assert.equal(restarted.length, 0);
    for (let i = 0; i < 100; i++) await clock.advance(60_000);
    assert.ok(restarted.length > 0);
    assert.equal(asked.length, 0, 'the channel is not asked meanwhile');
    assert.deepEqual([...new Set(restarted.map(hourOf))], [2]);
  });

  it('leaves the restart to the installation where there is no window', async () => {
    const { clock, started, now } = poll();
    for (let i = 0; i < 3; i++) await clock.advance(HOUR);
    assert.ok(started.length > 0);
    assert.equal(now.staying, undefined);
  });

  it('goes on when nobody answers', async () => {
    const { clock, asked } = poll({}, true);
    for (let i = 0; i < 4; i++) await clock.advance(HOUR);
    assert.equal(asked.length, 4);
    assert.equal(clock.pending, 1);
  });
});

describe('settings', () => {
  it('are read with their defaults', () => {
    assert.equal(pollSettingsOf(undefined), undefined);
    assert.equal(pollSettingsOf({ poll: '1h' }), undefined);
    assert.equal(pollSettingsOf({ channel: 'https://x/', poll: '0' }), undefined);
    const read = pollSettingsOf({ channel: 'https://x/', window: 'Sat,Sun 02:00-05:00', rollout: 10 });
    assert.equal(read?.everyMs, 6 * HOUR);
    assert.equal(read?.jitterMs, 0.6 * HOUR);
    assert.equal(read?.rolloutPercent, 10);
    assert.equal(read?.window?.days.size, 2);
    assert.throws(() => pollSettingsOf({ channel: 'https://x/', poll: 'often' }), /no duration/);
  });
});

describe('a channel', () => {
  it('is asked whether it has changed, also over a redirection', async () => {
    const document = JSON.stringify({
      format: 1,
      images: { vm: { version: '2', bundle: 'x', rolloutPercent: 5, roothash: 'ff' }, bad: 7 },
    });
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(`${request.url} ${request.headers['if-none-match'] ?? '-'}`);
      if (request.url === '/old/channel.json') return response.writeHead(302, { location: '/new.json' }).end();
      if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
      if (request.url === '/large') return response.end('x'.repeat(300_000));
      if (request.url !== '/new.json') return response.writeHead(503).end();
      if (request.headers['if-none-match'] === '"1"') return response.writeHead(304).end();
      return response.writeHead(200, { etag: '"1"' }).end(document);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { signal } = new AbortController();
    try {
      const found = await askChannel(`${base}/old/`, undefined, signal);
      assert.deepEqual(found?.offers.vm, { version: '2', rolloutPercent: 5, roothash: 'ff' });
      assert.equal(found?.offers.bad, undefined);
      assert.equal(await askChannel(`${base}/old/`, found?.etag, signal), undefined);
      assert.deepEqual(requests, ['/old/channel.json -', '/new.json -', '/old/channel.json "1"', '/new.json "1"']);
      await assert.rejects(askChannel(`${base}/x.json`, undefined, signal), /HTTP 503/);
      await assert.rejects(askChannel(`${base}/loop`, undefined, signal), /redirections/);
      await assert.rejects(askChannel(`${base}/large`, undefined, signal), /more than/);
    } finally {
      server.close();
    }
  });
  for (const text of ['', '[]', '{}', '{"format":2,"images":{}}', '{"format":1,"images":[]}'])
    it(`is none: ${text}`, () => {
      assert.throws(() => offersOf(text), /it is no/);
    });
});
