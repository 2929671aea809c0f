/** Joining against the real server: the node's key, the token, and every way it can be refused. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureIdentity, type IdentityOptions, JoinRefusedError } from '../src/machine/identity.ts';
import { caHashOf, type JoinToken } from '../src/machine/token.ts';
import { type InProcessServer, NODE_SECRET, startServer } from './startServer.ts';

let server: InProcessServer;
let scratch: string;
before(async () => {
  server = await startServer();
  await server.apiServer.ready;
  scratch = await mkdtemp(join(tmpdir(), 'atoll-join-'));
});
after(async () => {
  await server.close();
  await rm(scratch, { recursive: true });
});

const token = (): JoinToken => ({ caHash: caHashOf(server.ca), user: 'node', secret: NODE_SECRET });

const optionsFor = (name: string, over: Partial<IdentityOptions> = {}): IdentityOptions => ({
  directory: join(scratch, name),
  server: server.url,
  nodeName: name,
  now: new Date(),
  token: async () => token(),
  signal: AbortSignal.timeout(20_000),
  ...over,
});

test('a node joins once, keeps its key to itself, and needs no token after', async () => {
  const first = await ensureIdentity(optionsFor('gw-1'));
  const certificate = new X509Certificate(first.certificatePem);
  assert.match(certificate.subject, /CN=system:node:gw-1/);
  assert.match(certificate.subject, /O=system:nodes/);
  assert.equal(first.serverCaPem, server.ca);
  assert.equal((await stat(join(scratch, 'gw-1', 'node.key'))).mode & 0o777, 0o600);

  const again = await ensureIdentity(optionsFor('gw-1', { token: () => assert.fail('no token is needed') }));
  assert.equal(again.certificatePem, first.certificatePem);
});

test("an agent token is as good as the node's, and only what was given is", async () => {
  const other = await startServer({ api: { agentSecret: 'for-agents' } });
  try {
    const join_ = (name: string, secret: string): Promise<unknown> =>
      ensureIdentity(optionsFor(name, { server: other.url, token: async () => ({ user: 'node', secret }) }));
    await join_('by-agent-token', 'for-agents');
    await join_('by-node-token', NODE_SECRET);
    await assert.rejects(join_('by-neither', 'for-agent'), JoinRefusedError);
    const nobody = optionsFor('no-agent-token', { token: async () => ({ user: 'node', secret: 'for-agents' }) });
    await assert.rejects(ensureIdentity(nobody), JoinRefusedError);
  } finally {
    await other.close();
  }
});

test('a certificate near its end, cut short or for another name is asked for anew, with the same key', async () => {
  const first = await ensureIdentity(optionsFor('gw-2'));
  const near = new Date(Date.parse(new X509Certificate(first.certificatePem).validTo) - 10 * 86_400_000);
  const renewed = await ensureIdentity(optionsFor('gw-2', { now: near }));
  assert.notEqual(renewed.certificatePem, first.certificatePem);
  assert.equal(renewed.keyPem, first.keyPem);

  const path = join(scratch, 'gw-2', 'node.crt');
  await writeFile(path, renewed.certificatePem.slice(0, 100));
  const repaired = await ensureIdentity(optionsFor('gw-2'));
  assert.equal(await readFile(path, 'utf8'), repaired.certificatePem);
});

const refused: [string, string, Partial<IdentityOptions>, RegExp][] = [
  ['a wrong secret', 'bad-1', { token: async () => ({ ...token(), secret: 'wrong' }) }, /refuses this node/],
  [
    'a token of another cluster',
    'bad-2',
    { token: async () => ({ ...token(), caHash: 'f'.repeat(64) }) },
    /not the one this token is for/,
  ],
  ['a name another key owns', 'bad-3', { nodeName: 'gw-1' }, /gw-1/],
];
for (const [what, name, over, message] of refused)
  test(`${what} is refused with a reason and a way out`, async () => {
    await ensureIdentity(optionsFor('gw-1'));
    await assert.rejects(ensureIdentity(optionsFor(name, over)), (error: unknown) => {
      assert.ok(error instanceof JoinRefusedError, String(error));
      assert.match(error.message, message);
      assert.notEqual(error.hint, '');
      assert.ok(!error.message.includes(NODE_SECRET));
      return true;
    });
  });

test('a server that is not there is an error to try again, at once', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => free.once('listening', resolve));
  const { port } = free.address() as { port: number };
  await new Promise(resolve => free.close(resolve));
  await assert.rejects(ensureIdentity(optionsFor('gw-9', { server: `https://127.0.0.1:${port}` })), {
    code: 'ECONNREFUSED',
  });
});
