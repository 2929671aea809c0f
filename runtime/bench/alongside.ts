/** Reads and writes one by one, alone and while another client lists everything. */
import { performance } from 'node:perf_hooks';
import type { SpawnedServer } from '../test/startServer.ts';
import { Lister } from './lister.ts';
import { type Answer, type ApiRow, connectHttp1, connectHttp2, PODS, row, rssMiB } from './load.ts';

export type Protocol = 'h2' | 'h1.1';

/** What is listed meanwhile: its name in the table, and how it is asked for. */
export interface Listing {
  readonly as: string;
  readonly accept: string;
}

export const listings: readonly Listing[] = [
  { as: 'JSON', accept: 'application/json' },
  { as: 'protobuf', accept: 'application/vnd.kubernetes.protobuf' },
  { as: 'a table', accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
];

export interface Alongside {
  readonly rows: readonly ApiRow[];
  /** The most the server's process had while it was listing. */
  readonly peakRssMiB: number;
}

/** Reads, and writes, that a p99 can be told of. */
const FEWEST = 200;
/** Whoever asks is no loop: a moment between an answer and the next question. */
const PAUSE_MS = 2;
const SAMPLE_MS = 50;

const merge = 'application/merge-patch+json';

/** @param listing undefined: nobody lists; else until a list has ended that was going on all the time */
export async function alongside(
  server: SpawnedServer,
  protocol: Protocol,
  objects: number,
  listing?: Listing,
): Promise<Alongside> {
  const connect = protocol === 'h2' ? connectHttp2 : connectHttp1;
  const [reads, writes] = [connect(server), connect(server)];
  const lister = listing && (await Lister.start(server, { protocol, path: PODS, accept: listing.accept }));
  let peakRssMiB = 0;
  const sampler = setInterval(() => {
    peakRssMiB = Math.max(peakRssMiB, rssMiB(server.pid));
  }, SAMPLE_MS);
  const during = listing ? ` while ${objects} are listed as ${listing.as}` : '';
  const name = (index: number): string => `p-${index % objects}`;
  const measured = async (operation: string, send: (index: number) => Promise<Answer>): Promise<ApiRow> => {
    const latencies: number[] = [];
    const began = performance.now();
    for (let index = 0; index < FEWEST || (lister && lister.ended.length === 0); index++) {
      lister?.check();
      const at = performance.now();
      const { status, body } = await send(index);
      if (status !== 200) throw new Error(`${operation}: ${status} ${body.toString().slice(0, 300)}`);
      latencies.push(performance.now() - at);
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
    }
    return row(`${operation}${during}`, protocol, latencies, (performance.now() - began) / 1000);
  };
  const change = (index: number): string =>
    JSON.stringify({ metadata: { labels: { round: `${performance.now()}-${index}` } } });
  try {
    const rows = await Promise.all([
      measured('get ×1', index => reads.send('GET', `${PODS}/${name(index * 7919)}`)),
      measured('patch ×1', index => writes.send('PATCH', `${PODS}/${name(index * 7907)}`, change(index), merge)),
    ]);
    return { rows, peakRssMiB };
  } finally {
    clearInterval(sampler);
    await lister?.stop();
    for (const connection of [reads, writes]) connection.close();
  }
}
