/** The parts of a machine that have something to say, and how journalctl(1) is asked for it. */

import { parseDuration } from '../lib/duration.ts';
import { nearest } from '../lib/nearest.ts';

/** What can be asked for, and the units it is. */
export const parts: Readonly<Record<string, readonly string[]>> = {
  server: ['atoll-server.service'],
  agent: ['atoll-agent.service'],
  containerd: ['containerd.service'],
  config: [
    'atoll-config.service',
    'atoll-config-look.service',
    'atoll-config-fetch.service',
    'atoll-config-refresh.service',
    'atoll-config-final.service',
    'atoll-reset.service',
  ],
  network: ['systemd-networkd.service', 'atoll-resolv.service', 'atoll-wpa-*.service', 'nftables.service'],
  time: ['systemd-timesyncd.service'],
  ssh: ['atoll-ssh.service'],
  upgrade: ['atoll-upgrade.service', 'atoll-rollback.service', 'atoll-health.service'],
  kernel: [],
};
/** What is shown when nobody says. */
const usual = ['server', 'agent', 'containerd', 'config'];
export const usualText = usual.join(', ');

export interface Asked {
  /** Absent: the {@link usualText usual} ones. */
  readonly part?: string;
  readonly follow: boolean;
  readonly since?: string;
  readonly lines?: number;
}

/** What was asked for cannot be; the message is for who asked. */
export class JournalQuestionError extends Error {
  override readonly name = 'JournalQuestionError';
}

/** The arguments of journalctl(1). @throws JournalQuestionError */
export function journalArguments({ part, follow, since, lines }: Asked): string[] {
  const words = ['--boot', '--output=json', '--no-pager', '--quiet'];
  if (part === 'kernel') words.push('--dmesg');
  else {
    const known = part === undefined ? usual.flatMap(name => parts[name] ?? []) : own(parts, part);
    if (known === undefined) {
      const near = nearest(part ?? '', Object.keys(parts));
      throw new JournalQuestionError(
        `atoll logs knows ${Object.keys(parts).join(', ')}, not "${part}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    words.push(...known.map(unit => `--unit=${unit}`));
  }
  if (since !== undefined) words.push(`--since=${sinceOf(since)}`);
  if (lines !== undefined) words.push(`--lines=${lines}`);
  if (follow) words.push('--follow');
  return words;
}

const own = <T>(of: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(of, name) ? of[name] : undefined;

/** `10m`, `2h`, `3d` ago; a time of day or a date as journalctl takes it. */
function sinceOf(text: string): string {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDuration(text) : Number(days) * 86_400_000;
  if (ms !== undefined) return `-${Math.ceil(ms / 1000)}s`;
  if (/^(today|yesterday|\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?|\d\d:\d\d(:\d\d)?)$/.test(text))
    return text.replace('T', ' ');
  throw new JournalQuestionError(
    `--since: "${text}" is neither a duration such as 10m, 2h, 3d nor a time such as 2026-11-21 22:00`,
  );
}
