import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, opensInMs, parseWindow, timeWindowOf } from './timeWindow.ts';

/** 2026-11-22 is a Sunday. */
const rows: readonly (readonly [window: string, at: string, opensInMinutes: number])[] = [
  ['02:00-05:00', '2026-11-22T01:59', 1],
  ['02:00-05:00', '2026-11-22T02:00', 0],
  ['02:00-05:00', '2026-11-22T04:59', 0],
  ['02:00-05:00', '2026-11-22T05:00', 21 * 60],
  ['Sun', '2026-11-22T00:00', 0],
  ['Sun', '2026-11-22T23:59', 0],
  ['Sun', '2026-11-23T00:00', 6 * 1440],
  ['Mon-Fri 22:00-04:00', '2026-11-22T23:00', 23 * 60],
  ['Mon-Fri 22:00-04:00', '2026-11-23T22:00', 0],
  ['Mon-Fri 22:00-04:00', '2026-11-24T03:59', 0],
  ['Mon-Fri 22:00-04:00', '2026-11-24T04:00', 18 * 60],
  ['Mon-Fri 22:00-04:00', '2026-11-28T03:59', 0],
  ['Mon-Fri 22:00-04:00', '2026-11-28T04:00', 2 * 1440 + 18 * 60],
  ['Sat,Sun 02:00-02:00', '2026-11-23T01:59', 0],
  ['Sat,Sun 02:00-02:00', '2026-11-23T02:00', 5 * 1440],
  ['fri-mon 00:00-24:00', '2026-11-24T12:00', 2 * 1440 + 12 * 60],
  ['6,0 12:00-13:00', '2026-11-22T12:30', 0],
];

for (const [text, at, minutes] of rows)
  test(`${text} at ${at} opens in ${minutes} minutes`, () => {
    const window = parseWindow(text, 'UTC');
    const nowMs = Date.parse(`${at}:00Z`);
    assert.equal(opensInMs(window, nowMs) / 60_000, minutes);
    assert.equal(contains(window, nowMs), minutes === 0);
    if (minutes > 0) assert.equal(opensInMs(window, nowMs + 30_000) / 60_000, minutes - 0.5);
  });

test('a window is in its own time zone', () => {
  const window = timeWindowOf({ days: ['su'], startTime: '02:00', endTime: '03:00', timeZone: 'America/New_York' });
  assert.equal(contains(window, Date.parse('2026-11-22T07:30Z')), true);
  assert.equal(contains(window, Date.parse('2026-11-22T02:30Z')), false);
  assert.equal(contains(parseWindow('00:00-00:00'), Date.now()), true, "the machine's own");
});

const wrong: readonly (readonly [text: string, said: RegExp])[] = [
  ['', /is not a window/],
  ['Mon Tue 02:00-03:00', /is not a window/],
  ['2:0-3:00', /no time of day/],
  ['25:00-26:00', /no time of day/],
  ['02:00', /not FROM-TO/],
  ['02:00-03:00-04:00', /not FROM-TO/],
  ['Foo 02:00-03:00', /"Foo" is no day/],
  ['m 02:00-03:00', /"m" is no day/],
  ['Mon-Wed-Fri 02:00-03:00', /range of days/],
];
for (const [text, said] of wrong)
  test(`"${text}" is refused`, () => {
    assert.throws(() => parseWindow(text), said);
  });
test('a time zone that is none is refused', () => {
  assert.throws(() => timeWindowOf({ timeZone: 'Mars/Olympus' }), /no time zone/);
});
