/** The tunnel end to end: mutual TLS, HTTP to a node's kubelet, reconnecting, replacing, refusing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import { Tunnels } from '../src/apiserver/kubelet/tunnels.ts';
import { Reach } from '../src/client/reach.ts';
import { silentLogger } from '../src/lib/log.ts';
import { ensurePki, issueClientCertificate, type Pki } from '../src/lib/pki.ts';
import { ManualClock } from '../src/lib/testing/manualClock.ts';
import { generateKeyPair, type Subject } from '../src/lib/x509.ts';
import { keepTunnel } from '../src/net/tunnel.ts';
import { type Front, startFront } from './front.ts';

const logger = silentLogger;
const refuse = async (): Promise<never> => {
  throw new Error('no requests here');
};

describe('tunnel', () => {
  let directory: string;
  let pki: Pki;
  let awake: NodeJS.Timeout; // waiting to connect again does not keep a process alive
  const cleanups: (() => unknown)[] = [];

  before(async () => {
    awake = setInterval(() => undefined, 60_000);
    directory = await mkdtemp(join(tmpdir(), 'atoll-tunnel-'));
    pki = await ensurePki(directory, { now: new Date(), sans: [] });
  });
  after(async () => {
    clearInterval(awake);
    await rm(directory, { recursive: true });
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  const serve = async (port = 0): Promise<{ tunnels: Tunnels; front: Front }> => {
    const tunnels = new Tunnels({ logger });
    const front = await startFront(pki, refuse, tunnels.upgrade, port);
    return { tunnels, front };
  };

  /** An agent whose kubelet answers with `name`; `states` yields what `onState` is told. */
  const agent = (front: Front, name: string, subject: Subject, reach?: Reach) => {
    const keys = generateKeyPair();
    const credentials = {
      ca: pki.serverCa.certificatePem,
      cert: issueClientCertificate(pki.clientCa, subject, keys.publicKey, new Date()),
      key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    const kubelet = http.createServer((request, response) => {
      response.write(`${name} `);
      request.pipe(response);
    });
    const stop = new AbortController();
    const waiting: ((state: string) => void)[] = [];
    const states: string[] = [];
    const done = keepTunnel({
      server: front.url,
      credentials: () => credentials,
      kubelet,
      logger,
      signal: stop.signal,
      reach,
      random: () => 0,
      onState: (connected, reason) => {
        const state = connected ? 'up' : reason;
        const next = waiting.shift();
        if (next) next(state);
        else states.push(state);
      },
    });
    cleanups.push(() => {
      stop.abort();
      return done;
    });
    const state = (): Promise<string> => {
      const seen = states.shift();
      return seen === undefined ? new Promise(resolve => waiting.push(resolve)) : Promise.resolve(seen);
    };
    return { state };
  };

  const node = (name: string): Subject => ({ commonName: `system:node:${name}`, organizations: ['system:nodes'] });

  const post = async (tunnels: Tunnels, nodeName: string, body: string): Promise<string> => {
    const request = tunnels.request(nodeName, { method: 'POST', path: '/' });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return text(response);
  };

  it('reaches the kubelet of the node that is asked for', async () => {
    const { tunnels, front } = await serve();
    cleanups.push(front.close);
    const agents = [agent(front, 'one', node('n1')), agent(front, 'two', node('n2'))];
    for (const { state } of agents) assert.equal(await state(), 'up');
    assert.equal(await post(tunnels, 'n1', 'hello'), 'one hello');
    assert.equal(await post(tunnels, 'n2', 'x'.repeat(1_000_000)), `two ${'x'.repeat(1_000_000)}`);
    assert.throws(() => tunnels.dial('n3'), /node "n3" is not connected/);
  });

  it('comes back when the server does', async () => {
    const first = await serve();
    const { state } = agent(first.front, 'one', node('n1'));
    assert.equal(await state(), 'up');
    first.tunnels.close();
    await first.front.close();
    assert.match(await state(), /the server is stopping/);
    assert.match(await state(), /ECONNREFUSED/);
    const second = await serve(first.front.port);
    cleanups.push(second.front.close);
    let next = await state();
    while (next !== 'up') {
      assert.match(next, /ECONNREFUSED/);
      next = await state();
    }
    assert.equal(await post(second.tunnels, 'n1', 'again'), 'one again');
  });

  it('does not try a server that is known to be away, and connects at the news that it is back', async () => {
    const { tunnels, front } = await serve();
    cleanups.push(front.close);
    const stop = new AbortController();
    cleanups.push(() => stop.abort());
    const clock = new ManualClock();
    const knock = (): Promise<void> => assert.fail('the clock stands still');
    const reach = new Reach({ server: front.url, logger, signal: stop.signal, clock, knock });
    reach.refused('nobody is there');
    const { state } = agent(front, 'one', node('n1'), reach);
    assert.equal(await state(), 'nobody is there');
    reach.announced();
    assert.equal(await state(), 'up');
    assert.equal(await post(tunnels, 'n1', 'x'), 'one x');
  });

  it('prefers the newest tunnel of a node', async () => {
    const { tunnels, front } = await serve();
    cleanups.push(front.close);
    const old = agent(front, 'old', node('n1'));
    assert.equal(await old.state(), 'up');
    const renewed = agent(front, 'new', node('n1'));
    assert.equal(await renewed.state(), 'up');
    assert.equal(await post(tunnels, 'n1', 'x'), 'new x');
    assert.match(await old.state(), /replaced by a newer tunnel/);
  });

  const strangers: [string, Subject][] = [
    ['a user', { commonName: 'system:admin', organizations: ['system:masters'] }],
    ['a node name without the group', { commonName: 'system:node:n1' }],
    ['a node without a name', { commonName: 'system:node:', organizations: ['system:nodes'] }],
  ];
  for (const [what, subject] of strangers) {
    it(`refuses ${what}`, async () => {
      const { tunnels, front } = await serve();
      cleanups.push(front.close);
      const { state } = agent(front, 'x', subject);
      assert.match(await state(), /answered 403: forbidden: User ".*" is not a node/);
      assert.equal(tunnels.connected('n1'), false);
    });
  }
});
