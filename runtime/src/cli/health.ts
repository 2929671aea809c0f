/**
 * `atoll health`: how this machine does, check by check, as a trial is judged. The units call `run` (atoll-health.service), `store` (before the
 * server starts, after a fall-back) and `refuse` (the deadline, when nobody else has acted).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootLogger } from '../lib/log.ts';
import { check, nothingBefore } from '../machine/health/check.ts';
import { observe, observePlaces } from '../machine/health/observe.ts';
import { readHealthReport, trialText } from '../machine/health/text.ts';
import { runningRoothash } from '../machine/interface/reports.ts';
import { uptimeSeconds } from '../machine/state.ts';
import { readState } from '../machine/upgrade/state.ts';
import { type CommandContext, UsageError } from './command.ts';
import { untilSignal } from './signals.ts';

export async function health(context: CommandContext): Promise<number> {
  const [action, ...more] = context.rest;
  if (more.length > 0) throw new UsageError(`atoll health takes one word; "${more[0]}" was given too`);
  switch (action) {
    case undefined:
      return show(context);
    case 'run':
      return run(context);
    case 'store':
      return store(context);
    case 'refuse':
      return refuse(context);
    default:
      throw new UsageError(`unknown: health ${action}; atoll health alone says how this machine does`);
  }
}

async function show({ values, stdout }: CommandContext): Promise<number> {
  const [dataDir, runDir] = [values.one('data-dir'), values.one('run-dir')];
  const { state } = await readState(join(dataDir, 'upgrade'));
  const now = await observe({ ...observePlaces, dataDir, runDir });
  const on = state.trial !== undefined && state.trial.roothash === runningRoothash({ stateDir: '', runDir });
  const checks = check(on && state.trial ? state.trial.before : nothingBefore(now.role, now.at), now);
  const well = checks.every(({ state: found }) => found === 'passed' || found === 'excused');
  if ((values.optional('output') ?? values.optional('o')) === 'json') {
    stdout(`${JSON.stringify({ at: now.at, uptimeSeconds: uptimeSeconds(), checks })}\n`);
    return well ? 0 : 1;
  }
  const report = readHealthReport(runDir);
  const trial = trialText(report, report && report.deadlineSeconds - uptimeSeconds());
  if (trial !== undefined) stdout(`${trial}\n\n`);
  for (const { check: name, state: found, message } of checks)
    stdout(`  ${name.padEnd(14)} ${found.padEnd(8)} ${message}\n`);
  return well ? 0 : 1;
}

async function run({ values }: CommandContext): Promise<number> {
  const { signal } = untilSignal();
  const logger = rootLogger('atoll-health');
  const service = await import('../machine/health/run.ts');
  await service.run({
    dataDir: values.one('data-dir'),
    runDir: values.one('run-dir'),
    esp: values.one('esp'),
    logger,
    signal,
  });
  // What keeps it alive until a signal comes is of no use any more.
  return 0;
}

async function store({ values }: CommandContext): Promise<number> {
  const logger = rootLogger('atoll-health');
  const dataDir = values.one('data-dir');
  const { trial } = (await readState(join(dataDir, 'upgrade'))).state;
  if (!trial || trial.roothash === runningRoothash({ stateDir: '', runDir: values.one('run-dir') })) return 0;
  const { putBack, storeProblemPath } = await import('../machine/health/storeCopy.ts');
  const found = await putBack({ dataDir, trial, now: new Date() }).catch(async (error: unknown) => {
    // Whoever ends the trial tells it.
    const why = error instanceof Error ? error.message : String(error);
    await writeFile(storeProblemPath(values.one('run-dir')), `${why}\n`);
    throw error;
  });
  if (found) logger.warn(found, 'the store is as it was before the trial; what the trial wrote is kept');
  return 0;
}

async function refuse({ values }: CommandContext): Promise<number> {
  const roothash = runningRoothash({ stateDir: '', runDir: values.one('run-dir') });
  if (roothash === undefined) throw new UsageError('this is no image of Atoll: nothing can be refused');
  const { openLoader } = await import('../machine/upgrade/loader/index.ts');
  await (await openLoader(values.one('esp'))).refuse(roothash);
  return 0;
}
