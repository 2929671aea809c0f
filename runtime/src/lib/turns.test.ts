import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace, turn } from './turns.ts';

/** Resolves when the event loop has come round, as sockets and timers see it. */
const round = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('turns', () => {
  it('one goes on in each turn of the loop, in the order of asking', async () => {
    const seen: string[] = [];
    const work = async (name: string, steps: number): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        await turn();
        seen.push(`${name}${step}`);
      }
    };
    const all = Promise.all([work('a', 3), work('b', 2), work('c', 1)]);
    let before = 0;
    for (let rounds = 0; rounds < 12; rounds++) {
      await round();
      assert.ok(seen.length - before <= 1, `${seen.slice(before)} in one turn`);
      before = seen.length;
    }
    await all;
    assert.deepEqual(seen, ['a0', 'b0', 'c0', 'a1', 'b1', 'a2']);
  });

  it('nobody goes on at once', async () => {
    let gone = false;
    const waited = turn().then(() => {
      gone = true;
    });
    await Promise.resolve();
    assert.equal(gone, false);
    await waited;
  });

  it('what asks again in a callback is served', async () => {
    await turn();
    await turn();
    await Promise.all([turn(), turn()]);
  });
});

describe('a pace', () => {
  it('is due when its slice has been used, and anew after a turn', async () => {
    const pace = new Pace(5);
    assert.equal(pace.due, false);
    for (const began = performance.now(); performance.now() - began < 6; );
    assert.equal(pace.due, true);
    await pace.turn();
    const immediate = new Pace(0);
    assert.equal(immediate.due, true);
  });
});
