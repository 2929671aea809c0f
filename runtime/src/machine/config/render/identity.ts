/** Names, time and language: hostname, fqdn, timezone, locale, ntp. */

import type { UserData } from '../schema.ts';
import type { MetaData } from '../sections/metaData.ts';
import type { Rendered, RenderedFile } from '../types.ts';

/** Everything in /etc that is not a secret. */
export const textFile = (path: string, content: string, mode = 0o644): RenderedFile => ({ path, content, mode });

/** cloud-init's rules: hostname, else the first part of fqdn, else meta-data's local-hostname. */
export function hostNames(userData: UserData, metaData: MetaData): { host: string; full: string } | undefined {
  const { hostname, fqdn, prefer_fqdn_over_hostname: full, preserve_hostname: preserve } = userData;
  if (preserve === true) return undefined;
  const given = hostname ?? fqdn ?? metaData['local-hostname'];
  if (given === undefined) return undefined;
  const whole = (fqdn ?? given).toLowerCase();
  const short = (hostname ?? given).toLowerCase();
  const host = full === true ? whole : (short.split('.')[0] ?? short);
  return { host, full: whole };
}

export function renderIdentity(userData: UserData, metaData: MetaData): Partial<Rendered> {
  const files: RenderedFile[] = [];
  const names = hostNames(userData, metaData);
  if (names) {
    const aliases = [...new Set([names.full, names.host])].join(' ');
    files.push(textFile('/etc/hostname', `${names.host}\n`));
    files.push(
      textFile('/etc/hosts', `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${aliases}\n`),
    );
  }
  if (userData.locale !== undefined) files.push(textFile('/etc/locale.conf', `LANG=${userData.locale}\n`));
  if (userData.timezone !== undefined) files.push(textFile('/etc/timezone', `${userData.timezone}\n`));
  const { ntp } = userData;
  if (ntp) {
    const servers = [...(ntp.servers ?? []), ...(ntp.pools ?? [])];
    // An empty assignment takes back what the image has.
    const lines =
      ntp.enabled === false
        ? ['NTP=', 'FallbackNTP=']
        : servers.length > 0
          ? [`NTP=${servers.join(' ')}`, 'FallbackNTP=']
          : [];
    if (lines.length > 0)
      files.push(textFile('/etc/systemd/timesyncd.conf.d/50-config.conf', `[Time]\n${lines.join('\n')}\n`));
  }
  return {
    files,
    ...(names ? { hostname: names.host } : {}),
    ...(userData.timezone === undefined ? {} : { timezone: userData.timezone }),
  };
}
