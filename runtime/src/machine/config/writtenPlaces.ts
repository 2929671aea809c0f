/**
 * Where the files of a configuration are written: each path is a file or a folder, of the configuration and of the machine. What is both
 * cannot be stored, or is applied by half.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { onData } from './render/files.ts';
import type { WriteFile } from './sections/cloudInit.ts';
import type { Rendered, Rule } from './types.ts';

export type KindOf = (path: string) => 'file' | 'folder' | undefined;

/** What every image has, for those who write a configuration elsewhere. */
export const kindInImages: KindOf = path =>
  imageFiles.test(path) ? 'file' : imageFolders.test(path) ? 'folder' : undefined;
const imageFiles =
  /^\/etc\/(?:atoll\/(?:config\.yaml|registries\.yaml|upgrade\.json|no-server|no-agent|ssh|ca\.pem|ca\.env)|fstab|group|gshadow|hostname|hosts|issue|ld\.so\.(?:cache|conf)|locale\.conf|localtime|machine-id|motd|mtab|nsswitch\.conf|os-release|passwd|profile|protocols|resolv\.conf|rpc|services|shadow|shells|ssl\/certs\/ca-certificates\.crt|timezone)$/;
const imageFolders =
  /^\/(?:etc\/(?:atoll\/manifests|cni\/net\.d|dbus-1|profile\.d|ssl\/(?:certs|private)|systemd\/(?:network|resolved\.conf\.d|system|timesyncd\.conf\.d)|systemd\/system\/[^/]+\.(?:wants|requires|d)|tmpfiles\.d|udev\/rules\.d|wpa_supplicant)|root\/\.ssh|var\/roothome\/\.ssh|var\/log\/journal)$/;

/**
 * What the machine this runs on has below /etc. What is elsewhere is data, which comes and goes without the image: a configuration that was
 * good stays so, and what cannot be written at a boot is told then.
 * @param image the root without what a configuration has put into /etc
 */
export const kindOnMachine =
  (image: string): KindOf =>
  path => {
    if (!path.startsWith('/etc/')) return kindInImages(path);
    try {
      return statSync(join(image, path)).isDirectory() ? 'folder' : 'file';
    } catch {
      return undefined;
    }
  };

/** Paths that other keys than write_files are written to. */
export const othersPlaces = ({ files, users = [] }: Rendered): ReadonlySet<string> =>
  new Set([
    ...files.map(({ path }) => path),
    ...users.map(({ name, home = `/var/home/${name}` }) => onData(`${home}/.ssh/authorized_keys`)),
  ]);

/** @param others paths that are written from other keys */
export const placesRule =
  (others: ReadonlySet<string>, kindOf: KindOf): Rule<readonly WriteFile[]> =>
  (files, report) => {
    const own = files.map(({ path }) => onData(path));
    own.forEach((path, i) => {
      const said = saidOf(path, files[i]?.path ?? path, [...own, ...others], others, kindOf);
      if (said) report(['write_files', i, 'path'], said, { hint: 'give the file another name' });
    });
  };

function saidOf(
  path: string,
  shown: string,
  all: readonly string[],
  others: ReadonlySet<string>,
  kindOf: KindOf,
): string | undefined {
  const inside = all.find(other => other.startsWith(`${path}/`));
  if (inside !== undefined) return `"${shown}" is a folder, too: there is also "${inside}"`;
  const above = foldersOf(path);
  const written = above.find(folder => others.has(folder));
  if (written !== undefined) return `"${written}", which is written from other keys, is a file: nothing can be in it`;
  if (kindOf(path) === 'folder') return `"${shown}" is a folder of the machine`;
  const file = above.find(folder => kindOf(folder) === 'file');
  return file === undefined ? undefined : `"${file}" is a file of the machine: nothing can be in it`;
}

/** `/a/b/c` → `/a`, `/a/b` */
const foldersOf = (path: string): readonly string[] =>
  [...path.matchAll(/\//g)].flatMap(({ index }) => (index > 0 ? [path.slice(0, index)] : []));
