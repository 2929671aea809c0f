import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Logger } from '../lib/log.ts';
import { silentLogger } from '../lib/log.ts';
import { ManualClock, settle } from '../lib/testing/manualClock.ts';
import { isRefusal, Reach } from './reach.ts';

const server = 'https://127.0.0.1:6443';

/** A server that is there or not, and how often it was knocked at. */
function door() {
  const it = { open: false, knocks: 0 };
  const knock = async (): Promise<void> => {
    it.knocks += 1;
    if (!it.open) throw new Error('connect ECONNREFUSED');
  };
  return { it, knock };
}

function reachOf(knock: () => Promise<void>, logger: Logger = silentLogger) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const reach = new Reach({ server, logger, clock, signal: stop.signal, random: () => 1, knock });
  return { reach, clock, stop };
}

test('who waits is woken by the first knock that is heard, however long he would have waited', async () => {
  const { it, knock } = door();
  const { reach, clock, stop } = reachOf(knock);
  await clock.advance(10_000);
  assert.equal(it.knocks, 0, 'nobody was refused');
  reach.refused('connect ECONNREFUSED');
  reach.refused('connect ECONNREFUSED');
  assert.equal(reach.away, 'connect ECONNREFUSED');
  let woken = 0;
  for (const delayMs of [15_000, 30_000]) void reach.delay(delayMs, stop.signal).then(() => woken++);
  await clock.advance(9000);
  assert.deepEqual([woken, it.knocks], [0, 12], 'after 100, 250, 475 ms and so on, then each second');
  it.open = true;
  await clock.advance(1000);
  assert.deepEqual([woken, reach.away], [2, undefined]);
  await clock.advance(60_000);
  assert.equal(it.knocks, 13, 'it is not knocked at for nothing');
  assert.equal(clock.pending, 0);
});

test('a server that says itself that it is ready is not waited for', async () => {
  const { it, knock } = door();
  const { reach, clock, stop } = reachOf(knock);
  reach.refused('no');
  let woken = false;
  void reach.delay(30_000, stop.signal).then(() => {
    woken = true;
  });
  await clock.advance(2000);
  const { knocks } = it;
  reach.announced();
  await settle();
  assert.deepEqual([woken, reach.away, clock.pending, it.knocks], [true, undefined, 0, knocks]);
});

test('without news a wait is as long as it was asked for, and ends with its signal', async () => {
  const { knock } = door();
  const { reach, clock, stop } = reachOf(knock);
  let ended = 0;
  void reach.delay(400, stop.signal).then(() => ended++);
  await clock.advance(399);
  assert.equal(ended, 0);
  await clock.advance(1);
  assert.equal(ended, 1);
  void reach.delay(400, stop.signal).then(() => ended++);
  reach.refused('no');
  stop.abort();
  await settle();
  assert.deepEqual([ended, clock.pending], [2, 0], 'no timer is left');
});

test('an outage is told once, with its length', async () => {
  const said: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => void said.push(line) });
  const { it, knock } = door();
  const { reach, clock } = reachOf(knock, logger);
  for (let n = 0; n < 5; n++) {
    reach.refused(`no ${n}`);
    await clock.advance(1000);
  }
  it.open = true;
  await clock.advance(1000);
  assert.deepEqual(
    said.map(line => JSON.parse(line)).map(({ msg, reason, afterMs }) => ({ msg, reason, afterMs })),
    [
      { msg: 'the server cannot be reached; it is looked for', reason: 'no 0', afterMs: undefined },
      { msg: 'the server can be reached', reason: undefined, afterMs: 5078 },
    ],
  );
});

test('a real port: closed, and opened', async () => {
  const listener = createServer(socket => socket.destroy());
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  await new Promise(resolve => listener.close(resolve));
  const error = await new Promise(resolve => connect(port, '127.0.0.1').once('error', resolve));
  assert.ok(isRefusal(error));
  assert.ok(isRefusal(new AggregateError([error, error])));
  assert.ok(!isRefusal(Object.assign(new Error('read ECONNRESET'), { syscall: 'read' })));
  const stop = new AbortController();
  const reach = new Reach({ server: `https://127.0.0.1:${port}`, logger: silentLogger, signal: stop.signal });
  // Waiting does not keep a process alive.
  const awake = setInterval(() => undefined, 60_000);
  try {
    reach.refused('closed');
    await reach.delay(500, stop.signal);
    assert.notEqual(reach.away, undefined);
    const back = reach.delay(60_000, stop.signal);
    await new Promise<void>(resolve => listener.listen(port, '127.0.0.1', resolve));
    await back;
    assert.equal(reach.away, undefined);
  } finally {
    clearInterval(awake);
    stop.abort();
    await new Promise(resolve => listener.close(resolve));
  }
});
