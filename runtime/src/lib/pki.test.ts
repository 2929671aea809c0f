import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import tls from 'node:tls';
import { ensurePki, issueClientCertificate, PkiError, renewPki } from './pki.ts';
import { generateKeyPair, subjectOf } from './x509.ts';

const now = new Date('2026-11-21T12:00:00Z');
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);
const sans = ['node-1', '192.168.1.5', 'fd00::5'];

describe('ensurePki', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-pki-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('makes everything once, keys readable by their owner only', async () => {
    const first = await ensurePki(directory, { now, sans });
    const names = (await readdir(directory)).sort();
    assert.deepEqual(names, [...first.written].sort());
    for (const name of names) {
      const { mode } = await stat(join(directory, name));
      assert.equal(mode & 0o777, name.endsWith('.key') ? 0o600 : 0o644, name);
    }
    const second = await ensurePki(directory, { now: days(1), sans });
    assert.deepEqual({ ...second, written: first.written }, first);
    assert.deepEqual(second.written, []);
    const admin = new X509Certificate(first.admin.certificatePem);
    assert.deepEqual(subjectOf(admin.raw), { commonName: 'system:admin', organizations: ['system:masters'] });
    const signature = sign('sha256', Buffer.from('token'), createPrivateKey(first.serviceAccountKey.privateKeyPem));
    assert.ok(verify('sha256', Buffer.from('token'), createPublicKey(first.serviceAccountKey.publicKeyPem), signature));
  });

  const damages: [string, (directory: string) => Promise<void>, string[]][] = [
    ['a missing serving certificate', d => rm(join(d, 'serving.crt')), ['serving.crt']],
    ['an empty admin key', d => truncate(join(d, 'admin.key')), ['admin.key', 'admin.crt']],
    ['a start interrupted after the first key', d => rm(join(d, 'server-ca.crt')), ['server-ca.crt']],
    ['a write cut off half-way', d => writeFile(join(d, '.admin.key.0a.tmp'), '-----BEGIN'), []],
    ['a damaged certificate', d => writeFile(join(d, 'admin.crt'), '-----BEGIN'), ['admin.crt']],
    [
      'the certificate of another key',
      async d => writeFile(join(d, 'serving.crt'), await readFile(join(d, 'admin.crt'))),
      ['serving.crt'],
    ],
  ];
  for (const [what, damage, repaired] of damages) {
    it(`repairs ${what}`, async () => {
      await ensurePki(directory, { now, sans });
      await damage(directory);
      assert.deepEqual((await ensurePki(directory, { now, sans })).written, repaired);
      assert.deepEqual((await ensurePki(directory, { now, sans })).written, []);
      assert.equal((await readdir(directory)).length, 9);
    });
  }

  for (const damage of ['removed', 'of the other authority']) {
    it(`asks for help when an authority's key is ${damage}`, async () => {
      await ensurePki(directory, { now, sans });
      const key = join(directory, 'server-ca.key');
      if (damage === 'removed') await rm(key);
      else await writeFile(key, await readFile(join(directory, 'client-ca.key')));
      await assert.rejects(
        ensurePki(directory, { now, sans }),
        (error: unknown) => error instanceof PkiError && error.message.includes(key),
      );
    });
  }

  const renewals: [string, Date, string[], string[]][] = [
    ['nothing with 90 days left', days(275), sans, []],
    ['both certificates with less', days(276), sans, ['serving.crt', 'admin.crt']],
    ['the serving certificate for a new address', now, [...sans, '10.0.0.9'], ['serving.crt']],
    ['the serving certificate for a name less', now, sans.slice(1), ['serving.crt']],
  ];
  for (const [what, at, names, written] of renewals) {
    it(`renews ${what}`, async () => {
      await ensurePki(directory, { now, sans });
      assert.deepEqual((await ensurePki(directory, { now: at, sans: names })).written, written);
    });
  }

  it('renews an authority with its own key, so old and new trust each other', async () => {
    const old = await ensurePki(directory, { now, sans });
    const renewed = await ensurePki(directory, { now: days(29.5 * 365), sans });
    assert.ok(renewed.written.includes('server-ca.crt'));
    const before = new X509Certificate(old.serverCa.certificatePem);
    const leaf = new X509Certificate(renewed.serving.certificatePem);
    assert.ok(leaf.checkIssued(before));
    assert.ok(leaf.verify(before.publicKey));
  });

  it('serves mutual TLS under every built-in name', async () => {
    const pki = await ensurePki(directory, { now: new Date(), sans });
    const node = generateKeyPair();
    const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
    const cert = issueClientCertificate(pki.clientCa, subject, node.publicKey, new Date());
    const seen: unknown[] = [];
    const server = tls.createServer(
      {
        cert: pki.serving.certificatePem,
        key: pki.serving.privateKeyPem,
        ca: pki.clientCa.certificatePem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      socket => {
        seen.push(subjectOf(socket.getPeerCertificate().raw));
        socket.end();
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const key = node.privateKey.export({ type: 'pkcs8', format: 'pem' });
    try {
      for (const servername of ['kubernetes.default.svc', 'localhost', 'node-1', '']) {
        const socket = tls.connect({
          port,
          host: '127.0.0.1',
          ca: pki.serverCa.certificatePem,
          cert,
          key,
          ...(servername ? { servername } : {}),
        });
        socket.resume();
        await once(socket, 'close');
        assert.ok(socket.authorized);
      }
      assert.deepEqual(seen, Array(4).fill(subject));
    } finally {
      server.close();
    }
  });

  it('renews while the server runs and stops with its signal', async () => {
    await ensurePki(directory, { now, sans });
    let at = now.getTime();
    let fire: (() => void) | undefined;
    const clock = {
      now: () => at,
      after: (delayMs: number, callback: () => void) => {
        fire = () => {
          at += delayMs;
          callback();
        };
        return () => {
          fire = undefined;
        };
      },
    };
    const stop = new AbortController();
    const changed = new Promise<readonly string[]>((resolve, reject) =>
      renewPki(directory, {
        clock,
        sans: () => ['moved'],
        onChange: pki => resolve(pki.written),
        onError: reject,
        signal: stop.signal,
      }),
    );
    fire?.();
    assert.deepEqual(await changed, ['serving.crt']);
    stop.abort();
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(fire, undefined);
  });
});
