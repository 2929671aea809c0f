/**
 * A look at this machine: what runs, and how well. {@link observe} for a trial's judge, {@link before} for whoever arms a trial.
 * A look never throws and never takes longer than a few questions with a deadline each.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpTransportOptions } from '../../client/http.ts';
import { CriClient } from '../../node/cri/client.ts';
import { kubeconfigAccess, nodeAccess } from '../access.ts';
import { ownKubeconfig } from '../ownKubeconfig.ts';
import { type ComponentState, clusterDomainOf, readStates } from '../state.ts';
import type { Before, PodBefore } from '../upgrade/types.ts';
import { clusterNow } from './cluster.ts';
import { isUnknown, type Observation, type Role, type RuntimeNow, type Unknown } from './observation.ts';
import { unitsNow } from './units.ts';

/** Where things are on a machine. */
export interface ObservePlaces {
  readonly dataDir: string;
  readonly runDir: string;
  /** The configuration's role is in files there: `no-server`, `no-agent`. */
  readonly etcDir: string;
  readonly criSocket: string;
}

export const observePlaces: ObservePlaces = {
  dataDir: '/var/lib/atoll',
  runDir: '/run/atoll',
  etcDir: '/etc/atoll',
  criSocket: '/run/containerd/containerd.sock',
};

export function roleOf(etcDir: string): Role {
  if (existsSync(join(etcDir, 'no-server'))) return 'agent';
  return existsSync(join(etcDir, 'no-agent')) ? 'server-only' : 'server';
}

const CRI_TIMEOUT_MS = 10_000;
const POD_UID = 'io.kubernetes.pod.uid';
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
const POD_NAME = 'io.kubernetes.pod.name';

export async function observe(places: ObservePlaces = observePlaces): Promise<Observation> {
  const states = readStates(places.runDir);
  const { role, nodeName, access } = reach(places, states);
  const [units, cluster, runtime] = await Promise.all([
    unitsNow(role, sentencesOf(states)),
    clusterNow({ role, nodeName, access, domain: clusterDomainOf(states) }),
    role === 'server-only' ? undefined : runtimeNow(places.criSocket),
  ]);
  return {
    at: new Date().toISOString(),
    role,
    bootId: textOf('/proc/sys/kernel/random/boot_id') ?? '',
    ...(nodeName === undefined ? {} : { nodeName }),
    units,
    ...cluster,
    ...(runtime === undefined ? {} : { runtime }),
  };
}

export interface Reach {
  readonly role: Role;
  readonly nodeName: string | undefined;
  readonly access: HttpTransportOptions | Unknown;
}

/** How the API is reached from here, and which node this is. */
export function reach(
  places: ObservePlaces = observePlaces,
  states: readonly ComponentState[] = readStates(places.runDir),
): Reach {
  const role = roleOf(places.etcDir);
  const agent = states.find(({ component }) => component === 'agent');
  const access = accessOf(places, role, agent?.apiUrl);
  return { role, nodeName: agent?.nodeName ?? keptName(places.dataDir), access };
}

/** An installation has just kept the machine busy; and a server that is away may be away for long. */
const BEFORE_MS = 45_000;
const BEFORE_PAUSE_MS = 3_000;

/**
 * What a trial must bring back: called before the machine restarts. What cannot be learned at once is asked for again for a while: what nobody knows of
 * nobody demands of the trial.
 */
export async function beforeTrial(
  look: () => Promise<Observation> = () => observe(observePlaces),
  forMs: number = BEFORE_MS,
  pauseMs: number = BEFORE_PAUSE_MS,
): Promise<Before> {
  const until = performance.now() + forMs;
  for (;;) {
    const now = await look();
    if (isWhole(now) || performance.now() + pauseMs >= until) return beforeOf(now);
    await new Promise(resolve => setTimeout(resolve, pauseMs));
  }
}

const isWhole = ({ pods, node, runtime, services }: Observation): boolean =>
  [pods, node, runtime, services.kubernetes, services.dns].every(part => part === undefined || !isUnknown(part));

