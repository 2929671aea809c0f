/** What the conformance tests share: one whole control plane for a file, a namespace for a test, and the tests' names. */
import { after, before, it } from 'node:test';
import type { Pod } from '../../src/api/generated/types/core.v1.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import type { Title } from './titles.ts';
import { type Encoding, Wire } from './wire.ts';

const TEST_TIMEOUT_MS = 60_000;

/** Hollow nodes find every image but those with this tag, which upstream's tests use as one that nobody has. */
const isHealthy = ({ spec }: Pod): boolean => !spec?.containers?.some(({ image }) => image?.endsWith(':404'));

export interface Suite {
  readonly cluster: () => TestCluster;
  /** The administrator's. */
  readonly wire: (encoding?: Encoding) => Wire;
  /** A namespace of its own, with its default service account. */
  readonly namespace: (labels?: Record<string, string>) => Promise<string>;
}

/** Begun before the tests of a file, ended after them. @param nodes hollow nodes it has */
export function suite(nodes: readonly string[] = []): Suite {
  let started: TestCluster | undefined;
  const wires = new Map<Encoding, Wire>();
  let count = 0;
  before(async () => {
    started = await startCluster();
    for (const name of nodes) started.addNode({ name, beats: true, isHealthy });
  });
  after(async () => {
    for (const wire of wires.values()) wire.close();
    await started?.close();
  });
  const cluster = (): TestCluster => {
    if (!started) throw new Error('the cluster has not been started: ask for it in a test');
    return started;
  };
  const wire = (encoding: Encoding = 'json'): Wire => {
    const known = wires.get(encoding) ?? new Wire(cluster().server, encoding);
    wires.set(encoding, known);
    return known;
  };
  return {
    cluster,
    wire,
    async namespace(labels = {}) {
      const name = `conformance-${++count}`;
      const admin = wire();
      await admin.create('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { conformance: 'true', ...labels } },
      });
      const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      await admin.until(account, async () => (await admin.send('GET', account)).status === 200);
      return name;
    },
  };
}

/** A test that stands for upstream's of this name. */
export function conformance(title: Title, body: () => Promise<void>): void {
  it(title, { timeout: TEST_TIMEOUT_MS }, body);
}
