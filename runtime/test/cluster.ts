/** A cluster without containers, for tests: a real API server in this process, our controllers and scheduler, hollow nodes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from '../src/client/client.ts';
import { Informers } from '../src/client/informers.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { measuredTransport } from '../src/client/metrics.ts';
import type { Transport } from '../src/client/transport.ts';
import { type Identity, managerIdentity } from '../src/controllers/identities.ts';
import { startControllers } from '../src/controllers/index.ts';
import type { User } from '../src/lib/exchange.ts';
import { silentLogger } from '../src/lib/log.ts';
import { startScheduler } from '../src/scheduler/index.ts';
import { type HollowNodeOptions, runHollowNode } from './hollowNode.ts';
import { adminUser, type InProcessServer, type ServerOptions, startServer } from './startServer.ts';

export interface TestCluster {
  readonly server: InProcessServer;
  readonly client: Client;
  /** Real kubectl as administrator; gives what it printed. @throws Error with what it said when it fails. */
  readonly kubectl: (...args: string[]) => Promise<string>;
  readonly addNode: (options: HollowNodeOptions) => void;
  readonly close: () => Promise<void>;
}

const run = promisify(execFile);

export async function startCluster(options: ServerOptions = {}): Promise<TestCluster> {
  const server = await startServer(options);
  const { metrics } = server.apiServer;
  const client = new Client(
    measuredTransport(inProcessTransport(server.apiServer.handler, adminUser), metrics, 'test'),
  );
  const scheduler = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };
  const schedulerClient = new Client(inProcessTransport(server.apiServer.handler, scheduler));
  const stop = new AbortController();
  const refusals: string[] = [];
  const clientOf = ({ user, component }: Identity): Client =>
    new Client(
      measuredTransport(
        watched(inProcessTransport(server.apiServer.handler, user), user, refusals),
        metrics,
        'controllers',
      ),
      { userAgent: `${component}/test` },
    );
  const informers = new Informers({ client: clientOf(managerIdentity), logger: silentLogger });
  const work = [
    startControllers(
      {
        client: clientOf(managerIdentity),
        clientOf,
        logger: silentLogger,
        informers,
        metrics,
        options: {
          rootCaPem: server.ca,
          authorities: server.pki,
          issueSecretToken: server.apiServer.issueSecretToken,
        },
      },
      stop.signal,
    ),
    startScheduler({ client: schedulerClient, logger: silentLogger, informers, metrics }, stop.signal),
  ];
  informers.start(stop.signal);
  return {
    server,
    client,
    async kubectl(...args) {
      const { stdout } = await run('kubectl', ['--kubeconfig', server.kubeconfig, ...args], { timeout: 60_000 });
      return stdout.trim();
    },
    addNode: options => {
      work.push(
        runHollowNode(client, options, stop.signal).catch(error => {
          if (!stop.signal.aborted) throw error;
        }),
      );
    },
    async close() {
      stop.abort();
      await Promise.all(work);
      await server.close();
      assert.deepEqual([...new Set(refusals)], [], 'each controller may do what it does');
    },
  };
}

/** Remembers what its user may not do. */
function watched(inner: Transport, user: User, refusals: string[]): Transport {
  return {
    close: () => inner.close(),
    async request(request) {
      const response = await inner.request(request);
      if (response.status === 403 && Buffer.isBuffer(response.body)) {
        const { message = '' } = JSON.parse(response.body.toString()) as { message?: string };
        if (message.includes(`User "${user.name}" cannot`)) refusals.push(message);
      }
      return response;
    },
  };
}

/**
 * Waits until `look` gives something else than `undefined` or `false`, looking again and again.
 * @throws Error naming `what` after `timeoutMs`.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > untilMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
