/**
 * The ends of a trial: blessed, given up at the deadline, or found to have failed by the version before. Each may be cut anywhere and begun
 * again: the loader comes first, the state, one write, last.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileAtomic } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { endTrial, forgiveVersion } from '../upgrade/state.ts';
import type { HistoryEntry, Installed, Loader, Refusal, Trial } from '../upgrade/types.ts';
import {
  causeOf,
  type Evidence,
  type EvidencePlaces,
  forgetTraces,
  gather,
  pruneTrials,
  trialDir,
} from './evidence.ts';
import { dropCopy, keepCopy, type NotPutBack, type SetAside, setAsideOf } from './storeCopy.ts';
import { refusalSentence } from './text.ts';

export interface EndingOptions {
  /** `/var/lib/atoll` */
  readonly dataDir: string;
  /** `/run/atoll` */
  readonly runDir: string;
  readonly places: EvidencePlaces;
  readonly loader: Loader;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** For the boot script: this root has proved itself, nobody needs to ask the loader again. */
export async function markBlessed(stateDir: string, roothash: string): Promise<void> {
  await makeDirectory(stateDir, 0o700);
  await writeFileAtomic(join(stateDir, 'blessed'), `${roothash}\n`);
}

/** As noted at its blessing, whatever the loader knows. */
export const hasProved = async (stateDir: string, roothash: string): Promise<boolean> =>
  (await readFileIfExists(join(stateDir, 'blessed')))?.toString('utf8').trim() === roothash;

/** The first boot of a flashed image needs no line in the history: `trial` is undefined. */
export async function bless(
  { dataDir, places, loader, now }: EndingOptions,
  running: Installed,
  trial: Trial | undefined,
  message: string,
): Promise<void> {
  const { stateDir } = places;
  await loader.bless(running.roothash);
  if (trial) {
    const { version, roothash, slot } = trial;
    await endTrial(stateDir, {
      events: [{ at: now().toISOString(), event: 'blessed', version, roothash, slot, message }],
    });
    await forgiveVersion(stateDir, roothash);
    await rm(trialDir(stateDir, trial.id), { recursive: true, force: true });
    await dropCopy(dataDir);
  }
  await markBlessed(stateDir, running.roothash);
}

/** What became of a trial that is pending while another version runs. `waiting`: it has not been tried yet, and still may be. */
export type Conclusion =
  | { readonly kind: 'waiting' | 'never-armed' }
  | {
      readonly kind: 'failed';
      readonly refusal: Refusal;
      readonly setAside?: SetAside;
      /** The version before goes on with what the trial wrote. */
      readonly notPutBack?: NotPutBack;
    };

export async function conclude(options: EndingOptions, trial: Trial): Promise<Conclusion> {
  const { dataDir, runDir, places, loader, logger, now } = options;
  const { stateDir } = places;
  const entries = await loader.entries();
  const entry = entries.find(({ roothash }) => roothash === trial.roothash);
  const evidence = await gather(places, trial);
  const at = now().toISOString();
  const { id, version, roothash, slot } = trial;
  if (untouched(evidence)) {
    const untried = entry?.triesLeft !== undefined && entry.triesLeft > 0 && !entry.triesDone;
    if (untried && entries[0] === entry) return { kind: 'waiting' };
    if (!entry || untried || trial.givenUpFor !== undefined) {
      const message =
        trial.givenUpFor !== undefined
          ? `it was not tried: its slot was given to ${trial.givenUpFor}, whose installation did not come to its end`
          : entry
            ? 'it was not tried: the loader has lost that it was to be; atoll upgrade installs it again'
            : 'it was not tried: the installation was cut short before the loader knew of it';
      await endTrial(stateDir, { events: [{ at, event: 'fell-back', version, roothash, slot, message }] });
      await rm(trialDir(stateDir, id), { recursive: true, force: true });
      return { kind: 'never-armed' };
    }
  }
  const { check, reason } = causeOf(evidence);
  const setAside = await setAsideOf(dataDir, trial);
  const notPutBack = await keepCopy(dataDir, runDir, trial);
  const refusal: Refusal = {
    version,
    roothash,
    slot,
    id,
    at,
    check,
    reason,
    kept: trialDir(stateDir, id),
    ...(setAside ? { setAside: setAside.path } : {}),
  };
  if (entry && entry.triesLeft !== 0)
    await loader
      .refuse(roothash)
      .catch((error: unknown) => logger.error({ err: error }, 'the loader could not be told'));
  const asked = check === 'asked';
  const told: HistoryEntry[] = [
    {
      at,
      event: asked ? 'rolled-back' : 'fell-back',
      version,
      roothash,
      slot,
      message: asked ? reason : refusalSentence(trial, check, reason),
    },
  ];
  if (setAside) told.unshift({ at, event: 'set-aside', version, roothash, slot, message: setAsideText(setAside) });
  if (notPutBack)
    told.unshift({ at, event: 'set-aside', version, roothash, slot, message: notPutBackText(trial, notPutBack) });
  await endTrial(stateDir, { events: told, refusal });
  await forgetTraces(places);
  await pruneTrials(stateDir);
  return { kind: 'failed', refusal, ...(setAside ? { setAside } : {}), ...(notPutBack ? { notPutBack } : {}) };
}

const untouched = ({ report, ended, panic, journal }: Evidence): boolean =>
  report === undefined && ended === undefined && panic === undefined && journal === undefined;

export const notPutBackText = ({ version, from }: Trial, { path, why }: NotPutBack): string =>
  `the store could not be put back as it was before ${version} (${why}): ${from.version} goes on with what ${version} wrote; what it was before is kept in ${path}`;

/** `12 changes that it wrote to the store are kept in …`. */
export const setAsideText = ({ path, changes, unread }: SetAside): string =>
  changes === undefined
    ? `the store that it wrote is kept in ${path}; it cannot be read here (${unread ?? 'for no known reason'})`
    : `${changes === 1 ? 'one change' : `${changes} changes`} that it wrote to the store ${changes === 1 ? 'is' : 'are'} not in force; kept in ${path}, listed in changes.txt`;
