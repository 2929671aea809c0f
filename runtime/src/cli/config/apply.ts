/**
 * `atoll config apply [FILE|DIR|-] [--dry-run]`: looks at the sources again, or takes what a person gives, and puts it in force. A file
 * given so is the strongest source until another is given, or the sources alone are applied.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../machine/config/compile.ts';
import { configBase } from '../../machine/config/generations.ts';
import { instanceFolder, onceNotes, type Stamp } from '../../machine/config/oncePerInstance.ts';
import { gather, planOf, readTree, runDir, takeLive, workDir } from '../../machine/config/onNode.ts';
import { type Gathered, readGathered } from '../../machine/config/sources/gathered.ts';
import { problemLine, readConfigStatus } from '../../machine/config/status.ts';
import type { Problem } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { namedDocuments } from './documents.ts';
import { askOwnUrl } from './ownUrl.ts';

/** @returns 0: in force, or nothing new; 1: refused, or not all of it could be done; 3: in force, but for what needs a reboot */
export async function configApply({ values, rest, stdout }: CommandContext): Promise<number> {
  const [path, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll config apply takes one file or folder; "${more[0]}" was given too`);
  mustBeNode();
  const dryRun = values.has('dry-run');
  const asked = path === undefined ? await atHand(stdout) : { gathered: given(path) };
  if (!asked) {
    stdout('Stopped: nothing has been changed.\n');
    return 1;
  }
  const { outcome, failed } = takeLive(asked.gathered, compile, {
    dryRun,
    forget: path === undefined ? ['command'] : [],
    ...(asked.ofUrl ? { ofUrl: asked.ofUrl } : {}),
  });
  const { status } = outcome;
  // Its documents of last time count, and those of the other sources.
  const urlRefused = asked.ofUrl?.some(({ severity }) => severity === 'error') === true;
  for (const problem of status.problems.filter(({ of }) => of !== 'url' || asked.ofUrl))
    stdout(`${problem.severity}: ${problemLine(problem)}\n`);
  if (outcome.kind === 'refused') {
    stdout(
      `Refused; ${status.generation === undefined ? 'the defaults are' : `generation ${status.generation} is`} in force.\n`,
    );
    return 1;
  }
  if (outcome.kind === 'unchanged') {
    stdout(`Nothing new: generation ${status.generation} is in force.\n`);
    return urlRefused ? 1 : 0;
  }
  const plan = dryRun ? planOf(outcome) : undefined;
  const reboot = plan?.rebootNeeded ?? status.rebootNeeded;
  if (plan) {
    stdout(`Right: it would be generation ${status.generation}.\n`);
    for (const removed of plan.remove) stdout(`  goes: ${removed}\n`);
    for (const command of plan.commands) stdout(`  runs: ${command.join(' ')}\n`);
  } else stdout(`Generation ${status.generation} is in force.\n`);
  const { failures = [] } = (dryRun ? undefined : readConfigStatus(runDir)) ?? {};
  for (const failure of failures) stdout(`  not done: ${failure}\n`);
  for (const command of failed) stdout(`  failed: ${command} (see journalctl)\n`);
  const before = outcome.before === undefined ? [] : readTree(outcome.before);
  for (const note of onceNotes(before, outcome.files, hasHad)) stdout(`${note}\n`);
  if (reboot.length > 0) stdout(`A reboot is needed for: ${reboot.join(', ')}.\n`);
  return failed.length + failures.length > 0 || urlRefused ? 1 : reboot.length > 0 ? 3 : 0;
}

const hasHad = (instance: string, stamp: Stamp): boolean =>
  existsSync(join(configBase, 'instances', instanceFolder(instance), stamp));

interface AtHand {
  readonly gathered: Gathered;
  /** Absent where it was not asked. */
  readonly ofUrl?: readonly Problem[];
}

async function atHand(stdout: (text: string) => void): Promise<AtHand | undefined> {
  gather();
  const local = readGathered(join(workDir, 'sources'));
  const url = await askOwnUrl(stdout);
  if (!url) return undefined;
  return { gathered: { ...local, sources: [...url.sources, ...local.sources] }, ofUrl: url.problems };
}

const given = (path: string): Gathered => ({ sources: namedDocuments(path).sources, problems: [] });

/** What puts it in force is in the image; elsewhere nothing must be changed. @throws UsageError */
function mustBeNode(): void {
  if (!existsSync('/usr/lib/atoll/config-apply'))
    throw new UsageError(
      'this machine is no Atoll node: config apply changes the node it runs on; validate, show and diff work here',
    );
  if (process.getuid?.() !== 0) throw new UsageError('config apply is for root');
}
