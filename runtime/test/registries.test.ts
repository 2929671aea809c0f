/** Mirrors and credentials of registries.yaml reach containerd's pulls: a registry of our own that asks who is there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { CriClient } from '../src/node/cri/client.ts';
import { writeRegistryHosts } from '../src/node/images/hostsDirectory.ts';
import { preloadImages } from '../src/node/images/preload.ts';
import type { Registries } from '../src/node/images/registries.ts';
import { type Containerd, startContainerd } from './containerd.ts';
import { imageArchive } from './imageArchive.ts';

const TAR_BLOCK = 512;

/** The files of one of our own archives. */
function filesOf(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; tar[at]; ) {
    const path = tar.toString('latin1', at, at + 100).replace(/\0.*$/, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    files.set(path, tar.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size));
    at += TAR_BLOCK * (1 + Math.ceil(size / TAR_BLOCK));
  }
  return files;
}

/** One image, under every name, for who knows the password. */
class Registry {
  readonly asked: string[] = [];
  readonly #server: Server;
  constructor(word: string, password: string) {
    const files = filesOf(imageArchive([{ name: 'x', files: [{ path: 'a', content: word }], command: ['/x'] }]));
    const index = JSON.parse(String(files.get('index.json'))) as { manifests: { digest: string; mediaType: string }[] };
    const [manifest] = index.manifests;
    assert.ok(manifest);
    this.#server = createServer((request, response) => {
      const { url = '', headers } = request;
      if (headers.authorization !== `Basic ${Buffer.from(`puller:${password}`).toString('base64')}`) {
        this.asked.push(`401 ${url}`);
        response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
        return;
      }
      this.asked.push(`200 ${url}`);
      const digest = /\/manifests\/(?!sha256:)/.test(url) ? manifest.digest : (/sha256:[0-9a-f]+/.exec(url)?.[0] ?? '');
      const content = files.get(`blobs/${digest.replace(':', '/')}`);
      if (!content) {
        response.writeHead(url === '/v2/' ? 200 : 404).end();
        return;
      }
      const type = url.includes('/manifests/') ? manifest.mediaType : 'application/octet-stream';
      response.writeHead(200, {
        'content-type': type,
        'content-length': content.length,
        'docker-content-digest': `sha256:${createHash('sha256').update(content).digest('hex')}`,
      });
      response.end(request.method === 'HEAD' ? undefined : content);
    });
  }
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('registries.yaml', { timeout: 120_000 }, () => {
  let containerd: Containerd;
  let cri: CriClient;
  const mirror = new Registry('mirror', 'secret');
  let host: string;
  const stop = new AbortController();
  let problems: Readonly<Record<string, string>> = {};

  before(async () => {
    containerd = await startContainerd();
    cri = new CriClient(containerd.socket);
    host = await mirror.start();
  });
  after(async () => {
    stop.abort();
    cri?.close();
    mirror.stop();
    await containerd?.stop();
  });
  const certs = (): string => join(containerd.dir, 'certs.d');
  const registriesWith = (password: string): Registries => ({
    mirrors: { 'docker.io': { endpoint: [`http://${host}`] } },
    configs: { [host]: { auth: { username: 'puller', password } } },
  });
  const pull = async (name: string, registries: Registries): Promise<void> => {
    const preloaded = preloadImages({
      cri,
      folder: join(containerd.dir, 'images-to-load'),
      images: [name],
      record: join(containerd.dir, 'record'),
      registries,
      logger: silentLogger,
      clock: systemClock,
      signal: stop.signal,
      onProblems: found => {
        problems = found;
      },
    });
    await preloaded.settled;
  };
  const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
    for (const deadline = Date.now() + 30_000; !(await holds()); await setTimeout(50))
      assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify({ problems, asked: mirror.asked })}`);
  };

  it('an image of docker.io comes from the mirror, with who this node is there', async () => {
    const registries = registriesWith('secret');
    assert.deepEqual(await writeRegistryHosts(certs(), registries, true), ['docker.io']);
    assert.deepEqual(await writeRegistryHosts(certs(), registries, true), []);
    await pull('docker.io/library/thing:1', registries);
    await until('it is there', async () => (await cri.imageStatus('docker.io/library/thing:1'))?.pinned === true);
    assert.ok(
      mirror.asked.some(line => line.startsWith('200 /v2/library/thing/manifests/1')),
      mirror.asked.join('\n'),
    );
  });

  it('who is not known there is refused, and it is said', async () => {
    await pull('docker.io/library/other:1', registriesWith('wrong'));
    await until('it is said', () =>
      /cannot be pulled yet: .*(401|authorization)/i.test(Object.values(problems).join()),
    );
  });

  it('what others have put into certs.d stays, what is no longer said goes', async () => {
    await writeRegistryHosts(certs(), { mirrors: { 'quay.example': { endpoint: [`http://${host}`] } } }, false);
    await writeFile(join(certs(), 'quay.example', 'ca.crt'), 'theirs');
    await assert.rejects(readFile(join(certs(), 'docker.io', 'hosts.toml')));
    await writeFile(join(certs(), 'docker.io', 'hosts.toml'), 'server = "https://theirs.example"\n');
    assert.deepEqual(await writeRegistryHosts(certs(), {}, false), ['quay.example']);
    assert.match(await readFile(join(certs(), 'docker.io', 'hosts.toml'), 'utf8'), /theirs/);
    assert.equal(await readFile(join(certs(), 'quay.example', 'ca.crt'), 'utf8'), 'theirs');
  });
});
