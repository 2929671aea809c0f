/**
 * What every cluster has before anybody makes anything: its namespaces, the two system priority classes, and the way pods
 * find the API server (`kubernetes.default`). Made when missing, at every start; people's changes to them are left alone,
 * except for the API server's own address, which is the server's to say.
 */
import type { KubeObject } from '../api/object.ts';
import { findResource } from '../api/resources.ts';
import { StatusError } from '../api/status.ts';
import type { User } from '../lib/exchange.ts';
import type { Context, Parts } from './context.ts';
import { contextFor } from './internal.ts';
import { keyOf } from './keys.ts';
import { timestamp } from './objectMeta.ts';
import { ownObjects } from './ownObjects.ts';
import { createObject, updateObject } from './registry.ts';

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const systemClasses = [
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
];

export interface Advertised {
  /** Where pods reach the API server; never a loopback address. Undefined while the host has none: endpoints stay as they are. */
  readonly address: string | undefined;
  readonly port: number;
}

export async function bootstrap(parts: Parts, user: User, advertised: Advertised): Promise<void> {
  await Promise.all(
    namespaces.map(name =>
      ensure(parts, user, '', 'namespaces', '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    ),
  );
  await Promise.all(
    systemClasses.map(({ name, value, description }) =>
      ensure(parts, user, 'scheduling.k8s.io', 'priorityclasses', '', {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value,
        description,
        preemptionPolicy: 'PreemptLowerPriority',
      }),
    ),
  );
  await ensure(parts, user, '', 'services', 'default', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: parts.services.apiServerAddress,
      clusterIPs: [parts.services.apiServerAddress],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: advertised.port }],
      sessionAffinity: 'None',
    },
  });
  await advertise(parts, user, advertised);
  await Promise.all(
    ownObjects(parts.services.cidr, timestamp(parts.clock.now())).map(async ({ group, resource, object, status }) => {
      const made = await ensure(parts, user, group, resource, '', object);
      if (!made || !status) return;
      const name = object.metadata.name ?? '';
      const change = (old: KubeObject): KubeObject => ({ ...old, status });
      await updateObject(internal(parts, user, group, resource, '', name), name, { subresource: 'status', change });
    }),
  );
}

/** Where servers that extend the API find out whom to trust: metrics-server and its like read it at their start. */
export async function publishClientCa(parts: Parts, user: User, clientCaPem: string): Promise<void> {
  await put(parts, user, '', 'configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: { 'client-ca-file': clientCaPem },
  });
}

/** Says where the API server is. To be called again when the host's address has changed. */
export async function advertise(parts: Parts, user: User, { address, port }: Advertised): Promise<void> {
  if (address === undefined) return;
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  await put(parts, user, '', 'endpoints', {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  });
  await put(parts, user, 'discovery.k8s.io', 'endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  });
}

/** Whether it had to be made. */
async function ensure(
  parts: Parts,
  user: User,
  group: string,
  resource: string,
  namespace: string,
  object: KubeObject,
): Promise<boolean> {
  const name = object.metadata.name ?? '';
  const context = internal(parts, user, group, resource, namespace, name);
  if (await parts.store.get(keyOf(context.resource, namespace, name))) return false;
  try {
    await createObject(context, object);
    return true;
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
    return false;
  }
}

async function put(parts: Parts, user: User, group: string, resource: string, object: KubeObject): Promise<void> {
  const name = object.metadata.name ?? '';
  const context = internal(parts, user, group, resource, object.metadata.namespace ?? '', name);
  try {
    await updateObject(context, name, { subresource: '', change: () => structuredClone(object) });
  } catch (error) {
    if (!(error instanceof StatusError && error.code === 404)) throw error;
    await createObject(context, object);
  }
}

function internal(parts: Parts, user: User, group: string, resource: string, namespace: string, name: string): Context {
  const info = findResource(group, 'v1', resource);
  if (!info) throw new Error(`the resource ${resource}.${group} is not in the schema table`);
  return contextFor(parts, user, info, namespace, name);
}
