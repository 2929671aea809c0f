import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createCertificate, generateKeyPair } from '../../../lib/x509.ts';
import { fetchDocuments, parseUrlSource, shownUrl, UrlError, type UrlSource } from './url.ts';

const text = '#cloud-config\nhostname: one\n';
/** A machine that is busy with other things answers in its own time. */
const patient = { silenceMs: 20_000, totalMs: 60_000, redirects: 3 };
const limits: Readonly<Record<string, typeof patient>> = {
  '/hangs': { ...patient, silenceMs: 400 },
  '/stops': { ...patient, silenceMs: 400 },
  '/drips': { ...patient, totalMs: 800 },
};
const hash = (of: string): string => createHash('sha256').update(of).digest('hex');
const sha256 = hash(text);
const checksums = { 'user-data': sha256 };

const answers: Record<string, RequestListener> = {
  '/good': (_, response) => response.end(text),
  '/folder/user-data': (_, response) => response.end(text),
  '/folder/network-config': (_, response) => response.end('version: 2\n'),
  '/away/user-data': (_, response) => response.end(text),
  '/store/user-data': (_, response) => response.end(text),
  '/store/meta-data': (_, response) => response.writeHead(403).end('<Error>AccessDenied</Error>'),
  '/forbidden/user-data': (_, response) => response.writeHead(403).end(),
  '/missing': (_, response) => response.writeHead(404).end('no'),
  '/broken': (_, response) => response.writeHead(500).end(),
  '/hangs': () => {},
  '/stops': (_, response) => void response.writeHead(200, { 'content-length': '1000' }).write('#cloud'),
  '/cut': (request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('#cloud-config\n', () => request.socket.destroy());
  },
  '/chunks': (request, response) => void response.write('#cloud-config\n', () => request.socket.destroy()),
  '/large': (_, response) => response.end(Buffer.alloc(2 * 1024 * 1024, 'x')),
  '/drips': (_, response) => {
    const timer = setInterval(() => response.write('x'), 40);
    response.on('close', () => clearInterval(timer));
  },
  '/round': (_, response) => response.writeHead(302, { location: '/round' }).end(),
  '/elsewhere': (_, response) => response.writeHead(301, { location: '/good' }).end(),
  '/file': (_, response) => response.writeHead(302, { location: 'file:///etc/shadow' }).end(),
};

