import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_FRAME_BYTES, Mux, type MuxOptions, WINDOW_BYTES } from './mux.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Overrides = Partial<MuxOptions>;

async function pair(ofDialled: Overrides = {}, ofAccepted: Overrides = {}): Promise<[Mux, Mux, WebSocket]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: MAX_FRAME_BYTES });
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[peer]] = await Promise.all([once(server, 'connection') as Promise<[WebSocket]>, once(client, 'open')]);
  const muxes: [Mux, Mux, WebSocket] = [
    new Mux(client, { role: 'dialled', ...ofDialled }),
    new Mux(peer, { role: 'accepted', ...ofAccepted }),
    client,
  ];
  cleanups.push(() => {
    muxes[0].close('test over');
    muxes[1].close('test over');
  });
  return muxes;
}

const echo = (stream: Duplex): void => {
  stream.pipe(stream);
};

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('Mux', () => {
  it('carries megabytes both ways on several streams at once, opened by either side', async () => {
    const [dialled, accepted] = await pair({ onStream: echo }, { onStream: echo });
    const transfers = [dialled, dialled, accepted, accepted].map(async mux => {
      const data = randomBytes(3_000_000);
      const stream = mux.open();
      stream.end(data);
      assert.equal(sha256(await buffer(stream)), sha256(data));
    });
    await Promise.all(transfers);
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(dialled.size + accepted.size, 0);
  });

  it('ends one direction while the other goes on', async () => {
    const [dialled] = await pair({}, { onStream: s => s.resume().once('end', () => s.end('got it')) });
    const stream = dialled.open();
    stream.end('12345');
    assert.equal((await buffer(stream)).toString(), 'got it');
  });

  it('lets others through while one stream is not read, and bounds what that one holds', async () => {
    const unread: Duplex[] = [];
    const [dialled] = await pair({}, { onStream: s => (unread.length === 0 ? unread.push(s) : echo(s)) });
    const stalled = dialled.open();
    let written = 0;
    const chunk = Buffer.alloc(16_384);
    const pump = (): void => {
      while (stalled.writable && written < 10_000_000) {
        written += chunk.length;
        if (!stalled.write(chunk)) {
          stalled.once('drain', pump);
          return;
        }
      }
    };
    pump();
    const other = dialled.open();
    other.end(Buffer.alloc(2_000_000, 7));
    assert.equal((await buffer(other)).length, 2_000_000);
    assert.ok(written <= WINDOW_BYTES + 4 * chunk.length, `${written} octets were taken in`);
    const [reader] = unread;
    reader?.resume();
    await once(stalled, 'drain');
    stalled.destroy();
    if (reader)
      await assert.rejects(
        once(reader, 'close').then(() => Promise.reject(reader.errored)),
        /reset/,
      );
  });

  it('tells the other side why a stream was destroyed', async () => {
    const [dialled] = await pair({}, { onStream: s => s.destroy(new Error('container not found')) });
    const stream = dialled.open();
    const [error] = await once(stream, 'error');
    assert.deepEqual([error.code, error.message], ['ECONNRESET', 'container not found']);
  });

  it('delivers what was said before the other side ended and left', async () => {
    const said = randomBytes(200_000);
    const [dialled] = await pair({}, { onStream: s => s.end(said, () => s.destroy()) });
    const stream = dialled.open();
    await once(stream, 'readable');
    await new Promise(resolve => setTimeout(resolve, 50)); // end and reset are here before anything is read
    assert.equal(sha256(await buffer(stream)), sha256(said));
    assert.equal(dialled.size, 0);
  });

  it('refuses streams where none are served', async () => {
    const [, accepted] = await pair();
    const [error] = await once(accepted.open(), 'error');
    assert.match(error.message, /no streams are served here/);
  });

  it('destroys every stream when the connection ends, and new ones at once', async () => {
    const [dialled, accepted] = await pair({}, { onStream: echo });
    const streams = [dialled.open(), dialled.open()];
    const errors = streams.map(stream => once(stream, 'error'));
    await new Promise<void>(resolve => streams[0]?.write('x', () => resolve()));
    accepted.close('replaced by a newer tunnel');
    for (const [error] of await Promise.all(errors)) assert.equal(error.code, 'ECONNRESET');
    assert.equal(await dialled.closed, 'replaced by a newer tunnel');
    const [error] = await once(dialled.open(), 'error');
    assert.match(error.message, /replaced by a newer tunnel/);
    assert.equal(dialled.size, 0);
  });

  const violations: [string, Buffer][] = [
    ['a short frame', Buffer.of(1)],
    ['an unknown kind', Buffer.of(9, 0, 0, 0, 1)],
    ["a stream of the other side's numbers", Buffer.of(0, 0, 0, 0, 2)],
    ['a stream opened twice', Buffer.of(0, 0, 0, 0, 1)],
    ['a malformed window', Buffer.of(4, 0, 0, 0, 1, 0)],
  ];
  for (const [what, frame] of violations) {
    it(`gives up the connection after ${what}`, async () => {
      const [, accepted, raw] = await pair({}, { onStream: () => undefined });
      raw.send(Buffer.of(0, 0, 0, 0, 1));
      raw.send(frame);
      assert.match(await accepted.closed, /protocol error/);
    });
  }

  it('gives up a peer that sends more than it was granted', async () => {
    const [, accepted, raw] = await pair({}, { onStream: () => undefined });
    raw.send(Buffer.of(0, 0, 0, 0, 1));
    for (let sent = 0; sent <= WINDOW_BYTES; sent += 32_000) {
      raw.send(Buffer.concat([Buffer.of(1, 0, 0, 0, 1), Buffer.alloc(32_000)]));
    }
    assert.match(await accepted.closed, /more data than granted/);
  });

  it('gives up a peer that has gone silent, and not one that answers', async () => {
    const [alive] = await pair({ keepAliveMs: 5, deadlineMs: 10_000 });
    const silent = net.createServer(socket => {
      cleanups.push(() => socket.destroy());
      socket.once('data', request => {
        const key = /sec-websocket-key: (.*)\r/i.exec(request.toString())?.[1];
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(
          `HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
      });
    });
    silent.listen(0, '127.0.0.1');
    cleanups.push(() => silent.close());
    await once(silent, 'listening');
    const socket = new WebSocket(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await once(socket, 'open');
    const mux = new Mux(socket, { role: 'dialled', keepAliveMs: 20, deadlineMs: 20 });
    const stream = mux.open();
    const failed = once(stream, 'error');
    assert.equal(await mux.closed, 'the other side no longer answers');
    await failed;
    const echoed = alive.open();
    const [error] = await once(echoed, 'error'); // refused, but answered: the connection lives
    assert.match(error.message, /no streams/);
  });

  it('carries HTTP both as server and as client, with long and upgraded answers', async () => {
    const server = http.createServer((request, response) => {
      response.write(`${request.method} `);
      request.pipe(response);
    });
    server.on('upgrade', (_request, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n');
      socket.pipe(socket);
    });
    const [, accepted] = await pair({ onStream: s => server.emit('connection', s) });
    const ask = (options: http.RequestOptions): http.ClientRequest =>
      http.request({ ...options, host: 'node', createConnection: () => accepted.open() });
    const posted = ask({ method: 'POST' });
    posted.end('body');
    const [response] = (await once(posted, 'response')) as [http.IncomingMessage];
    assert.equal((await buffer(response)).toString(), 'POST body');
    const upgrade = ask({ headers: { connection: 'Upgrade', upgrade: 'raw' } });
    upgrade.end();
    const [, socket] = (await once(upgrade, 'upgrade')) as [unknown, Duplex];
    socket.end('there and back');
    assert.equal((await buffer(socket)).toString(), 'there and back');
  });
});
