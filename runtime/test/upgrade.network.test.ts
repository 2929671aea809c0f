/**
 * Upgrades over a network that breaks in every way it can: each ends with the new version armed, or with an error that says what is wrong; the
 * running slot and what boots are never touched before.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createCertificate, generateKeyPair } from '../src/lib/x509.ts';
import type { HttpLimits } from '../src/machine/upgrade/bundle/httpSource.ts';
import { RateLimit } from '../src/machine/upgrade/bundle/rate.ts';
import { type TestMachine, untouchable } from '../src/machine/upgrade/testing/machine.ts';
import { Workshop } from '../src/machine/upgrade/testing/workshop.ts';
import { UpgradeError, type UpgradeErrorCode } from '../src/machine/upgrade/upgradeError.ts';
import { type Behaviour, brokenAfter, MisbehavingServer, silentAfter, trickling } from './upgradeServer.ts';

/** Patient enough for a host that is busy with other things. */
const patient: Partial<HttpLimits> = { silenceMs: 20_000, retryForMs: 60_000, firstPauseMs: 10, mostPauseMs: 100 };
const impatient: Partial<HttpLimits> = { ...patient, retryForMs: 400 };

interface Row {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly limits?: Partial<HttpLimits>;
  /** Requests for the file, at most. */
  readonly mostRequests?: number;
}

const large = (range: { first: number; end: number } | undefined): boolean =>
  range === undefined || range.end - range.first > 50_000;

const good: readonly Row[] = [
  { name: 'a good server', behaviour: ({ good: answer }) => answer(), mostRequests: 14 },
  { name: 'without an entity tag', behaviour: ({ good: answer }) => answer({ etag: null }) },
  {
    name: 'with a date only',
    behaviour: ({ good: answer }) =>
      answer({ etag: null, headers: { 'last-modified': 'Sun, 22 Nov 2026 05:00:00 GMT' } }),
  },
  { name: 'with a weak entity tag', behaviour: ({ good: answer }) => answer({ etag: 'W/"x"' }) },
  {
    name: 'that closes after each answer',
    behaviour: ({ good: answer }) => answer({ headers: { connection: 'close' } }),
  },
  {
    name: 'dropped, every time, after 20000 bytes',
    behaviour: ({ good: answer }) => answer({ send: brokenAfter(20_000) }),
  },
  {
    name: 'dropped before the first byte, every third time',
    behaviour: ({ number, request, good: answer }) => (number % 3 === 1 ? request.socket.destroy() : answer()),
  },
  {
    name: 'silent in the middle, once',
    limits: { silenceMs: 500 },
    behaviour: ({ number, good: answer }) => answer(number === 2 ? { send: silentAfter(10_000) } : {}),
  },
  {
    name: 'silent before the answer, once',
    limits: { silenceMs: 500 },
    behaviour: ({ number, good: answer }) => (number === 1 ? undefined : answer()),
  },
  {
    name: 'a trickle, once',
    limits: { minimum: { bytesPerSecond: 10_000, overMs: 300 } },
    behaviour: ({ range, number, good: answer }) => answer(large(range) && number < 4 ? { send: trickling } : {}),
  },
  {
    name: '500 five times',
    behaviour: ({ number, response, good: answer }) => (number < 5 ? response.writeHead(500).end('oh') : answer()),
  },
  {
    name: '503 that says when',
    behaviour: ({ number, response, good: answer }) =>
      number === 2 ? response.writeHead(503, { 'retry-after': '1' }).end() : answer(),
  },
  {
    name: '429 that says a date',
    behaviour: ({ number, response, good: answer }) =>
      number === 1
        ? response.writeHead(429, { 'retry-after': new Date(Date.now() + 500).toUTCString() }).end()
        : answer(),
  },
  {
    name: 'answers cut short of what they announce',
    behaviour: ({ number, good: answer }) =>
      answer(
        number % 2 === 1
          ? {
              send: (response, body) =>
                response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy()),
            }
          : {},
      ),
  },
  {
    name: 'shorter ranges than asked for',
    behaviour: ({ good: answer }) => answer({ body: body => body.subarray(0, 30_000) }),
  },
  {
    name: 'another range than asked for, once',
    behaviour: ({ number, response, range, good: answer }) =>
      number === 2 ? response.writeHead(206, { 'content-range': `bytes 7-${range?.end}/9999` }).end('x') : answer(),
  },
  {
    name: 'wrong bytes in every range, once',
    behaviour: ({ number, range, good: answer }) =>
      answer(
        number % 2 === 0 && (range?.end ?? 0) > 1 ? { body: body => (body.length > 4096 ? flipped(body) : body) } : {},
      ),
    mostRequests: 40,
  },
  { name: 'no ranges', behaviour: ({ good: answer }) => answer({ noRanges: true }), mostRequests: 2 },
  {
    name: 'no ranges and no length',
    behaviour: ({ good: answer }) => answer({ noRanges: true, headers: { 'transfer-encoding': 'chunked' } }),
    mostRequests: 2,
  },
  {
    name: 'no ranges, and cut off in the middle twice',
    behaviour: ({ number, good: answer }) =>
      answer({ noRanges: true, ...(number % 2 === 0 && number < 4 ? { send: brokenAfter(2_000_000) } : {}) }),
    mostRequests: 6,
  },
  { name: 'ranges only at first', behaviour: ({ number, good: answer }) => answer({ noRanges: number > 2 }) },
  {
    name: 'redirects',
    behaviour: ({ request, response, good: answer }) =>
      request.url === '/a.raucb' ? response.writeHead(302, { location: '/there' }).end() : answer(),
  },
  {
    name: 'redirects that are good for three requests',
    behaviour: (() => {
      let place = 0;
      let uses = 0;
      return ({ request, response, good: answer }) => {
        if (request.url === '/a.raucb') {
          uses = 0;
          response.writeHead(307, { location: `/there-${++place}` }).end();
        } else if (request.url === `/there-${place}` && uses++ < 3) answer();
        else response.writeHead(403).end();
      };
    })(),
  },
];