describe('a configuration from a URL', () => {
  let server: Server;
  let tls: Server;
  let origin: string;
  let secure: string;
  const { privateKey, publicKey } = generateKeyPair();
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const certPem = createCertificate({
    subject: { commonName: 'config' },
    publicKey,
    issuer: { self: privateKey },
    isCa: true,
    ipAddresses: ['127.0.0.1'],
    notBefore: new Date(Date.now() - 1000),
    notAfter: new Date(Date.now() + 3_600_000),
  });
  const sockets = new Set<Socket>();
  const handler: RequestListener = (request, response) => {
    const answer = answers[new URL(request.url ?? '/', 'http://x').pathname];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  };

  before(async () => {
    server = createServer(handler);
    tls = createTlsServer({ cert: certPem, key: keyPem }, (request, response) =>
      request.url === '/down'
        ? response.writeHead(302, { location: `${origin}/good` }).end()
        : request.url === '/away/network-config'
          ? response.writeHead(302, { location: `${origin}/folder/network-config` }).end()
          : handler(request, response),
    );
    for (const one of [server, tls]) {
      one.on('connection', (socket: Socket) => sockets.add(socket));
      await new Promise<void>(resolve => one.listen(0, '127.0.0.1', resolve));
    }
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    secure = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    tls.close();
  });

  const fetch = (source: Partial<UrlSource> & { url: string }) =>
    fetchDocuments(
      { from: 'test', checksums: {}, ...source },
      new AbortController().signal,
      limits[new URL(source.url).pathname] ?? patient,
    );

  it('is taken when it is whole', async () => {
    const found = await fetch({ url: `${origin}/good`, checksums });
    assert.equal(found.documents['user-data']?.toString(), text);
    assert.equal(found.source, 'url');
    assert.equal((await fetch({ url: `${origin}/elsewhere` })).documents['user-data']?.toString(), text);
  });

  it('is a folder when it ends so', async () => {
    const { documents } = await fetch({ url: `${origin}/folder/` });
    assert.deepEqual(Object.keys(documents), ['user-data', 'network-config']);
  });

  it('is a folder of which every document is vouched for, or none', async () => {
    const network = 'version: 2\n';
    await assert.rejects(fetch({ url: `${origin}/folder/`, checksums }), {
      kind: 'wrong',
      message: /network-config came over http and has no checksum/,
      hint: 'give atoll.config.sha256.network-config, or an https URL',
    });
    const both = { ...checksums, 'network-config': hash(network) };
    const { documents } = await fetch({ url: `${origin}/folder/`, checksums: both });
    assert.equal(documents['network-config']?.toString(), network);
    assert.ok((await fetch({ url: `${secure}/folder/`, caPem: certPem, checksums })).documents['network-config']);
    await assert.rejects(fetch({ url: `${secure}/away/`, caPem: certPem, checksums }), {
      message: /network-config redirects from https to http/,
      hint: /atoll\.config\.sha256\.network-config/,
    });
    const wrong = { ...checksums, 'network-config': hash('') };
    await assert.rejects(fetch({ url: `${origin}/folder/`, checksums: wrong }), {
      message: /network-config has the SHA-256 .*atoll\.config\.sha256\.network-config asks for/,
    });
    const more = { ...both, 'meta-data': hash('') };
    await assert.rejects(fetch({ url: `${origin}/folder/`, checksums: more }), { message: /meta-data.*HTTP 404/ });
  });

  it('is a folder of a store that answers 403 for what is not there, which is told', async () => {
    const { documents, problems } = await fetch({ url: `${origin}/store/` });
    assert.deepEqual(Object.keys(documents), ['user-data']);
    assert.deepEqual(
      problems.map(({ severity, message }) => [severity, message.replace(origin, '')]),
      [['warning', '/store/meta-data answered with HTTP 403, and counts as not there']],
    );
    await assert.rejects(fetch({ url: `${origin}/forbidden/` }), { message: /user-data answered with HTTP 403/ });
  });

  it('is taken over TLS from an authority that was named, and from no other', async () => {
    assert.equal((await fetch({ url: `${secure}/good`, caPem: certPem })).documents['user-data']?.toString(), text);
    await assert.rejects(fetch({ url: `${secure}/good` }), {
      name: 'UrlError',
      kind: 'wrong',
      message: /signed by itself/,
    });
    await assert.rejects(fetch({ url: `${secure.replace('127.0.0.1', 'localhost')}/good`, caPem: certPem }), {
      message: /for another name/,
    });
    await assert.rejects(fetch({ url: `${secure}/down`, caPem: certPem }), { message: /redirects from https to http/ });
    assert.ok(await fetch({ url: `${secure}/down`, caPem: certPem, checksums }));
    await assert.rejects(fetch({ url: `${secure.replace('https', 'http')}/good` }), { kind: 'wrong' });
    await assert.rejects(fetch({ url: `${origin.replace('http', 'https')}/good` }), {
      kind: 'wrong',
      message: /does not speak TLS/,
    });
  });

  for (const [path, kind, message] of [
    ['/missing', 'wrong', /answered with HTTP 404/],
    ['/broken', 'wrong', /answered with HTTP 500/],
    ['/hangs', 'wrong', /said nothing for 0.4 s/],
    ['/stops', 'wrong', /said nothing for 0.4 s/],
    ['/cut', 'wrong', /was cut off/],
    ['/chunks', 'wrong', /was cut off/],
    ['/large', 'wrong', /sent more than 1048576 bytes/],
    ['/drips', 'wrong', /did not send all of it within 0.8 s/],
    ['/round', 'wrong', /redirects more than 3 times/],
    ['/file', 'wrong', /redirects to "file:.*", which is not an http URL/],
  ] as const) {
    it(`is refused in words: ${path}`, async () => {
      await assert.rejects(fetch({ url: origin + path }), (error: unknown) => {
        assert.ok(error instanceof UrlError);
        assert.equal(error.kind, kind);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('is refused with another checksum, with both named', async () => {
    await assert.rejects(fetch({ url: `${origin}/good`, checksums: { 'user-data': '0'.repeat(64) } }), {
      message: new RegExp(`${sha256}.*asks for 0{64}`),
    });
    await assert.rejects(fetch({ url: `${origin}/good`, checksums: { 'user-data': 'abc' } }), {
      message: /is not a SHA-256/,
    });
  });

  it('cannot be reached where nobody listens or no name is known', async () => {
    await assert.rejects(fetch({ url: 'http://127.0.0.1:1/x' }), { kind: 'unreachable' });
    await assert.rejects(fetch({ url: 'ftp://host/x' }), { kind: 'wrong', message: /is not a URL/ });
  });

  it('never shows credentials or queries', () => {
    assert.equal(shownUrl('https://user:pass@host/a?token=1'), 'https://host/a?…');
  });

  it('is read from what the gatherer wrote, the last word counts', () => {
    assert.deepEqual(parseUrlSource('url=http://a/\nfrom=x\nurl=http://b/?q=1\nsha256=AB\nsha256.meta-data=cd\n'), {
      url: 'http://b/?q=1',
      from: 'x',
      checksums: { 'user-data': 'ab', 'meta-data': 'cd' },
    });
    assert.equal(parseUrlSource('sha256=ab\n'), undefined);
  });
});
