/** What is said of a trial while it lasts, and of the last one that failed: one sentence each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthReport, Refusal, Trial, UpgradeState } from '../upgrade/types.ts';
import { firstOpen } from './check.ts';

const words: Readonly<Record<string, string>> = {
  units: 'units',
  'control-plane': 'the control plane',
  node: 'the node',
  services: 'services',
  pods: 'pods',
};

/** Undefined when nothing is being judged in this boot, and nothing was. */
export function readHealthReport(runDir = '/run/atoll'): HealthReport | undefined {
  try {
    return JSON.parse(readFileSync(join(runDir, 'health.json'), 'utf8')) as HealthReport;
  } catch {
    return undefined;
  }
}

/** Why the data partition is not in use in this boot (/usr/lib/atoll/data); undefined: it is. */
export function dataProblem(runDir = '/run/atoll'): string | undefined {
  try {
    return readFileSync(join(runDir, 'data-problem'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** `waiting for pods: 3 of 4 run: …`; without the time, which changes all the while. */
export function reportText(report: HealthReport): string {
  if (report.verdict === 'healthy') return 'healthy';
  const open = firstOpen(report.checks);
  if (!open) return 'all is well; it is to stay so for some seconds';
  const verb = report.verdict === 'failed' ? 'failed on' : open.state === 'excused' ? 'patient with' : 'waiting for';
  return `${verb} ${words[open.check] ?? open.check}: ${open.message}`;
}

/** `Trial of 0.2.0: waiting for pods: …`; undefined when nothing is on trial any more. */
export function trialText(report: HealthReport | undefined, leftSeconds?: number): string | undefined {
  if (report?.version === undefined || report.verdict === 'healthy') return undefined;
  const left =
    leftSeconds === undefined || report.deadlineSeconds === 0 ? '' : `; ${Math.max(0, Math.round(leftSeconds))} s left`;
  const what = report.deadlineSeconds === 0 ? `First boot of ${report.version}` : `Trial of ${report.version}`;
  return `${what}: ${reportText(report)}${left}`;
}

/** For the console, which is printed anew at each change: `Trial of 0.2.0: waiting for pods`. Of a first boot there is nothing to say. */
export function trialBrief(report: HealthReport | undefined): string | undefined {
  if (report?.version === undefined || report.verdict === 'healthy' || report.deadlineSeconds === 0) return undefined;
  const open = firstOpen(report.checks);
  const what = open ? `waiting for ${words[open.check] ?? open.check}` : 'all is well so far';
  const end =
    report.verdict === 'failed'
      ? ', the time is over: going back'
      : `; goes back ${report.deadlineSeconds} s after power-on`;
  return `Trial of ${report.version}: ${what}${end}`;
}

/** `0.2.0 failed its trial (pods): …`. @param trial for its version */
export const refusalSentence = (trial: Pick<Trial, 'version'>, check: string, reason: string): string =>
  `${trial.version} failed its trial (${check}): ${reason}`;

/** The newest trial that failed, unless one has been blessed since. */
export function lastFailure({ refused, history }: Pick<UpgradeState, 'refused' | 'history'>): Refusal | undefined {
  const ended = history.find(({ event }) => event === 'blessed' || event === 'fell-back');
  if (ended?.event !== 'fell-back') return undefined;
  return refused.find(({ roothash, check }) => roothash === ended.roothash && check !== 'asked');
}

/** What the machine remembers of its upgrades; undefined: nothing, or it cannot be read. @param dataDir `/var/lib/atoll` */
export function upgradesKnown(dataDir: string): UpgradeState | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'upgrade', 'state.json'), 'utf8')) as UpgradeState;
  } catch {
    return undefined;
  }
}

const MAX_CONDITION = 1024;

/** The node's condition `UpgradeFailed`; none where nothing was ever upgraded. */
export function upgradeCondition(
  state: Pick<UpgradeState, 'refused' | 'history'> | undefined,
): readonly { type: string; status: 'True' | 'False'; reason: string; message: string }[] {
  if (state === undefined || state.history.length === 0) return [];
  const type = 'UpgradeFailed';
  const failure = lastFailure(state);
  if (failure) {
    const kept = failure.kept === undefined ? '' : `; what it left is in ${failure.kept}`;
    const aside = failure.setAside === undefined ? '' : `; what it wrote is in ${failure.setAside}`;
    const message = `${refusalSentence(failure, failure.check, failure.reason)}${kept}${aside}`.slice(0, MAX_CONDITION);
    return [{ type, status: 'True', reason: 'TrialFailed', message }];
  }
  const blessed = state.history.find(({ event }) => event === 'blessed');
  if (!blessed)
    return [{ type, status: 'False', reason: 'NoTrialYet', message: 'no upgrade has been tried to its end yet' }];
  return [{ type, status: 'False', reason: 'Blessed', message: `${blessed.version} is blessed` }];
}
