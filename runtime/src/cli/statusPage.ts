/** The page of `atoll status`: what this is, how it does, and what a person has to do; the worst is said first. */
import { firstError, problemLine, refusalText } from '../machine/config/status.ts';
import { recoveryText } from '../store/sqlite/recoveryText.ts';
import { spaceText } from '../store/sqlite/space.ts';
import type { StoreReport } from './serverAtRest.ts';
import type { MachineStatus } from './statusReport.ts';

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

/** How words are painted; on anything but a terminal, not at all. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}
const same = (text: string): string => text;
export const plain: Paint = { good: same, bad: same, strong: same, faint: same };
const code =
  (number: number) =>
  (text: string): string =>
    `\u001b[${number}m${text}\u001b[0m`;
export const painted: Paint = { good: code(32), bad: code(31), strong: code(1), faint: code(2) };

type Row = readonly [label: string, text: string];

export function renderStatus(s: MachineStatus, nowMs: number, paint: Paint = plain): string {
  const groups: readonly (readonly Row[])[] = [
    machineRows(s),
    daemonRows(s, paint),
    clusterRows(s, paint),
    configurationRows(s, paint),
    resourceRows(s, nowMs, paint),
  ];
  const lines = groups
    .filter(rows => rows.length > 0)
    .map(rows => rows.map(([label, text]) => `  ${paint.faint(label.padEnd(13))} ${text}`).join('\n'));
  return `${[headline(s, paint), ...lines].join('\n\n')}\n`;
}

function headline(s: MachineStatus, paint: Paint): string {
  const name = paint.strong(s.nodeName ?? s.hostName);
  if (s.ready === undefined) return `\n  ${name}`;
  return `\n  ${name}  ${s.ready ? paint.good('Ready') : paint.bad(`not ready: ${s.reason ?? ''}`)}`;
}

function machineRows(s: MachineStatus): Row[] {
  const slot = s.slot === undefined ? '' : `, slot ${s.slot}`;
  const host = s.nodeName !== undefined && s.nodeName !== s.hostName ? `${s.hostName} (host name), ` : '';
  return [
    ['Atoll', `${s.release.version}, image ${s.release.image}${slot}, Kubernetes ${s.release.kubernetes}`],
    ['Machine', `${host || `${s.hostName}, `}up ${formatDuration(s.uptimeSeconds)}`],
    ...upgradeRows(s),
    ...(s.role === undefined ? [] : [['Role', s.role] as const]),
    ...(s.addresses === undefined ? [] : [['Address', s.addresses.join(', ') || 'none: no network'] as const]),
  ];
}

function upgradeRows({ upgrade: { trial, failed, kept } = {} }: MachineStatus): Row[] {
  return [
    ...(trial === undefined ? [] : [['Upgrade', trial] as const]),
    ...(failed === undefined ? [] : [['Upgrade', `${failed}${kept === undefined ? '' : `; see ${kept}`}`] as const]),
  ];
}

function daemonRows(s: MachineStatus, paint: Paint): Row[] {
  const rows: Row[] = [];
  for (const name of ['server', 'agent'] as const) {
    if (s.role === (name === 'server' ? 'node' : 'server')) continue;
    const state = s.components.find(c => c.component === name);
    const label = name === 'server' ? 'Server' : 'Agent';
    if (!state) rows.push([label, 'has not started in this boot']);
    else if (state.phase === 'ready')
      rows.push([label, `${paint.good('ready')}, ${state.uptimeSeconds.toFixed(1)} s after power-on`]);
    else rows.push([label, paint.bad(`${state.phase.toUpperCase()}: ${state.message}`)]);
  }
  return rows;
}

function clusterRows({ cluster, manifests = {}, images = {} }: MachineStatus, paint: Paint): Row[] {
  const rows: Row[] = [];
  if ('error' in cluster) rows.push(['Cluster', cluster.error]);
  else {
    for (const [i, node] of cluster.nodes.entries())
      rows.push([
        i === 0 ? 'Nodes' : '',
        `${node.name}  ${node.ready ? paint.good('Ready') : paint.bad(`NotReady: ${node.reason}`)}  ${node.addresses.join(', ')}`.trimEnd(),
      ]);
    const pods = Object.entries(cluster.pods).map(([phase, count]) => `${count} ${phase}`);
    rows.push(['Pods', pods.length > 0 ? pods.join(', ') : 'none']);
  }
  rows.push(...listed('Manifests', manifests, 'is not applied', paint), ...listed('Images', images, '', paint));
  return rows;
}

const listed = (label: string, problems: Readonly<Record<string, string>>, what: string, paint: Paint): Row[] =>
  Object.entries(problems).map(([name, why], i) => [
    i === 0 ? label : '',
    paint.bad(`${name}${what === '' ? '' : ` ${what}`}: ${why}`),
  ]);

function configurationRows({ configuration }: MachineStatus, paint: Paint): Row[] {
  if (!configuration) return [];
  const { state, generation, sources, problems, rebootNeeded, failures = [] } = configuration;
  const from = sources.map(({ source, documents }) => `${source} (${documents.join(', ')})`).join('; ');
  const inForce = generation === undefined ? 'the defaults' : `generation ${generation}`;
  const rows: Row[] = [
    ['Configuration', state === 'refused' ? paint.bad(refusalText(configuration) ?? '') : inForce],
    ...(from === '' ? [] : [['', `from ${from}`] as const]),
  ];
  const said = state === 'refused' ? firstError(configuration) : undefined;
  const told = problems.filter(problem => problem !== said);
  for (const problem of told.slice(0, MAX_PROBLEMS)) rows.push(['', problemLine(problem)]);
  if (told.length > MAX_PROBLEMS) rows.push(['', `and ${told.length - MAX_PROBLEMS} more: atoll config diff`]);
  for (const failure of failures) rows.push(['', paint.bad(`not done: ${failure}`)]);
  if (rebootNeeded.length > 0)
    rows.push(['Reboot', paint.bad(`needed for ${rebootNeeded.join(', ')}: changed, in force after a restart`)]);
  return rows;
}

const MAX_PROBLEMS = 8;
/** With less of it left, it is said loudly. */
const LITTLE = 0.1;

