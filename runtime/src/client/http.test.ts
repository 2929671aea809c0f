import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { silentLogger } from '../lib/log.ts';
import { ensurePki, type Pki } from '../lib/pki.ts';
import { ManualClock } from '../lib/testing/manualClock.ts';
import { Client } from './client.ts';
import { type HttpTransport, httpTransport } from './http.ts';
import { Reach } from './reach.ts';
import { ConfigMaps, Nodes } from './resources.ts';

let directory: string;
let pki: Pki;
let server: Http2SecureServer;
let url: string;
let sessions = 0;
let onRequest: (request: Http2ServerRequest, response: Http2ServerResponse) => void;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'atoll-http-'));
  pki = await ensurePki(directory, { now: new Date(), sans: [] });
  server = createSecureServer({
    cert: pki.serving.certificatePem,
    key: pki.serving.privateKeyPem,
    ca: pki.clientCa.certificatePem,
    requestCert: true,
    rejectUnauthorized: false,
    allowHTTP1: true,
  });
  server.on('session', () => sessions++);
  server.on('request', (request, response) => onRequest(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  await new Promise(resolve => server.close(resolve));
  await rm(directory, { recursive: true });
});

const options = () => ({
  server: url,
  caPem: pki.serverCa.certificatePem,
  credentials: { certPem: pki.admin.certificatePem, keyPem: pki.admin.privateKeyPem },
});

async function using(transport: HttpTransport, body: (client: Client) => Promise<void>): Promise<void> {
  try {
    await body(new Client(transport));
  } finally {
    transport.close();
  }
}

test('requests share one connection, carry the certificate and their body', async () => {
  const before = sessions;
  onRequest = (request, response) => {
    const socket = request.stream.session?.socket as TLSSocket;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const data = {
        method: request.method,
        cn: String(socket.getPeerCertificate().subject.CN),
        body: Buffer.concat(chunks).toString(),
      };
      response.end(JSON.stringify({ metadata: {}, data }));
    });
  };
  await using(httpTransport(options()), async client => {
    const key = { namespace: 'x', name: 'c' };
    const [read, patched] = await Promise.all([
      client.get(ConfigMaps, key),
      client.patch(ConfigMaps, key, { a: 'ü' }, { type: 'merge' }),
    ]);
    assert.deepEqual(read.data, { method: 'GET', cn: 'system:admin', body: '' });
    assert.deepEqual(patched.data, { method: 'PATCH', cn: 'system:admin', body: '{"a":"ü"}' });
  });
  assert.equal(sessions, before + 1);
});

test('a watch streams, and ends when its signal aborts or the connection is lost', async () => {
  const event = (name: string): string => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;
  onRequest = (_request, response) => {
    response.write(event('a').slice(0, 10));
    setImmediate(() => response.write(event('a').slice(10) + event('b')));
  };
  await using(httpTransport(options()), async client => {
    const stop = new AbortController();
    const seen: (string | undefined)[] = [];
    for await (const { object } of client.watch(Nodes, { signal: stop.signal })) {
      seen.push(object.metadata.name);
      if (seen.length === 2) stop.abort();
    }
    assert.deepEqual(seen, ['a', 'b']);
    onRequest = (request, response) => {
      response.write(event('a'));
      setImmediate(() => request.stream.session?.destroy());
    };
    const broken = client.watch(Nodes, { signal: AbortSignal.timeout(10_000) });
    assert.equal((await broken.next()).value?.object.metadata.name, 'a');
    // A connection closed politely ends the watch, a cut one fails it; it never hangs.
    await broken.next().catch(() => {});
    onRequest = (_request, response) => response.end('{"metadata":{"name":"n"}}');
    assert.equal((await client.get(Nodes, { name: 'n' })).metadata.name, 'n', 'the next request connects anew');
  });
});

test('after reload, credentials are read again and a running watch goes on', async () => {
  const tokens: (string | undefined)[] = [];
  onRequest = (request, response) => {
    tokens.push(request.headers.authorization);
    if (request.url.includes('watch')) response.write('{"type":"ADDED","object":{"metadata":{}}}\n');
    else response.end('{"metadata":{}}');
  };
  let token = 'one';
  const transport = httpTransport({ server: url, caPem: pki.serverCa.certificatePem, credentials: () => ({ token }) });
  await using(transport, async client => {
    const stop = new AbortController();
    const events = client.watch(Nodes, { signal: stop.signal });
    await events.next();
    token = 'two';
    transport.reload();
    await client.get(Nodes, { name: 'n' });
    assert.deepEqual(tokens, ['Bearer one', 'Bearer two']);
    const next = events.next();
    stop.abort();
    assert.deepEqual(await next, { done: true, value: undefined });
  });
});

test('no server, and a server of another authority', async () => {
  await using(httpTransport({ server: 'https://127.0.0.1:1' }), client =>
    assert.rejects(
      client.get(Nodes, { name: 'n' }),
      /cannot reach the API server at https:\/\/127.0.0.1:1: .*ECONNREFUSED/,
    ),
  );
  await using(httpTransport({ server: url, caPem: pki.clientCa.certificatePem }), client =>
    assert.rejects(client.get(Nodes, { name: 'n' }), /cannot reach the API server at .*certificate/),
  );
});

test('a server that is known to be away is not tried; one that takes connections and fails is no news', async () => {
  const stop = new AbortController();
  onRequest = (_request, response) => response.end('{"metadata":{"name":"n"}}');
  let knocks = 0;
  const knock = async (): Promise<void> => {
    knocks += 1;
    throw new Error('connect ECONNREFUSED');
  };
  const clock = new ManualClock();
  const reachOf = (server: string): Reach =>
    new Reach({ server, logger: silentLogger, signal: stop.signal, clock, knock });
  const reach = reachOf(url);
  const before = sessions;
  await using(httpTransport({ ...options(), reach }), async client => {
    reach.refused('nobody is there');
    await assert.rejects(client.get(Nodes, { name: 'n' }), { name: 'UnreachableError', message: 'nobody is there' });
    assert.equal(sessions, before, 'no connection for that');
    reach.announced();
    assert.equal((await client.get(Nodes, { name: 'n' })).metadata.name, 'n');
    assert.equal(sessions, before + 1);
  });
  const none = reachOf('https://127.0.0.1:1');
  await using(httpTransport({ server: 'https://127.0.0.1:1', reach: none }), async client => {
    await assert.rejects(client.get(Nodes, { name: 'n' }), { name: 'UnreachableError' });
    assert.match(none.away ?? '', /ECONNREFUSED/);
  });
  const wrong = reachOf(url);
  await using(httpTransport({ server: url, caPem: pki.clientCa.certificatePem, reach: wrong }), async client => {
    await assert.rejects(client.get(Nodes, { name: 'n' }), { name: 'Error', message: /certificate/ });
    assert.equal(wrong.away, undefined);
  });
  assert.equal(knocks, 0, 'the clock stood still');
  stop.abort();
});
