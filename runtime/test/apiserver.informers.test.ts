/**
 * A client's informers over TLS against a server that forgets the past, is killed and comes back: their caches end as what is stored,
 * and a listener is told of each object's changes in their order.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ConfigMap } from '../src/api/generated/types/core.v1.ts';
import { Client } from '../src/client/client.ts';
import { httpTransport } from '../src/client/http.ts';
import { Informer } from '../src/client/informer.ts';
import { ConfigMaps, metadataOf } from '../src/client/resources.ts';
import { silentLogger } from '../src/lib/log.ts';
import { eventually } from './cluster.ts';
import { type SpawnedServer, spawnServer } from './startServer.ts';

const OBJECTS = 1_050; // more than two pages
const CHANGES = 100;
const DEADLINE_MS = 60_000;

const clientOf = (server: SpawnedServer): Client => {
  const credentials = { certPem: server.admin.certificatePem, keyPem: server.admin.privateKeyPem };
  return new Client(httpTransport({ server: server.url, caPem: server.ca, credentials }));
};

describe('informers', { timeout: 240_000 }, () => {
  it('follow the server through restarts and lost history', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-informers-'));
    let server = await spawnServer({ directory });
    const { port } = server;
    const client = clientOf(server);
    const watching = clientOf(server);
    const stop = new AbortController();
    const running: Promise<void>[] = [];
    try {
      const map = (index: number, round: number): ConfigMap => ({
        metadata: { namespace: 'default', name: `m-${index}`, labels: { half: index % 2 === 0 ? 'even' : 'odd' } },
        data: { round: String(round) },
      });
      for (let at = 0; at < OBJECTS; at += 50)
        await Promise.all(Array.from({ length: 50 }, (_, k) => client.create(ConfigMaps, map(at + k, 0))));

      const all = new Informer<ConfigMap>(ConfigMaps, { client: watching, logger: silentLogger });
      const even = new Informer<ConfigMap>(ConfigMaps, {
        client: watching,
        logger: silentLogger,
        labelSelector: 'half=even',
      });
      const metadata = new Informer(metadataOf(ConfigMaps), {
        client: watching,
        logger: silentLogger,
        metadataOnly: true,
      });
      const newest = new Map<string, number>();
      const backwards: string[] = [];
      const note = ({ metadata: { name = '', resourceVersion } }: ConfigMap): void => {
        const revision = Number(resourceVersion);
        if (revision < (newest.get(name) ?? 0)) backwards.push(`${name}: ${revision} after ${newest.get(name)}`);
        newest.set(name, revision);
      };
      all.on({ add: note, update: note });
      for (const informer of [all, even, metadata]) running.push(informer.run(stop.signal));
      await Promise.all([all.synced, even.synced, metadata.synced]);

      const change = async (round: number): Promise<void> => {
        for (let index = 0; index < CHANGES; index++) {
          const key = { namespace: 'default', name: `m-${(index * 7 + round * 31) % OBJECTS}` };
          if (index % 10 === 9) {
            await client.delete(ConfigMaps, key).catch(() => undefined); // it may be gone already
            continue;
          }
          const half = index % 3 === 0 ? { metadata: { labels: { half: index % 2 === 0 ? 'odd' : 'even' } } } : {};
          const patch = { ...half, data: { round: String(round) } };
          await client.patch(ConfigMaps, key, patch, { type: 'merge' }).catch(() => undefined);
        }
      };
      const matches = async (): Promise<void> => {
        const stored = new Map<string, ConfigMap>();
        for await (const object of client.listAll(ConfigMaps, { namespace: 'default' }))
          if (object.metadata.name?.startsWith('m-')) stored.set(object.metadata.name, object);
        const same = (informer: Informer<ConfigMap>, selected: (object: ConfigMap) => boolean): boolean => {
          const wanted = [...stored.values()].filter(selected);
          const cached = [...informer.list()].filter(object => object.metadata.name?.startsWith('m-'));
          return (
            cached.length === wanted.length &&
            wanted.every(
              ({ metadata: { name, resourceVersion } }) =>
                informer.get('default', name ?? '')?.metadata.resourceVersion === resourceVersion,
            )
          );
        };
        await eventually(
          'every cache is what is stored',
          async () =>
            same(all, () => true) &&
            same(even, object => object.metadata.labels?.half === 'even') &&
            same(metadata as Informer<ConfigMap>, () => true),
          DEADLINE_MS,
        );
      };
      await change(1);
      await matches();
      await server.kill(); // as a power cut
      server = await spawnServer({ directory, port });
      await change(2);
      await matches();
      await server.kill();
      server = await spawnServer({ directory, port });
      await change(3);
      await matches();
      assert.deepEqual(backwards, []);
    } finally {
      stop.abort();
      await Promise.allSettled(running);
      client.close();
      watching.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
});
