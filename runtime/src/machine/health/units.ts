/** Units of systemd, as systemctl(1) tells of them: its words in, data out. */
import { execFile } from 'node:child_process';
import type { Role, UnitNow, UnitsNow } from './observation.ts';

/** What must be up besides everything that merely must not have failed. */
const wanted: Readonly<Record<Role, readonly string[]>> = {
  server: ['atoll-server.service', 'containerd.service', 'atoll-agent.service'],
  agent: ['containerd.service', 'atoll-agent.service'],
  'server-only': ['atoll-server.service'],
};

const TIMEOUT_MS = 10_000;

/** What a program prints, however it ends; empty when it cannot be run. */
export function printed(program: string, words: readonly string[], timeoutMs = TIMEOUT_MS): Promise<string> {
  return new Promise(resolve => {
    execFile(program, [...words], { timeout: timeoutMs, maxBuffer: 4 * 1024 * 1024 }, (_, stdout) => resolve(stdout));
  });
}

/** First columns of `systemctl list-units --plain --no-legend`. */
export const unitNames = (text: string): string[] =>
  text.split('\n').flatMap(line => /^[●*\s]*(\S+\.[a-z]+)\s/.exec(line)?.[1] ?? []);

/** `systemctl list-jobs --plain --no-legend`: `123 atoll-server.service start running`. */
export const startJobs = (text: string): string[] =>
  text.split('\n').flatMap(line => /^\s*\d+\s+(\S+)\s+(?:start|restart|verify-active)\s/.exec(line)?.[1] ?? []);

/** `Name=value` lines of `systemctl show`, as blocks: one for each unit. */
const blocks = (text: string): ReadonlyMap<string, string>[] =>
  text
    .split(/\n\s*\n/)
    .map(
      block =>
        new Map(
          block.split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
        ),
    );

/** What is asked of each unit. */
const FIELDS = 'Id,ActiveState,SubState,NRestarts,InactiveExitTimestampMonotonic';

export interface ShownUnit extends UnitNow {
  /** When it left its rest, on the monotonic clock; 0: it rests, or is not known. */
  readonly begunSeconds: number;
}

/** Blocks of `systemctl show -p` {@link FIELDS}. */
export function unitsShown(text: string): ShownUnit[] {
  return blocks(text).flatMap(fields => {
    const name = fields.get('Id');
    if (!name) return [];
    return [
      {
        name,
        active: fields.get('ActiveState') ?? '',
        sub: fields.get('SubState') ?? '',
        restarts: Number(fields.get('NRestarts') ?? 0) || 0,
        why: '',
        begunSeconds: (Number(fields.get('InactiveExitTimestampMonotonic') ?? 0) || 0) / 1_000_000,
      },
    ];
  });
}

/** A unit may take so long to start before it is asked what keeps it: looking costs a small board more than it tells. */
const PATIENCE_SECONDS = 30;

/** Whether what a unit said last explains something. */
export const owesWords = ({ active, restarts, begunSeconds }: ShownUnit, uptimeSeconds: number): boolean =>
  active !== 'active' && (active !== 'activating' || restarts > 0 || uptimeSeconds - begunSeconds > PATIENCE_SECONDS);

const MONOTONIC_NS = 1_000_000_000;

/** @param sentences what the daemons say of themselves, by unit */
export async function unitsNow(role: Role, sentences: Readonly<Record<string, string>>): Promise<UnitsNow> {
  const [manager] = blocks(await printed('systemctl', ['show', '-p', 'SystemState,NFailedUnits,NJobs']));
  const count = (name: string): number => Number(manager?.get(name) ?? 0) || 0;
  // Each of these is a process: none for an answer that is known.
  const [failedText, jobsText] = await Promise.all([
    count('NFailedUnits') > 0
      ? printed('systemctl', ['list-units', '--state=failed', '--plain', '--no-legend', '--no-pager', '--full'])
      : '',
    count('NJobs') > 0 ? printed('systemctl', ['list-jobs', '--plain', '--no-legend', '--no-pager']) : '',
  ]);
  const failed = unitNames(failedText);
  const shown = unitsShown(await printed('systemctl', ['show', '-p', FIELDS, ...wanted[role], ...failed]));
  const uptimeSeconds = Number(process.hrtime.bigint()) / MONOTONIC_NS;
  const explained = await Promise.all(
    shown.map(async ({ begunSeconds, ...unit }): Promise<UnitNow> => {
      if (unit.active === 'active') return unit;
      const owes = owesWords({ begunSeconds, ...unit }, uptimeSeconds);
      return { ...unit, why: sentences[unit.name] || (owes ? await lastWords(unit.name) : '') };
    }),
  );
  return {
    system: manager?.get('SystemState') ?? '',
    jobs: startJobs(jobsText),
    failed: explained.filter(({ name }) => failed.includes(name) && !wanted[role].includes(name)),
    wanted: explained.filter(({ name }) => wanted[role].includes(name)),
  };
}

const MAX_WORDS = 300;

/** The last line of its own that a unit wrote: a reason as often as not. */
async function lastWords(unit: string): Promise<string> {
  const text = await printed('journalctl', ['-b', '-n', '5', '-o', 'cat', '--no-pager', `_SYSTEMD_UNIT=${unit}`]);
  const line = text.trim().split('\n').at(-1) ?? '';
  return (messageIn(line) ?? line).slice(0, MAX_WORDS);
}

/** Our daemons write JSON lines (lib/log.ts). */
function messageIn(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'msg' in value && typeof value.msg === 'string'
      ? value.msg
      : undefined;
  } catch {
    return undefined;
  }
}