function resourceRows(s: MachineStatus, nowMs: number, paint: Paint): Row[] {
  const amount = (free: number, total: number, words: string): string => {
    const text = `${formatBytes(free)} ${words} ${formatBytes(total)}`;
    return free < total * LITTLE ? paint.bad(text) : text;
  };
  const rows: Row[] = [['Memory', amount(s.memory.availableBytes, s.memory.totalBytes, 'available of')]];
  if (s.data) rows.push(['Data', amount(s.data.freeBytes, s.data.totalBytes, 'free of')]);
  if (s.store) for (const [i, line] of storeLines(s.store, nowMs).entries()) rows.push([i === 0 ? 'Store' : '', line]);
  if (s.time) rows.push(['Time', timeText(s.time, nowMs, paint)]);
  const first = s.certificates[0];
  if (first) {
    const left = (Date.parse(first.expires) - nowMs) / 1000;
    rows.push([
      'Certificates',
      left < 0
        ? paint.bad(`${first.name} expired ${formatDuration(-left)} ago`)
        : `${first.name} is the first to expire, in ${formatDuration(left)}; renewed by themselves`,
    ]);
  }
  return rows;
}

function timeText(time: NonNullable<MachineStatus['time']>, nowMs: number, paint: Paint): string {
  const now = `${time.now.slice(0, 19).replace('T', ' ')} UTC`;
  if (time.synchronized && time.lastSync !== undefined)
    return `${now}, set by a time server ${formatDuration((nowMs - Date.parse(time.lastSync)) / 1000)} ago`;
  const floor = time.floor === undefined ? '' : `; it did not start behind ${time.floor.slice(0, 10)}`;
  return `${now}, ${paint.bad('not set by a time server in this boot')}${floor}`;
}
