import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { TimeoutError, withinProgress } from './deadline.ts';

it('what gets on may take as long as it takes; what stands still may not', async () => {
  let asked = 0;
  const slow = setTimeout(250, 'there');
  assert.equal(await withinProgress(slow, 20, 'it', async () => asked++), 'there');
  assert.ok(asked > 2, `${asked}`);
  let left = 3;
  const never = new Promise<never>(() => {});
  await assert.rejects(
    withinProgress(never, 20, 'it', async () => (left > 0 ? left-- : 0)),
    TimeoutError,
  );
  assert.equal(left, 0);
  await assert.rejects(
    withinProgress(Promise.reject(new Error('failed')), 20, 'it', async () => asked++),
    /failed/,
  );
  await assert.rejects(
    withinProgress(Promise.reject(new Error('failed at once')), 20, 'it', () => setTimeout(20, 1)),
    /failed at once/,
  );
});
