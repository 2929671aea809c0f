/**
 * kill -9 under load, again and again: nothing acknowledged is lost, the order of revisions holds, and a watch that goes on after each
 * start from where it was has seen every change once, in order.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type SpawnedServer, spawnServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const ROUNDS = 4;
const WRITERS = 16;
const ROUND_MS = 700;

interface Acknowledged {
  readonly revision: number;
  readonly value: string | undefined;
}

describe('durability', { timeout: 180_000 }, () => {
  it('survives kill -9 under load, and so do watches', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-durability-'));
    /** What the server has acknowledged, by name; `value` undefined: deleted. */
    const acknowledged = new Map<string, Acknowledged>();
    /** Asked for, but the server died before it answered: either is right. */
    const open = new Map<string, string | undefined>();
    let newest = 0;
    const follower = new Follower();
    try {
      for (let round = 0; round <= ROUNDS; round++) {
        const server = await spawnServer({ directory });
        try {
          const revision = await verify(server, acknowledged, open);
          assert.ok(revision >= newest, `revision ${revision} after ${newest}`);
          const following = follower.follow(server);
          if (round === ROUNDS) {
            await follower.reach(server);
            break;
          }
          await load(server, round, acknowledged, open);
          await following;
          newest = Math.max(newest, ...[...acknowledged.values()].map(a => a.revision));
        } finally {
          await server.kill();
        }
      }
      assert.ok(acknowledged.size > 50, `only ${acknowledged.size} objects were written`);
      for (const [name, { value, revision }] of acknowledged) {
        assert.equal(follower.values.get(name), value, `${name} as the watch has seen it`);
        if (value !== undefined) assert.ok(follower.seen.has(revision), `${name} at ${revision} was not seen`);
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** One watch over the lives of the server: after each start it goes on from the last event it has had whole. */
class Follower {
  /** Revisions of the events. */
  readonly seen = new Set<number>();
  /** What there is by the events alone. */
  readonly values = new Map<string, string>();
  #last = 0;
  #onEvent = (): void => undefined;

  /** Ends when the server is killed. */
  follow(server: SpawnedServer): Promise<void> {
    const session = connect(server);
    const stream = session.request({ ':path': `${MAPS}?watch=1&resourceVersion=${this.#last || 1}` });
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
    stream.on('error', () => undefined);
    return new Promise(resolve =>
      stream.on('close', () => {
        session.destroy();
        resolve();
      }),
    );
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line);
    assert.ok(['ADDED', 'MODIFIED', 'DELETED'].includes(type), line);
    const { name, resourceVersion } = object.metadata;
    const revision = Number(resourceVersion);
    assert.ok(revision > this.#last, `${type} ${name} at ${revision} after ${this.#last}`);
    assert.equal(type === 'ADDED', !this.values.has(name), `${type} ${name}, which was ${this.values.get(name)}`);
    this.#last = revision;
    this.seen.add(revision);
    if (type === 'DELETED') this.values.delete(name);
    else this.values.set(name, object.data?.value ?? '');
    this.#onEvent();
  }

  /** Until everything of before has been seen. */
  async reach(server: SpawnedServer): Promise<void> {
    const session = connect(server);
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'the-end' } });
    const seen = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the watch has not come to the end')), 30_000);
      this.#onEvent = () => {
        if (!this.values.has('the-end')) return;
        clearTimeout(timer);
        resolve();
      };
    });
    const [answer] = await Promise.all([send(session, 'POST', MAPS, body), seen]);
    assert.equal(answer?.status, 201);
    session.destroy();
  }
}

function connect(server: SpawnedServer): http2.ClientHttp2Session {
  const { ca, admin } = server;
  const session = http2.connect(server.url, { ca, cert: admin.certificatePem, key: admin.privateKeyPem });
  session.on('error', () => undefined); // the server is killed on purpose
  return session;
}

/** Undefined: no answer came. */
function send(
  session: http2.ClientHttp2Session,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string } | undefined> {
  return new Promise(resolve => {
    if (session.closed || session.destroyed) return resolve(undefined);
    const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' });
    let status = 0;
    let text = '';
    let whole = false;
    stream.on('response', headers => {
      status = Number(headers[':status']);
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.on('end', () => {
      whole = status !== 0;
    });
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(whole ? { status, text } : undefined));
    stream.end(body);
  });
}

async function load(
  server: SpawnedServer,
  round: number,
  acknowledged: Map<string, Acknowledged>,
  open: Map<string, string | undefined>,
): Promise<void> {
  const session = connect(server);
  let stopped = false;
  const writer = async (number: number): Promise<void> => {
    let last = 0;
    for (let step = 0; !stopped; step++) {
      const name = `r${round}-w${number}-${step >> 2}`;
      const action = step & 3;
      const value = action === 3 && number % 2 === 0 ? undefined : `${round}.${step}`;
      const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });
      open.set(name, value);
      const answer =
        value === undefined
          ? await send(session, 'DELETE', `${MAPS}/${name}`)
          : action === 0
            ? await send(session, 'POST', MAPS, body)
            : await send(session, 'PUT', `${MAPS}/${name}`, body);
      if (!answer) return;
      assert.ok(answer.status === 200 || answer.status === 201, answer.text);
      const said = JSON.parse(answer.text);
      const revision = value === undefined ? last : Number(said.metadata.resourceVersion);
      assert.ok(revision >= last, `revision ${revision} after ${last} for one writer`);
      last = revision;
      acknowledged.set(name, { revision, value });
      open.delete(name);
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, number) => writer(number));
  await new Promise(resolve => setTimeout(resolve, ROUND_MS));
  await server.kill(); // in the middle of whatever it does
  stopped = true;
  await Promise.all(writers);
  session.destroy();
}

/** The newest revision. */
async function verify(
  server: SpawnedServer,
  acknowledged: Map<string, Acknowledged>,
  open: Map<string, string | undefined>,
): Promise<number> {
  const session = connect(server);
  const answer = await send(session, 'GET', MAPS);
  session.close();
  assert.equal(answer?.status, 200);
  const list = JSON.parse(answer?.text ?? '');
  const there = new Map<string, { value: string; revision: number }>();
  for (const { metadata, data } of list.items) {
    there.set(metadata.name, { value: data.value, revision: Number(metadata.resourceVersion) });
  }
  for (const [name, value] of open) {
    // The unanswered write did happen: from now on that is what must be there.
    const found = there.get(name);
    if (found?.value === value) acknowledged.set(name, { value, revision: found?.revision ?? 0 });
  }
  for (const [name, { value, revision }] of acknowledged) {
    const found = there.get(name);
    assert.equal(found?.value, value, `${name} was acknowledged at ${revision}`);
    if (found) assert.equal(found.revision, revision, `${name} has another revision than was acknowledged`);
  }
  for (const { revision } of there.values()) assert.ok(revision <= Number(list.metadata.resourceVersion));
  open.clear();
  return Number(list.metadata.resourceVersion);
}
