/**
 * What became of the configuration in this boot: `/run/atoll/config.json`, for the console, `atoll status` and the node's
 * conditions. It holds no secrets and may be read by everybody.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from './tree.ts';
import type { DocumentName, Problem, SourceName } from './types.ts';

export interface ConfigStatus {
  /** `refused`: something new was refused; what `generation` names, or the defaults, is in force. */
  readonly state: 'applied' | 'refused' | 'defaults';
  /** In force; absent with the defaults. */
  readonly generation?: number;
  /** Where the generation in force came from, from the strongest. */
  readonly sources: readonly SourceSummary[];
  /** Why it was refused (errors), or what a person should know of what is in force (warnings). */
  readonly problems: readonly Problem[];
  /** What has changed and takes effect at the next boot only: `network`, `machine.console`. */
  readonly rebootNeeded: readonly string[];
  /** What of the one in force could not be done, a sentence each: `/var/a/b cannot be written: Not a directory`; absent: nothing. */
  readonly failures?: readonly string[];
}

export interface SourceSummary {
  readonly source: SourceName;
  readonly location: string;
  readonly documents: readonly DocumentName[];
}

export const defaultsStatus: ConfigStatus = { state: 'defaults', sources: [], problems: [], rebootNeeded: [] };

/** `undefined` before the configuration has been looked at in this boot, or outside of a node. */
export function readConfigStatus(runDir = '/run/atoll'): ConfigStatus | undefined {
  try {
    const status = JSON.parse(readFileSync(join(runDir, 'config.json'), 'utf8')) as ConfigStatus;
    const failures = failuresIn(runDir);
    return failures.length === 0 ? status : { ...status, failures };
  } catch {
    return undefined;
  }
}

/** At most so many are told; a disk that is read-only fails every file. */
const MAX_FAILURES = 20;

/** Written by `/usr/lib/atoll/config-words`, which cannot be expected to edit JSON, while the configuration is put in force. */
function failuresIn(runDir: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(join(runDir, 'config-failures'), 'utf8');
  } catch {
    return [];
  }
  const lines = [...new Set(text.split('\n').filter(line => line !== ''))].map(printable);
  const more = lines.length - MAX_FAILURES;
  return more > 0 ? [...lines.slice(0, MAX_FAILURES), `and ${more} more: journalctl -k`] : lines;
}

/** `user-data of the ESP, line 3, column 7: users[0].name: must be … (did you mean …?)` */
export function problemLine({ place, path, message, hint }: Problem): string {
  const where = place ? `${place.document} (${place.location}), line ${place.line}, column ${place.column}: ` : '';
  return `${where}${path === '' ? '' : `${path}: `}${message}${hint ? ` (${hint})` : ''}`;
}

/** What was told of asking the URL goes, and this is told instead; what the other sources came to stays. */
export function besides(status: ConfigStatus, ofUrl: readonly Problem[]): ConfigStatus {
  const others = status.problems.filter(({ of }) => of !== 'url');
  const wrong = (problems: readonly Problem[]): boolean => problems.some(({ severity }) => severity === 'error');
  const refused = wrong(ofUrl) || (status.state === 'refused' && wrong(others));
  const inForce = status.generation === undefined ? 'defaults' : 'applied';
  return { ...status, state: refused ? 'refused' : inForce, problems: [...others, ...ofUrl] };
}

export const toldOfUrl = (status: ConfigStatus | undefined): readonly Problem[] =>
  status?.problems.filter(({ of }) => of === 'url') ?? [];

/** What {@link refusalText} names. */
export const firstError = ({ problems }: ConfigStatus): Problem | undefined =>
  problems.find(({ severity }) => severity === 'error');

/** One sentence: why the newest configuration is not in force; undefined when it is. */
export function refusalText(status: ConfigStatus | undefined): string | undefined {
  if (status?.state !== 'refused') return undefined;
  const first = firstError(status);
  const errors = status.problems.filter(({ severity }) => severity === 'error').length;
  const more = errors > 1 ? ` and ${errors - 1} more` : '';
  const inForce = status.generation === undefined ? 'the defaults are' : `generation ${status.generation} is`;
  return `the new configuration is refused; ${inForce} in force. ${first ? problemLine(first) : 'no reason was kept'}${more}`;
}

/** One sentence: what of the configuration in force could not be done; undefined when all of it was. */
export function failureText(status: ConfigStatus | undefined): string | undefined {
  const [first, ...others] = status?.failures ?? [];
  if (first === undefined) return undefined;
  return `not all of the configuration could be done: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

/** The node's conditions `ConfigurationRefused` and `ConfigurationIncomplete`; none outside of an image. */
export function configConditions(status: ConfigStatus | undefined): readonly ConfigCondition[] {
  return status === undefined ? [] : [refusedCondition(status), incompleteCondition(status)];
}

interface ConfigCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

function incompleteCondition(status: ConfigStatus): ConfigCondition {
  const type = 'ConfigurationIncomplete';
  const { failures = [] } = status;
  return failures.length === 0
    ? { type, status: 'False', reason: 'ConfigurationDone', message: 'what is in force was done' }
    : { type, status: 'True', reason: 'ConfigurationFailed', message: failures.join('; ').slice(0, 1024) };
}

function refusedCondition(status: ConfigStatus): ConfigCondition {
  const type = 'ConfigurationRefused';
  const text = refusalText(status);
  if (text !== undefined) return { type, status: 'True', reason: 'ConfigurationInvalid', message: text.slice(0, 1024) };
  const inForce =
    status.generation === undefined ? 'the defaults are in force' : `generation ${status.generation} is in force`;
  const reboot = status.rebootNeeded.length > 0 ? `; after a reboot: ${status.rebootNeeded.join(', ')}` : '';
  return { type, status: 'False', reason: 'ConfigurationApplied', message: inForce + reboot };
}
