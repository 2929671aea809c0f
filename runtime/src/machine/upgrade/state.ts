/**
 * What this machine knows of its upgrades, `<stateDir>/state.json`, and the plain file `trial` beside it: the root hash of the armed
 * trial, for those who run before Node.js does (the initrd).
 *
 * Always true: both are replaced whole; `state.json` is the truth. `trial` is written after the trial is in the state and goes before it is
 * out of it, so it is never there without one. A state that cannot be read is set aside, not overwritten: what was refused before is
 * then not known, and that is said.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, removeFileDurably, syncDirectory, writeFileAtomic } from '../../lib/files.ts';
import { parseState } from './stateShape.ts';
import type { HistoryEntry, Refusal, Trial, UpgradeState } from './types.ts';

export const MAX_REFUSED = 20;
export const MAX_HISTORY = 100;
export const emptyState: UpgradeState = { format: 1, refused: [], history: [] };

export interface ReadState {
  readonly state: UpgradeState;
  /** What was wrong with the file, and where it is now; absent: nothing. */
  readonly damaged?: string;
}

const pathOf = (stateDir: string): string => join(stateDir, 'state.json');
const trialPathOf = (stateDir: string): string => join(stateDir, 'trial');

/** @param stateDir `/var/lib/atoll/upgrade`. A damaged file is renamed `state.json.damaged-<time>`. @throws what the disk says */
export async function readState(stateDir: string, now: () => Date = () => new Date()): Promise<ReadState> {
  const path = pathOf(stateDir);
  const content = await readFileIfExists(path);
  if (!content) return { state: emptyState };
  try {
    return { state: parseState(content.toString('utf8')) };
  } catch (error) {
    const aside = `${path}.damaged-${now().toISOString().replace(/[:.]/g, '-')}`;
    const why = error instanceof Error ? error.message : String(error);
    await rename(path, aside);
    await syncDirectory(stateDir);
    return {
      state: emptyState,
      damaged: `${path} cannot be read (${why}); it is kept as ${aside}, and which versions were refused is not known any more`,
    };
  }
}

/** As {@link readState}, without setting anything aside: for those who only look. */
export async function peekState(stateDir: string): Promise<ReadState> {
  const content = await readFileIfExists(pathOf(stateDir));
  try {
    return { state: content ? parseState(content.toString('utf8')) : emptyState };
  } catch (error) {
    return {
      state: emptyState,
      damaged: `${pathOf(stateDir)}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Bounded, whole, and on the disk when it resolves. */
export async function writeState(stateDir: string, state: UpgradeState): Promise<void> {
  await makeDirectory(stateDir, 0o700);
  const bounded = {
    ...state,
    refused: state.refused.slice(0, MAX_REFUSED),
    history: state.history.slice(0, MAX_HISTORY),
  };
  await writeFileAtomic(pathOf(stateDir), `${JSON.stringify(bounded, undefined, 1)}\n`, { mode: 0o600 });
}

/** The trial is known to this machine, also before Node.js runs. Comes before the loader is told: a trial nobody knows would never be blessed. */
export async function armTrial(stateDir: string, trial: Trial, event: HistoryEntry): Promise<UpgradeState> {
  const { state } = await readState(stateDir);
  const armed: UpgradeState = { ...state, trial, history: [event, ...state.history] };
  await writeState(stateDir, armed);
  await writeFileAtomic(trialPathOf(stateDir), `${trial.roothash}\n`, { mode: 0o600 });
  return armed;
}

export interface TrialEnd {
  /** What happened: `blessed`, `fell-back` or `rolled-back`, and whatever else was done on the way; newest first. */
  readonly events: readonly HistoryEntry[];
  /** The version is not to be booted again; absent: it was blessed. */
  readonly refusal?: Refusal;
}

/** The trial is over. Does nothing to the loader: that comes before a refusal is written, and before a blessing is. */
export async function endTrial(stateDir: string, { events, refusal }: TrialEnd): Promise<UpgradeState> {
  const { state } = await readState(stateDir);
  const { trial: _ended, ...rest } = state;
  const ended: UpgradeState = {
    ...rest,
    refused: refusal ? withRefusal(state.refused, refusal) : state.refused,
    history: [...events, ...state.history],
  };
  await removeFileDurably(trialPathOf(stateDir));
  await writeState(stateDir, ended);
  return ended;
}

/**
 * A version that was blessed is not to be booted again, as a person asked. Known before the loader is told: whoever polls must not bring it back.
 * @throws what `tellLoader` throws; then nothing is known of it
 */
export async function refuseVersion(
  stateDir: string,
  refusal: Refusal,
  event: HistoryEntry,
  tellLoader: () => Promise<void>,
): Promise<void> {
  const { state } = await readState(stateDir);
  await writeState(stateDir, {
    ...state,
    refused: withRefusal(state.refused, refusal),
    history: [event, ...state.history],
  });
  try {
    await tellLoader();
  } catch (error) {
    await writeState(stateDir, state);
    throw error;
  }
}

/** What is armed and does not run gives its slot to another version. Whether it is still tried is up to the loader, until that has been told too. */
export async function giveUpTrial(stateDir: string, version: string): Promise<void> {
  const { state } = await readState(stateDir);
  if (state.trial) await writeState(stateDir, { ...state, trial: { ...state.trial, givenUpFor: version } });
}

/** The trial was noted, and the loader could not be told of it: it never was one. */
export async function withdrawTrial(stateDir: string, roothash: string): Promise<void> {
  const { state } = await readState(stateDir);
  if (state.trial?.roothash !== roothash) return;
  const { trial: _withdrawn, ...rest } = state;
  await removeFileDurably(trialPathOf(stateDir));
  await writeState(stateDir, {
    ...rest,
    history: state.history.slice(state.history[0]?.event === 'installed' ? 1 : 0),
  });
}

/** A blessed or newly asked-for version is not refused any more. */
export async function forgiveVersion(stateDir: string, roothash: string): Promise<void> {
  const { state } = await readState(stateDir);
  const refused = state.refused.filter(refusal => refusal.roothash !== roothash);
  if (refused.length !== state.refused.length) await writeState(stateDir, { ...state, refused });
}

/** One line in the history, besides a trial's own. */
export async function addHistory(stateDir: string, event: HistoryEntry): Promise<void> {
  const { state } = await readState(stateDir);
  await writeState(stateDir, { ...state, history: [event, ...state.history] });
}

const withRefusal = (refused: readonly Refusal[], refusal: Refusal): Refusal[] => [
  refusal,
  ...refused.filter(({ roothash }) => roothash !== refusal.roothash),
];

/** Root hashes that are not to be installed without being asked for, with why. */
export const refusedVersions = ({ refused }: UpgradeState): ReadonlyMap<string, Refusal> =>
  new Map(refused.map(refusal => [refusal.roothash, refusal]));

/** `0.2.0-1a2b3c4d`: names what a trial leaves behind. */
export const trialId = (version: string, roothash: string): string => `${version}-${roothash.slice(0, 8)}`;
