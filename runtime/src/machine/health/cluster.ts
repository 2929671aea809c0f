/** What the API says of this node, its pods and the cluster's services; what it does not say is told as such. */
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import type { EndpointSlice } from '../../api/generated/types/discovery.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { Client } from '../../client/client.ts';
import { type HttpTransportOptions, httpTransport } from '../../client/http.ts';
import { EndpointSlices, Nodes, Pods } from '../../client/resources.ts';
import { failureOf, networkWorks } from './network.ts';
import type { ControlPlaneNow, EndpointNow, NodeNow, Observation, PodNow, Role, Unknown } from './observation.ts';

/** Of each question. */
const TIMEOUT_MS = 5_000;
const ENDPOINT_TIMEOUT_MS = 2_000;
/** Of a service with more, these say enough. */
const MAX_ENDPOINTS = 3;

export interface ClusterQuestion {
  readonly role: Role;
  readonly nodeName: string | undefined;
  /** How the API is reached; a text: why it cannot be. */
  readonly access: HttpTransportOptions | Unknown;
  /** `cluster.local` */
  readonly domain: string;
}

export type ClusterAnswer = Pick<Observation, 'controlPlane' | 'node' | 'services' | 'pods'>;

export async function clusterNow(question: ClusterQuestion): Promise<ClusterAnswer> {
  const { role, nodeName, access } = question;
  if ('unknown' in access)
    return nothingKnown({ state: 'unasked', server: 'the API server', why: access.unknown }, role);
  const transport = httpTransport({ ...access, connectTimeoutMs: TIMEOUT_MS });
  try {
    const controlPlane = await controlPlaneNow(access.server, async path => {
      const { status, body } = await transport.request({
        method: 'GET',
        path,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status, text: Buffer.isBuffer(body) ? body.toString('utf8') : await textOf(body) };
    });
    const client = new Client(transport, { userAgent: 'atoll-health', timeoutMs: TIMEOUT_MS });
    if (controlPlane.state !== 'ready' && controlPlane.state !== 'not-ready') return nothingKnown(controlPlane, role);
    const [node, pods, services] = await Promise.all([
      role === 'server-only' || nodeName === undefined ? undefined : known(() => nodeNow(client, nodeName)),
      role === 'server-only' ? [] : known(() => podsNow(client, nodeName, role)),
      servicesNow(client, question.domain),
    ]);
    return {
      controlPlane,
      services,
      pods,
      ...(role === 'server-only' ? {} : { node: node ?? { unknown: 'the agent has not said which node this is' } }),
    };
  } finally {
    transport.close();
  }
}

function nothingKnown(controlPlane: ControlPlaneNow, role: Role): ClusterAnswer {
  const unknown = { unknown: `${controlPlane.server} does not answer` };
  const services = { kubernetes: unknown, dns: unknown };
  return { controlPlane, services, pods: unknown, ...(role === 'server-only' ? {} : { node: unknown }) };
}

async function known<T extends object>(ask: () => Promise<T>): Promise<T | Unknown> {
  try {
    return await ask();
  } catch (error) {
    return { unknown: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function controlPlaneNow(
  server: string,
  ask: (path: string) => Promise<{ readonly status: number; readonly text: string }>,
): Promise<ControlPlaneNow> {
  try {
    const { status, text } = await ask('/readyz?verbose=true');
    if (status === 200) return { state: 'ready', server, why: '' };
    if (status === 401 || status === 403) return { state: 'untrusted', server, why: `it answers ${status}` };
    // `[-]check failed: reason`
    const failing = text.split('\n').filter(line => line.startsWith('[-]'));
    return { state: 'not-ready', server, why: failing.join('; ') || `it answers ${status}` };
  } catch (error) {
    const why = messageOf(error);
    const state = failureOf(error);
    if (state === 'unresolved') return { state: 'no-network', server, why };
    if (state !== 'silent') return { state, server, why };
    const host = new URL(server).hostname.replace(/^\[|\]$/g, '');
    return { state: (await networkWorks(host)) ? 'silent' : 'no-network', server, why };
  }
}

async function nodeNow(client: Client, name: string): Promise<NodeNow> {
  return nodeOf(await client.get(Nodes, { name }));
}

export function nodeOf({ status }: Node): NodeNow {
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const state = ready?.status;
  return {
    ready: state === 'True' || state === 'False' ? state : 'Unknown',
    reason: ready?.reason ?? '',
    message: ready?.message ?? '',
    bootId: status?.nodeInfo?.bootID ?? '',
    pressure: conditions
      .filter(({ type, status: value }) => type.endsWith('Pressure') && value === 'True')
      .map(({ type, message }) => `${type}: ${message ?? ''}`),
  };
}

async function podsNow(client: Client, nodeName: string | undefined, role: Role): Promise<PodNow[]> {
  if (nodeName === undefined) throw new Error('the agent has not said which node this is');
  const selections = [
    `spec.nodeName=${nodeName}`,
    ...(role === 'server' ? ['spec.nodeName=,status.phase=Pending'] : []),
  ];
  const lists = await Promise.all(
    selections.map(fieldSelector => client.list(Pods, { fieldSelector, resourceVersion: '0' })),
  );
  return lists.flatMap(({ items }) => items.map(podOf));
}

const CONTAINERD = 'containerd://';

export function podOf(pod: Pod): PodNow {
  const { metadata, spec, status } = pod;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const condition = (type: string) => status?.conditions?.find(known => known.type === type);
  const owner = controllerOf(pod)?.uid;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    ...(owner === undefined ? {} : { owner }),
    phase: status?.phase ?? 'Pending',
    ready: condition('Ready')?.status === 'True',
    reason: status?.reason ?? '',
    deleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
    disrupted: condition('DisruptionTarget')?.status === 'True',
    restartPolicy: spec?.restartPolicy ?? 'Always',
    running: containers.flatMap(({ state, containerID = '' }) =>
      state?.running ? [containerID.startsWith(CONTAINERD) ? containerID.slice(CONTAINERD.length) : containerID] : [],
    ),
    why: whyOf(pod),
  };
}

/** The most telling sentence of a pod that is not as it should be. */
function whyOf({ status }: Pod): string {
  for (const { name, state } of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const { waiting, terminated } = state ?? {};
    const text = ({ reason = '', message = '' }): string => [reason, message].filter(part => part !== '').join(': ');
    if (waiting && waiting.reason !== 'PodInitializing' && waiting.reason !== 'ContainerCreating')
      return `container ${name} waits: ${text(waiting)}`;
    if (terminated && terminated.exitCode !== 0)
      return `container ${name} ended with ${terminated.exitCode}: ${text(terminated)}`;
  }
  if (status?.message) return status.message;
  for (const type of ['PodScheduled', 'Ready', 'ContainersReady']) {
    const found = status?.conditions?.find(known => known.type === type);
    if (found && found.status !== 'True') return found.message || found.reason || '';
  }
  return '';
}

async function servicesNow(client: Client, domain: string): Promise<Observation['services']> {
  const slices = (namespace: string, service: string): Promise<EndpointSlice[]> =>
    client
      .list(EndpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${service}` })
      .then(({ items }) => items);
  const [kubernetes, dns] = await Promise.all([
    known(async () => ({ endpoints: await asked(endpointsOf(await slices('default', 'kubernetes')), connects) })),
    known(async () => ({
      endpoints: await asked(endpointsOf(await slices('kube-system', 'kube-dns')), address =>
        resolves(address, domain),
      ),
    })),
  ]);
  return { kubernetes, dns };
}

/** Addresses of the ready endpoints with the first port, at most {@link MAX_ENDPOINTS}. */
export function endpointsOf(slices: readonly EndpointSlice[]): string[] {
  const addresses = slices.flatMap(({ endpoints, ports }) => {
    const port = ports?.[0]?.port;
    if (port === undefined) return [];
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(endpoint => (endpoint.addresses ?? []).map(a => (a.includes(':') ? `[${a}]:${port}` : `${a}:${port}`)));
  });
  return addresses.slice(0, MAX_ENDPOINTS);
}

const asked = (
  addresses: readonly string[],
  ask: (address: string) => Promise<void>,
): Promise<readonly EndpointNow[]> =>
  Promise.all(
    addresses.map(address =>
      ask(address).then(
        () => ({ address, answers: true, why: '' }),
        (error: unknown) => ({ address, answers: false, why: messageOf(error) }),
      ),
    ),
  );

/** A TCP connection is enough: who is behind it was asked over TLS above. */
function connects(address: string): Promise<void> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      timeout: ENDPOINT_TIMEOUT_MS,
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${ENDPOINT_TIMEOUT_MS} ms`)));
    socket.once('error', reject);
  });
}

async function resolves(address: string, domain: string): Promise<void> {
  const resolver = new Resolver({ timeout: ENDPOINT_TIMEOUT_MS, tries: 1 });
  resolver.setServers([address]);
  await resolver.resolve4(`kubernetes.default.svc.${domain}`);
}
