/** `atoll status`: one page about this machine as a node, from the state files of this boot, `/proc` and the API. */

import { X509Certificate } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Node, Pod } from '../api/generated/types/core.v1.ts';
import { Client } from '../client/client.ts';
import { type HttpTransportOptions, httpTransport } from '../client/http.ts';
import { Nodes, Pods } from '../client/resources.ts';
import { type Release, release } from '../machine/release.ts';
import { type ComponentState, readStates, uptimeSeconds } from '../machine/state.ts';
import { recoveryText } from '../store/sqlite/recoveryText.ts';
import { spaceText } from '../store/sqlite/space.ts';
import type { CommandContext } from './command.ts';
import type { StoreReport } from './serverAtRest.ts';

const API_TIMEOUT_MS = 5_000;

export interface MachineStatus {
  readonly release: Release;
  readonly hostName: string;
  readonly uptimeSeconds: number;
  readonly components: readonly ComponentState[];
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly data: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  /** What the running server says of its store. */
  readonly store?: StoreReport;
  readonly certificates: readonly { readonly name: string; readonly expires: string }[];
  readonly cluster:
    | { readonly nodes: readonly NodeLine[]; readonly pods: Readonly<Record<string, number>> }
    | { readonly error: string };
}

export interface NodeLine {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly addresses: readonly string[];
}

export async function status({ values, stdout }: CommandContext): Promise<number> {
  const states = readStates(values.one('run-dir'));
  const found: MachineStatus = {
    release: release(),
    hostName: hostname(),
    uptimeSeconds: uptimeSeconds(),
    components: states,
    memory: memory(),
    data: space(values.one('data-dir')),
    ...storeReport(values.one('run-dir')),
    certificates: certificates(values.one('data-dir')),
    cluster: await cluster(values.one('kubeconfig')),
  };
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  stdout(json ? `${JSON.stringify(found)}\n` : renderStatus(found, Date.now()));
  const healthy = states.length > 0 && states.every(s => s.phase === 'ready');
  return healthy ? 0 : 1;
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

/** Every certificate this machine presents, soonest to expire first. */
function certificates(dataDir: string): { name: string; expires: string }[] {
  const found: { name: string; expires: string }[] = [];
  for (const folder of [join(dataDir, 'server', 'tls'), join(dataDir, 'agent')]) {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries.filter(e => e.isFile() && e.name.endsWith('.crt'))) {
      try {
        const certificate = new X509Certificate(readFileSync(join(folder, entry.name)));
        found.push({ name: entry.name.replace(/\.crt$/, ''), expires: new Date(certificate.validTo).toISOString() });
      } catch {
        // Not a certificate, or being replaced.
      }
    }
  }
  return found.sort((a, b) => a.expires.localeCompare(b.expires));
}

