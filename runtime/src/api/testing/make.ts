/** Objects for tests, with only what the test says. */
import type { Deployment, ReplicaSet } from '../generated/types/apps.v1.ts';
import type { Container, Node, Pod } from '../generated/types/core.v1.ts';

/** Noon of the first day of 2026, and times relative to it. */
export const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
export const ago = (seconds: number): string => new Date(NOW_MS - seconds * 1000).toISOString().replace('.000Z', 'Z');

type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };

export function makePod(name: string, spec: Partly<NonNullable<Pod['spec']>> = {}, rest: Partly<Pod> = {}): Pod {
  const { metadata, ...others } = rest;
  return {
    metadata: { namespace: 'default', uid: `uid-${name}`, name, ...metadata },
    spec: { containers: [], ...spec } as NonNullable<Pod['spec']>,
    ...others,
  };
}

export const asking = (requests: Record<string, string>, rest: Partly<Container> = {}): Container =>
  ({ name: 'c', resources: { requests }, ...rest }) as Container;

export function readyPod(name: string, readySecondsAgo: number, spec: Partly<NonNullable<Pod['spec']>> = {}): Pod {
  return makePod(
    name,
    { nodeName: 'n1', ...spec },
    {
      metadata: { creationTimestamp: ago(readySecondsAgo) },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readySecondsAgo) }],
      },
    },
  );
}

export function makeNode(
  name: string,
  allocatable: Record<string, string> = { cpu: '4', memory: '4Gi', pods: '10' },
  rest: {
    readonly labels?: Record<string, string>;
    readonly spec?: Node['spec'];
    readonly status?: Node['status'];
  } = {},
): Node {
  return {
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name, ...rest.labels } },
    ...(rest.spec ? { spec: rest.spec } : {}),
    status: { allocatable, ...rest.status },
  };
}

export function makeDeployment(
  replicas: number,
  spec: Partly<NonNullable<Deployment['spec']>> = {},
  image = 'a',
): Deployment {
  const labels = { app: 'web' };
  return {
    metadata: { namespace: 'default', name: 'web', uid: 'uid-web', generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
      ...spec,
    } as NonNullable<Deployment['spec']>,
  };
}

/** `available` of `replicas` pods run. `age`: the larger, the older. */
export function makeSet(
  name: string,
  replicas: number,
  available = replicas,
  rest: { readonly age?: number; readonly image?: string; readonly annotations?: Record<string, string> } = {},
): ReplicaSet {
  const labels = { app: 'web', 'pod-template-hash': name };
  return {
    metadata: {
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      generation: 1,
      creationTimestamp: ago(rest.age ?? 0),
      ...(rest.annotations ? { annotations: rest.annotations } : {}),
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: rest.image ?? 'a' }] } },
    },
    status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
}
