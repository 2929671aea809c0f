/** Boards without a clock: what is made under an early one is good later, and what has ended is made anew. Real TLS. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ensurePki, type Pki } from '../src/lib/pki.ts';
import { ensureIdentity, type Identity } from '../src/machine/identity.ts';
import { type InProcessServer, NODE_SECRET, startServer } from './startServer.ts';

const YEAR_MS = 365 * 86_400_000;

describe('a clock that begins early', { timeout: 60_000 }, () => {
  let directory: string;
  let early: Pki;
  let server: InProcessServer;
  const before1970 = new Date(0);
  const threeYearsAgo = new Date(Date.now() - 3 * YEAR_MS);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-clock-'));
    early = await ensurePki(join(directory, 'tls'), { now: threeYearsAgo, sans: [] });
    // Time is known now: the server starts, or looks again.
    server = await startServer({ directory });
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  const status = (ca: string, path: string, credentials: { cert?: string; key?: string } = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const req = request(`${server.url}${path}`, { ca, ...credentials, agent: false, timeout: 10_000 }, response => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      req.on('error', reject);
      req.end();
    });

  it('authorities made then are good now, and what they had issued is made anew', async () => {
    assert.equal(server.ca, early.serverCa.certificatePem);
    assert.ok(Date.parse(new X509Certificate(early.serving.certificatePem).validTo) < Date.now());
    assert.ok(Date.parse(new X509Certificate(server.pki.serving.certificatePem).validTo) > Date.now() + YEAR_MS / 2);
    assert.equal(await status(early.serverCa.certificatePem, '/readyz'), 200);
  });

  it('in 1970 there are certificates, too, and they are renewed when the year is known', async () => {
    const path = join(directory, 'first');
    const first = await ensurePki(path, { now: before1970, sans: [] });
    const { validFrom, validTo } = new X509Certificate(first.serving.certificatePem);
    assert.ok(Date.parse(validFrom) < Date.parse(validTo), `${validFrom} ${validTo}`);
    const next = await ensurePki(path, { now: new Date(), sans: [] });
    assert.equal(next.serverCa.certificatePem, first.serverCa.certificatePem);
    assert.ok(Date.parse(new X509Certificate(next.serving.certificatePem).validTo) > Date.now());
  });

  it('a node that joined then goes on: its certificate has ended, it asks for another with the same key', async () => {
    const join_ = (now: Date, asked: () => void): Promise<Identity> =>
      ensureIdentity({
        directory: join(directory, 'agent'),
        server: server.url,
        nodeName: 'board',
        now,
        token: async () => {
          asked();
          return { user: 'node', secret: NODE_SECRET };
        },
        signal: AbortSignal.timeout(10_000),
      });
    let asked = 0;
    const first = await join_(threeYearsAgo, () => asked++);
    await join_(threeYearsAgo, () => asked++);
    assert.equal(asked, 1);
    // Two years after what the server gave has ended.
    const later = await join_(new Date(Date.now() + 3 * YEAR_MS), () => asked++);
    assert.equal(asked, 2);
    assert.equal(later.keyPem, first.keyPem);
    const now = await join_(new Date(), () => asked++);
    const path = '/api/v1/nodes/board';
    const code = await status(now.serverCaPem, path, { cert: now.certificatePem, key: now.keyPem });
    assert.equal(code, 404); // known, and there is no such node yet
  });
});
