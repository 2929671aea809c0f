/** The API server with the real store, under load: CPU time an operation beside the peer's, then rates and latencies. */
import type { ApiFigures } from '../../../runtime/bench/api.ts';
import type { ApiRow } from '../../../runtime/bench/load.ts';
import { measuredBy } from '../child.ts';
import type { Figure } from '../figures.ts';
import type { Section } from '../section.ts';

export const api: Section = {
  name: 'api',
  title:
    'API on this machine: CPU time of the server an operation (peer: kube-apiserver 1.36 with etcd, measured elsewhere)',
  notes: [
    '×16: sixteen requests at a time; get: eight; lists: one. 2,000 pods, after a warm-up of 1,000 of each over each protocol. The server is a bundle, as on the device. Writes are durable before they are answered.',
  ],
  async run({ signal }) {
    return { figures: apiFigures(await measuredBy<ApiFigures>('runtime/bench/api.ts', signal)) };
  },
};

export function apiFigures({ rows, loadedRssMiB }: ApiFigures): Figure[] {
  const rss: Figure = {
    id: 'loadedRss',
    label: 'RSS after the load',
    unit: 'bytes',
    value: loadedRssMiB * 1024 ** 2,
  };
  const { cpu, cells } = rowFigures(rows);
  return [...cpu, rss, ...cells];
}

/** CPU time of each operation, and its rate and latencies as a row of the second table. */
export function rowFigures(rows: readonly ApiRow[]): { readonly cpu: Figure[]; readonly cells: Figure[] } {
  const cpu = rows.flatMap(({ operation, protocol, cpuMsPerOperation, anchorCpuMs }): Figure[] => {
    if (cpuMsPerOperation === undefined) return [];
    const name = `${operation}, ${protocol}`;
    const peer = anchorCpuMs === undefined ? {} : { peer: anchorCpuMs };
    return [{ id: `${name}.cpu`, label: name, unit: 'ms CPU', value: cpuMsPerOperation, ...peer }];
  });
  const cells = rows.flatMap(({ operation, protocol, perSecond, p50Ms, p99Ms }): Figure[] => {
    const row = `${operation}, ${protocol}`;
    return [
      { id: `${row}.rate`, row, label: 'rate', unit: 'per second', value: perSecond },
      { id: `${row}.p50`, row, label: 'p50', unit: 'ms', value: p50Ms },
      { id: `${row}.p99`, row, label: 'p99', unit: 'ms', value: p99Ms },
    ];
  });
  return { cpu, cells };
}
