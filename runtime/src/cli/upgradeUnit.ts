/**
 * An installation is a unit of systemd, `atoll-upgrade`: it goes on when the session that asked for it ends, and takes little from
 * workloads. The command asks, starts it, and shows what it says in `/run/atoll/upgrade.json`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { missingPartitions, thisMachine, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { admit } from '../machine/upgrade/plan.ts';
import type { Progress } from '../machine/upgrade/types.ts';
import { UPGRADE_MARK, UPGRADE_UNIT, upgradeUnitArguments } from '../machine/upgrade/unit.ts';
import { type CommandContext, UsageError } from './command.ts';
import { formatBytes, painted, plain } from './statusPage.ts';
import { type Request, requestWords } from './upgrade.ts';
import { aboutBundle, bundleOf } from './upgradeCheck.ts';
import { PlainProgress, progressLine } from './upgradeProgress.ts';
import { untilAsked } from './upgradeSignal.ts';

export const isOwnUnit = (env: Readonly<Record<string, string | undefined>>): boolean => env[UPGRADE_MARK] === '1';

/** systemd-run's arguments. */
export const unitArguments = (request: Request): string[] => [
  ...['--quiet', '--collect', '--wait', `--unit=${UPGRADE_UNIT}`, `--description=Installing ${request.source}`],
  ...upgradeUnitArguments,
  ...['/usr/bin/atoll', ...requestWords(request)],
];

export async function installInUnit(request: Request, context: CommandContext): Promise<number> {
  const { stdout, values } = context;
  const onTerminal = process.stdin.isTTY && process.stdout.isTTY;
  let asked = request;
  if (request.reboot && !values.has('yes') && !onTerminal)
    throw new UsageError('nobody can be asked here: --yes restarts when it is installed, --no-reboot does not');
  const machine = await thisMachine();
  const signal = untilAsked();
  const bundle = await bundleOf(request, machine, signal);
  try {
    admit(bundle.manifest, machine, request);
    stdout(aboutBundle(bundle.manifest, bundle.signer, machine.running));
    if (bundle.manifest.roothash === machine.running.roothash) {
      stdout('\nIt runs already: nothing is to be done.\n');
      return 0;
    }
    if (missingPartitions().length > 0) stdout('  Slot        the other slot is missing: it is made again\n');
  } finally {
    await bundle.close();
  }
  stdout('\n');
  if (onTerminal && request.reboot && !values.has('yes')) {
    const answer = await ask(
      `Install it and restart this machine? [y]es, [n]o, [l]ater: install, restart by hand `,
      signal,
    );
    if (answer === 'no') {
      stdout('Nothing has changed.\n');
      return 1;
    }
    if (answer === 'later') asked = { ...request, reboot: false };
  }
  if (!existsSync('/run/systemd/system'))
    throw new UsageError('this is no machine with systemd: upgrades are for nodes that boot an image');
  return follow(asked, context);
}

async function ask(question: string, signal: AbortSignal): Promise<'yes' | 'no' | 'later'> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = (await lines.question(question, { signal })).trim().toLowerCase();
    if (answer === 'y' || answer === 'yes') return 'yes';
    return answer === 'l' || answer === 'later' ? 'later' : 'no';
  } catch {
    return 'no';
  } finally {
    lines.close();
  }
}

/** Shows the unit's progress until it ends. Ctrl-C ends the showing, not the unit. */
async function follow(request: Request, { stdout }: CommandContext): Promise<number> {
  const child = spawn('systemd-run', unitArguments(request), { stdio: ['ignore', 'inherit', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const shown = showProgress(upgradePlaces.runDir, child, stdout);
  const code = await ended(child);
  const last = shown();
  if (code === 'left') {
    stdout(`\nIt goes on: atoll upgrade status shows how far it is, systemctl stop ${UPGRADE_UNIT} ends it.\n`);
    return 0;
  }
  if (code === 0) {
    stdout(request.reboot ? 'Restarting into it.\n' : 'It is tried at the next restart: systemctl reboot\n');
    return 0;
  }
  const why = last?.phase === 'failed' ? last.message : said.trim();
  process.stderr.write(
    `atoll upgrade: ${why === undefined || why === '' ? `it ended with ${code}; atoll logs ${UPGRADE_UNIT} tells more` : why}\n`,
  );
  return 1;
}

const ended = (child: ChildProcess): Promise<number | 'left'> =>
  new Promise(resolve => {
    child.once('error', () => resolve(127));
    child.once('close', code => resolve(code ?? 1));
    process.once('SIGINT', () => {
      child.kill();
      resolve('left');
    });
  });

/** @returns ends the showing, and gives what was said last by this unit */
function showProgress(runDir: string, child: ChildProcess, stdout: (text: string) => void): () => Progress | undefined {
  const lines = new PlainProgress();
  const paint = process.env.NO_COLOR ? plain : painted;
  const began = Date.now();
  let last: Progress | undefined;
  const look = (): void => {
    const progress = readProgress(runDir);
    // What an earlier one left is not ours.
    if (!progress || (last === undefined && !isOf(progress, began))) return;
    last = progress;
    if (process.stdout.isTTY) stdout(`\r\u001b[K${progressLine(progress, process.stdout.columns ?? 80, paint)}`);
    else for (const line of lines.next(progress)) stdout(`${line}\n`);
  };
  const watcher = watch(runDir, (_event, name) => {
    if (name === 'upgrade.json') look();
  });
  child.once('close', look);
  return () => {
    watcher.close();
    look();
    if (process.stdout.isTTY && last) stdout('\r\u001b[K');
    if (last && last.phase === 'done')
      stdout(
        `Installed: ${formatBytes(last.downloadedBytes)} downloaded, ${formatBytes(last.writtenBytes)} written.\n`,
      );
    return last;
  };
}

/** Whether the process that wrote it is there, and began after us. */
const isOf = ({ pid }: Progress, sinceMs: number): boolean => existsSync(`/proc/${pid}`) || Date.now() - sinceMs < 0;

export function readProgress(runDir: string): Progress | undefined {
  try {
    return JSON.parse(readFileSync(join(runDir, 'upgrade.json'), 'utf8')) as Progress;
  } catch {
    return undefined;
  }
}
