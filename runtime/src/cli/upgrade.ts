/** `atoll upgrade`: which of its parts is meant, and what its options say. */
import { resolve } from 'node:path';
import { parseDuration } from '../lib/duration.ts';
import { USB } from '../machine/upgrade/bundle/stick.ts';
import { readUpgradeSection, type UpgradeSection } from '../machine/upgrade/pollSettings.ts';
import { type CommandContext, UsageError, type Values } from './command.ts';

/** What a person asked for. */
export interface Request {
  /** A URL, or an absolute path. */
  readonly source: string;
  readonly bytesPerSecond?: number;
  /** How long a server may be away; absent: some minutes. */
  readonly retryForMs?: number;
  readonly older: boolean;
  readonly again: boolean;
  readonly deadlineSeconds: number;
  readonly reboot: boolean;
}

export async function upgrade(context: CommandContext): Promise<number> {
  const { rest, values } = context;
  const [what, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll upgrade takes one source; "${more[0]}" was given, too`);
  if (what === 'status') return (await import('./upgradeStatus.ts')).upgradeStatus(context);
  if (what === 'history') return (await import('./upgradeStatus.ts')).upgradeHistory(context);
  const request = requestOf(sourceOf(what, readUpgradeSection()), values);
  if (values.has('check')) return (await import('./upgradeCheck.ts')).upgradeCheck(request, context);
  const unit = await import('./upgradeUnit.ts');
  if (unit.isOwnUnit(process.env)) return (await import('./upgradeInstall.ts')).installHere(request, context);
  return unit.installInUnit(request, context);
}

/** What was named, else the node's own channel, as with `--node`. @throws UsageError */
export function sourceOf(named: string | undefined, section: UpgradeSection | undefined): string {
  const source = named ?? section?.channel;
  if (source === undefined)
    throw new UsageError(
      'say what to install: atoll upgrade URL|FILE|DIRECTORY|DEVICE|usb; alone it takes the channel of the configuration (atoll: upgrade: channel:), and there is none (atoll upgrade status shows what is there)',
    );
  return source;
}

/** @throws UsageError */
export function requestOf(source: string, values: Values): Request {
  const limit = values.optional('limit');
  const deadline = parseDuration(values.one('deadline'));
  if (deadline === undefined || deadline < MIN_DEADLINE_MS || deadline > MAX_DEADLINE_MS)
    throw new UsageError(`--deadline: "${values.one('deadline')}" is no time from 1m to 24h, such as 10m`);
  const patience = values.optional('retry-for');
  const retryForMs = patience === undefined ? undefined : parseDuration(patience);
  if (patience !== undefined && (retryForMs === undefined || retryForMs > MAX_PATIENCE_MS))
    throw new UsageError(`--retry-for: "${patience}" is no time up to 7 days, such as 2h`);
  return {
    source: source === USB || /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : resolve(source),
    ...(limit === undefined ? {} : { bytesPerSecond: rateOf(limit) }),
    ...(retryForMs === undefined ? {} : { retryForMs }),
    older: values.has('downgrade'),
    again: values.has('force'),
    deadlineSeconds: Math.round(deadline / 1000),
    reboot: !values.has('no-reboot'),
  };
}

const MIN_DEADLINE_MS = 60_000;
const MAX_DEADLINE_MS = 24 * 3_600_000;
const MAX_PATIENCE_MS = 7 * 24 * 3_600_000;
const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `500k`, `2M`, `1.5M`: bytes a second. @throws UsageError */
export function rateOf(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?(?:\/s)?$/i.exec(text) ?? [];
  const rate = Math.round(Number(amount) * (units[unit.toLowerCase()] ?? 0));
  if (amount === '' || rate < MIN_RATE)
    throw new UsageError(`--limit: "${text}" is no rate from 1k on, such as 500k or 2M (bytes a second)`);
  return rate;
}

/** Below that a bundle would take weeks, and servers hang up. */
const MIN_RATE = 1024;

/** The same again, for the unit that does it. */
export const requestWords = ({
  source,
  bytesPerSecond,
  retryForMs,
  older,
  again,
  deadlineSeconds,
  reboot,
}: Request): string[] => [
  'upgrade',
  ...(bytesPerSecond === undefined ? [] : ['--limit', String(bytesPerSecond)]),
  ...(retryForMs === undefined ? [] : ['--retry-for', `${Math.ceil(retryForMs / 1000)}s`]),
  ...(older ? ['--downgrade'] : []),
  ...(again ? ['--force'] : []),
  ...['--deadline', `${deadlineSeconds}s`],
  ...(reboot ? [] : ['--no-reboot']),
  '--yes',
  '--',
  source,
];
