/** The installation itself, in the unit `atoll-upgrade`: bundle, slot, trial, restart. What it does is in `/run/atoll/upgrade.json`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { writeFileAtomic } from '../lib/files.ts';
import { forgetTrial } from '../machine/health/evidence.ts';
import { beforeTrial } from '../machine/health/observe.ts';
import { install } from '../machine/upgrade/install.ts';
import { loaderChoice } from '../machine/upgrade/loader/index.ts';
import { missingPartitions, thisMachine, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { admit, type Machine } from '../machine/upgrade/plan.ts';
import { beginning, failure } from '../machine/upgrade/progress.ts';
import { armTrial, forgiveVersion, giveUpTrial, trialId, withdrawTrial } from '../machine/upgrade/state.ts';
import { writeError } from '../machine/upgrade/transfer.ts';
import type { Installed, Trial } from '../machine/upgrade/types.ts';
import type { CommandContext } from './command.ts';
import { formatBytes } from './statusPage.ts';
import type { Request } from './upgrade.ts';
import { bundleOf } from './upgradeCheck.ts';
import { untilAsked } from './upgradeSignal.ts';

const run = promisify(execFile);

export async function installHere(request: Request, { stdout }: CommandContext): Promise<number> {
  const { runDir } = upgradePlaces;
  try {
    return await installed(request, stdout);
  } catch (error) {
    const failed = { ...beginning(request.source), ...failure(error) };
    await writeFileAtomic(`${runDir}/upgrade.json`, `${JSON.stringify(failed)}\n`).catch(() => undefined);
    throw error;
  }
}

async function installed(request: Request, stdout: CommandContext['stdout']): Promise<number> {
  const signal = untilAsked();
  const machine = await thisMachine();
  const { stateDir, runDir } = machine.places;
  await tidyOnce(machine);
  await writeFileAtomic(`${runDir}/upgrade.json`, `${JSON.stringify(beginning(request.source))}\n`);
  const bundle = await bundleOf(request, machine, signal);
  let noted = false;
  try {
    admit(bundle.manifest, machine, request);
    await (await import('../machine/health/storeCopy.ts')).requireRoom(dirname(stateDir));
    const missing = missingPartitions();
    if (missing.length > 0) await (await import('../machine/upgrade/repartition.ts')).makeMissing(missing, runDir);
    const began = performance.now();
    const result = await install(
      bundle,
      machine,
      {
        ...request,
        tries: (await loaderChoice()).tries,
        beforeGiveUp: () => giveUpTrial(stateDir, bundle.manifest.version),
        beforeArm: async trial => {
          if (request.again) await forgiveVersion(stateDir, trial.roothash);
          const seconds = Math.round((performance.now() - began) / 1000);
          const message = `in ${seconds} s, ${formatBytes(bundle.source.receivedBytes)} downloaded, from ${bundle.shown}`;
          const armed = await trialOf(trial, machine, request);
          // What an earlier trial of it left would be taken for this one's.
          await forgetTrial(stateDir, armed);
          noted = true;
          await armTrial(stateDir, armed, { ...trial, at: armed.armedAt, event: 'installed', message });
        },
      },
      signal,
    );
    if (result.outcome === 'runs') {
      stdout(`${result.trial.version} runs already: nothing was done.\n`);
      return 0;
    }
    stdout(
      `${result.trial.version} is installed in slot ${result.trial.slot}, ${formatBytes(result.writtenBytes)} written.\n`,
    );
  } catch (error) {
    // Where that fails too, the next boot finds a trial that the loader knows nothing of, and withdraws it.
    if (noted) await withdrawUnarmed(machine, bundle.manifest.roothash).catch(() => undefined);
    throw error;
  } finally {
    await bundle.close();
  }
  if (request.reboot) await restart(request.source, runDir);
  return 0;
}

/** A trial that the loader will boot stays one, whatever came after: a boot that nobody judges would never end. */
export async function withdrawUnarmed(
  { loader, places }: Pick<Machine, 'loader' | 'places'>,
  roothash: string,
): Promise<void> {
  const entry = (await loader.entries()).find(known => known.roothash === roothash);
  if (!entry?.triesLeft) await withdrawTrial(places.stateDir, roothash);
}

/** What cuts have left on the boot partition goes, once a boot: what this boot has brought there is used by the next attempt. */
async function tidyOnce({ loader, running, places }: Machine): Promise<void> {
  const done = `${places.runDir}/boot-partition-tidied`;
  if (existsSync(done)) return;
  await loader.tidy(running.roothash).catch((cause: unknown) => {
    throw writeError(places.esp, cause);
  });
  await writeFileAtomic(done, '');
}

async function trialOf(trial: Installed, { running }: Machine, { deadlineSeconds }: Request): Promise<Trial> {
  return {
    ...trial,
    id: trialId(trial.version, trial.roothash),
    from: running,
    armedAt: new Date().toISOString(),
    deadlineSeconds,
    before: await beforeTrial(),
  };
}

async function restart(source: string, runDir: string): Promise<void> {
  await writeFileAtomic(`${runDir}/upgrade.json`, `${JSON.stringify({ ...beginning(source), phase: 'restarting' })}\n`);
  await run('systemctl', ['reboot']).catch((error: Error) => {
    throw new Error(
      `the new version is installed, but this machine could not be restarted: ${error.message}; restart it`,
    );
  });
}
