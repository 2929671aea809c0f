/**
 * The whole control plane as the device runs it: from exec to ready, and its memory when idle.
 *
 *   node --import tsx runtime/bench/server.ts DIRECTORY [--json]
 *
 * DIRECTORY holds the bundle as /usr/lib/atoll does, with better_sqlite3.node and the code cache made for this machine.
 * The store is under $TMPDIR. To beat: kube-apiserver 1.36 with etcd on the same kind of machine; see {@link serverPeer}.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serverSettings } from './device.ts';

export interface ServerFigures {
  /** exec → the first good `/readyz`, with nothing there: it makes keys and the store. */
  readonly firstReadyMs: number;
  /** The same with what the first start left. */
  readonly readyMs: number;
  /** After {@link IDLE_MS} without a request, of the second start. */
  readonly idleRssBytes: number;
}

/** kube-apiserver 1.36 with etcd. */
export const serverPeer = { readyMs: 2700, idleRssBytes: 516 * 1024 ** 2 } as const;

const START_MS = 60_000;
const STOP_MS = 20_000;
/** Long enough for what a start leaves behind to be collected. */
const IDLE_MS = 15_000;
const ASK_EVERY_MS = 5;

/** @throws Error with the server's last words if it ends or is not ready in time */
export async function measureServer(bundle: string, signal?: AbortSignal): Promise<ServerFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-bench-server-'));
  try {
    const first = await start(bundle, directory, signal);
    await first.stop();
    const second = await start(bundle, directory, signal);
    try {
      await sleep(IDLE_MS, signal);
      const idleRssBytes = await residentBytes(second.pid);
      return { firstReadyMs: first.readyMs, readyMs: second.readyMs, idleRssBytes };
    } finally {
      await second.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Started {
  readonly readyMs: number;
  readonly pid: number;
  stop(): Promise<void>;
}

async function start(bundle: string, directory: string, signal: AbortSignal | undefined): Promise<Started> {
  const port = await freePort();
  const { flags, environment } = serverSettings();
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[...flags, join(bundle, 'atoll.js'), 'server', '--bind-address', '127.0.0.1'],
      ...['--https-listen-port', String(port)],
      ...['--data-dir', join(directory, 'data'), '--run-dir', join(directory, 'run')],
      ...['--write-kubeconfig', join(directory, 'admin.yaml')],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
  try {
    while (!(await isReady(port))) {
      signal?.throwIfAborted();
      if (child.exitCode !== null || child.signalCode !== null || performance.now() - began > START_MS)
        throw new Error(`the server ended, or was not ready within ${START_MS / 1000} s: ${said}`);
      await sleep(ASK_EVERY_MS, signal);
    }
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { readyMs: performance.now() - began, pid: child.pid ?? 0, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** One question; nobody listens yet: false. */
function isReady(port: number): Promise<boolean> {
  return new Promise(resolve => {
    // Its own CA does not exist before it has started.
    const options = { host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, agent: false } as const;
    const request = https.get(options, response => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.setTimeout(2000, () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [bundle] = positionals;
  if (bundle === undefined) throw new Error('which bundle? Give the directory that holds atoll.js');
  const figures = await measureServer(bundle);
  if (values.json) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  else console.table({ ours: figures, peer: serverPeer });
}

if (process.argv[1] === import.meta.filename) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
