/** `atoll rollback`: the version in the other slot again; the one that runs is refused. */
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { promisify } from 'node:util';
import { openLoader } from '../machine/upgrade/loader/index.ts';
import { runningVersion, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { checkSlot } from '../machine/upgrade/readBack.ts';
import { peekState, refuseVersion, trialId } from '../machine/upgrade/state.ts';
import type { Installed, LoaderEntry, UpgradeState } from '../machine/upgrade/types.ts';
import { UpgradeError } from '../machine/upgrade/upgradeError.ts';
import { type CommandContext, UsageError } from './command.ts';

const run = promisify(execFile);

/** The entry to go back to. @throws UpgradeError with why there is none. Pure. */
export function previousOf(
  entries: readonly LoaderEntry[],
  running: Installed,
  { refused }: Pick<UpgradeState, 'refused'>,
  force: boolean,
): LoaderEntry {
  const other = entries.find(({ slot }) => slot !== running.slot);
  if (!other)
    throw new UpgradeError(
      'SLOT',
      `slot ${running.slot === 'a' ? 'b' : 'a'} holds no version: there is nothing to go back to`,
      'atoll upgrade --downgrade installs an older version',
    );
  const refusal = refused.find(({ roothash }) => roothash === other.roothash);
  if ((refusal || other.triesLeft === 0) && !force)
    throw new UpgradeError(
      'REFUSED_BEFORE',
      `${other.version} in slot ${other.slot} was refused here${refusal ? `: ${refusal.reason}` : ''}`,
      'atoll rollback --force goes back to it all the same; atoll upgrade installs another version',
    );
  // Behind the one that runs, the loader has lost what it knew of it: it is tried again.
  if (other.triesLeft !== undefined && other.triesLeft > 0 && entries[0] === other)
    throw new UpgradeError(
      'SLOT',
      `${other.version} in slot ${other.slot} has not been tried yet: it is no version to go back to`,
      'restart this machine to try it',
    );
  return other;
}

export async function rollback({ values, stdout }: CommandContext): Promise<number> {
  const { stateDir, runDir, esp } = upgradePlaces;
  const running = runningVersion(runDir);
  const loader = await openLoader(esp);
  const { state } = await peekState(stateDir);
  const other = previousOf(await loader.entries(), running, state, values.has('force'));
  stdout(`${running.version} (slot ${running.slot}) runs; going back to ${other.version} (slot ${other.slot}).\n`);
  if (!values.has('yes')) {
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      throw new UsageError('nobody can be asked here: atoll rollback --yes goes back without asking');
    if (!(await agreed(running.version))) {
      stdout('Nothing has changed.\n');
      return 1;
    }
  }
  // Refused, its slot may have been written to since.
  if (other.triesLeft === 0) await checkSlot(upgradePlaces, other, AbortSignal.timeout(CHECK_MS));
  await refuseRunning(stateDir, running, other, state, () => loader.refuse(running.roothash));
  if (values.has('no-reboot')) {
    stdout(`${other.version} boots at the next restart.\n`);
    return 0;
  }
  stdout('Restarting.\n');
  await run('systemctl', ['reboot']).catch((error: Error) => {
    throw new Error(
      `${other.version} boots next, but this machine could not be restarted: ${error.message}; restart it`,
    );
  });
  return 0;
}

/** A slot is read in seconds; in minutes from a card that fails. */
const CHECK_MS = 10 * 60_000;

/**
 * Known before the loader is told. A trial is ended by the version before, with all that a fall-back brings (machine/health/ending.ts); it is only told
 * that somebody asked.
 */
async function refuseRunning(
  stateDir: string,
  running: Installed,
  other: LoaderEntry,
  { trial }: UpgradeState,
  tellLoader: () => Promise<void>,
): Promise<void> {
  const reason = 'somebody asked for atoll rollback';
  if (trial?.roothash === running.roothash) {
    const { askBack, takeBackAsking } = await import('../machine/health/evidence.ts');
    // Whoever judges it could bless it meanwhile.
    await systemctl('stop', 'atoll-health.service');
    try {
      await askBack(stateDir, running.roothash, reason);
      await tellLoader();
    } catch (error) {
      await takeBackAsking(stateDir);
      await systemctl('start', '--no-block', 'atoll-health.service');
      throw error;
    }
    // Until somebody restarts the machine it may go on.
    await systemctl('stop', 'atoll-trial-deadline.timer');
    return;
  }
  const at = new Date().toISOString();
  const refusal = { ...running, id: trialId(running.version, running.roothash), at, check: 'asked', reason };
  const message = `to ${other.version} in slot ${other.slot}, as asked`;
  await refuseVersion(stateDir, refusal, { ...running, at, event: 'rolled-back', message }, tellLoader);
}

/** What comes of it is in the journal. */
const systemctl = (...words: string[]): Promise<void> =>
  run('systemctl', words).then(
    () => undefined,
    () => undefined,
  );

async function agreed(version: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await lines.question(`Restart now, and refuse ${version} from then on? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
