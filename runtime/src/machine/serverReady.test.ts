import assert from 'node:assert/strict';
import { on } from 'node:events';
import { watch } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onServerReady } from './serverReady.ts';
import { StateReporter } from './state.ts';

test('a server that becomes ready is heard of, each time and once', async t => {
  const runDir = await mkdtemp(join(tmpdir(), 'atoll-ready-'));
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    await rm(runDir, { recursive: true });
  });
  const [server, agent] = [new StateReporter(runDir, 'server'), new StateReporter(runDir, 'agent')];
  let heard = 0;
  onServerReady(runDir, () => heard++, stop.signal);
  // Told of every change after the one above: what it was told of by then is over.
  const watcher = watch(join(runDir, 'state'));
  t.after(() => watcher.close());
  const told = async (report: () => void): Promise<void> => {
    const change = on(watcher, 'change', { signal: AbortSignal.timeout(10_000) });
    report();
    for await (const [, name] of change) if (name === 'server.json') return;
  };
  agent.report('ready', '');
  await told(() => server.report('starting', 'opening the store'));
  assert.equal(heard, 0);
  await told(() => server.report('ready', ''));
  await told(() => server.report('ready', '', { addresses: ['192.0.2.1'] }));
  assert.equal(heard, 1);
  await told(() => server.report('stopping', 'stopping'));
  await told(() => server.report('ready', ''));
  assert.equal(heard, 2);
});

test('one that was ready before is heard of at once; where there is no folder there is nothing to hear', async t => {
  const runDir = await mkdtemp(join(tmpdir(), 'atoll-ready-'));
  t.after(() => rm(runDir, { recursive: true }));
  const stop = new AbortController();
  t.after(() => stop.abort());
  onServerReady(join(runDir, 'none'), () => assert.fail('nobody is there'), stop.signal);
  new StateReporter(runDir, 'server').report('ready', '');
  let heard = 0;
  onServerReady(runDir, () => heard++, stop.signal);
  assert.equal(heard, 1);
});