/** One bit, in the middle. */
function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

interface Bad extends Row {
  readonly code: UpgradeErrorCode;
  /** `URL` stands for the bundle's. */
  readonly message: string | RegExp;
}

const bad: readonly Bad[] = [
  {
    name: 'no such file',
    code: 'HTTP',
    message: 'URL answered with HTTP 404 Not Found',
    behaviour: ({ response }) => response.writeHead(404).end(),
  },
  {
    name: 'forbidden',
    code: 'HTTP',
    message: 'URL answered with HTTP 403 Forbidden',
    behaviour: ({ response }) => response.writeHead(403).end(),
  },
  {
    name: 'an empty file',
    code: 'NOT_A_BUNDLE',
    message: 'URL is empty',
    behaviour: ({ response }) => response.writeHead(416).end(),
  },
  {
    name: 'a page for everything',
    code: 'NOT_A_BUNDLE',
    message: 'URL is not a bundle',
    behaviour: ({ response }) => response.end('<html>Please log in</html>'.repeat(10)),
  },
  {
    name: 'compressed on the way',
    code: 'HTTP',
    message: 'URL is sent compressed (gzip), which was not asked for',
    behaviour: ({ response }) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x')),
  },
  {
    name: '503 for ever',
    code: 'UNREACHABLE',
    message: /^URL answered with HTTP 503 Service Unavailable, and nothing came for \d s$/,
    limits: impatient,
    behaviour: ({ response }) => response.writeHead(503).end(),
  },
  {
    name: '503 until tomorrow',
    code: 'UNREACHABLE',
    message: /^URL answered with HTTP 503 Service Unavailable, and asks to come back in 1440 min/,
    behaviour: ({ response }) => response.writeHead(503, { 'retry-after': '86400' }).end(),
  },
  {
    name: 'silent for ever',
    code: 'UNREACHABLE',
    message: /^URL said nothing for 0.1 s/,
    limits: { ...impatient, silenceMs: 100 },
    behaviour: () => {},
  },
  {
    name: 'silent in the middle for ever',
    code: 'UNREACHABLE',
    message: /^URL (stopped sending|said nothing) for 0.2 s/,
    limits: { ...impatient, silenceMs: 200 },
    behaviour: ({ range, good: answer }) => answer(large(range) ? { send: silentAfter(0) } : {}),
  },
  {
    name: 'a trickle for ever',
    code: 'UNREACHABLE',
    message: /^URL sends less than 10000 bytes\/s, and nothing came for \d s$/,
    limits: { ...patient, retryForMs: 1500, minimum: { bytesPerSecond: 10_000, overMs: 200 } },
    behaviour: ({ range, good: answer }) => answer(large(range) ? { send: trickling } : {}),
  },
  {
    name: 'wrong bytes for ever',
    code: 'WRONG_BYTES',
    message: /^URL has other bytes in its root image at \d+ than the ones that were signed \(1 blocks, 3 attempts\)$/,
    behaviour: ({ good: answer }) => answer({ bytes: evil }),
  },
  {
    name: 'replaced by another, with its tag',
    code: 'REPLACED',
    message: 'URL was replaced while it was downloaded: its entity tag is "two", and was "one"',
    behaviour: ({ number, good: answer }) => answer(number > 2 ? { etag: '"two"' } : {}),
  },
  {
    name: 'replaced by a shorter one, without a tag',
    code: 'REPLACED',
    message: /^URL was replaced while it was downloaded: it has 100000 bytes, and had \d+$/,
    behaviour: ({ number, good: answer }) =>
      answer({ etag: null, ...(number > 2 ? { bytes: Buffer.alloc(100_000) } : {}) }),
  },
  {
    name: 'replaced by a later one, without a tag',
    code: 'REPLACED',
    message: 'URL was replaced while it was downloaded: it was changed at Mon, 23 Nov 2026 05:00:00 GMT',
    behaviour: ({ number, good: answer }) =>
      answer({
        etag: null,
        headers: { 'last-modified': `${number > 2 ? 'Mon, 23' : 'Sun, 22'} Nov 2026 05:00:00 GMT` },
      }),
  },
  {
    name: 'shorter when the range is asked for',
    code: 'REPLACED',
    message: 'URL was replaced while it was downloaded: it is shorter now',
    behaviour: ({ number, response, good: answer }) => (number > 2 ? response.writeHead(416).end() : answer()),
  },
  {
    name: 'redirected in a circle',
    code: 'HTTP',
    message: 'URL redirects more than 5 times',
    behaviour: ({ response }) => response.writeHead(302, { location: '/a.raucb' }).end(),
  },
  {
    name: 'redirected to a file',
    code: 'HTTP',
    message: 'URL redirects to "file:///etc/shadow", which is not an http URL',
    behaviour: ({ response }) => response.writeHead(302, { location: 'file:///etc/shadow' }).end(),
  },
];
let evil: Buffer;

