/**
 * A new generation on a running node: what is taken out, and who has to look again. Pure; the command line does it.
 *
 * What the kernel or a daemon takes only at its start is not pretended to be in force: it is named, and the node says that it
 * needs a reboot.
 */
import type { TreeFile } from './generations.ts';
import { leftovers, removedSupplicants } from './leftovers.ts';

export interface LivePlan {
  /** Absolute paths in /etc where the image's own comes back, or nothing: what only the old generation put there, and what it appended to. */
  readonly remove: readonly string[];
  /** Programs to run after the new generation has been put in place, in this order. */
  readonly commands: readonly (readonly string[])[];
  /** What takes effect at the next boot. */
  readonly rebootNeeded: readonly string[];
  /** Those of them that can be had now where the daemons have not started yet: nothing of their kind was done before in this boot. */
  readonly whileBooting: readonly string[];
}

/** Nothing is waited for: at a first boot the units themselves wait for the configuration that is being fetched. */
interface Follower {
  readonly paths: RegExp;
  readonly command: readonly string[];
}

const followers: readonly Follower[] = [
  { paths: /^etc\/modules-load\.d\//, command: ['/usr/lib/systemd/systemd-modules-load'] },
  { paths: /^etc\/sysctl\.d\//, command: ['/usr/lib/systemd/systemd-sysctl'] },
  { paths: /^etc\/systemd\/network\//, command: ['networkctl', 'reload'] },
  { paths: /^etc\/systemd\/system\//, command: ['systemctl', 'daemon-reload'] },
  { paths: /^etc\/wpa_supplicant\//, command: ['systemctl', '--no-block', 'try-restart', 'atoll-wpa-*.service'] },
  {
    paths: /^etc\/systemd\/timesyncd\.conf\.d\//,
    command: ['systemctl', '--no-block', 'try-restart', 'systemd-timesyncd.service'],
  },
  { paths: /^etc\/(atoll\/ssh|passwd|shadow)$/, command: ['systemctl', '--no-block', 'restart', 'atoll-ssh.service'] },
  {
    paths: /^(etc\/atoll\/(registries\.yaml|ca\.env|config\.yaml)|etc\/atoll\/manifests\/.*)$/,
    command: ['systemctl', '--no-block', 'try-restart', 'atoll-server.service', 'atoll-agent.service'],
  },
  {
    // The window of upgrades is in local time, which a process learns once.
    paths: /^etc\/(atoll\/upgrade\.json|timezone)$/,
    command: ['systemctl', '--no-block', 'try-restart', 'atoll-agent.service'],
  },
];

/** Calls of `boot` (stage.ts) that are made at a boot only, and how they are called in the configuration. */
const atBootOnly: readonly (readonly [call: string, name: string])[] = [
  ['early', 'bootcmd'],
  ['zram', 'machine.zram'],
  ['disk', 'disk_setup'],
  ['certificates', 'ca_certs'],
];

const roleName = 'atoll.role';

export function livePlan(before: readonly TreeFile[], after: readonly TreeFile[]): LivePlan {
  const contents = (files: readonly TreeFile[]): Map<string, TreeFile> => new Map(files.map(file => [file.path, file]));
  const [old, fresh] = [contents(before), contents(after)];
  const differs = (path: string): boolean => {
    const [a, b] = [old.get(path), fresh.get(path)];
    return a === undefined || b === undefined || a.mode !== b.mode || !a.content.equals(b.content);
  };
  const changed = [...new Set([...old.keys(), ...fresh.keys()])].filter(
    path => path.startsWith('etc/') && differs(path),
  );
  const commands = followers
    .filter(({ paths }) => changed.some(path => paths.test(path)))
    .map(({ command }) => command);
  const lines = (files: Map<string, TreeFile>, name: string): string =>
    (files.get('boot')?.content.toString('utf8') ?? '')
      .split('\n')
      .filter(line => line.startsWith(`${name} `))
      // The number of a file says nothing; its content does.
      .map(line =>
        line.replace(/'(files\/\d+)'/g, (_, path: string) => files.get(path)?.content.toString('base64') ?? ''),
      )
      .join('\n');
  const placed = (files: Map<string, TreeFile>): Set<string> => new Set([...placedInEtc(files), ...inEtc(files)]);
  const stays = placed(fresh);
  const [had, has] = [appendedInEtc(old), appendedInEtc(fresh)];
  const gone = [...placed(old)].filter(path => !stays.has(path) || (had.has(path) && had.get(path) !== has.get(path)));
  const different = atBootOnly.filter(([call]) => lines(old, call) !== lines(fresh, call));
  const rebootNeeded = different.map(([, name]) => name);
  const role = ['etc/atoll/no-server', 'etc/atoll/no-agent'].some(path => old.has(path) !== fresh.has(path));
  return {
    remove: gone,
    commands: [...removedSupplicants(old, fresh).map(unit => ['systemctl', '--no-block', 'stop', unit]), ...commands],
    rebootNeeded: [...rebootNeeded, ...(role ? [roleName] : []), ...leftovers(old, fresh)],
    whileBooting: [
      ...different.filter(([call]) => lines(old, call) === '').map(([, name]) => name),
      ...(role ? [roleName] : []),
    ],
  };
}

const inEtc = (files: ReadonlyMap<string, TreeFile>): string[] =>
  [...files.keys()].filter(path => path.startsWith('etc/')).map(path => `/${path}`);

/** Files with an owner, appended to or written late are not copied but placed: `put 'files/3' '/etc/site/motd' …`. */
function placedInEtc(files: ReadonlyMap<string, TreeFile>): string[] {
  const words = wordsIn(files);
  const zone = /^zone /m.test(words) ? ['/etc/localtime'] : [];
  return [...calls(words, 'put'), ...calls(words, 'append')].map(({ path }) => path).concat(zone);
}

/** Path → what is put at its end. */
function appendedInEtc(files: ReadonlyMap<string, TreeFile>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, file } of calls(wordsIn(files), 'append'))
    found.set(path, `${found.get(path) ?? ''}${files.get(file)?.content.toString('base64') ?? ''}\n`);
  return found;
}

const wordsIn = (files: ReadonlyMap<string, TreeFile>): string =>
  ['boot', 'final'].map(name => files.get(name)?.content.toString('utf8') ?? '').join('\n');

const calls = (words: string, name: 'put' | 'append'): { readonly file: string; readonly path: string }[] =>
  [...words.matchAll(new RegExp(`^${name} '(files/\\d+)' '(/etc/(?:[^']|'\\\\'')+)'`, 'gm'))].map(
    ([, file = '', path = '']) => ({ file, path: path.replaceAll("'\\''", "'") }),
  );
