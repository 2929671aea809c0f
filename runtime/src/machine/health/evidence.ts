/**
 * What a trial that failed has left behind, and what it says: its last report, the sentence of who ended it, the journal of its boots, and a
 * panic's last words, which the firmware kept (pstore). Gathered by the version before, into the trial's folder; gathering again adds nothing.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileAtomic } from '../../lib/files.ts';
import type { HealthReport, Trial } from '../upgrade/types.ts';
import { firstOpen } from './check.ts';

export interface Evidence {
  /** The last report that came to the disk. */
  readonly report?: HealthReport;
  /** Who ended it in its own boot, and why: the deadline's timer, or a person. */
  readonly ended?: Ended;
  /** Text of the newest panic. */
  readonly panic?: string;
  /** Its last lines; absent: it never wrote any. */
  readonly journal?: string;
  /** Times its kernel was started, by the journal. */
  readonly boots: number;
}

export interface Ended {
  readonly check: 'boot' | 'asked';
  readonly reason: string;
}

export interface EvidencePlaces {
  /** `/var/lib/atoll/upgrade` */
  readonly stateDir: string;
  /** Of trials' boots only: any other boot's journal is in memory. The boots of the trial before are in it, if nothing was started in between. `/var/log/journal` */
  readonly journalDir: string;
  /** `/sys/fs/pstore` */
  readonly pstoreDir: string;
}

export const evidencePlaces: EvidencePlaces = {
  stateDir: '/var/lib/atoll/upgrade',
  journalDir: '/var/log/journal',
  pstoreDir: '/sys/fs/pstore',
};

export const trialDir = (stateDir: string, id: string): string => join(stateDir, 'trials', id);
const endedPath = (stateDir: string): string => join(stateDir, 'ended');
/** Compressed it is about a tenth. */
const JOURNAL_BYTES = 8 * 1024 * 1024;
const TAIL_LINES = 40;

