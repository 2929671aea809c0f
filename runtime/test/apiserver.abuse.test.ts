/**
 * Clients that do not behave, over real connections: whatever they do, memory stays bounded and everybody else is answered as before.
 * The server is a process of its own, so that its memory can be looked at.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type SpawnedServer, spawnServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const ANSWER_MS = 20_000;
const WATCHES = 500;
const IDLE = 1_000;

describe('clients that do not behave', { timeout: 300_000 }, () => {
  let server: SpawnedServer;
  let good: http2.ClientHttp2Session;
  const open: { destroy(): void }[] = [];

  const connect = (): http2.ClientHttp2Session => {
    const session = http2.connect(server.url, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
    });
    session.on('error', () => undefined); // being thrown out is what some of them are for
    open.push(session);
    return session;
  };

  before(async () => {
    server = await spawnServer();
    good = connect();
  });
  after(async () => {
    for (const one of open) one.destroy();
    await server.close();
  });

  const rssMiB = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;

  function send(
    method: string,
    path: string,
    body?: object,
    session = good,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { ':method': method, ':path': path, 'content-type': 'application/json' };
      const stream = session.request(headers, { endStream: body === undefined });
      const timer = setTimeout(() => {
        stream.close();
        reject(new Error(`${method} ${path}: no answer within ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      let status = 0;
      let text = '';
      stream.on('response', answer => {
        status = Number(answer[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('error', reject);
      stream.on('close', () => {
        clearTimeout(timer);
        resolve({ status, text });
      });
      if (body !== undefined) stream.end(JSON.stringify(body));
    });
  }

  const map = (name: string, size = 0): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...(size === 0 ? {} : { data: { a: 'x'.repeat(size) } }),
  });

  /** Everybody else is served. */
  async function isWell(): Promise<void> {
    const { status, text } = await send('GET', '/readyz');
    assert.equal(status, 200, text);
  }

  const tls = (protocol: 'h2' | 'http/1.1'): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        {
          host: '127.0.0.1',
          port: server.port,
          ca: server.ca,
          cert: server.admin.certificatePem,
          key: server.admin.privateKeyPem,
          ALPNProtocols: [protocol],
        },
        () => resolve(socket),
      );
      open.push(socket);
      socket.once('error', reject);
      socket.on('error', () => undefined);
    });

  const closed = (socket: Socket): Promise<void> =>
    new Promise(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));

  async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = sleep(ms, undefined, { signal: late.signal }).then(() => {
      throw new Error(`${what}: not within ${ms / 1000} s`);
    });
    try {
      return await Promise.race([work, timer]);
    } finally {
      late.abort();
      timer.catch(() => undefined);
    }
  }

  it('hear nothing and say nothing: connections without a handshake, and heads that never end', async () => {
    const before = rssMiB();
    const silent = await Promise.all(
      Array.from(
        { length: IDLE },
        () =>
          new Promise<Socket>((resolve, reject) => {
            const socket = connectTcp(server.port, '127.0.0.1', () => resolve(socket));
            open.push(socket);
            socket.on('error', reject);
            socket.resume();
          }),
      ),
    );
    await isWell();
    const slow = await tls('http/1.1');
    slow.resume();
    slow.write('GET /version HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    assert.ok(rssMiB() - before < 128, `${IDLE} connections cost ${(rssMiB() - before).toFixed(0)} MiB`);
    await within(60_000, 'connections that say nothing are closed', Promise.all(silent.map(closed)));
    await within(60_000, 'a head that never ends is cut', closed(slow));
    await isWell();
  });

  it(`${IDLE} connections with nothing going on`, async () => {
    const before = rssMiB();
    const idle: TLSSocket[] = [];
    while (idle.length < IDLE) idle.push(...(await Promise.all(Array.from({ length: 50 }, () => tls('http/1.1')))));
    await isWell();
    assert.ok(rssMiB() - before < 200, `${IDLE} connections cost ${(rssMiB() - before).toFixed(0)} MiB`);
    for (const socket of idle) socket.destroy();
    await isWell();
  });

  it(`${WATCHES} watches see every event, in the same order`, async () => {
    const before = rssMiB();
    const first = connect();
    const seen: string[][] = [];
    let wake = (): void => undefined;
    const path = `${MAPS}?watch=1&resourceVersion=0&fieldSelector=metadata.namespace%3Ddefault`;
    const sessions = [first, connect(), connect()];
    const streams = await Promise.all(
      Array.from({ length: WATCHES }, (_, index) => {
        const stream = (sessions[index % sessions.length] ?? first).request({ ':method': 'GET', ':path': path });
        const names: string[] = [];
        seen.push(names);
        stream.setEncoding('utf8');
        let text = '';
        stream.on('data', (chunk: string) => {
          text += chunk;
          for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
            const event = JSON.parse(text.slice(0, end)) as { type: string; object: { metadata: { name: string } } };
            if (event.object.metadata.name.startsWith('fan-'))
              names.push(`${event.type} ${event.object.metadata.name}`);
            text = text.slice(end + 1);
          }
          wake();
        });
        return new Promise<http2.ClientHttp2Stream>((resolve, reject) => {
          stream.once('response', () => resolve(stream));
          stream.once('error', reject);
        });
      }),
    );
    const expected: string[] = [];
    for (let index = 0; index < 10; index++) {
      assert.equal((await send('POST', MAPS, map(`fan-${index}`))).status, 201);
      expected.push(`ADDED fan-${index}`);
    }
    for (let index = 0; index < 5; index++) {
      assert.equal((await send('DELETE', `${MAPS}/fan-${index}`)).status, 200);
      expected.push(`DELETED fan-${index}`);
    }
    const all = async (): Promise<void> => {
      while (!seen.every(names => names.length >= expected.length))
        await new Promise<void>(resolve => {
          wake = resolve;
        });
    };
    await within(60_000, 'all watches have seen all events', all());
    for (const names of seen) assert.deepEqual(names, expected);
    assert.ok(rssMiB() - before < 128, `${WATCHES} watches cost ${(rssMiB() - before).toFixed(0)} MiB`);
    for (const stream of streams) stream.close();
    await isWell();
  });

  it('watch and do not read: they are cut, memory does not grow, others see everything', async () => {
    const { text } = await send('GET', `${MAPS}?limit=1`);
    const since: string = JSON.parse(text).metadata.resourceVersion;
    const path = `${MAPS}?watch=1&resourceVersion=${since}`;
    const deaf = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = await tls('http/1.1');
        socket.pause();
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
        return socket;
      }),
    );
    let count = 0;
    let wake = (): void => undefined;
    const quick = connect().request({ ':method': 'GET', ':path': path });
    quick.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) count++;
      wake();
    });
    await new Promise(resolve => quick.once('response', resolve));
    const before = rssMiB();
    const writes = 60;
    for (let index = 0; index < writes; index++)
      assert.equal((await send('POST', MAPS, map(`loud-${index}`, 700_000))).status, 201);
    const all = async (): Promise<void> => {
      while (count < writes)
        await new Promise<void>(resolve => {
          wake = resolve;
        });
    };
    await within(60_000, 'the quick watch has seen everything', all());
    // 8 × 42 MiB were written for the deaf ones; what may wait for each is 8 MiB and shared, and the page cache is not counted.
    assert.ok(rssMiB() - before < 300, `grew by ${(rssMiB() - before).toFixed(0)} MiB`);
    // Cut, each answer has its end: HTTP/1.1's last chunk.
    const ended = deaf.map(
      socket =>
        new Promise<void>(resolve => {
          let tail = '';
          socket.on('data', (chunk: Buffer) => {
            tail = (tail + chunk.toString('latin1')).slice(-7);
            if (tail === '\r\n0\r\n\r\n') resolve();
          });
          socket.once('close', resolve);
        }),
    );
    for (const socket of deaf) socket.resume();
    await within(60_000, 'watches that did not read are cut', Promise.all(ended));
    quick.close();
    assert.equal((await send('DELETE', MAPS)).status, 200);
  });

  it('ask for a large list and do not read it', async () => {
    for (let index = 0; index < 30; index++) await send('POST', MAPS, map(`large-${index}`, 700_000));
    const before = rssMiB();
    for (let index = 0; index < 20; index++) {
      const socket = await tls('http/1.1');
      socket.pause();
      socket.write(`GET ${MAPS} HTTP/1.1\r\nHost: x\r\n\r\n`);
    }
    await sleep(1_000);
    await isWell();
    // 20 lists of 21 MiB: their values are shared, and only the piece that is on its way belongs to each.
    assert.ok(rssMiB() - before < 200, `20 unread lists cost ${(rssMiB() - before).toFixed(0)} MiB`);
    for (const one of open.splice(1)) one.destroy();
    assert.equal((await send('DELETE', MAPS)).status, 200);
  });

  it('open streams only to reset them', async () => {
    const before = rssMiB();
    const session = connect();
    for (let index = 0; index < 20_000 && !session.destroyed && !session.closed; index++) {
      const stream = session.request({ ':method': 'GET', ':path': MAPS });
      stream.on('error', () => undefined);
      stream.close(http2.constants.NGHTTP2_CANCEL);
      if (index % 500 === 499) await new Promise(resolve => setImmediate(resolve));
    }
    await isWell();
    session.destroy();
    assert.ok(rssMiB() - before < 150, `resets cost ${(rssMiB() - before).toFixed(0)} MiB`);
  });

  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };

  it('flood with settings, pings and heads without end', async () => {
    const settings = frame(4, 0, 0, Buffer.alloc(0));
    const ping = frame(6, 0, 0, Buffer.alloc(8));
    // `:method GET`, then headers that go on in one CONTINUATION after the other.
    const head = frame(1, 0, 1, Buffer.from([0x82]));
    const literal = Buffer.concat([Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x81, 0x3f]), Buffer.alloc(8384, 0x62)]);
    const more = frame(9, 0, 1, literal);
    for (const [name, first, flood] of [
      ['settings', settings, settings],
      ['pings', settings, ping],
      ['continuations', Buffer.concat([settings, head]), more],
    ] as const) {
      const before = rssMiB();
      const socket = await tls('h2');
      socket.pause(); // its answers are not read
      socket.write(Buffer.concat([PREFACE, first]));
      const piece = Buffer.concat(Array.from({ length: 100 }, () => flood));
      for (
        let sent = 0;
        sent < 16 * 1024 * 1024 && sent < 20_000 * flood.length && !socket.destroyed;
        sent += piece.length
      ) {
        if (!socket.write(piece))
          await Promise.race([new Promise(resolve => socket.once('drain', resolve)), closed(socket), sleep(2_000)]);
      }
      await isWell();
      assert.ok(rssMiB() - before < 100, `${name} cost ${(rssMiB() - before).toFixed(0)} MiB`);
      socket.destroy();
    }
  });

  it('send heads larger than any', async () => {
    const session = connect();
    const status = await new Promise<number | string>(resolve => {
      const stream = session.request({ ':method': 'GET', ':path': '/version', 'x-large': 'y'.repeat(100_000) });
      stream.on('response', answer => resolve(Number(answer[':status'])));
      stream.on('error', error => resolve(String(error)));
      stream.on('close', () => resolve('closed'));
    });
    assert.ok(status === 431 || typeof status === 'string', `${status}`);
    await isWell();
  });

  it('announce a body and do not send it, and leave', async () => {
    const before = rssMiB();
    for (let index = 0; index < 100; index++) {
      const socket = await tls('http/1.1');
      socket.write(
        `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n{"a":`,
      );
      if (index % 2 === 0) socket.destroy();
    }
    await isWell();
    assert.ok(rssMiB() - before < 100, `cost ${(rssMiB() - before).toFixed(0)} MiB`);
  });
});
