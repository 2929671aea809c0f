/**
 * Certificates renewed in place: a held clock, the real listener and real TLS clients. A watch that was begun before goes on, whoever
 * connects afterwards sees the new certificate, and nothing is restarted.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';
import { type Listener, listen } from '../src/apiserver/http.ts';
import { Client } from '../src/client/client.ts';
import { httpTransport } from '../src/client/http.ts';
import { ConfigMaps } from '../src/client/resources.ts';
import { silentLogger } from '../src/lib/log.ts';
import { type Pki, renewPki } from '../src/lib/pki.ts';
import { ManualClock } from '../src/lib/testing/manualClock.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const DAY = 86_400_000;

describe('certificates', { timeout: 60_000 }, () => {
  let server: InProcessServer;
  let listener: Listener;

  before(async () => {
    server = await startServer();
    listener = await listen(server.apiServer, {
      address: '127.0.0.1',
      port: 0,
      serving: server.pki.serving,
      clientCa: server.pki.clientCa.certificatePem,
      logger: silentLogger,
    });
  });
  after(async () => {
    await listener?.close(100);
    await server?.close();
  });

  const presented = (): Promise<PeerCertificate> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: listener.port, host: '127.0.0.1', ca: server.ca, ALPNProtocols: ['h2'] }, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.once('error', reject);
    });

  it('are renewed long before their end, without a restart, while a watch goes on', async () => {
    const clock = new ManualClock(Date.now());
    const stop = new AbortController();
    const { certificatePem, privateKeyPem } = server.admin;
    let credentials = { certPem: certificatePem, keyPem: privateKeyPem };
    const transport = httpTransport({
      server: `https://127.0.0.1:${listener.port}`,
      caPem: server.ca,
      credentials: () => credentials,
    });
    const client = new Client(transport);
    const seen: string[] = [];
    let wake = (): void => undefined;
    const watching = (async () => {
      for await (const { object } of client.watch(ConfigMaps, { namespace: 'default', signal: stop.signal })) {
        seen.push(object.metadata.name ?? '');
        wake();
      }
    })();
    const shows = async (name: string): Promise<void> => {
      while (!seen.includes(name))
        await new Promise<void>(resolve => {
          wake = resolve;
        });
    };
    const renewals: Pki[] = [];
    let renewed = (_: Pki): void => undefined;
    renewPki(join(server.directory, 'tls'), {
      clock,
      sans: () => [],
      signal: stop.signal,
      onError: error => assert.fail(String(error)),
      onChange: next => {
        renewals.push(next);
        listener.setCertificate(next.serving);
        renewed(next);
      },
    });
    await client.create(ConfigMaps, { metadata: { name: 'before', namespace: 'default' } });
    await shows('before');
    const first = await presented();

    // Nine months: within 90 days of the end. The clock makes the looks that would have been; only the last finds something.
    const next = new Promise<Pki>(resolve => {
      renewed = resolve;
    });
    clock.jump(276 * DAY);
    const pki = await next;
    assert.deepEqual([...pki.written].sort(), ['admin.crt', 'serving.crt'], 'keys and authorities stay');

    const second = await presented();
    assert.notEqual(second.fingerprint256, first.fingerprint256);
    assert.ok(Date.parse(second.valid_to) - Date.parse(first.valid_to) > 200 * DAY);
    assert.equal(
      new X509Certificate(pki.admin.certificatePem).publicKey.equals(new X509Certificate(certificatePem).publicKey),
      true,
    );

    // Over the connection that was there before, by the watch that was there before.
    await client.create(ConfigMaps, { metadata: { name: 'on-the-old', namespace: 'default' } });
    await shows('on-the-old');
    // With the new certificate, on a new connection; the watch still lives on the old.
    credentials = { certPem: pki.admin.certificatePem, keyPem: pki.admin.privateKeyPem };
    transport.reload();
    await client.create(ConfigMaps, { metadata: { name: 'on-the-new', namespace: 'default' } });
    await shows('on-the-new');
    assert.equal(renewals.length, 1);
    stop.abort();
    await watching;
    transport.close();
  });
});
