/**
 * `atoll-health.service`: what there is to be done about this version, once a boot, and then no process is left.
 *
 *   on trial                   judged; blessed, or given up at the deadline: the report is kept, the loader told, the machine restarted
 *   a trial is pending, but    it has failed: what it left is read, the version refused, and history, condition and event say why
 *   another version runs
 *   not blessed, no trial      the first boot of a flashed image: judged by the same checks, for as long as it takes
 *   blessed before             the loader has lost that, or one of its copies: it is told again
 */
import { execFile } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { runningRoothash, runningSlot } from '../interface/reports.ts';
import { release } from '../release.ts';
import { refreshBanner, uptimeSeconds } from '../state.ts';
import { openLoader } from '../upgrade/loader/index.ts';
import { readState } from '../upgrade/state.ts';
import type { HealthReport, Installed, Loader, LoaderEntry, Trial } from '../upgrade/types.ts';
import { firstOpen, nothingBefore } from './check.ts';
import { bless, conclude, type EndingOptions, hasProved, markBlessed, notPutBackText, setAsideText } from './ending.ts';
import { evidencePlaces, isEnded, keepReport } from './evidence.ts';
import { judge } from './judge.ts';
import { type NodeEvent, tellCluster } from './kubernetesEvent.ts';
import { observe, observePlaces, reach, roleOf } from './observe.ts';
import { readHealthReport, refusalSentence, reportText } from './text.ts';

