/** `atoll upgrade status` and `history`. */
import { existsSync } from 'node:fs';
import { openLoader } from '../machine/upgrade/loader/index.ts';
import { runningVersion, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { peekState } from '../machine/upgrade/state.ts';
import type { Installed, LoaderEntry, Progress, UpgradeState } from '../machine/upgrade/types.ts';
import type { CommandContext } from './command.ts';
import { formatDuration, type Paint, painted, plain } from './statusPage.ts';
import { progressLine } from './upgradeProgress.ts';
import { readProgress } from './upgradeUnit.ts';

/** What `atoll upgrade status -o json` says. Fields are added, never changed. */
export interface UpgradeStatus {
  readonly running: Installed;
  /** In the loader's order: the first is the next boot. */
  readonly entries: readonly LoaderEntry[];
  /** Why the loader could not be asked. */
  readonly loaderProblem?: string;
  readonly state: UpgradeState;
  /** What was wrong with the file of the state. */
  readonly damaged?: string;
  /** While an installation goes on. */
  readonly progress?: Progress;
}

const isJson = ({ values }: CommandContext): boolean => (values.optional('output') ?? values.optional('o')) === 'json';
const paintOf = (): Paint => (process.stdout.isTTY && !process.env.NO_COLOR ? painted : plain);

export async function upgradeStatus(context: CommandContext): Promise<number> {
  const { stateDir, runDir, esp } = upgradePlaces;
  const progress = readProgress(runDir);
  const goesOn = progress && !['done', 'failed'].includes(progress.phase) && existsSync(`/proc/${progress.pid}`);
  let entries: readonly LoaderEntry[] = [];
  let loaderProblem: string | undefined;
  try {
    entries = await (await openLoader(esp)).entries();
  } catch (error) {
    loaderProblem = error instanceof Error ? error.message : String(error);
  }
  const status: UpgradeStatus = {
    running: runningVersion(runDir),
    entries,
    ...(loaderProblem === undefined ? {} : { loaderProblem }),
    ...(await peekState(stateDir)),
    ...(goesOn ? { progress } : {}),
  };
  context.stdout(isJson(context) ? `${JSON.stringify(status)}\n` : statusText(status, Date.now(), paintOf()));
  return 0;
}

/** For people. Pure. */
export function statusText(status: UpgradeStatus, nowMs: number, paint: Paint = plain): string {
  const { running, entries, state, damaged, loaderProblem, progress } = status;
  const rows: [string, string][] = [];
  for (const slot of ['a', 'b'] as const) {
    const entry = entries.find(known => known.slot === slot);
    const runs = running.slot === slot;
    const version = entry?.version ?? (runs ? running.version : undefined);
    rows.push([
      `Slot ${slot}`,
      version === undefined
        ? 'empty'
        : [paint.strong(version), ...(runs ? ['runs'] : []), ...entryWords(entry, status, paint)].join(', '),
    ]);
  }
  if (loaderProblem !== undefined) rows.push(['Loader', paint.bad(loaderProblem)]);
  if (state.trial)
    rows.push([
      'Trial',
      state.trial.roothash === running.roothash
        ? `${state.trial.version} is being tried: ${formatDuration(state.trial.deadlineSeconds)} to become as healthy as ${state.trial.from.version} was`
        : `${state.trial.version} is tried at the next restart`,
    ]);
  for (const [index, refusal] of state.refused.entries())
    rows.push([
      index === 0 ? 'Refused' : '',
      `${paint.bad(refusal.version)}, ${ago(refusal.at, nowMs)}: ${refusal.reason}`,
    ]);
  const last = state.history[0];
  if (last) rows.push(['Last', `${last.event} ${last.version}, ${ago(last.at, nowMs)}: ${last.message}`]);
  if (damaged !== undefined) rows.push(['State', paint.bad(damaged)]);
  const text = rows.map(([label, value]) => `  ${paint.faint(label.padEnd(8))} ${value}\n`).join('');
  return progress ? `${text}\n${progressLine(progress, process.stdout.columns ?? 100, paint)}\n` : text;
}

function entryWords(entry: LoaderEntry | undefined, { entries, state }: UpgradeStatus, paint: Paint): string[] {
  if (!entry) return [];
  const words = entries[0] === entry ? ['boots next'] : [];
  const refused = state.refused.find(({ roothash }) => roothash === entry.roothash);
  if (refused) return [...words, paint.bad('refused')];
  if (entry.triesLeft === 0) return [...words, paint.bad('has no tries left')];
  if (entry.triesLeft !== undefined) return [...words, `on trial, ${entry.triesLeft} of its boots left`];
  return [...words, paint.good('blessed')];
}

const ago = (at: string, nowMs: number): string => `${formatDuration(Math.max(0, nowMs - Date.parse(at)) / 1000)} ago`;

export async function upgradeHistory(context: CommandContext): Promise<number> {
  const { state, damaged } = await peekState(upgradePlaces.stateDir);
  if (isJson(context)) context.stdout(`${JSON.stringify({ history: state.history, refused: state.refused })}\n`);
  else context.stdout(historyText(state, paintOf()));
  if (damaged !== undefined) process.stderr.write(`atoll upgrade history: ${damaged}\n`);
  return 0;
}

/** Newest first; under what was refused, where to look. Pure. */
export function historyText({ history, refused }: UpgradeState, paint: Paint = plain): string {
  if (history.length === 0) return 'Nothing has been installed here: it runs what was flashed.\n';
  const eventWidth = Math.max(...history.map(({ event }) => event.length));
  const versionWidth = Math.max(...history.map(({ version }) => version.length));
  const lines: string[] = [];
  const told = new Set<string>();
  for (const { at, event, version, roothash, slot, message } of history) {
    const colour = event === 'blessed' ? paint.good : event === 'installed' ? (text: string) => text : paint.bad;
    const time = at.slice(0, 19).replace('T', ' ');
    lines.push(
      `${paint.faint(time)}  ${colour(event.padEnd(eventWidth))}  ${version.padEnd(versionWidth)}  slot ${slot}  ${message}`,
    );
    const refusal = refused.find(known => known.roothash === roothash);
    if (!refusal || event === 'installed' || event === 'blessed' || told.has(roothash)) continue;
    told.add(roothash);
    const indent = ' '.repeat(21);
    lines.push(`${indent}refused: ${refusal.check}: ${refusal.reason}`);
    if (refusal.kept !== undefined) lines.push(`${indent}its journal and last health report: ${refusal.kept}`);
    if (refusal.setAside !== undefined) lines.push(`${indent}what it wrote to the store: ${refusal.setAside}`);
  }
  return `${lines.join('\n')}\n`;
}
