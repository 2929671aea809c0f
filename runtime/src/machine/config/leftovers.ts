/**
 * What an old generation leaves in a running kernel and in its daemons although the new one says nothing of it, by the keys of the
 * configuration: it goes with the next boot, as nothing of it is written anywhere. Pure.
 */
import type { TreeFile } from './generations.ts';
import { kernelModules } from './network/render/netdev.ts';

type Files = ReadonlyMap<string, TreeFile>;

export function leftovers(old: Files, fresh: Files): readonly string[] {
  const dropped = (path: string, name: (line: string) => string): string[] => {
    const kept = new Set(linesOf(fresh, path).map(name));
    return linesOf(old, path)
      .map(name)
      .filter(key => !kept.has(key));
  };
  const words = (name: string): boolean => has(old, name) && !has(fresh, name);
  const parameters = 'etc/modprobe.d/50-config.conf';
  return [
    ...(words('name') ? ['hostname'] : []),
    ...(words('watchdog') ? ['machine.watchdog'] : []),
    ...devices(old, fresh).map(device => `network-config (${device})`),
    ...grouped(
      'machine.sysctls',
      dropped('etc/sysctl.d/90-config.conf', line => line.split(' = ')[0] ?? ''),
    ),
    ...grouped('machine.kernel-modules', [
      ...dropped('etc/modules-load.d/50-config.conf', line => line).filter(name => !ofDevices.has(name)),
      ...dropped(parameters, line => line).map(line => line.split(' ')[1] ?? ''),
    ]),
  ];
}

/** Without a device of theirs they do nothing. */
const ofDevices: ReadonlySet<string> = new Set(Object.values(kernelModules));

/** Units of wpa_supplicant that the new generation does not have. */
export const removedSupplicants = (old: Files, fresh: Files): readonly string[] =>
  [...old.keys()].flatMap(path => {
    const unit = /^etc\/systemd\/system\/(atoll-wpa-[^/]+\.service)$/.exec(path)?.[1];
    return unit !== undefined && !fresh.has(path) ? [unit] : [];
  });

/** networkd makes virtual devices; it neither removes them nor makes them anew. udev gives names and settings of cards once. */
function devices(old: Files, fresh: Files): readonly string[] {
  const names = [...old].flatMap(([path, { content }]) => {
    const [, name, kind] = /^etc\/systemd\/network\/50-(.+)\.(netdev|link)$/.exec(path) ?? [];
    if (name === undefined) return [];
    const now = fresh.get(path)?.content;
    return now === undefined || (kind === 'netdev' && !now.equals(content)) ? [name] : [];
  });
  return [...new Set(names)];
}

const linesOf = (files: Files, path: string): string[] =>
  (files.get(path)?.content.toString('utf8') ?? '').split('\n').filter(line => line !== '');

const has = (files: Files, word: string): boolean =>
  ['boot', 'final'].some(name => linesOf(files, name).some(line => line.startsWith(`${word} `)));

const grouped = (key: string, names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`${key} (${[...new Set(names)].join(', ')})`];
