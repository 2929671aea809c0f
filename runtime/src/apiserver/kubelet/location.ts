/**
 * Where on which kubelet a pod's log, exec, attach and port-forward are found. Pure: pod and query in, node and path out.
 * Rules and words are upstream's (pkg/registry/core/pod/strategy.go, pkg/apis/core/validation for PodLogOptions).
 */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import * as field from '../../api/kinds/errors.ts';
import type { FieldError } from '../../api/kinds/kind.ts';
import { badRequest, invalid } from '../../api/status.ts';

export type PodStream = 'exec' | 'attach' | 'portforward';

export interface KubeletLocation {
  readonly nodeName: string;
  /** Path with query on the kubelet, percent-encoded. */
  readonly path: string;
}

/** Options the API server passes on as they are. */
const logOptions = [
  'follow',
  'previous',
  'timestamps',
  'tailLines',
  'sinceSeconds',
  'sinceTime',
  'limitBytes',
  'stream',
];

/**
 * @returns undefined while the pod has no node: its log is empty then.
 * @throws StatusError 400 for a wrong container or malformed option, 422 for an impossible one.
 */
export function logLocation(pod: Pod, query: URLSearchParams): KubeletLocation | undefined {
  validateLogOptions(pod, query);
  const container = containerName(pod, query.get('container') ?? '');
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '') return undefined;
  const passed = new URLSearchParams();
  for (const name of logOptions) {
    const value = query.get(name);
    if (value !== null && value !== '') passed.set(name, value);
  }
  return { nodeName, path: pathOf('containerLogs', pod, container, passed) };
}

/** @throws StatusError 400 for a wrong container or a pod without a node. */
export function streamLocation(pod: Pod, stream: PodStream, query: URLSearchParams): KubeletLocation {
  const container = stream === 'portforward' ? undefined : containerName(pod, query.get('container') ?? '');
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '') throw badRequest(`pod ${nameOf(pod)} does not have a host assigned`);
  const passed = new URLSearchParams();
  if (stream === 'portforward') {
    for (const port of query.getAll('ports')) passed.append('port', port);
    return { nodeName, path: pathOf('portForward', pod, undefined, passed) };
  }
  // The kubelet's own names for the same switches.
  const switches = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;
  for (const [name, kubeletName] of Object.entries(switches)) {
    if (isTrue(name, query)) passed.set(kubeletName, '1');
  }
  if (stream === 'exec') for (const part of query.getAll('command')) passed.append('command', part);
  return { nodeName, path: pathOf(stream, pod, container, passed) };
}

const nameOf = (pod: Pod): string => pod.metadata.name ?? '';

function pathOf(verb: string, pod: Pod, container: string | undefined, query: URLSearchParams): string {
  const segments = [verb, pod.metadata.namespace ?? '', nameOf(pod), ...(container === undefined ? [] : [container])];
  const path = `/${segments.map(encodeURIComponent).join('/')}`;
  return query.size > 0 ? `${path}?${query}` : path;
}

function containerName(pod: Pod, asked: string): string {
  const names = (containers: readonly { name: string }[] | undefined): string[] => (containers ?? []).map(c => c.name);
  const containers = names(pod.spec?.containers);
  const initContainers = names(pod.spec?.initContainers);
  const ephemeral = (pod.spec?.ephemeralContainers ?? []).map(c => c.name ?? '');
  if (asked !== '') {
    if ([...containers, ...initContainers, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${nameOf(pod)}`);
  }
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only;
  let message = `a container name must be specified for pod ${nameOf(pod)}`;
  if (containers.length > 0) message += `, choose one of: [${containers.join(' ')}]`;
  if (initContainers.length > 0) message += ` or one of the init containers: [${initContainers.join(' ')}]`;
  throw badRequest(message);
}

/** Go's `strconv.ParseBool`, which also takes a switch that is there without a value. */
function isTrue(name: string, query: URLSearchParams): boolean {
  const value = query.get(name);
  if (value === null) return false;
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw badRequest(`invalid value for "${name}": ${JSON.stringify(value)} is neither true nor false`);
}

function integer(name: string, query: URLSearchParams): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

function validateLogOptions(pod: Pod, query: URLSearchParams): void {
  for (const name of ['follow', 'previous', 'timestamps']) isTrue(name, query);
  const errors: FieldError[] = [];
  const positive = (name: string): void => {
    const value = integer(name, query);
    if (value !== undefined && value < 1) errors.push(field.invalid(name, value, 'must be greater than 0'));
  };
  const tailLines = integer('tailLines', query);
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(field.invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  positive('limitBytes');
  const sinceTime = query.get('sinceTime') ?? '';
  if (sinceTime !== '' && query.get('sinceSeconds')) {
    errors.push(field.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  }
  positive('sinceSeconds');
  if (sinceTime !== '' && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`parsing time ${JSON.stringify(sinceTime)}: want RFC 3339, as "2026-01-02T15:04:05Z"`);
  }
  const stream = query.get('stream') ?? '';
  if (stream !== '' && !['All', 'Stdout', 'Stderr'].includes(stream)) {
    errors.push(field.notSupported('stream', stream, ['All', 'Stderr', 'Stdout']));
  }
  if (stream !== '' && stream !== 'All' && tailLines !== undefined) {
    errors.push(field.forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now'));
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, nameOf(pod), errors);
}
