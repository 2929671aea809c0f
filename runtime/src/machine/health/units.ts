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

/** Blocks of `systemctl show -p Id,ActiveState,SubState,NRestarts`. */
export function unitsShown(text: string): UnitNow[] {
  const units: UnitNow[] = [];
  for (const block of text.split(/\n\s*\n/)) {
    const fields = new Map(
      block.split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    const name = fields.get('Id');
    if (!name) continue;
    units.push({
      name,
      active: fields.get('ActiveState') ?? '',
      sub: fields.get('SubState') ?? '',
      restarts: Number(fields.get('NRestarts') ?? 0) || 0,
      why: '',
    });
  }
  return units;
}

/** @param sentences what the daemons say of themselves, by unit */
export async function unitsNow(role: Role, sentences: Readonly<Record<string, string>>): Promise<UnitsNow> {
  const [system, failedText, jobsText] = await Promise.all([
    printed('systemctl', ['is-system-running']),
    printed('systemctl', ['list-units', '--state=failed', '--plain', '--no-legend', '--no-pager', '--full']),
    printed('systemctl', ['list-jobs', '--plain', '--no-legend', '--no-pager']),
  ]);
  const failed = unitNames(failedText);
  const shown = unitsShown(
    await printed('systemctl', ['show', '-p', 'Id,ActiveState,SubState,NRestarts', ...wanted[role], ...failed]),
  );
  const explained = await Promise.all(
    shown.map(async unit =>
      unit.active === 'active' ? unit : { ...unit, why: sentences[unit.name] || (await lastWords(unit.name)) },
    ),
  );
  return {
    system: system.trim(),
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