/** The report as it is now, for whoever comes after a boot that ends without a word. */
export async function keepReport(stateDir: string, id: string, report: HealthReport): Promise<void> {
  const folder = trialDir(stateDir, id);
  await makeDirectory(folder, 0o700);
  await writeFileAtomic(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`, { mode: 0o600 });
}

/** A person wants the version before while the new one is on trial: said first, then the loader is told, then the machine restarts. */
export const askBack = (stateDir: string, roothash: string, reason: string): Promise<void> =>
  writeFileAtomic(endedPath(stateDir), `${roothash}\n${reason}\nasked\n`, { mode: 0o600 });

/** The loader could not be told: the trial goes on. */
export const takeBackAsking = (stateDir: string): Promise<void> => rm(endedPath(stateDir), { force: true });

async function endedOf(stateDir: string, roothash: string): Promise<Ended | undefined> {
  const [of, reason = '', check] = ((await readFileIfExists(endedPath(stateDir)))?.toString('utf8') ?? '').split('\n');
  return of === roothash && reason !== '' ? { reason, check: check === 'asked' ? 'asked' : 'boot' } : undefined;
}

/** Everything there is, kept in the trial's folder as far as it is not there yet. */
export async function gather(places: EvidencePlaces, trial: Trial): Promise<Evidence> {
  const folder = trialDir(places.stateDir, trial.id);
  await makeDirectory(folder, 0o700);
  const journal = await keepJournal(places.journalDir, folder, trial.roothash);
  const panic = await keepPanic(places.pstoreDir, folder);
  const report = await reportOf(folder);
  const ended = await endedOf(places.stateDir, trial.roothash);
  return {
    ...(report ? { report } : {}),
    ...(ended ? { ended } : {}),
    ...(panic === undefined ? {} : { panic }),
    ...(journal.tail === '' ? {} : { journal: journal.tail }),
    boots: journal.boots,
  };
}

async function reportOf(folder: string): Promise<HealthReport | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as HealthReport;
  } catch {
    return undefined;
  }
}

const shell = (script: string, ...words: string[]): Promise<string> =>
  new Promise(resolve => {
    execFile('sh', ['-c', script, 'sh', ...words], { timeout: 120_000, maxBuffer: 4 * 1024 * 1024 }, (_, stdout) =>
      resolve(stdout),
    );
  });

async function keepJournal(
  directory: string,
  folder: string,
  roothash: string,
): Promise<{ tail: string; boots: number }> {
  const kept = join(folder, 'journal.gz');
  // Its header is 20 bytes: an empty one is none.
  if (((await stat(kept).catch(() => undefined))?.size ?? 0) < 64 && hasEntries(directory)) {
    const commandLines = await shell(
      'journalctl -D "$1" -o json --output-fields=MESSAGE --no-pager -q _TRANSPORT=kernel | grep -F atoll.roothash=',
      directory,
    );
    const listed = await shell('journalctl -D "$1" --list-boots -q --no-pager', directory);
    const boots = bootsOf(roothash, listed, commandLines);
    if (boots.length > 0)
      await shell(
        'from=$1 bytes=$2 to=$3; shift 3; journalctl -D "$from" -o short-monotonic --no-pager -q "$@" | tail -c "$bytes" | gzip > "$to.new" && sync "$to.new" && mv "$to.new" "$to"',
        directory,
        String(JOURNAL_BYTES),
        kept,
        ...boots.map(boot => `_BOOT_ID=${boot}`),
      );
    await writeFileAtomic(join(folder, 'boots'), `${boots.length}\n`);
  }
  const tail = await shell('gzip -dc "$1" 2> /dev/null | tail -n "$2"', kept, String(TAIL_LINES));
  const boots = Number((await readFile(join(folder, 'boots'), 'utf8').catch(() => '0')).trim()) || 0;
  return { tail, boots };
}

/**
 * The boots of this version: all that are listed, but those whose kernel's command line names another root.
 * @param listed lines of `journalctl --list-boots`: an index, the boot's id, times
 * @param commandLines journal entries in JSON, a line each
 * @returns boot ids, 32 hex digits, in order
 */
export function bootsOf(roothash: string, listed: string, commandLines: string): string[] {
  const others = new Set(
    commandLines
      .split('\n')
      .filter(line => line.includes('atoll.roothash=') && !line.includes(`atoll.roothash=${roothash}`))
      .map(line => /"_BOOT_ID"\s*:\s*"([0-9a-f]{32})"/.exec(line)?.[1]),
  );
  return [...listed.matchAll(/^\s*-?\d+\s+([0-9a-f]{32})\b/gm)]
    .map(([, boot = '']) => boot)
    .filter(boot => !others.has(boot));
}

function hasEntries(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch {
    return false;
  }
}

/** In pieces, the newest lines in the first. */
const PIECE = /^dmesg-.*?(\d+)$/;

async function keepPanic(directory: string, folder: string): Promise<string | undefined> {
  const kept = join(folder, 'panic.txt');
  let names: string[] = [];
  try {
    names = readdirSync(directory).filter(name => PIECE.test(name));
  } catch {
    // No pstore.
  }
  if (names.length > 0) {
    const pieces: { text: string; part: number }[] = [];
    for (const name of names) {
      const text = await readFile(join(directory, name), 'utf8').catch(() => '');
      pieces.push({ text, part: Number(/^\S+#\d+ Part(\d+)/.exec(text)?.[1] ?? 0) });
    }
    pieces.sort((a, b) => b.part - a.part);
    const old = (await readFileIfExists(kept))?.toString('utf8') ?? '';
    const text = pieces.map(piece => piece.text.replace(/^\S+#\d+ Part\d+\n/, '')).join('');
    await writeFileAtomic(kept, old + text, { mode: 0o600 });
    // Kept on the disk, they need not fill the firmware's memory.
    for (const name of names) await rm(join(directory, name), { force: true });
  }
  return (await readFileIfExists(kept))?.toString('utf8');
}

/** The one check that failed, and why, in a sentence. */
export function causeOf({ report, ended, panic, journal, boots }: Evidence): { check: string; reason: string } {
  const open = report && firstOpen(report.checks);
  const waiting = open ? `; it was waiting for ${open.check}: ${open.message}` : '';
  if (ended?.check === 'asked') return { check: 'asked', reason: ended.reason };
  if (report?.verdict === 'failed' && open)
    return {
      check: open.check,
      reason: `${open.message} (${Math.round(report.uptimeSeconds)} s after its kernel started)`,
    };
  const last = panic === undefined ? undefined : panicLine(panic);
  if (last !== undefined) return { check: 'boot', reason: `its kernel panicked: ${last}` };
  if (ended) return { check: open?.check ?? 'boot', reason: `${ended.reason}${waiting}` };
  const times = boots > 1 ? ` ${boots} times` : '';
  if (report)
    return {
      check: open?.check ?? 'boot',
      reason: `it ended without a word${times}, the last time ${Math.round(report.uptimeSeconds)} s after its kernel started or later${waiting}`,
    };
  if (journal !== undefined)
    return {
      check: 'boot',
      reason: `it was started${times} and did not come as far as judging itself; its last words: ${lastWords(journal)}`,
    };
  return {
    check: 'boot',
    reason: 'it was started, and has left nothing behind: its kernel, its initrd or its root does not come up',
  };
}

/** `Fatal exception in interrupt`. */
export function panicLine(text: string): string | undefined {
  const lines = text.split('\n').map(line => line.replace(/^(<\d+>)?\s*\[\s*[\d.]+\]\s*(\[\s*[TC]\d+\]\s*)?/, ''));
  const panic = lines.findLast(line => line.includes('Kernel panic - not syncing:'));
  const cause = lines.findLast(line => /^(BUG:|Oops:|Internal error:|watchdog: BUG:|INFO: task .* blocked)/.test(line));
  const said = panic?.replace(/^.*Kernel panic - not syncing:\s*/, '').trim();
  return said === undefined ? cause?.trim() : cause && !said.startsWith(cause) ? `${said} (${cause.trim()})` : said;
}

const lastWords = (journal: string): string =>
  (journal.trim().split('\n').at(-1) ?? '').replace(/^\[\s*[\d.]+\]\s*(\S+\s)?/, '').slice(0, 200);

/** It is to be tried (again): nothing of an earlier trial of the same version is there to be taken for this one's. */
export async function forgetTrial(stateDir: string, { id, roothash }: Pick<Trial, 'id' | 'roothash'>): Promise<void> {
  if ((await endedOf(stateDir, roothash)) !== undefined) await rm(endedPath(stateDir), { force: true });
  await rm(trialDir(stateDir, id), { recursive: true, force: true });
}

/** Somebody has gone back from this version while it was on trial, or its time is over: it is not to be blessed. */
export const isEnded = async (stateDir: string, roothash: string): Promise<boolean> =>
  (await endedOf(stateDir, roothash)) !== undefined;

/** Nothing of the trial is needed any more but its folder. */
export async function forgetTraces({ stateDir, journalDir }: EvidencePlaces): Promise<void> {
  await rm(endedPath(stateDir), { force: true });
  for (const name of hasEntries(journalDir) ? readdirSync(journalDir) : [])
    await rm(join(journalDir, name), { recursive: true, force: true });
}

/** The newest so many trials' folders stay. */
export async function pruneTrials(stateDir: string, keep = 5): Promise<void> {
  const folder = join(stateDir, 'trials');
  const found = await Promise.all(
    (hasEntries(folder) ? readdirSync(folder) : []).map(async name => ({
      name,
      at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  for (const { name } of found.sort((a, b) => b.at - a.at).slice(keep))
    await rm(join(folder, name), { recursive: true, force: true });
}
