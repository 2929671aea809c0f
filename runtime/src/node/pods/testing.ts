/** Short ways to say pods and observations in tests. */
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import {
  containerHash,
  type Memory,
  type Observed,
  type ObservedContainer,
  type ObservedSandbox,
  type ProbeResults,
} from './model.ts';

type Spec = NonNullable<Pod['spec']>;

export const T0 = Date.parse('2026-11-21T12:00:00Z');

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: `image-${name}`, ...more };
}

export function pod(spec: Partial<Spec> = {}, metadata: Pod['metadata'] = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', ...metadata },
    spec: { containers: [container('a')], terminationGracePeriodSeconds: 30, ...spec },
  };
}

let made = 0;

export function instance(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  made++;
  return {
    id: `${name}-${more.attempt ?? 0}`,
    name,
    attempt: 0,
    state: 'running',
    sandboxId: 's0',
    createdAt: T0 + made,
    startedAt: T0,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: `image-${name}`,
    imageId: 'sha256:0',
    hash: containerHash(container(name)),
    graceSeconds: 30,
    ...more,
  };
}

export const exited = (name: string, exitCode: number, more: Partial<ObservedContainer> = {}): ObservedContainer =>
  instance(name, { state: 'exited', exitCode, finishedAt: T0, ...more });

export function sandbox(more: Partial<ObservedSandbox> = {}): ObservedSandbox {
  return { id: 's0', attempt: 0, ready: true, createdAt: T0, hostNetwork: false, ips: ['10.42.0.5'], ...more };
}

export function seen(containers: ObservedContainer[], sandboxes: ObservedSandbox[] = [sandbox()]): Observed {
  return { sandboxes, containers };
}

export function memory(more: Partial<Memory> = {}): Memory {
  return {
    startedAt: T0,
    volumesMounted: true,
    cleanedUp: false,
    restarts: new Map(),
    retries: new Map(),
    probes: new Map(),
    deletedFromApi: false,
    ...more,
  };
}

export const started: ProbeResults = { started: true, ready: true };

export const probes = (...ids: string[]): Map<string, ProbeResults> => new Map(ids.map(id => [id, started]));