async function cluster(kubeconfigPath: string): Promise<MachineStatus['cluster']> {
  let close = (): void => undefined;
  try {
    const transport = httpTransport(transportOf(readFileSync(kubeconfigPath, 'utf8')));
    close = () => transport.close();
    const client = new Client(transport, { userAgent: 'atoll-status', timeoutMs: API_TIMEOUT_MS });
    const [nodes, pods] = await Promise.all([client.list(Nodes), client.list(Pods)]);
    return { nodes: nodes.items.map(nodeLine), pods: podCounts(pods.items) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES') return { error: `${kubeconfigPath} may be read by root only: run this as root` };
    if (code === 'ENOENT')
      return { error: `${kubeconfigPath} does not exist: this machine runs no control plane, or it has not started` };
    return { error: `the API server does not answer: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    close();
  }
}

interface KubeconfigDocument {
  readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly user?: Readonly<Record<string, unknown>> }[];
}

/** Our own kubeconfig's parts (cli/kubeconfig.ts): data inline, one cluster, one user. */
function transportOf(text: string): HttpTransportOptions {
  const document = parse(text) as KubeconfigDocument | null;
  const clusterPart = document?.clusters?.[0]?.cluster ?? {};
  const user = document?.users?.[0]?.user ?? {};
  const decoded = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
  return {
    server: String(clusterPart.server ?? ''),
    caPem: decoded(clusterPart['certificate-authority-data']),
    credentials: {
      certPem: decoded(user['client-certificate-data']),
      keyPem: decoded(user['client-key-data']),
    },
  };
}

function nodeLine(node: Node): NodeLine {
  const ready = node.status?.conditions?.find(c => c.type === 'Ready');
  return {
    name: node.metadata.name ?? '',
    ready: ready?.status === 'True',
    reason: ready?.status === 'True' ? '' : (ready?.message ?? 'the node has not reported yet'),
    addresses: (node.status?.addresses ?? []).filter(a => a.type === 'InternalIP').map(a => a.address),
  };
}

function podCounts(pods: readonly Pod[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const pod of pods) {
    const phase = pod.status?.phase ?? 'Unknown';
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return counts;
}

const MIB = 1024 * 1024;

export function formatBytes(bytes: number): string {
  return bytes >= 1024 * MIB ? `${(bytes / (1024 * MIB)).toFixed(1)} GiB` : `${Math.round(bytes / MIB)} MiB`;
}

export function formatDuration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  for (const [size, name] of units) if (seconds >= size * 2) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

/** The worst first. */
function storeLines(store: StoreReport, nowMs: number): string[] {
  const lines: string[] = [];
  if (store.space !== 'ok')
    lines.push(`${store.space === 'full' ? 'FULL' : 'NEARLY FULL'}: ${spaceText(store.space, store)}`);
  if (store.recovery) lines.push(recoveryText(store.recovery));
  const made = store.snapshot && `last snapshot ${formatDuration((nowMs - Date.parse(store.snapshot.at)) / 1000)} ago`;
  if (lines.length === 0) lines.push(['good', ...(made === undefined ? [] : [made])].join(', '));
  return lines;
}

export function renderStatus(s: MachineStatus, nowMs: number): string {
  const rows: [string, string][] = [
    ['Atoll', `${s.release.version}, image ${s.release.image}, Kubernetes ${s.release.kubernetes}`],
    ['Machine', `${s.hostName}, up ${formatDuration(s.uptimeSeconds)}`],
  ];
  for (const name of ['server', 'agent'] as const) {
    const state = s.components.find(c => c.component === name);
    const label = name === 'server' ? 'Server' : 'Agent';
    if (!state) rows.push([label, 'has not started in this boot']);
    else if (state.phase === 'ready') rows.push([label, `ready, ${state.uptimeSeconds.toFixed(1)} s after power-on`]);
    else rows.push([label, `${state.phase.toUpperCase()}: ${state.message}`]);
  }
  if ('error' in s.cluster) rows.push(['Cluster', s.cluster.error]);
  else {
    for (const [i, node] of s.cluster.nodes.entries())
      rows.push([
        i === 0 ? 'Nodes' : '',
        `${node.name}  ${node.ready ? 'Ready' : `NotReady: ${node.reason}`}  ${node.addresses.join(', ')}`.trimEnd(),
      ]);
    const pods = Object.entries(s.cluster.pods).map(([phase, count]) => `${count} ${phase}`);
    rows.push(['Pods', pods.length > 0 ? pods.join(', ') : 'none']);
  }
  rows.push(['Memory', `${formatBytes(s.memory.availableBytes)} available of ${formatBytes(s.memory.totalBytes)}`]);
  if (s.data) rows.push(['Data', `${formatBytes(s.data.freeBytes)} free of ${formatBytes(s.data.totalBytes)}`]);
  if (s.store) for (const [i, line] of storeLines(s.store, nowMs).entries()) rows.push([i === 0 ? 'Store' : '', line]);
  const first = s.certificates[0];
  if (first)
    rows.push([
      'Certificates',
      `${first.name} is the first to expire, in ${formatDuration((Date.parse(first.expires) - nowMs) / 1000)}; renewed by themselves`,
    ]);
  return `${rows.map(([label, text]) => `  ${label.padEnd(13)} ${text}`).join('\n')}\n`;
}
