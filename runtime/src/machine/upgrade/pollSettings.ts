/** The configuration's `upgrade`, as the agent reads it: `/etc/atoll/upgrade.json`. */
import { readFileSync } from 'node:fs';
import { parseDuration } from '../../lib/duration.ts';
import { parseWindow } from '../../lib/timeWindow.ts';
import type { PollSettings } from './poll.ts';

export const UPGRADE_FILE = '/etc/atoll/upgrade.json';

/** As a person writes it. */
export interface UpgradeSection {
  readonly channel?: string;
  readonly poll?: string;
  readonly jitter?: string;
  readonly window?: string;
  readonly rollout?: number;
  readonly limit?: string;
}

export const DEFAULT_POLL = '6h';
/** A tenth of the period where nobody says. */
const JITTER_SHARE = 0.1;

/** Undefined where there is none. @throws RangeError for what the configuration should have refused */
export function readUpgradeSection(path = UPGRADE_FILE): UpgradeSection | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as UpgradeSection;
  } catch {
    return undefined;
  }
}

/** Undefined where nothing is to be looked for: no channel, or `poll: "0"`. @throws RangeError */
export function pollSettingsOf(section: UpgradeSection | undefined): PollSettings | undefined {
  if (section?.channel === undefined) return undefined;
  const everyMs = durationOf(section.poll ?? DEFAULT_POLL);
  if (everyMs === 0) return undefined;
  return {
    channel: section.channel,
    everyMs,
    jitterMs: section.jitter === undefined ? everyMs * JITTER_SHARE : durationOf(section.jitter),
    window: section.window === undefined ? undefined : parseWindow(section.window),
    rolloutPercent: section.rollout ?? 100,
    limit: section.limit,
  };
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new RangeError(`"${text}" is no duration such as 6h`);
  return ms;
}
