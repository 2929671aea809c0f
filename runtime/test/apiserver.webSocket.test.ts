/** Watches over WebSockets, for clients that can read nothing else as it comes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { ask } from './apiserverAsk.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEADLINE_MS = 15_000;

interface Message {
  readonly data: Buffer;
  readonly binary: boolean;
}

describe('WebSocket watches', { timeout: 60_000 }, () => {
  let server: InProcessServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  const dial = (path: string, headers: Record<string, string> = {}): WebSocket =>
    new WebSocket(`${server.url.replace('https', 'wss')}${path}`, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
      headers,
    });

  const create = async (name: string): Promise<string> => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
    const { status, json } = await ask(server.apiServer.handler, `POST ${MAPS}`, { body });
    assert.equal(status, 201);
    return json.metadata.resourceVersion;
  };

  /** The first `count` messages; the socket is the caller's to close. */
  function messages(socket: WebSocket, count: number): Promise<Message[]> {
    return new Promise((resolve, reject) => {
      const found: Message[] = [];
      const timer = setTimeout(() => {
        socket.terminate();
        reject(new Error(`${found.length} of ${count} messages within ${DEADLINE_MS / 1000} s`));
      }, DEADLINE_MS);
      socket.on('error', reject);
      socket.on('message', (data: Buffer, binary: boolean) => {
        if (found.push({ data, binary }) < count) return;
        clearTimeout(timer);
        resolve(found);
      });
    });
  }

  const closed = (socket: WebSocket): Promise<number> =>
    new Promise(resolve => {
      socket.once('close', code => resolve(code));
    });

  it('send each event as a text of JSON, and end with the watch', async () => {
    const since = await create('first');
    // There before the watch begins: it has no time to wait for a slow disk.
    await create('second');
    await create('third');
    const socket = dial(`${MAPS}?watch=1&resourceVersion=${since}&timeoutSeconds=2`);
    const received = messages(socket, 2);
    const end = closed(socket);
    const events = (await received).map(({ data, binary }) => [binary, JSON.parse(data.toString())] as const);
    assert.deepEqual(
      events.map(([binary, event]) => [binary, event.type, event.object.metadata.name]),
      [
        [false, 'ADDED', 'second'],
        [false, 'ADDED', 'third'],
      ],
    );
    assert.equal(await end, 1000);
  });

  it('send protobuf as binary, without the length before it', async () => {
    const since = await create('binary');
    const accept = 'application/vnd.kubernetes.protobuf;stream=watch';
    const socket = dial(`${MAPS}?watch=true&resourceVersion=${since}`, { accept });
    const received = messages(socket, 1);
    await create('frame');
    const [message] = await received;
    assert.equal(message?.binary, true);
    assert.ok(message?.data.includes('ADDED') && message.data.includes('k8s\0'));
    const gone = closed(socket);
    socket.close();
    await gone;
  });

  it('leave nothing behind when the client goes, and refuse like every request', async () => {
    const socket = dial(`${MAPS}?watch=1`);
    await messages(socket, 1);
    const gone = closed(socket);
    socket.terminate();
    await gone;
    const refused = dial(`${MAPS}?watch=1&resourceVersion=now`);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      refused.once('unexpected-response', (_request, response) => {
        resolve(response.statusCode);
        response.destroy();
      });
      refused.once('open', () => reject(new Error('it was accepted')));
      refused.on('error', () => undefined);
    });
    assert.equal(status, 422);
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const { bytes } = await ask(server.apiServer.handler, 'GET /metrics');
      const open = bytes.toString().match(/^apiserver_longrunning_requests\{.*\} [1-9]\d*$/m);
      if (!open) break;
      assert.ok(Date.now() < deadline, `a watch is left: ${open[0]}`);
      await new Promise(resolve => setImmediate(resolve));
    }
  });
});
