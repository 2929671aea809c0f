/** How long an event takes to reach many watches. */
import http2 from 'node:http2';
import type { SpawnedServer } from '../test/startServer.ts';
import { type ApiRow, connectHttp2, cpuMs, row } from './load.ts';

const STREAMS = 200;

/** From the answer to a write until every one of `watchers` has its event. */
export async function watchDelivery(server: SpawnedServer, watchers: number, count = 500): Promise<ApiRow> {
  // A connection carries at most 250 streams.
  const sessions = Array.from({ length: Math.ceil(watchers / STREAMS) }, () =>
    http2.connect(server.url, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
    }),
  );
  const maps = '/api/v1/namespaces/bench/configmaps';
  const writer = connectHttp2(server);
  let seen = 0;
  let wake: () => void = () => undefined;
  const streams = await Promise.all(
    Array.from({ length: watchers }, async (_, index) => {
      const session = sessions[Math.floor(index / STREAMS)];
      if (!session) throw new Error('no connection');
      const stream = session.request({ ':method': 'GET', ':path': `${maps}?watch=1&resourceVersion=0` });
      await new Promise(resolve => stream.once('response', resolve));
      stream.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 10) seen++;
        wake();
      });
      return stream;
    }),
  );
  const latencies: number[] = [];
  const cpu = cpuMs(server.pid);
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const at = performance.now();
    const target = seen + watchers;
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `watch-${watchers}-${index}` },
      data: { a: 'b' },
    });
    await writer.send('POST', maps, body);
    while (seen < target) {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    latencies.push(performance.now() - at);
  }
  const seconds = (performance.now() - began) / 1000;
  const result = row(`create seen by ${watchers} watches`, 'h2', latencies, seconds, cpuMs(server.pid) - cpu);
  for (const stream of streams) stream.close();
  for (const session of sessions) session.close();
  writer.close();
  return result;
}
