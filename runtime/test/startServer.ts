/**
 * A real API server for tests: real SQLite store, real TLS, in a directory of its own.
 *
 * {@link startServer} runs it in this process (fast, its handler can be called directly); {@link spawnServer} in a process of
 * its own, which can be killed. Both offer certificates, a kubeconfig for kubectl and helpers to ask.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listen } from '../src/apiserver/http.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../src/apiserver/server.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { User } from '../src/lib/exchange.ts';
import { type Logger, rootLogger, silentLogger } from '../src/lib/log.ts';
import { ensurePki, issueClientCertificate, type KeyPair, type Pki } from '../src/lib/pki.ts';
import { generateKeyPair } from '../src/lib/x509.ts';
import type { Store } from '../src/store/store.ts';

export const NODE_SECRET = 'test-node-secret';

export interface ServerOptions {
  /** Kept where it is given; otherwise a temporary directory, removed at the end. */
  readonly directory?: string;
  /** Default: one the system chooses. */
  readonly port?: number;
  readonly logger?: Logger;
  /** Options of the API server itself, instead of the usual ones. */
  readonly api?: Partial<ApiServerOptions>;
}

export interface TestServer {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  /** PEM: trust this. */
  readonly ca: string;
  /** `system:admin` of `system:masters`. */
  readonly admin: KeyPair;
  readonly pki: Pki;
  /** A kubeconfig for the administrator, for `kubectl --kubeconfig`. */
  readonly kubeconfig: string;
  /** A client certificate for anybody. */
  certificateFor(commonName: string, organizations: readonly string[]): KeyPair;
  close(): Promise<void>;
}

export interface InProcessServer extends TestServer {
  readonly apiServer: ApiServer;
  readonly store: Store;
}

/** For in-process clients: may do everything. */
export const adminUser: User = { name: 'system:admin', groups: ['system:masters'] };

export async function startServer(options: ServerOptions = {}): Promise<InProcessServer> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'atoll-apiserver-')));
  const { openSqliteStore } = await import('../src/store/sqlite/open.ts');
  const { keptInMemory } = await import('../src/store/kept.ts');
  const pki = await ensurePki(join(directory, 'tls'), { now: new Date(), sans: [] });
  const logger = options.logger ?? silentLogger;
  const store = await openSqliteStore({
    path: join(directory, 'db', 'state.db'),
    memory: keptInMemory,
    logger,
  });
  const apiServer = createApiServer({
    store,
    pki,
    logger,
    clock: systemClock,
    serviceCidr: '10.43.0.0/16',
    issuer: 'https://kubernetes.default.svc.cluster.local',
    nodeSecret: NODE_SECRET,
    advertised: { address: '192.0.2.1', port: 6443 },
    version: { gitVersion: 'v1.36.4+atoll0.1.0' },
    ...options.api,
  });
  const listener = await listen(apiServer, {
    address: '127.0.0.1',
    port: options.port ?? 0,
    serving: pki.serving,
    clientCa: pki.clientCa.certificatePem,
    logger,
  });
  await apiServer.ready;
  return {
    ...(await describe(directory, listener.port, pki)),
    apiServer,
    store,
    async close() {
      apiServer.close();
      await listener.close(200);
      await store.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface SpawnedServer extends TestServer {
  readonly process: ChildProcess;
  readonly pid: number;
  /** From exec to the first good `/readyz`. */
  readonly readyMs: number;
  /** SIGKILL, as a power cut would; the directory stays. */
  kill(): Promise<void>;
}

/** Takes a second; many times that on a machine with much else to do. */
const START_MS = 120_000;

export interface SpawnOptions extends Omit<ServerOptions, 'logger' | 'api'> {
  /** This file as a bundle; by default it is run from source, through tsx. */
  readonly bundle?: string;
}

/** The same in a process of its own. @throws Error when it is not ready in time, with what it said. */
export async function spawnServer(options: SpawnOptions = {}): Promise<SpawnedServer> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'atoll-apiserver-')));
  const beganMs = performance.now();
  const { bundle, port: wanted = 0 } = options;
  const program = bundle === undefined ? ['--import', 'tsx', fileURLToPath(import.meta.url)] : [bundle];
  const child = spawn(process.execPath, [...program, directory, String(wanted)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-20_000);
  });
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server was not ready within ${START_MS / 1000} s: ${said}`));
    }, START_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0 && code !== null) process.stderr.write(`the server ended with ${code}: ${said}\n`);
      reject(new Error(`the server ended with ${code ?? signal}: ${said}`));
    });
    let line = '';
    child.stdout.on('data', (chunk: Buffer) => {
      line += chunk.toString();
      const match = /ready (\d+)\n/.exec(line);
      if (!match) return;
      clearTimeout(timer);
      resolve(Number(match[1]));
    });
  });
  const readyMs = performance.now() - beganMs;
  const pki = await ensurePki(join(directory, 'tls'), { now: new Date(), sans: [] });
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    ...(await describe(directory, port, pki)),
    process: child,
    pid: child.pid ?? 0,
    readyMs,
    kill: () => stop('SIGKILL'),
    async close() {
      await stop('SIGTERM');
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

async function describe(directory: string, port: number, pki: Pki): Promise<Omit<TestServer, 'close'>> {
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(directory, 'admin.kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(url, pki.serverCa.certificatePem, pki.admin), { mode: 0o600 });
  return {
    url,
    port,
    directory,
    ca: pki.serverCa.certificatePem,
    admin: pki.admin,
    pki,
    kubeconfig,
    certificateFor(commonName, organizations) {
      const { privateKey } = generateKeyPair();
      const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const subject = { commonName, organizations };
      const certificatePem = issueClientCertificate(pki.clientCa, subject, createPublicKey(privateKey), new Date());
      return { certificatePem, privateKeyPem };
    },
  };
}

export function kubeconfigText(url: string, ca: string, { certificatePem, privateKeyPem }: KeyPair): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name: 'test',
          user: { 'client-certificate-data': base64(certificatePem), 'client-key-data': base64(privateKeyPem) },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    },
    null,
    2,
  )}\n`;
}

/** The child process: `node startServer.ts DIRECTORY PORT`. */
async function main(directory: string, port: number): Promise<void> {
  const server = await startServer({ directory, port, logger: rootLogger('apiserver', { ATOLL_LOG: 'warn' }) });
  process.once('SIGTERM', () => {
    server.close().then(
      () => process.exit(0),
      error => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.stdout.write(`ready ${server.port}\n`);
}

const [, script, directory, port] = process.argv;
if (script === fileURLToPath(import.meta.url) && directory !== undefined) void main(directory, Number(port ?? 0));
