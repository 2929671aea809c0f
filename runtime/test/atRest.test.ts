/**
 * Data at rest as an operator meets it: the real `atoll server` and its commands, real files, killed, cut, corrupted, restored.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ask as askHttps } from './atRestAsk.ts';

const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));
const START_MS = 60_000;
const SECRETS = '/api/v1/namespaces/default/secrets';
const MAPS = '/api/v1/namespaces/default/configmaps';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

interface Output {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** `atoll …` as typed. */
async function atoll(...args: string[]): Promise<Output> {
  const child = spawn(process.execPath, ['--import', 'tsx', bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return { code, stdout: Buffer.concat(stdout), stderr };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address && typeof address === 'object');
  return address.port;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says
  readonly body: any;
  readonly text: string;
}

/** One machine: its directories, and the server on them when it runs. */
class Machine {
  readonly directory: string;
  readonly data: string;
  #child: ChildProcess | undefined;
  log = '';
  #port = 0;

  constructor(directory: string) {
    this.directory = directory;
    this.data = join(directory, 'lib');
  }

  path(...parts: string[]): string {
    return join(this.data, 'server', ...parts);
  }

  async start(...options: string[]): Promise<void> {
    this.log = '';
    this.#port = await freePort();
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        bin,
        'server',
        ...['--data-dir', this.data, '--run-dir', join(this.directory, 'run'), '--bind-address', '127.0.0.1'],
        ...['--https-listen-port', String(this.#port), '--write-kubeconfig', join(this.directory, 'kubeconfig')],
        ...options,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    for (const end = Date.now() + START_MS; ; ) {
      assert.ok(child.exitCode === null && child.signalCode === null, `the server ended: ${this.log}`);
      assert.ok(Date.now() < end, `the server is not ready: ${this.log}`);
      const answer = await this.ask('GET', '/readyz').catch(() => undefined);
      if (answer?.status === 200) return;
      await new Promise(resolve => setTimeout(resolve, 25));
    }
  }

  /** Starts it knowing that it will not come up. @returns what it said */
  async startInVain(): Promise<string> {
    await assert.rejects(this.start(), /the server ended/);
    return this.log;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async ask(method: string, path: string, body?: object): Promise<Answer> {
    const config = parse(await readFile(join(this.directory, 'kubeconfig'), 'utf8'));
    const text = (name: string, from: Record<string, string>): string =>
      Buffer.from(from[name] ?? '', 'base64').toString();
    const user = config.users[0].user;
    const answer = await askHttps({
      port: this.#port,
      method,
      path,
      ca: text('certificate-authority-data', config.clusters[0].cluster),
      cert: text('client-certificate-data', user),
      key: text('client-key-data', user),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.text);
    } catch {
      parsed = undefined;
    }
    return { ...answer, body: parsed };
  }

  async create(path: string, kind: string, name: string, rest: object): Promise<number> {
    const apiVersion = kind === 'Lease' ? 'coordination.k8s.io/v1' : 'v1';
    const { status, text, body } = await this.ask('POST', path, { apiVersion, kind, metadata: { name }, ...rest });
    assert.equal(status, 201, text);
    return Number(body.metadata.resourceVersion);
  }

  async names(path: string): Promise<string[]> {
    const { body } = await this.ask('GET', path);
    return body.items
      .map((item: { metadata: { name: string } }) => item.metadata.name)
      .filter((name: string) => name !== 'kube-root-ca.crt');
  }

  command(...args: string[]): Promise<Output> {
    const run = args[0] === 'secrets-encrypt' ? ['--run-dir', join(this.directory, 'run')] : [];
    return atoll(...args, '--data-dir', this.data, ...run);
  }

  /** Everything of the store on the disk, as text. */
  async storeBytes(): Promise<string> {
    const files = [this.path('db'), this.path('db', 'snapshots')];
    let bytes = '';
    for (const folder of files) {
      for (const name of await readdir(folder).catch(() => [])) {
        if ((await stat(join(folder, name))).isFile()) bytes += await readFile(join(folder, name), 'latin1');
      }
    }
    return bytes;
  }
}

describe('data at rest', { timeout: 600_000 }, () => {
  let directory: string;
  let machine: Machine;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-at-rest-'));
    machine = new Machine(directory);
    await machine.start();
  });
  after(async () => {
    await machine.stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  it('a Secret is nowhere to be found, and the commands say how that is', async () => {
    const hidden = Buffer.from('nobody-finds-this-password').toString('base64');
    await machine.create(SECRETS, 'Secret', 'one', { data: { password: hidden } });
    await machine.create(MAPS, 'ConfigMap', 'one', { data: { found: 'easily' } });
    const bytes = await machine.storeBytes();
    assert.ok(bytes.includes('easily'));
    for (const text of [hidden, hidden.slice(0, 16), 'nobody-finds-this'])
      assert.equal(bytes.includes(text), false, text);
    const status = await machine.command('secrets-encrypt', 'status');
    assert.match(
      status.stdout.toString(),
      /Encryption Status: Enabled\nCurrent Rotation Stage: start\nServer Encryption Hashes: All hashes match/,
    );
    assert.match(status.stdout.toString(), / \* {6}AES-GCM +aesgcmkey-\S+ +1\n {8}none +not encrypted +0\n/);
    assert.equal((await stat(machine.path('cred', 'encryption-config.json'))).mode & 0o777, 0o600);
    const { stdout } = await machine.command('secrets-encrypt', 'status', '-o', 'json');
    assert.equal(JSON.parse(stdout.toString()).serverMatches, true);
  });

  it('a rotation, step by step and at once; disabled and enabled; each understood at the running server', async () => {
    const key = async (): Promise<string> =>
      JSON.parse(await readFile(machine.path('cred', 'encryption-config.json'), 'utf8')).write;
    const first = await key();
    for (const [action, said] of [
      ['prepare', /New key .* is ready.*\nThe running server uses it now/],
      ['rotate', /Secrets are written with .*\nThe running server uses it now/],
      ['reencrypt', /Done: everything is encrypted with/],
      ['rotate-keys', /Done: everything is encrypted with/],
    ] as const) {
      const { code, stdout, stderr } = await machine.command('secrets-encrypt', action);
      assert.equal(code, 0, stderr);
      assert.match(stdout.toString(), said);
    }
    assert.notEqual(await key(), first);
    const refused = await machine.command('secrets-encrypt', 'rotate');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no prepared key to rotate to\n {2}Begin with `atoll secrets-encrypt prepare`/);
    const { body } = await machine.ask('GET', `${SECRETS}/one`);
    assert.equal(Buffer.from(body.data.password, 'base64').toString(), 'nobody-finds-this-password');
  });

  it('a backup beside the running server, checked, restored with its keys; what was there is kept', async () => {
    const file = join(directory, 'one.atoll-backup');
    const made = await machine.command('backup', 'create', file);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const streamed = await machine.command('backup', 'create', '-');
    await writeFile(join(directory, 'two'), streamed.stdout);
    for (const path of [file, join(directory, 'two')])
      assert.match(
        (await machine.command('backup', 'verify', path)).stdout.toString(),
        /is whole: backup of .* \d+ objects at revision \d+, 11 files/,
      );
    const running = await machine.command('backup', 'restore', file);
    assert.equal(running.code, 1);
    assert.match(running.stderr, /the server is running \(process \d+\)\n {2}Stop it first/);

    const revision = await machine.create(MAPS, 'ConfigMap', 'later', {});
    assert.equal((await machine.ask('DELETE', `${SECRETS}/one`)).status, 200);
    await machine.command('secrets-encrypt', 'rotate-keys');
    const ca = await readFile(machine.path('tls', 'server-ca.crt'), 'utf8');
    await machine.stop();
    await rm(machine.path('tls'), { recursive: true });

    for (const damage of ['cut', 'flipped', 'header'] as const) {
      const bad = join(directory, damage);
      await copyFile(file, bad);
      const { size } = await stat(bad);
      if (damage === 'cut') await truncate(bad, size - 1);
      else {
        const handle = await open(bad, 'r+');
        const at = damage === 'header' ? 40 : Math.floor(size / 2);
        const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
        // Another byte than the one that is there, whatever that is.
        await handle.write(Buffer.from([buffer.readUInt8(0) ^ 0xff]), 0, 1, at);
        await handle.close();
      }
      const before = await readdir(machine.path());
      const { code, stderr } = await machine.command('backup', 'restore', bad);
      assert.equal(code, 1, damage);
      assert.match(stderr, /is (cut or )?damaged.*\n {2}Nothing has been changed/);
      assert.deepEqual(await readdir(machine.path()), before);
    }
    const restored = await machine.command('backup', 'restore', file);
    assert.equal(restored.code, 0, restored.stderr);
    const [, kept = ''] = /kept in (\S+);/.exec(restored.stdout.toString()) ?? [];
    assert.deepEqual((await readdir(kept)).sort(), ['cred', 'db', 'node-token']);
    await machine.start();
    assert.equal(await readFile(machine.path('tls', 'server-ca.crt'), 'utf8'), ca);
    assert.deepEqual(await machine.names(SECRETS), ['one']);
    assert.deepEqual(await machine.names(MAPS), ['one']);
    const now = await machine.create(MAPS, 'ConfigMap', 'after', {});
    assert.ok(now > revision + 1_000_000, 'no resourceVersion means two things');
    const watch = await machine.ask('GET', `${MAPS}?watch=1&timeoutSeconds=2&resourceVersion=${revision}`);
    assert.match(watch.text, /"code":410/);
  });

  it('corrupted under a killed server: restored from its snapshot, said on the console, watches told', async () => {
    await machine.stop();
    // As the schedule makes them.
    const snapshot = machine.path('db', 'snapshots', 'snapshot-20260101T000000Z.atoll-backup');
    await machine.command('backup', 'create', join(directory, 'whole'));
    await rm(machine.path('db', 'snapshots'), { recursive: true, force: true });
    await machine.command('backup', 'list');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(machine.path('db', 'snapshots'));
    await copyFile(join(directory, 'whole'), snapshot);
    await chmod(snapshot, 0o600);
    await machine.start();
    const lost = await machine.create(MAPS, 'ConfigMap', 'lost', {});
    await machine.stop('SIGKILL');
    const size = (await stat(machine.path('db', 'state.db'))).size;
    const database = await open(machine.path('db', 'state.db'), 'r+');
    await database.write(Buffer.alloc(size - 4_096, 0x5a), 0, size - 4_096, 4_096);
    await database.close();
    await rm(machine.path('db', 'state.db-wal'));
    await machine.start();
    assert.match(
      machine.log,
      /The store was damaged .* and has been restored from the snapshot of .*: what was written after revision \d+ is lost/,
    );
    assert.deepEqual((await machine.names(MAPS)).sort(), ['after', 'one']);
    assert.deepEqual(await machine.names(SECRETS), ['one']);
    assert.ok((await readdir(machine.path('db'))).some(name => name.startsWith('state.db.damaged-')));
    assert.match(
      (await machine.ask('GET', `${MAPS}?watch=1&timeoutSeconds=2&resourceVersion=${lost}`)).text,
      /"code":410/,
    );
    assert.match((await machine.ask('GET', '/metrics')).text, /^atoll_store_recovered 1$/m);
    assert.equal(JSON.parse(await readFile(join(directory, 'run', 'store.json'), 'utf8')).recovery.how, 'snapshot');
    const status = await atoll(
      'status',
      '--data-dir',
      machine.data,
      '--run-dir',
      join(directory, 'run'),
      '--kubeconfig',
      join(directory, 'kubeconfig'),
    );
    assert.match(status.stdout.toString(), /Store .*restored from the snapshot/s);
  });

  it('without its keys it does not start, and names the one it wants', async () => {
    const path = machine.path('cred', 'encryption-config.json');
    await machine.stop();
    const keys = await readFile(path);
    const { write } = JSON.parse(keys.toString());
    await rm(path);
    const said = await machine.startInVain();
    assert.ok(said.includes(`is encrypted with key ${write}, which is not in ${path} (there is none)`), said);
    assert.match(await readFile(join(directory, 'run', 'state', 'server.json'), 'utf8'), /Put the file of keys back/);
    await writeFile(path, keys, { mode: 0o600 });
    await machine.start();
    assert.deepEqual(await machine.names(SECRETS), ['one']);
  });

  it('Leases are renewed and Events written without a write to the disk; a Lease survives a kill, resourceVersions grow', async () => {
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' };
    await machine.create(LEASES, 'Lease', 'held', { spec });
    const written = async (): Promise<number> => (await stat(machine.path('db', 'state.db-wal'))).size;
    const before = await written();
    let newest = 0;
    for (let round = 1; round <= 30; round++) {
      const { status, body, text } = await machine.ask('PUT', `${LEASES}/held`, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'held' },
        spec: { ...spec, renewTime: `2026-01-01T00:00:${String(round).padStart(2, '0')}.000000Z` },
      });
      assert.equal(status, 200, text);
      newest = Number(body.metadata.resourceVersion);
    }
    assert.ok((await written()) - before <= 4 * 2_072, 'at most the revisions set aside');
    await machine.stop('SIGKILL');
    await machine.start();
    const { body } = await machine.ask('GET', `${LEASES}/held`);
    assert.equal(body.spec.holderIdentity, 'a');
    assert.ok(Number(body.metadata.resourceVersion) >= newest);
  });

  it('at its quota it takes deletions only, says so everywhere, and has room again by itself', async () => {
    await machine.stop();
    await machine.start('--store-quota', '2');
    const data = { bulk: 'x'.repeat(100_000) };
    let made = 0;
    for (let answer: Answer | undefined; made < 100; made++) {
      answer = await machine.ask('POST', MAPS, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `bulk-${made}` },
        data,
      });
      if (answer.status === 201) continue;
      assert.equal(answer.status, 507, answer.text);
      assert.equal(answer.body.reason, 'InsufficientStorage');
      break;
    }
    assert.ok(made > 5 && made < 30, String(made));
    assert.match(
      (await machine.ask('GET', '/readyz?verbose')).text,
      /\[\+\]store-space ok: the store is full.*--store-quota/,
    );
    assert.match((await machine.ask('GET', '/metrics')).text, /^atoll_store_alarm 2$/m);
    for (let index = 0; index < made; index++)
      assert.equal((await machine.ask('DELETE', `${MAPS}/bulk-${index}`)).status, 200);
    for (const end = Date.now() + 60_000; ; ) {
      const { text } = await machine.ask('GET', '/metrics');
      if (/^atoll_store_alarm 0$/m.test(text)) break;
      assert.ok(Date.now() < end, text.match(/^atoll_store.*$/gm)?.join('\n'));
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    await machine.create(MAPS, 'ConfigMap', 'room-again', { data });
  });
});
