/** From a request's path and query to what it is about: pod, container, options. Words of errors are the kubelet's. */
import type { IncomingMessage } from 'node:http';
import { badRequest, StatusError } from '../../api/status.ts';
import type { CommandStreams } from './remoteCommand.ts';
import type { ContainerTarget, PodLookup, PodTarget } from './types.ts';

const kinds = ['healthz', 'metrics', 'pods', 'containerLogs', 'exec', 'attach', 'portForward'] as const;

export interface Route {
  readonly kind: (typeof kinds)[number];
  readonly namespace: string;
  readonly pod: string;
  /** Empty where the path has none. */
  readonly container: string;
  readonly query: URLSearchParams;
}

const missing = (message: string): StatusError => new StatusError(404, 'NotFound', message);

/** @throws StatusError 404 for a path that is not served. */
export function routeOf(request: IncomingMessage): Route {
  const url = new URL(request.url ?? '/', 'http://kubelet');
  const [first = '', ...segments] = url.pathname.slice(1).split('/');
  const kind = kinds.find(name => name === first);
  const expected = kind === 'healthz' || kind === 'metrics' || kind === 'pods' ? 0 : kind === 'portForward' ? 2 : 3;
  if (kind === undefined || segments.length !== expected || segments.includes('')) {
    throw missing(`the kubelet does not serve ${url.pathname}`);
  }
  const [namespace = '', pod = '', container = ''] = segments.map(decode);
  return { kind, namespace, pod, container, query: url.searchParams };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`malformed path segment ${JSON.stringify(segment)}`);
  }
}

/** The kubelet's switches (`input=1&output=1&error=1&tty=1`). With a terminal there is no separate standard error. */
export function commandOptions({ query }: Route): CommandStreams {
  const flag = (name: string): boolean => query.get(name) === '1' || query.get(name) === 'true';
  const tty = flag('tty');
  const wanted = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error') && !tty, tty };
  if (wanted.stdin || wanted.stdout || wanted.stderr) return wanted;
  throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
}

async function podOf(pods: PodLookup, { namespace, pod }: Route): Promise<PodTarget> {
  const found = await pods.find(namespace, pod);
  if (found) return found;
  throw missing(`pod "${pod}" not found: this node does not run ${namespace}/${pod}`);
}

/** @throws StatusError 404 when it is not there or does not run. */
export async function runningContainer(
  pods: PodLookup,
  route: Route,
): Promise<ContainerTarget & { readonly containerId: string }> {
  const found = (await podOf(pods, route)).container(route.container);
  if (!found || found.containerId === undefined || !found.running) {
    throw missing(`container not found ("${route.container}")`);
  }
  return { ...found, containerId: found.containerId };
}

/** @throws StatusError 404 when the pod has no ready sandbox. */
export async function sandboxOf(pods: PodLookup, route: Route): Promise<string> {
  const { podSandboxId } = await podOf(pods, route);
  if (podSandboxId !== undefined) return podSandboxId;
  throw missing(`pod "${route.pod}" has no running sandbox`);
}

export interface LogTarget {
  /** undefined when the container has not written one. */
  readonly path: string | undefined;
  /** Set while the log may still grow. */
  readonly containerId: string | undefined;
}

/** @throws StatusError 404 for unknown pods and containers, 400 for a log that is not there. */
export async function logTarget(pods: PodLookup, route: Route, previous: boolean): Promise<LogTarget> {
  const target = (await podOf(pods, route)).container(route.container);
  const { pod, container } = route;
  if (!target) throw missing(`container "${container}" not found in pod "${pod}"`);
  if (previous) {
    if (target.previousLogPath === undefined) {
      throw badRequest(`previous terminated container "${container}" in pod "${pod}" not found`);
    }
    return { path: target.previousLogPath, containerId: undefined };
  }
  if (target.containerId === undefined) throw badRequest(waiting(pod, container, target.waitingReason));
  return { path: target.logPath, containerId: target.running ? target.containerId : undefined };
}

function waiting(pod: string, container: string, reason: string | undefined): string {
  const which = `container "${container}" in pod "${pod}" is waiting to start`;
  if (reason === undefined) return `${which} - no logs yet`;
  if (reason === 'ErrImagePull') return `${which}: image can't be pulled`;
  if (reason === 'ImagePullBackOff') return `${which}: trying and failing to pull image`;
  return `${which}: ${reason}`;
}
