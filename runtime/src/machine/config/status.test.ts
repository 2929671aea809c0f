import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { besides, type ConfigStatus, configConditions, refusalText, toldOfUrl } from './status.ts';
import type { Problem } from './types.ts';

const problem = (severity: Problem['severity'], message: string, more: Partial<Problem> = {}): Problem => ({
  severity,
  path: '',
  message,
  ...more,
});
const card = problem('error', 'the card is wrong');
const odd = problem('warning', 'locale has no value');
const silent = problem('warning', 'nobody answers', { of: 'url' });
const lies = problem('error', 'HTTP 404', { of: 'url' });
const status = (state: ConfigStatus['state'], problems: readonly Problem[], generation?: number): ConfigStatus => ({
  state,
  ...(generation === undefined ? {} : { generation }),
  sources: [],
  problems,
  rebootNeeded: ['bootcmd'],
});

describe('what is told of the URL, beside what was told of the other sources in this boot', () => {
  const table: readonly (readonly [ConfigStatus, readonly Problem[], ConfigStatus])[] = [
    // A silent URL hides nothing.
    [status('refused', [card], 3), [silent], status('refused', [card, silent], 3)],
    [status('refused', [card]), [silent], status('refused', [card, silent])],
    [status('applied', [odd], 3), [silent], status('applied', [odd, silent], 3)],
    [status('defaults', []), [silent], status('defaults', [silent])],
    [status('applied', [odd], 3), [lies], status('refused', [odd, lies], 3)],
    [status('refused', [card], 3), [lies], status('refused', [card, lies], 3)],
    // What was told of it before is not told any more.
    [status('refused', [odd, lies], 3), [silent], status('applied', [odd, silent], 3)],
    [status('refused', [lies]), [], status('defaults', [])],
    [status('refused', [card, lies], 3), [], status('refused', [card], 3)],
    [status('applied', [silent], 3), [lies], status('refused', [lies], 3)],
    // What is in force and is told as an error all the same is no refusal.
    [status('applied', [card], 3), [silent], status('applied', [card, silent], 3)],
  ];
  for (const [before, ofUrl, after] of table)
    it(`${before.state} ${before.problems.map(p => p.message).join(', ')} + ${ofUrl.map(p => p.message).join(', ')}`, () => {
      assert.deepEqual(besides(before, ofUrl), after);
      assert.deepEqual(toldOfUrl(after), ofUrl);
    });

  it('leaves the condition at what is refused', () => {
    const [condition] = configConditions(besides(status('refused', [card], 3), [silent]));
    assert.deepEqual(
      [condition?.status, /generation 3 is in force\. the card is wrong/.test(condition?.message ?? '')],
      ['True', true],
    );
    assert.match(refusalText(besides(status('refused', [card], 3), [lies])) ?? '', /the card is wrong and 1 more/);
  });
});
