import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onceNotes } from './oncePerInstance.ts';
import { stage } from './stage.ts';
import { nothingRendered, type Rendered } from './types.ts';

const accounts = { passwd: '', group: '', shadow: '', gshadow: '' };
const staged = (rendered: Partial<Rendered>) =>
  stage({ rendered: { ...nothingRendered, ...rendered }, accounts, knownIds: {}, instanceId: 'i-1' });
const home = (tries: number): Partial<Rendered> => ({ phoneHome: { url: 'http://x', post: 'all', tries } });
const AGAIN = 'the instance "i-1" has had it. Another instance-id in meta-data runs it.';

describe('what runs once for each instance', () => {
  const rows: readonly (readonly [Partial<Rendered>, Partial<Rendered>, done: boolean, notes: readonly string[]])[] = [
    [{}, {}, true, []],
    [{}, { runcmd: ['a'] }, false, ['runcmd runs at the next boot.']],
    [{}, { runcmd: ['a'] }, true, [`runcmd does not run again: ${AGAIN}`]],
    [{ runcmd: ['a'] }, { runcmd: ['a'] }, true, []],
    [{ runcmd: ['a'] }, { runcmd: ['a'], bootcmd: ['x'] }, true, []],
    [{ runcmd: ['a'] }, { runcmd: ['a', 'b'] }, true, [`runcmd does not run again: ${AGAIN}`]],
    [{ runcmd: ['a'] }, {}, true, []],
    [home(1), home(1), true, []],
    [home(1), home(2), true, [`phone_home does not run again: ${AGAIN}`]],
    [{}, home(1), false, ['phone_home runs at the next boot.']],
  ];
  for (const [before, after, done, notes] of rows)
    it(`${JSON.stringify([before, after, done])}`, () =>
      assert.deepEqual(
        onceNotes(staged(before), staged(after), () => done),
        notes,
      ));
});