describe('an upgrade over a bad network', () => {
  let shop: Workshop;
  let bytes: Buffer;
  before(async () => {
    shop = await Workshop.open();
    bytes = await shop.bundle();
    evil = Buffer.from(bytes);
    evil.write('evil', 4096 + (1 << 20) + 5000);
  });
  after(() => shop[Symbol.asyncDispose]());

  const armed = async (machine: TestMachine): Promise<void> => {
    const [first] = await machine.loader.entries();
    assert.deepEqual([first?.roothash, first?.triesLeft], [shop.two.roothash, 3]);
    assert.ok((await readFile(machine.places.root.b)).subarray(0, shop.two.root.length).equals(shop.two.root));
    assert.ok((await readFile(join(machine.places.esp, 'EFI/atoll/b.efi'))).equals(shop.two.uki));
  };

  for (const { name, behaviour, limits, mostRequests } of good)
    it(`arrives: ${name}`, async () => {
      const machine = await shop.machine();
      await using server = await new MisbehavingServer(bytes, behaviour).start();
      await shop.upgrade(machine, server.url, { http: { limits: { ...patient, ...limits } } });
      await armed(machine);
      if (mostRequests !== undefined) assert.ok(server.requests <= mostRequests, `${server.requests} requests`);
    });

  for (const { name, behaviour, limits, code, message } of bad)
    it(`fails in words: ${name}`, async () => {
      const machine = await shop.machine();
      const sum = await untouchable(machine);
      await using server = await new MisbehavingServer(bytes, behaviour).start();
      await assert.rejects(
        shop.upgrade(machine, server.url, { http: { limits: { ...patient, ...limits } } }),
        (error: unknown) => {
          assert.ok(error instanceof UpgradeError, String(error));
          const said = error.message.replaceAll(server.url, 'URL');
          if (typeof message === 'string') assert.equal(said, message);
          else assert.match(said, message);
          assert.equal(error.code, code);
          return true;
        },
      );
      assert.equal(await untouchable(machine), sum);
      assert.equal((await machine.loader.entries()).length, 1);
    });

  it('arrives: the server was gone for a while', async () => {
    const machine = await shop.machine();
    await using server = await new MisbehavingServer(bytes).start();
    const pauses: string[] = [];
    let back: Promise<unknown> | undefined;
    server.behaviour = ({ number, good: answer }) => {
      if (number !== 3) return answer();
      back = server
        .stop()
        .then(() => sleep(1000))
        .then(() => server.start());
    };
    await shop.upgrade(machine, server.url, {
      http: { limits: patient, onPause: reason => void pauses.push(reason.replaceAll(server.url, 'URL')) },
    });
    await back;
    await armed(machine);
    assert.ok(pauses.includes('URL refused the connection'), pauses.join());
  });

  it('fails in words: nobody is there', async () => {
    const machine = await shop.machine();
    await assert.rejects(shop.upgrade(machine, 'http://127.0.0.1:1/a.raucb', { http: { limits: impatient } }), {
      code: 'UNREACHABLE',
      message: /^http:\/\/127.0.0.1:1\/a.raucb refused the connection, and nothing came for \d s$/,
    });
    await assert.rejects(shop.upgrade(machine, 'ftp://user:secret@host/a'), {
      message: 'ftp://host/a is not an address that bundles come from',
    });
  });

  it('downloads only what is missing when it goes on', async () => {
    const machine = await shop.machine({ ...shop.one, root: Buffer.alloc(shop.one.root.length) });
    await using server = await new MisbehavingServer(bytes).start();
    const stop = new AbortController();
    const onProgress = ({ phase, writtenBytes }: { phase: string; writtenBytes: number }): void => {
      if (phase === 'writing' && writtenBytes > 2_500_000) stop.abort(new Error('enough'));
    };
    await assert.rejects(
      shop.upgrade(machine, server.url, { onProgress, signal: stop.signal, http: { rate: new RateLimit(1_000_000) } }),
      /enough/,
    );
    const before = server.sentBytes;
    const result = await shop.upgrade(machine, server.url);
    await armed(machine);
    const again = server.sentBytes - before;
    assert.ok(
      again < 2_400_000 && result.downloadedBytes === again,
      `${again} sent, ${result.downloadedBytes} downloaded`,
    );
  });

  it('is as slow as it was told to be', async () => {
    const machine = await shop.machine();
    await using server = await new MisbehavingServer(bytes).start();
    const began = performance.now();
    const { downloadedBytes } = await shop.upgrade(machine, server.url, { http: { rate: new RateLimit(200_000) } });
    const seconds = (performance.now() - began) / 1000;
    assert.ok(seconds > downloadedBytes / 200_000 - 0.3, `${downloadedBytes} bytes in ${seconds} s`);
  });

  it('speaks TLS with an authority that was named, and with no other', async () => {
    const { privateKey, publicKey } = generateKeyPair();
    const cert = createCertificate({
      subject: { commonName: 'bundles' },
      publicKey,
      issuer: { self: privateKey },
      isCa: true,
      ipAddresses: ['127.0.0.1'],
      serial: randomBytes(8),
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 3_600_000),
    });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await using server = await new MisbehavingServer(bytes, undefined, { cert, key }).start();
    const machine = await shop.machine();
    await assert.rejects(shop.upgrade(machine, server.url), {
      code: 'HTTP',
      message: /its certificate is signed by itself$/,
    });
    await shop.upgrade(machine, server.url, { http: { caPem: cert } });
    await armed(machine);
    await using plain = await new MisbehavingServer(bytes).start();
    server.behaviour = ({ response }) => response.writeHead(302, { location: plain.url }).end();
    await assert.rejects(shop.upgrade(machine, server.url, { http: { caPem: cert } }), {
      code: 'HTTP',
      message: /redirects from https to http/,
    });
    await assert.rejects(shop.upgrade(machine, plain.url.replace('http', 'https')), {
      code: 'HTTP',
      message: /does not speak TLS/,
    });
  });

  it('follows a channel', async () => {
    const channel = { format: 1, images: { test: { version: '0.2.0', bundle: 'a.raucb', rolloutPercent: 25 } } };
    await using server = await new MisbehavingServer(bytes).start();
    let text = JSON.stringify(channel);
    server.behaviour = ({ request, response, good: answer }) =>
      request.url === '/channel.json' ? response.end(text) : answer();
    const machine = await shop.machine();
    const folder = server.url.replace('a.raucb', '');
    assert.equal((await shop.upgrade(machine, folder)).outcome, 'armed');
    for (const [said, message] of [
      ['<html>', /is not a channel: it is not JSON$/],
      ['{"format":2}', /is not a channel: it has no "format": 1$/],
      ['{"format":1,"images":{}}', /has no bundle for atoll-test$/],
      ['{"format":1,"images":{"test":{"version":"1"}}}', /images.test has no version or no bundle$/],
    ] as const) {
      text = said;
      await assert.rejects(shop.upgrade(machine, `${folder}channel.json`), { code: 'NO_BUNDLE', message });
    }
  });
});
