import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import { Informers } from '../client/informers.ts';
import { type ApiObject, type ResourceRef, ServiceAccounts } from '../client/resources.ts';
import type { Transport } from '../client/transport.ts';
import { silentLogger } from '../lib/log.ts';
import { startControllers } from './index.ts';

/** A server that never answers. */
const silent: Transport = {
  request: ({ signal }) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
  close() {},
};
const client = new Client(silent);
const options = { rootCaPem: '' };

class Broken extends Informers {
  override of<T extends ApiObject>(ref: ResourceRef<T>, selection = {}): Informer<T> {
    if (ref.resource === ServiceAccounts.resource) throw new Error('no cache today');
    return super.of(ref, selection);
  }
}

test('a controller that fails ends them all, and says which it was', { timeout: 10_000 }, async () => {
  const signal = new AbortController().signal;
  const informers = new Broken({ client, logger: silentLogger });
  await assert.rejects(
    startControllers({ client, logger: silentLogger, informers, options }, signal),
    /the controller service-account has stopped: no cache today/,
  );
});

test('they end without an error when they are told to', { timeout: 10_000 }, async () => {
  const stop = new AbortController();
  const running = startControllers({ client, logger: silentLogger, options }, stop.signal);
  stop.abort();
  await running;
});

test('they begin one after the other: who waits for the server is heard between them', {
  timeout: 10_000,
}, async () => {
  const stop = new AbortController();
  const began: number[] = [];
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (!stop.signal.aborted) setImmediate(count);
  };
  setImmediate(count);
  const counting = new Client({
    ...silent,
    request: request => {
      began.push(turns);
      return silent.request(request);
    },
  });
  const running = startControllers({ client: counting, logger: silentLogger, options }, stop.signal);
  while (turns < 100) await new Promise(resolve => setImmediate(resolve));
  stop.abort();
  await running;
  const most = Math.max(...Array.from({ length: turns }, (_, n) => began.filter(turn => turn === n).length));
  assert.ok(began.length > 20, `${began.length} first lists`);
  assert.ok(most <= 8, `${most} of them in one turn`);
});
