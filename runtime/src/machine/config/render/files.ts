/** Files, commands, authorities, extra disks and the call home. */
import type { UserData } from '../schema.ts';
import { homeUrl } from '../sections/homeUrl.ts';
import type { Command, DiskRequest, Rendered, RenderedFile } from '../types.ts';
import { writtenContent } from '../writtenContent.ts';

export function renderFiles(userData: UserData, instanceId: string): Partial<Rendered> {
  const { write_files: files = [], ca_certs: ca, phone_home: home } = userData;
  const pem = (ca?.trusted ?? []).map(text => `${text.trim()}\n`).join('');
  return {
    files: files.map((file): RenderedFile => {
      const content = writtenContent(file.content ?? '', file.encoding);
      if (typeof content === 'string') throw new Error(`write_files: ${file.path} ${content}`);
      const owner = file.owner === undefined || /^root(:root)?$/.test(file.owner) ? undefined : file.owner;
      return {
        path: onData(file.path),
        content,
        mode: Number.parseInt((file.permissions ?? '0644').replace(/^0o/, ''), 8),
        ...(owner === undefined ? {} : { owner }),
        ...(file.append === true ? { append: true as const } : {}),
        ...(file.defer === true ? { defer: true as const } : {}),
      };
    }),
    bootcmd: commands(userData.bootcmd),
    runcmd: commands(userData.runcmd),
    diskSetup: disks(userData),
    // The defaults can be taken out with nothing in their place, as by cloud-init.
    ...(pem === '' && ca?.remove_defaults !== true ? {} : { authorities: { pem, only: ca?.remove_defaults === true } }),
    ...(home
      ? {
          phoneHome: {
            url: homeUrl(home.url, instanceId),
            post: home.post ?? 'all',
            tries: home.tries ?? 10,
          },
        }
      : {}),
  };
}

/** /root is a link into /var. */
export const onData = (path: string): string => path.replace(/^\/root\//, '/var/roothome/');
const commands = (given: UserData['runcmd'] = []): Command[] => given.map(command => command);

function disks({ fs_setup: systems = [], mounts = [] }: UserData): DiskRequest[] {
  return systems.flatMap(({ device, filesystem, label }) => {
    const mount = mounts.find(([what]) => what === device || what === `LABEL=${label}`);
    const mountPoint = mount?.[1];
    return mountPoint === undefined ? [] : [{ device, filesystem, label, mountPoint }];
  });
}
