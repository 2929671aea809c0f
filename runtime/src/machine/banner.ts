/** The console's page: what this is, its address, its state, and why it is not Ready yet. ASCII: serial lines and VGA fonts differ. */
import { type Release, release } from './release.ts';
import type { ComponentState } from './state.ts';

const WIDTH = 72;

/** Breaks at words so that continuation lines stand under the first. */
function wrapped(label: string, text: string): string[] {
  const room = WIDTH - 14;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((l, i) => `  ${(i === 0 ? label : '').padEnd(10)}${l}`);
}

export interface BannerNotes {
  /** Why the newest configuration is not in force, or not all of it (config/status.ts). */
  readonly configuration?: string | undefined;
  /** What a trial waits for (health/text.ts). */
  readonly trial?: string | undefined;
  /** Why the data partition is not in use. */
  readonly dataProblem?: string | undefined;
}

/** What a person does about it. */
const MEND = 'Mend it with e2fsck -fy /dev/disk/atoll/var and restart, or erase it with atoll reset.';

/** The node's state in one line. The agent speaks for the node; until it does, the server says how far it is. */
function summary(states: readonly ComponentState[]): string {
  const agent = states.find(s => s.component === 'agent');
  const server = states.find(s => s.component === 'server');
  const failed = states.find(s => s.phase === 'failed');
  if (failed) return `FAILED - ${failed.component}: ${failed.message}`;
  if (server && server.phase !== 'ready') return `not ready - control plane: ${server.message}`;
  if (agent?.phase === 'ready') return `Ready, ${agent.uptimeSeconds.toFixed(1)} s after power-on`;
  if (agent) return `not ready - node: ${agent.message}`;
  return server ? 'not ready - the node agent has not started yet' : 'starting';
}

export function renderBanner(
  states: readonly ComponentState[],
  image: Release = release(),
  { configuration, trial, dataProblem }: BannerNotes = {},
): string {
  const agent = states.find(s => s.component === 'agent');
  const server = states.find(s => s.component === 'server');
  const addresses = agent?.addresses ?? server?.addresses ?? [];
  const name = agent?.nodeName ?? server?.nodeName;
  const lines = [
    '',
    `  Atoll ${image.version}${image.image === 'none' ? '' : ` (${image.image})`}, Kubernetes ${image.kubernetes}`,
    `  ${'-'.repeat(WIDTH - 4)}`,
    ...wrapped('State', dataProblem ? `FAILED - ${dataProblem}. ${MEND}` : summary(states)),
    ...(name ? wrapped('Node', name) : []),
    ...wrapped('Address', addresses.length > 0 ? addresses.join(', ') : 'none: no network'),
    ...(server?.apiUrl ? wrapped('API', server.apiUrl) : []),
    ...(configuration ? wrapped('Config', configuration) : []),
    ...(trial ? wrapped('Upgrade', trial) : []),
    '',
  ];
  return `${lines.join('\n')}\n`;
}