/** What is not known was well, as far as this machine's own part goes: a trial is rather given up than blessed for want of knowledge. */
export function beforeOf(now: Observation): Before {
  const runtime = now.runtime === undefined || isUnknown(now.runtime) ? undefined : now.runtime;
  const { kubernetes, dns } = now.services;
  const answered = (service: typeof kubernetes): boolean | undefined =>
    isUnknown(service) || service.endpoints.length === 0 ? undefined : service.endpoints.some(({ answers }) => answers);
  const [kubernetesAnswered, dnsAnswered] = [answered(kubernetes), answered(dns)];
  return {
    role: now.role,
    takenAt: now.at,
    nodeReady:
      now.node !== undefined && (isUnknown(now.node) || (now.node.ready === 'True' && now.node.bootId === now.bootId)),
    serverReachable: now.controlPlane.state === 'ready',
    pods: isUnknown(now.pods)
      ? podsByRuntime(runtime)
      : now.pods
          .filter(({ phase, deleting }) => phase === 'Running' && !deleting)
          .map(({ namespace, name, uid, ready, owner }) => ({
            namespace,
            name,
            uid,
            ready,
            ...(owner === undefined ? {} : { owner }),
            ...(runtime === undefined ? {} : { containers: runtime.running[uid]?.length ?? 0 }),
          })),
    failedUnits: [...now.units.failed, ...now.units.wanted.filter(({ active }) => active === 'failed')].map(
      ({ name }) => name,
    ),
    ...(kubernetesAnswered === undefined ? {} : { kubernetesAnswered }),
    ...(dnsAnswered === undefined ? {} : { dnsAnswered }),
  };
}

/** No server can be asked: what runs is known all the same, but not how ready it is, nor whose it is. */
const podsByRuntime = (runtime: RuntimeNow | undefined): PodBefore[] =>
  Object.entries(runtime?.running ?? {}).flatMap(([uid, containers]) => {
    const pod = runtime?.names?.[uid];
    return pod ? [{ ...pod, uid, ready: false, containers: containers.length }] : [];
  });

/** As the administrator on a server, else as the node. */
function accessOf(
  { runDir, dataDir }: ObservePlaces,
  role: Role,
  apiUrl: string | undefined,
): HttpTransportOptions | Unknown {
  if (role !== 'agent') {
    const kubeconfig = ownKubeconfig(runDir);
    const text = textOf(kubeconfig);
    return text === undefined ? { unknown: `it has not written ${kubeconfig} yet` } : kubeconfigAccess(text);
  }
  if (apiUrl === undefined) return { unknown: 'the agent has not said yet where its server is' };
  return nodeAccess(join(dataDir, 'agent'), apiUrl) ?? { unknown: `this node has not joined ${apiUrl} yet` };
}

/** Why a daemon that is not ready is not, by its unit. */
const sentencesOf = (states: readonly ComponentState[]): Record<string, string> =>
  Object.fromEntries(
    states
      .filter(({ phase }) => phase !== 'ready')
      .map(({ component, message }) => [`atoll-${component}.service`, message]),
  );

async function runtimeNow(socket: string): Promise<RuntimeNow | Unknown> {
  const cri = new CriClient(socket);
  try {
    const { containers } = await cri.call('ListContainers', {}, { timeoutMs: CRI_TIMEOUT_MS });
    const running: Record<string, string[]> = {};
    const names: Record<string, { namespace: string; name: string }> = {};
    for (const { id, state, labels } of containers) {
      const uid = labels[POD_UID];
      if (uid === undefined || state !== 'CONTAINER_RUNNING') continue;
      running[uid] = [...(running[uid] ?? []), id];
      names[uid] = { namespace: labels[POD_NAMESPACE] ?? '', name: labels[POD_NAME] ?? '' };
    }
    return { running, names };
  } catch (error) {
    return { unknown: error instanceof Error ? error.message : String(error) };
  } finally {
    cri.close();
  }
}

const keptName = (dataDir: string): string | undefined => textOf(join(dataDir, 'agent', 'node-name'));

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
