/** What the tests with the JavaScript client library share: a server with its controllers, and clients for it. */
import { after, before } from 'node:test';
import { ApiException, KubeConfig, type PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { startCluster, type TestCluster } from './cluster.ts';

export interface ClientLibrary {
  readonly cluster: () => TestCluster;
  /** As administrator. */
  readonly config: () => KubeConfig;
  /** As whoever has this token. */
  readonly withToken: (token: string) => KubeConfig;
}

/** One for all tests of a file: begun before them, ended after them. */
export function clientLibrary(): ClientLibrary {
  let started: TestCluster | undefined;
  before(async () => {
    started = await startCluster();
  });
  after(() => started?.close());
  const cluster = (): TestCluster => {
    if (!started) throw new Error('the cluster is there only while tests run');
    return started;
  };
  const config = (): KubeConfig => {
    const read = new KubeConfig();
    read.loadFromFile(cluster().server.kubeconfig);
    return read;
  };
  return {
    cluster,
    config,
    withToken: token => {
      const { url, ca } = cluster().server;
      const made = new KubeConfig();
      made.loadFromClusterAndUser(
        { name: 'test', server: url, caData: Buffer.from(ca).toString('base64'), skipTLSVerify: false },
        { name: 'token', token },
      );
      return made;
    },
  };
}

/** The library's way to say which kind of patch a body is. */
export const as = (strategy: PatchStrategy) => setHeaderOptions('Content-Type', strategy);

export interface Refused {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/** The call must be refused; the Status it was refused with. */
export async function refused(call: Promise<unknown>): Promise<Refused> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const body: unknown = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
    // The library reads no Status of a 401.
    const { reason = '', message = '' } = (body ?? {}) as Partial<Refused>;
    return { code: error.code, reason, message };
  }
  throw new Error('the server should have refused this');
}