export interface RunOptions {
  readonly dataDir: string;
  readonly runDir: string;
  /** The mounted boot partition: `/efi`. */
  readonly esp: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const TELL_MS = 15 * 60_000;
/** On the card, in a trial. */
const KEEP_SECONDS = 10;

export async function run(options: RunOptions): Promise<void> {
  const { dataDir, logger } = options;
  const places = { ...evidencePlaces, stateDir: join(dataDir, 'upgrade') };
  const { state, damaged } = await readState(places.stateDir);
  if (damaged !== undefined) logger.error(damaged);
  const loader = await openLoader(options.esp);
  const running = await whatRuns(options.runDir, loader);
  if (!running) return logger.warn('this is no image of Atoll: there is nothing to judge');
  const ending: EndingOptions = { dataDir, runDir: options.runDir, places, loader, logger, now: () => new Date() };
  const { trial } = state;
  if (trial && trial.roothash !== running.roothash) await fallenBack(options, ending, running, trial);
  else if (trial) await onTrial(options, ending, running, trial);
  if (!trial || trial.roothash !== running.roothash) await firstBoot(options, ending, running);
}

async function whatRuns(runDir: string, loader: Loader): Promise<Installed | undefined> {
  const roothash = runningRoothash({ stateDir: '', runDir });
  const slot = runningSlot({ stateDir: '', runDir });
  if (roothash === undefined || (slot !== 'a' && slot !== 'b')) return undefined;
  const entry = (await loader.entries()).find(known => known.roothash === roothash);
  return { version: entry?.version ?? release().version, roothash, slot };
}

async function onTrial(options: RunOptions, ending: EndingOptions, running: Installed, trial: Trial): Promise<void> {
  const { logger, signal, runDir } = options;
  const { stateDir } = ending.places;
  logger.info({ trial: trial.id, deadlineSeconds: trial.deadlineSeconds }, `${trial.version} is on trial`);
  let keptAt = Number.NEGATIVE_INFINITY;
  const report = await judge({
    ...judged(options, running.version),
    before: trial.before,
    deadlineSeconds: trial.deadlineSeconds,
    onReport: async report => {
      show(runDir, report, logger);
      if (report.verdict === 'waiting' && report.uptimeSeconds - keptAt < KEEP_SECONDS) return;
      keptAt = report.uptimeSeconds;
      await keepReport(stateDir, trial.id, report).catch((error: unknown) =>
        logger.warn({ err: error }, 'the report is not kept'),
      );
    },
  });
  if (!report || signal.aborted) return;
  if (await isEnded(stateDir, running.roothash)) return logger.warn(`${trial.version} is well, and was gone back from`);
  if (report.verdict === 'healthy') {
    const message = `healthy ${Math.round(report.uptimeSeconds)} s after its kernel started`;
    await bless(ending, running, trial, message);
    await command('systemctl', ['stop', 'atoll-trial-deadline.timer']);
    rmSync(join(runDir, 'trial'), { force: true });
    await quiet();
    refreshBanner(runDir);
    logger.info(`${trial.version} is blessed: ${message}`);
    await told(options, [
      { type: 'Normal', reason: 'UpgradeBlessed', message: `${trial.version} is blessed: ${message}` },
    ]);
    return;
  }
  const open = firstOpen(report.checks);
  logger.error(refusalSentence(trial, open?.check ?? 'boot', open?.message ?? 'no reason'));
  await command('journalctl', ['--sync']);
  await giveUp(ending, running.roothash);
}

/**
 * The loader goes back from here on; and so does the machine, now. A loader that cannot be told has counted this boot: it goes back when the
 * tries are used up. Without anything to go back to, the machine stays.
 */
export async function giveUp(
  { loader, logger }: Pick<EndingOptions, 'loader' | 'logger'>,
  roothash: string,
  tell = command,
): Promise<void> {
  try {
    await loader.refuse(roothash);
    logger.warn('restarting into the version before');
  } catch (error) {
    if (hasCode(error, 'LAST')) {
      logger.error({ err: error }, 'there is nothing to go back to: this version goes on');
      return tell('systemctl', ['stop', 'atoll-trial-deadline.timer']);
    }
    logger.error(
      { err: error },
      'restarting; the loader could not be told to go back, and does so when the tries of this version are used up',
    );
  }
  await tell('systemctl', ['reboot']);
}

async function fallenBack(options: RunOptions, ending: EndingOptions, running: Installed, trial: Trial): Promise<void> {
  const { logger } = options;
  const end = await conclude(ending, trial);
  if (end.kind !== 'failed') {
    const why =
      end.kind === 'waiting'
        ? 'is armed and has not been started yet'
        : 'was not tried: its installation was cut short';
    return logger.info(`${trial.version} ${why}`);
  }
  const { check, reason, kept = '' } = end.refusal;
  const sentence = check === 'asked' ? `back from ${trial.version}: ${reason}` : refusalSentence(trial, check, reason);
  const detail = `${sentence}; ${running.version} runs again. What it left is in ${kept}`;
  logger.error(detail);
  if (end.setAside) logger.warn(setAsideText(end.setAside));
  const events: NodeEvent[] = [
    { type: 'Warning', reason: check === 'asked' ? 'UpgradeRolledBack' : 'UpgradeFailed', message: detail },
  ];
  if (end.notPutBack) {
    const message = notPutBackText(trial, end.notPutBack);
    logger.error(message);
    events.push({ type: 'Warning', reason: 'UpgradeStoreKept', message });
  }
  if (end.setAside) events.push({ type: 'Warning', reason: 'UpgradeSetAside', message: setAsideText(end.setAside) });
  await told(options, events);
}

async function firstBoot(options: RunOptions, ending: EndingOptions, running: Installed): Promise<void> {
  const { logger, signal, runDir } = options;
  const { loader, places } = ending;
  const entries = await loader.entries();
  const entry = entries.find(({ roothash }) => roothash === running.roothash);
  if (!entry) return logger.warn('the loader has no entry for what runs: it was not started by it');
  if (await hasProved(places.stateDir, running.roothash)) {
    // Not where another one is armed: it would not be any more.
    if (entry.triesLeft !== undefined || entries[0] === entry) await tellAgain(ending, running, entry);
    return;
  }
  if (entry.triesLeft !== undefined) {
    const report = await judge({
      ...judged(options, running.version),
      before: nothingBefore(roleOf(observePlaces.etcDir), new Date().toISOString()),
      deadlineSeconds: 0,
      onReport: report => show(runDir, report, logger),
    });
    if (!report || signal.aborted) return;
    await bless(ending, running, undefined, '');
    refreshBanner(runDir);
    logger.info(`${running.version} is blessed, ${Math.round(report.uptimeSeconds)} s after its kernel started`);
  }
  await markBlessed(places.stateDir, running.roothash);
}

/** What cannot be written is told, not tried for ever: the machine runs, until the loader's tries are used up. */
async function tellAgain(
  { loader, logger }: EndingOptions,
  { version, roothash, slot }: Installed,
  { triesLeft }: LoaderEntry,
): Promise<void> {
  try {
    await loader.bless(roothash);
    if (triesLeft === undefined) return logger.info('what the loader knows is whole');
    logger.warn(`the loader had lost that ${version} in slot ${slot} has proved itself, and knows it again`);
  } catch (error) {
    const what =
      triesLeft === undefined
        ? 'a copy of what the loader knows is lost, and cannot be written anew: without the other one both slots are counted'
        : `the loader counts the boots of ${version} in slot ${slot}, which has proved itself, and cannot be told so: after the last the other slot boots`;
    logger.error({ err: error }, `${what}; look at the boot partition`);
  }
}

const judged = ({ dataDir, runDir, signal }: RunOptions, version: string) => ({
  version,
  observe: () => observe({ ...observePlaces, dataDir, runDir }),
  uptimeSeconds,
  watched: join(runDir, 'state'),
  signal,
});

/** For the console, `atoll status` and who looks; `/run` is memory, nothing is synced. */
function show(runDir: string, report: HealthReport, logger: Logger): void {
  const path = join(runDir, 'health.json');
  const before = readHealthReport(runDir);
  writeFileSync(`${path}.new`, `${JSON.stringify(report)}\n`, { mode: 0o644 });
  renameSync(`${path}.new`, path);
  refreshBanner(runDir);
  const text = reportText(report);
  if (before === undefined || text !== reportText(before)) logger.info({ checks: report.checks }, text);
}

/** From here on this is a boot like all others: the card is spared, a stall is no panic. */
async function quiet(): Promise<void> {
  rmSync('/run/systemd/journald.conf.d/20-trial.conf', { force: true });
  await command('systemctl', ['restart', 'systemd-journald.service']);
  await command('sh', [
    '-c',
    'cd /proc/sys/kernel; for s in softlockup_panic hung_task_panic hardlockup_panic; do [ ! -w $s ] || echo 0 > $s; done; [ ! -w watchdog_thresh ] || echo 10 > watchdog_thresh',
  ]);
}

async function told({ dataDir, runDir, logger, signal }: RunOptions, events: readonly NodeEvent[]): Promise<void> {
  const ask = () => reach({ ...observePlaces, dataDir, runDir });
  if (!(await tellCluster(events, ask, { logger, timeoutMs: TELL_MS, signal })))
    logger.warn('the cluster has not been told');
}

/** What comes of it is in the journal; there is nothing to be done about it here. */
const command = (program: string, words: readonly string[]): Promise<void> =>
  new Promise(resolve => {
    execFile(program, [...words], { timeout: 60_000 }, () => resolve());
  });
