/** `atoll status`: one page about this machine as a node, from the state files of this boot, `/proc` and the API. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hostAddresses } from '../machine/addresses.ts';
import { certificateEnds } from '../machine/certificates.ts';
import { readConfigStatus } from '../machine/config/status.ts';
import {
  dataProblem,
  lastFailure,
  readHealthReport,
  refusalSentence,
  trialText,
  upgradesKnown,
} from '../machine/health/text.ts';
import { ownKubeconfig } from '../machine/ownKubeconfig.ts';
import { release } from '../machine/release.ts';
import { type ComponentState, readStates, uptimeSeconds } from '../machine/state.ts';
import { timeReport } from '../machine/time.ts';
import type { CommandContext } from './command.ts';
import type { StoreReport } from './serverAtRest.ts';
import { clusterStatus } from './statusCluster.ts';
import { painted, plain, renderStatus } from './statusPage.ts';
import type { MachineStatus } from './statusReport.ts';

/** Written by the configuration's role (machine/config/sections/atollRender.ts); the units go by them. */
const NO_SERVER = '/etc/atoll/no-server';
const NO_AGENT = '/etc/atoll/no-agent';

export async function status({ values, stdout }: CommandContext): Promise<number> {
  const found = await machineStatus({
    runDir: values.one('run-dir'),
    dataDir: values.one('data-dir'),
    kubeconfig: values.optional('kubeconfig'),
  });
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  const paint = process.stdout.isTTY && !process.env.NO_COLOR ? painted : plain;
  stdout(json ? `${JSON.stringify(found)}\n` : renderStatus(found, Date.now(), paint));
  return found.ready ? 0 : 1;
}

export interface StatusPlaces {
  readonly runDir: string;
  readonly dataDir: string;
  /** Default: where this machine's server has written it. */
  readonly kubeconfig?: string | undefined;
}

/** As it is now; also what the agent answers who asks through the cluster. */
export async function machineStatus({
  runDir,
  dataDir,
  kubeconfig = ownKubeconfig(runDir),
}: StatusPlaces): Promise<MachineStatus> {
  const states = readStates(runDir);
  const role = existsSync(NO_SERVER) ? 'node' : existsSync(NO_AGENT) ? 'server' : 'server and node';
  const agent = states.find(({ component }) => component === 'agent');
  const slot = textOf(join(runDir, 'slot'));
  const configuration = readConfigStatus(runDir);
  const problem = dataProblem(runDir);
  return {
    release: release(),
    ...(slot === undefined ? {} : { slot }),
    role,
    hostName: hostname(),
    ...(agent?.nodeName === undefined ? {} : { nodeName: agent.nodeName }),
    addresses: hostAddresses(),
    ...(problem === undefined ? readiness(states, role) : { ready: false, reason: problem }),
    uptimeSeconds: uptimeSeconds(),
    components: states,
    memory: memory(),
    data: space(dataDir),
    ...storeReport(runDir),
    time: timeReport(),
    ...(configuration ? { configuration } : {}),
    ...upgradeOf(runDir, dataDir),
    ...problems('manifests', runDir),
    ...problems('images', runDir),
    certificates: certificateEnds(dataDir),
    cluster: await clusterStatus(kubeconfig, {
      directory: join(dataDir, 'agent'),
      name: agent?.nodeName,
      apiUrl: agent?.apiUrl,
    }),
  };
}

/** What is on trial, and what has failed one. */
function upgradeOf(runDir: string, dataDir: string): Pick<MachineStatus, 'upgrade'> {
  const report = readHealthReport(runDir);
  const trial = trialText(report, report && report.deadlineSeconds - uptimeSeconds());
  const known = upgradesKnown(dataDir);
  const failure = known && lastFailure(known);
  if (trial === undefined && !failure) return {};
  return {
    upgrade: {
      ...(trial === undefined ? {} : { trial }),
      ...(failure ? { failed: refusalSentence(failure, failure.check, failure.reason) } : {}),
      ...(failure?.kept === undefined ? {} : { kept: failure.kept }),
    },
  };
}

/** Whether what should run here does; what has not started yet comes first. */
export function readiness(
  states: readonly ComponentState[],
  role: NonNullable<MachineStatus['role']>,
): Pick<MachineStatus, 'ready' | 'reason'> {
  for (const component of ['server', 'agent'] as const) {
    if (role === (component === 'server' ? 'node' : 'server')) continue;
    const state = states.find(known => known.component === component);
    const what = component === 'server' ? 'the control plane' : 'the node agent';
    if (!state) return { ready: false, reason: `${what} has not started` };
    if (state.phase !== 'ready')
      return { ready: false, reason: state.message === '' ? `${what}: ${state.phase}` : state.message };
  }
  return { ready: true };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** What the daemons say of files that are not in force; nothing when all is well. */
function problems(name: 'manifests' | 'images', runDir: string): Partial<MachineStatus> {
  try {
    const found = JSON.parse(readFileSync(join(runDir, `${name}.json`), 'utf8')) as Record<string, string>;
    return Object.keys(found).length > 0 ? { [name]: found } : {};
  } catch {
    return {};
  }
}

function memory(): MachineStatus['memory'] {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { totalBytes: kib('MemTotal') * 1024, availableBytes: kib('MemAvailable') * 1024 };
}

function space(path: string): MachineStatus['data'] {
  try {
    const s = statfsSync(path);
    return { totalBytes: s.blocks * s.bsize, freeBytes: s.bavail * s.bsize };
  } catch {
    return undefined;
  }
}

function storeReport(runDir: string): Pick<MachineStatus, 'store'> {
  try {
    return { store: JSON.parse(readFileSync(join(runDir, 'store.json'), 'utf8')) as StoreReport };
  } catch {
    return {}; // no server has started in this boot
  }
}
