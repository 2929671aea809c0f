import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { Node } from '../../api/generated/types/core.v1.ts';
import { Client } from '../../client/client.ts';
import { Reach, UnreachableError } from '../../client/reach.ts';
import type { Transport } from '../../client/transport.ts';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { machineFacts } from './machine.ts';
import { NodeReporter } from './nodeStatus.ts';

const condition = (type: string) => ({ type, status: true, reason: '', message: '' });

/** A reporter of a healthy machine whose server is `reach`'s; `asked` holds what that was asked, without what was refused. */
async function start(onNode: (node: Node) => void = () => undefined) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const knock = (): Promise<void> => Promise.reject(new Error('connect ECONNREFUSED'));
  const reach = new Reach({ server: 'https://127.0.0.1:1', logger: silentLogger, clock, signal: stop.signal, knock });
  let looks = 0;
  let told = (): void => undefined;
  const transport: Transport = {
    reach,
    close: () => undefined,
    async request({ method, path, body = Buffer.from('{}') }) {
      if (reach.away !== undefined) throw new UnreachableError(reach.away);
      asked.push(`${method} ${path}`);
      const object = JSON.parse(body.toString('utf8'));
      const metadata = { name: 'n', uid: 'u', resourceVersion: String(asked.length) };
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ ...object, metadata })) };
    },
  };
  const reporter = new NodeReporter({
    client: new Client(transport),
    cri: {
      imageChanges: 0,
      status: async () => {
        looks += 1;
        told();
        return { conditions: [condition('RuntimeReady'), condition('NetworkReady')] };
      },
      version: async () => ({
        runtimeName: 'containerd',
        runtimeVersion: '1.7.24',
        runtimeApiVersion: 'v1',
        version: '',
      }),
      listImages: async () => [],
    },
    clock,
    logger: silentLogger,
    nodeName: 'n',
    labels: {},
    taints: [],
    version: 'v1.36.4',
    machine: await machineFacts(),
    diskPath: tmpdir(),
    fallbackAddress: () => undefined,
    notReady: () => undefined,
    conditions: () => [],
    onNode,
    event: () => undefined,
    onReady: () => undefined,
  });
  /** Until it has looked at the machine so often; the clock stands still. */
  const looked = async (times: number): Promise<void> => {
    while (looks < times)
      await new Promise<void>(resolve => {
        told = resolve;
      });
  };
  const run = (): Promise<void> => reporter.run(stop.signal);
  return { reporter, reach, clock, asked, looked, run, stop };
}

const registered = (asked: readonly string[]): number =>
  asked.filter(request => request === 'POST /api/v1/nodes').length;

test('the node is registered in the moment its server is back', { timeout: 30_000 }, async () => {
  const { reach, asked, looked, run, stop } = await start();
  reach.refused('connect ECONNREFUSED');
  const running = run();
  await looked(1);
  // Asleep, or about to be: the word of the server is not missed either way.
  reach.announced();
  await looked(2);
  stop.abort();
  await running;
  assert.equal(registered(asked), 1);
});

test('what changes while it looks is looked at again at once', { timeout: 30_000 }, async () => {
  let pokes = 0;
  const { reporter, clock, looked, run, stop } = await start(() => {
    if (pokes++ === 0) reporter.poke();
  });
  const running = run();
  await looked(2);
  stop.abort();
  await running;
  assert.equal(clock.pending, 0);
});
