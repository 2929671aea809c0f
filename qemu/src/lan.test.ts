import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Frames, Lan } from './lan.ts';

const anybody = 'ff:ff:ff:ff:ff:ff';
const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'] as const;

/** A frame with its length before it. */
function frame(to: string, from: string, text: string): Buffer {
  const body = Buffer.concat([
    Buffer.from(`${to}${from}`.replaceAll(':', ''), 'hex'),
    Buffer.from([8, 0]),
    Buffer.from(text),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

describe('frames', () => {
  const whole = Buffer.concat([frame(anybody, macs[0], 'one'), frame(macs[0], macs[1], 'two')]);
  for (const piece of [1, 3, 5, 20, 1000])
    it(`come whole out of pieces of ${piece} bytes`, () => {
      const frames = new Frames();
      const found: Buffer[] = [];
      for (let at = 0; at < whole.length; at += piece) found.push(...frames.take(whole.subarray(at, at + piece)));
      assert.equal(found.length, 2);
      assert.ok(Buffer.concat(found).equals(whole));
    });

  it('that are none are told', () =>
    assert.throws(() => new Frames().take(Buffer.from('HTTP')), /a frame of \d+ bytes/));
});

describe('a switch', () => {
  /** Machines plugged in, and what each has received. */
  function machines(): { ends: Duplex[]; received: string[][]; lan: Lan } {
    const lan = new Lan();
    const received: string[][] = [];
    const ends = macs.map((_, index) => {
      const [machine, cable] = duplexPair();
      const frames = new Frames();
      received[index] = [];
      machine.on('data', (chunk: Buffer) => {
        for (const one of frames.take(chunk)) received[index]?.push(one.toString('utf8', 18));
      });
      lan.connect(cable);
      return machine;
    });
    return { ends, received, lan };
  }

  it('passes on to everybody until it knows where somebody is, then to him alone', async () => {
    const { ends, received } = machines();
    ends[0]?.write(frame(macs[1], macs[0], 'who are you'));
    await setImmediate();
    assert.deepEqual(received, [[], ['who are you'], ['who are you']]);
    ends[1]?.write(frame(macs[0], macs[1], 'it is me'));
    await setImmediate();
    ends[0]?.write(frame(macs[1], macs[0], 'for you'));
    ends[2]?.write(frame(anybody, macs[2], 'for all'));
    await setImmediate();
    assert.deepEqual(received, [['it is me', 'for all'], ['who are you', 'for you', 'for all'], ['who are you']]);
  });

  it('a machine that is gone is forgotten, and holds up nobody', async () => {
    const { ends, received } = machines();
    ends[1]?.write(frame(anybody, macs[1], 'hello'));
    await setImmediate();
    ends[1]?.end();
    await setImmediate();
    await setImmediate();
    ends[0]?.write(frame(macs[1], macs[0], 'are you there'));
    await setImmediate();
    assert.deepEqual(received[2], ['hello', 'are you there']);
  });
});
