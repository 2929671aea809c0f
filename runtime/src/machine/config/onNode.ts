/**
 * The configuration on a running machine: where its parts are, and what is done around `takeSources`. The shell scripts in
 * `/usr/lib/atoll` mount, read and copy; this decides.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { refreshBanner } from '../state.ts';
import { type ApplyOptions, type Compile, type Outcome, publishStatus, readAccounts, takeSources } from './apply.ts';
import { configBase, type TreeFile } from './generations.ts';
import { livePlan } from './live.ts';
import { restore } from './restore.ts';
import type { Gathered } from './sources/gathered.ts';
import { besides, type ConfigStatus, readConfigStatus, toldOfUrl } from './status.ts';
import type { Problem } from './types.ts';

export const runDir = '/run/atoll';
export const workDir = '/run/atoll/config';
/** The image's root without the transient /etc, while something looks at it. */
export const imageRoot = `${workDir}/image`;

/** What this image is: the hash of its root, as the initrd was told it. */
export function imageIdentity(cmdline: string = readFileSync('/proc/cmdline', 'utf8')): string {
  return process.env.ATOLL_CONFIG_IMAGE ?? /(?:^|\s)atoll\.roothash=(\S+)/.exec(cmdline)?.[1] ?? '';
}

/** Runs a program and gives its output to the journal. @returns whether it succeeded */
export function ran(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): boolean {
  const [program = '', ...words] = argv;
  const env = { ...process.env, ...environment };
  return spawnSync(program, words, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

export const gather = (): boolean => ran(['/usr/lib/atoll/config-gather']);

/** At boot: /etc is still the image's, and the script that called copies what is in force. */
export function takeAtBoot(now: Gathered, compile: Compile): Outcome {
  return told(takeSources(now, { image: imageIdentity(), compile, accounts: () => readAccounts('/') }));
}

export interface LiveResult {
  readonly outcome: Outcome;
  /** Commands that failed, as they were called. */
  readonly failed: readonly string[];
}

export interface LiveOptions extends Pick<ApplyOptions, 'dryRun' | 'forget'> {
  /** The boot waits for this configuration: no daemon has started, and what else would need a reboot is done now. */
  readonly booting?: boolean;
  /** What a person has to know of asking the URL; absent: it was not asked, and what was told of it counts. */
  readonly ofUrl?: readonly Problem[];
}

/** On a running node: stores, and puts in force what can be. */
export function takeLive(
  gathered: Gathered,
  compile: Compile,
  { booting = false, ofUrl, ...options }: LiveOptions = {},
): LiveResult {
  mkdirSync(imageRoot, { recursive: true, mode: 0o700 });
  const mounted = ran(['mount', '--bind', '/', imageRoot]);
  try {
    const root = mounted ? imageRoot : '/';
    const outcome = takeSources(gathered, {
      image: imageIdentity(),
      compile,
      accounts: () => readAccounts(root),
      ...options,
    });
    const beside = ofUrl ?? toldOfUrl(readConfigStatus(runDir));
    const withUrl = (result: Outcome): Outcome => ({ ...result, status: besides(result.status, beside) });
    if (options.dryRun === true) return { outcome: withUrl(outcome), failed: [] };
    if (outcome.kind !== 'stored') {
      // What has waited for a reboot still does.
      const rebootNeeded = readConfigStatus(runDir)?.rebootNeeded ?? [];
      return { outcome: told(withUrl({ ...outcome, status: { ...outcome.status, rebootNeeded } })), failed: [] };
    }
    const before = outcome.before === undefined ? [] : readTree(outcome.before);
    const plan = livePlan(before, outcome.files);
    for (const path of plan.remove) restore(path, mounted ? { image: imageRoot } : {});
    const now = booting ? plan.whileBooting : [];
    const commands = [['/usr/lib/atoll/config-apply'], ...plan.commands];
    const failed = commands
      .filter(command => !ran(command, { ATOLL_CONFIG_NOW: now.join(' ') }))
      .map(command => command.join(' '));
    const waiting = readConfigStatus(runDir)?.rebootNeeded ?? [];
    const later = plan.rebootNeeded.filter(name => !now.includes(name));
    const status = { ...outcome.status, rebootNeeded: [...new Set([...waiting, ...later])] };
    return { outcome: told(withUrl({ ...outcome, status })), failed };
  } finally {
    if (mounted) ran(['umount', imageRoot]);
  }
}

/** What of a plan a person is told before anything is done. */
export function planOf(outcome: Outcome): ReturnType<typeof livePlan> | undefined {
  if (outcome.kind !== 'stored') return undefined;
  return livePlan(outcome.before === undefined ? [] : readTree(outcome.before), outcome.files);
}

function told(outcome: Outcome): Outcome {
  tell(outcome.status);
  return outcome;
}

export function tell(status: ConfigStatus): void {
  publishStatus(status, runDir);
  refreshBanner(runDir);
}

/** A generation's files. */
export function readTree(root: string, prefix = ''): TreeFile[] {
  return readdirSync(join(root, prefix), { withFileTypes: true }).flatMap(entry => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) return readTree(root, path);
    const at = join(root, path);
    return [{ path, content: readFileSync(at), mode: statSync(at).mode & 0o7777 }];
  });
}

export const generationsAt = configBase;
