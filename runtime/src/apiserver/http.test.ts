/** The TLS front end with a handler of a few lines behind it: large bodies, packed or not, whole, failing, and left half-way. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Response } from '../lib/exchange.ts';
import { silentLogger } from '../lib/log.ts';
import { ensurePki, type Pki } from '../lib/pki.ts';
import { type Listener, listen } from './http.ts';

const PIECE = Buffer.alloc(64 * 1024, 'abcdefgh');
const PIECES = 40;
const DEADLINE_MS = 10_000;

describe('large bodies', { timeout: 60_000 }, () => {
  let directory: string;
  let pki: Pki;
  let listener: Listener;
  let left = 0;
  let onLeft = (): void => undefined;

  async function* pieces(failAt: number): AsyncGenerator<Buffer> {
    try {
      for (let index = 0; index < PIECES; index++) {
        if (index === failAt) throw new Error('the store forgot the rest');
        yield PIECE;
        await new Promise(resolve => setImmediate(resolve));
      }
    } finally {
      left++;
      onLeft();
    }
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-http-'));
    pki = await ensurePki(directory, { now: new Date(), sans: [] });
    const handler = async ({ path }: { readonly path: string }): Promise<Response> => ({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: pieces(path === '/fails' ? 20 : -1),
      large: true,
    });
    listener = await listen(
      { handler, upgrade: async (_request, socket) => void socket.destroy() },
      {
        address: '127.0.0.1',
        port: 0,
        serving: pki.serving,
        clientCa: pki.clientCa.certificatePem,
        logger: silentLogger,
        compressLoopback: true,
      },
    );
  });
  after(async () => {
    await listener.close(0);
    await rm(directory, { recursive: true, force: true });
  });

  const ca = (): string => pki.serverCa.certificatePem;

  function ask1(path: string, encoding?: string): Promise<{ packed: boolean; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const headers = encoding === undefined ? {} : { 'accept-encoding': encoding };
      const options = { host: '127.0.0.1', port: listener.port, path, ca: ca(), agent: false as const, headers };
      https
        .get(options, response => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ packed: response.headers['content-encoding'] === 'gzip', body: Buffer.concat(chunks) }),
          );
          response.on('error', reject);
        })
        .on('error', reject);
    });
  }

  function ask2(path: string, encoding: string, leaveAfter = Number.POSITIVE_INFINITY): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const session = http2.connect(`https://127.0.0.1:${listener.port}`, { ca: ca() });
      session.on('error', reject);
      const stream = session.request({ ':path': path, 'accept-encoding': encoding });
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > leaveAfter) stream.close(http2.constants.NGHTTP2_CANCEL);
      });
      stream.on('error', error => {
        session.destroy();
        reject(error);
      });
      stream.on('close', () => {
        session.destroy();
        resolve(Buffer.concat(chunks));
      });
    });
  }

  const whole = Buffer.concat(Array.from({ length: PIECES }, () => PIECE));

  it('arrive whole, packed for who takes it', async () => {
    const plain = await ask1('/whole');
    assert.deepEqual([plain.packed, plain.body.equals(whole)], [false, true]);
    const packed = await ask1('/whole', 'br, gzip;q=0.5');
    assert.deepEqual([packed.packed, gunzipSync(packed.body).equals(whole)], [true, true]);
    const refused = await ask1('/whole', 'gzip;q=0');
    assert.deepEqual([refused.packed, refused.body.length], [false, whole.length]);
    assert.ok(gunzipSync(await ask2('/whole', 'gzip')).equals(whole));
  });

  it('that fail half-way end as failures, and the server goes on', async () => {
    for (const encoding of [undefined, 'gzip']) await assert.rejects(ask1('/fails', encoding));
    for (const encoding of ['identity', 'gzip']) await assert.rejects(ask2('/fails', encoding));
    assert.ok((await ask2('/whole', 'identity')).equals(whole));
  });

  it('that nobody reads on are left', async () => {
    for (const encoding of ['identity', 'gzip']) {
      const before = left;
      const wasLeft = new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('not left')), DEADLINE_MS);
        onLeft = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      await ask2('/whole', encoding, 1).catch(() => undefined);
      await wasLeft;
      assert.equal(left, before + 1);
    }
  });
});
