/**
 * What became of the configuration in this boot: `/run/atoll/config.json`, for the console, `atoll status` and the node's
 * conditions. It holds no secrets and may be read by everybody.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
    return JSON.parse(readFileSync(join(runDir, 'config.json'), 'utf8')) as ConfigStatus;
  } catch {
    return undefined;
  }
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

/** The node's condition `ConfigurationRefused`; none outside of an image. */
export function configCondition(
  status: ConfigStatus | undefined,
): readonly { type: string; status: 'True' | 'False'; reason: string; message: string }[] {
  if (status === undefined) return [];
  const type = 'ConfigurationRefused';
  const text = refusalText(status);
  if (text !== undefined)
    return [{ type, status: 'True', reason: 'ConfigurationInvalid', message: text.slice(0, 1024) }];
  const inForce =
    status.generation === undefined ? 'the defaults are in force' : `generation ${status.generation} is in force`;
  const reboot = status.rebootNeeded.length > 0 ? `; after a reboot: ${status.rebootNeeded.join(', ')}` : '';
  return [{ type, status: 'False', reason: 'ConfigurationApplied', message: inForce + reboot }];
}
