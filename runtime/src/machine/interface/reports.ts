/** What the machine's files say of its upgrades, put together for one answer. Read anew each time; all are small. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeUpgradeReport } from '../../api/nodeUpgrade.ts';
import type { Release } from '../release.ts';
import type { HealthReport, HistoryEntry, Progress, Refusal, Trial, UpgradeState } from '../upgrade/types.ts';

export interface ReportPlaces {
  /** `/var/lib/atoll/upgrade` */
  readonly stateDir: string;
  /** `/run/atoll` */
  readonly runDir: string;
  /** `/proc`; a test brings its own. */
  readonly proc?: string;
}

const nothing: UpgradeState = { format: 1, refused: [], history: [] };

/** Undefined for what is not there, or is being replaced. */
function jsonOf<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
};

export const upgradeState = ({ stateDir }: ReportPlaces): UpgradeState => ({
  ...nothing,
  ...jsonOf<UpgradeState>(join(stateDir, 'state.json')),
});

export const healthReport = ({ runDir }: ReportPlaces): HealthReport | undefined =>
  jsonOf<HealthReport>(join(runDir, 'health.json'));

/** `atoll.roothash=…` of the command line of the UKI that runs; undefined outside an image. */
export function runningRoothash({ proc = '/proc' }: ReportPlaces): string | undefined {
  return /(?:^|\s)(?:atoll\.)?roothash=([0-9a-f]{64})(?:\s|$)/.exec(textOf(join(proc, 'cmdline')) ?? '')?.[1];
}

export const runningSlot = ({ runDir }: ReportPlaces): string | undefined => textOf(join(runDir, 'slot'));

const isThere = (pid: number, proc: string): boolean => textOf(join(proc, String(pid), 'comm')) !== undefined;

/** Fields one by one: what a newer state file has besides stays on the machine until it has a name here. */
const trialOf = ({ id, version, roothash, slot, armedAt, deadlineSeconds }: Trial) => ({
  id,
  version,
  roothash,
  slot,
  armedAt,
  deadlineSeconds,
});
const refusalOf = ({ id, at, version, check, reason }: Refusal) => ({ id, at, version, check, reason });
const entryOf = ({ at, event, version, message }: HistoryEntry) => ({ at, event, version, message });

/** What became of an installation of `version` that was begun to be tried later: it is at work, or waits for the restart. */
export function stayingOf(
  { busy, trial, running }: NodeUpgradeReport,
  version: string,
): 'at work' | 'armed' | undefined {
  if (version === '') return undefined;
  if (busy) return 'at work';
  return trial?.version === version && trial.roothash !== running.roothash ? 'armed' : undefined;
}

export function upgradeReport(places: ReportPlaces, release: Release, nowMs: number): NodeUpgradeReport {
  const { runDir, proc = '/proc' } = places;
  const { trial, refused, history } = upgradeState(places);
  const progress = jsonOf<Progress>(join(runDir, 'upgrade.json'));
  const roothash = runningRoothash(places);
  const slot = runningSlot(places);
  const ended = progress === undefined || progress.phase === 'done' || progress.phase === 'failed';
  return {
    now: new Date(nowMs).toISOString(),
    bootId: textOf(join(proc, 'sys/kernel/random/boot_id')) ?? '',
    image: release.image,
    running: {
      version: release.version,
      ...(roothash === undefined ? {} : { roothash }),
      ...(slot === undefined ? {} : { slot }),
    },
    ...(progress === undefined ? {} : { progress }),
    busy: !ended && isThere(progress.pid, proc),
    ...(trial === undefined ? {} : { trial: trialOf(trial) }),
    refused: refused.map(refusalOf),
    history: history.map(entryOf),
  };
}
