/** The four ways to ask a container something, for probes and lifecycle hooks (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#probe-check-methods). */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { credentials, Client as GrpcClient, Metadata } from '@grpc/grpc-js';
import type {
  Container,
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  ProbeHandler,
  TCPSocketAction,
} from '../../api/generated/types/core.v1.ts';
import { type CriClient, CriError } from '../cri/client.ts';

export interface Answer {
  readonly ok: boolean;
  /** For people: the output, the status line, the error. */
  readonly text: string;
}

export interface Target {
  readonly cri: Pick<CriClient, 'execSync'>;
  readonly container: Pick<Container, 'ports'>;
  readonly containerId: string;
  /** Where HTTP, TCP and gRPC go unless the handler names a host. */
  readonly podIp: string;
}

const MAX_OUTPUT = 10 * 1024;
const MAX_REDIRECTS = 10;

/** Never throws: what goes wrong is an answer. Ends within `timeoutMs`, or when `signal` aborts. */
export async function ask(
  handler: ProbeHandler,
  target: Target,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    if (handler.exec) return await askExec(handler.exec, target, timeoutMs, signal);
    if (handler.httpGet) return await askHttp(handler.httpGet, target, timeoutMs, signal);
    if (handler.tcpSocket) return await askTcp(handler.tcpSocket, target, timeoutMs, signal);
    if (handler.grpc) return await askGrpc(handler.grpc, target, timeoutMs);
    return { ok: true, text: '' };
  } catch (error) {
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

async function askExec(
  { command = [] }: ExecAction,
  target: Target,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  try {
    const { stdout, stderr, exitCode } = await target.cri.execSync(target.containerId, command, seconds, { signal });
    const text = Buffer.concat([stdout, stderr]).subarray(0, MAX_OUTPUT).toString('utf8');
    return { ok: exitCode === 0, text };
  } catch (error) {
    if (!(error instanceof CriError) || error.code !== 'DEADLINE_EXCEEDED') throw error;
    return { ok: false, text: `command timed out: "${command.join(' ')}" timed out after ${seconds}s` };
  }
}

/** @throws Error when a named port is not one of the container's. */
export function portOf(port: number | string, container: Pick<Container, 'ports'>): number {
  const number = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : undefined;
  const found = number ?? container.ports?.find(p => p.name === port)?.containerPort;
  if (!found || found > 65535) throw new Error(`couldn't find port: ${port}`);
  return found;
}

async function askHttp(action: HTTPGetAction, target: Target, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const host = action.host || target.podIp;
  const scheme = action.scheme === 'HTTPS' ? 'https' : 'http';
  const authority = `${host.includes(':') ? `[${host}]` : host}:${portOf(action.port, target.container)}`;
  const path = action.path ?? '/';
  let url = new URL(`${scheme}://${authority}${path.startsWith('/') ? '' : '/'}${path}`);
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const { status, location, body } = await getOnce(url, headers, limit, timeoutMs);
    if (status < 300 || status >= 400 || !location) {
      const ok = status >= 200 && status < 400;
      return { ok, text: ok ? body : `HTTP probe failed with statuscode: ${status}` };
    }
    const to = new URL(location, url);
    // Elsewhere is not ours to judge (upstream: success with a warning).
    if (to.hostname !== url.hostname) return { ok: true, text: `Probe terminated redirects, Response body: ${body}` };
    url = to;
  }
  return { ok: false, text: `Get "${url}": stopped after ${MAX_REDIRECTS} redirects` };
}

function getOnce(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ status: number; location: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const port = url.port || (url.protocol === 'https:' ? '443' : '80');
      const why = signal.aborted
        ? `context deadline exceeded (no answer within ${timeoutMs} ms)`
        : (dialText(error, `${url.hostname}:${port}`) ?? error.message);
      reject(new Error(`Get "${url}": ${why}`));
    };
    const answered = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        const body = Buffer.concat(chunks).subarray(0, MAX_OUTPUT).toString('utf8');
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < MAX_OUTPUT) return;
        done();
        response.destroy();
      });
      response.on('end', done);
      response.on('error', fail);
    };
    // Probes do not verify certificates: they ask whether, not who.
    const options = { headers, signal, agent: false, rejectUnauthorized: false };
    const sent = url.protocol === 'https:' ? httpsRequest(url, options, answered) : httpRequest(url, options, answered);
    sent.on('error', fail);
    sent.end();
  });
}

function askTcp(action: TCPSocketAction, target: Target, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const host = action.host || target.podIp;
  const port = portOf(action.port, target.container);
  return new Promise(resolve => {
    const socket = connect({ host, port, signal });
    const answer = (ok: boolean, text: string): void => {
      socket.destroy();
      resolve({ ok, text });
    };
    socket.setTimeout(timeoutMs, () => answer(false, `dial tcp ${host}:${port}: i/o timeout`));
    socket.once('connect', () => answer(true, ''));
    socket.once('error', error =>
      answer(false, dialText(error, `${host}:${port}`) ?? `dial tcp ${host}:${port}: ${error.message}`),
    );
  });
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** As Go says it: people search for these words. `undefined`: it is no failure to connect. */
function dialText(error: Error, authority: string): string | undefined {
  const text = 'code' in error && typeof error.code === 'string' ? ERRNO_TEXTS[error.code] : undefined;
  return text && `dial tcp ${authority}: ${text}`;
}

const SERVING = 1;

/** grpc.health.v1.Health/Check: two messages of one field each, so they are spelled out here. */
function askGrpc({ port, service = '' }: GRPCAction, target: Target, timeoutMs: number): Promise<Answer> {
  const host = target.podIp.includes(':') ? `[${target.podIp}]` : target.podIp;
  const client = new GrpcClient(`${host}:${port}`, credentials.createInsecure());
  const name = Buffer.from(service);
  const encoded = service ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  return new Promise<Answer>(resolve => {
    client.makeUnaryRequest<Buffer, Buffer>(
      '/grpc.health.v1.Health/Check',
      message => message,
      message => message,
      encoded,
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        if (error) return resolve({ ok: false, text: `service unhealthy (${error.details || error.message})` });
        const status = response?.[0] === 0x08 ? response[1] : 0;
        resolve({ ok: status === SERVING, text: status === SERVING ? 'service healthy' : 'service unhealthy' });
      },
    );
  }).finally(() => client.close());
}
