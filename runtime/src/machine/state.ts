/**
 * What the daemons of this boot say of themselves, for the console and `atoll status`: one small JSON file a component in
 * `/run/atoll/state`, and the console's banner rendered from them in `/run/atoll/banner`.
 *
 * Invariants: files are replaced whole; a component writes only its own; the banner is rendered by whoever changed its
 * state last, from all of them, and is only touched when its text changes (a path unit shows it on every change).
 * Nothing here is durable: `/run` is memory, and a new boot starts from nothing.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderBanner } from './banner.ts';
import { failureText, readConfigStatus, refusalText } from './config/status.ts';
import { dataProblem, readHealthReport, trialBrief } from './health/text.ts';
import { release } from './release.ts';

export type Phase = 'starting' | 'ready' | 'not-ready' | 'failed' | 'stopping';

export interface ComponentState {
  readonly component: 'server' | 'agent';
  readonly phase: Phase;
  /** One sentence: why it is not ready, what failed and what to do. */
  readonly message: string;
  readonly pid: number;
  /** ISO 8601; the clock may be wrong, `uptimeSeconds` is not. */
  readonly since: string;
  /** The machine's uptime when this state began, seconds. */
  readonly uptimeSeconds: number;
  readonly nodeName?: string;
  readonly addresses?: readonly string[];
  readonly apiUrl?: string;
  /** The domain of services. */
  readonly clusterDomain?: string;
}

/** Said once, known from then on. */
type Facts = Pick<ComponentState, 'nodeName' | 'addresses' | 'apiUrl' | 'clusterDomain'>;

/** Seconds since the kernel started. */
export function uptimeSeconds(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  } catch {
    return process.uptime();
  }
}

const replace = (path: string, text: string): void => {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, path);
};

/** States by component name; files that are not ours or half read are passed over. */
export function readStates(runDir: string): ComponentState[] {
  const folder = join(runDir, 'state');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const states: ComponentState[] = [];
  for (const name of names.filter(n => n.endsWith('.json')).sort()) {
    try {
      states.push(JSON.parse(readFileSync(join(folder, name), 'utf8')) as ComponentState);
    } catch {
      // Replaced while we looked: whoever replaced it renders next.
    }
  }
  return states;
}

/** The domain of services, as a daemon of this machine was told; while none has said it, what it is where nobody says. */
export const clusterDomainOf = (states: readonly ComponentState[]): string =>
  states.find(({ clusterDomain }) => clusterDomain !== undefined)?.clusterDomain ?? 'cluster.local';

export class StateReporter {
  #last = '';
  readonly #runDir: string;
  readonly #component: ComponentState['component'];
  #facts: Facts = {};

  constructor(runDir: string, component: ComponentState['component']) {
    this.#runDir = runDir;
    this.#component = component;
    mkdirSync(join(runDir, 'state'), { recursive: true, mode: 0o755 });
  }

  /** Says so once; the same state again is not written again. */
  report(phase: Phase, message: string, facts: Facts = {}): void {
    this.#facts = { ...this.#facts, ...facts };
    const key = JSON.stringify([phase, message, this.#facts]);
    if (key === this.#last) return;
    this.#last = key;
    const state: ComponentState = {
      component: this.#component,
      phase,
      message,
      pid: process.pid,
      since: new Date().toISOString(),
      uptimeSeconds: uptimeSeconds(),
      ...this.#facts,
    };
    replace(join(this.#runDir, 'state', `${this.#component}.json`), `${JSON.stringify(state)}\n`);
    refreshBanner(this.#runDir);
  }
}

/** The banner as of now. */
export function bannerText(runDir: string): string {
  const configuration = readConfigStatus(runDir);
  return renderBanner(readStates(runDir), release(), {
    configuration: refusalText(configuration) ?? failureText(configuration),
    trial: trialBrief(readHealthReport(runDir)),
    dataProblem: dataProblem(runDir),
  });
}

/** Renders the banner from what is known, and touches it only when its text changes. */
export function refreshBanner(runDir: string): void {
  const path = join(runDir, 'banner');
  const text = bannerText(runDir);
  let shown = '';
  try {
    shown = readFileSync(path, 'utf8');
  } catch {
    // Not there yet.
  }
  if (text !== shown) replace(path, text);
}
