/** What a network needs and does not bring itself: the program that logs in to wireless networks and switches, and its certificates. */

import type { Files } from './needs.ts';
import { type NetworkDocument, networkOf } from './network/schema.ts';
import type { Report, Rule } from './types.ts';

type Path = readonly (string | number)[];

export const wpaSupplicant = '/usr/sbin/wpa_supplicant';

/** @param exists on the machine this is for, where it is known */
export const networkNeedsOn =
  (exists: ((path: string) => boolean) | undefined, files: Files): Rule<NetworkDocument> =>
  (document, report) => {
    const { network, path } = networkOf(document);
    const devices: { readonly path: Path; readonly what: string; readonly logins: readonly Login[] }[] = [
      ...Object.entries(network.wifis ?? {}).map(([id, { 'access-points': points = {} }]) => ({
        path: [...path, 'wifis', id],
        what: 'a wireless network',
        logins: Object.entries(points).flatMap(([name, { auth }]) =>
          auth ? [{ path: [...path, 'wifis', id, 'access-points', name, 'auth'], auth }] : [],
        ),
      })),
      ...Object.entries(network.ethernets ?? {}).flatMap(([id, { auth }]) => {
        const at = [...path, 'ethernets', id, 'auth'];
        return auth ? [{ path: at, what: 'a login to a switch (802.1X)', logins: [{ path: at, auth }] }] : [];
      }),
    ];
    for (const { path: at, what, logins } of devices) {
      supplicant(at, what, exists, report);
      for (const { path: of, auth } of logins)
        for (const name of ['ca-certificate', 'client-certificate', 'client-key'] as const) {
          const file = auth[name];
          if (file !== undefined)
            files.need({ file, path: [...of, name], without: 'the node does not get in' }, report);
        }
    }
  };

interface Login {
  readonly path: Path;
  readonly auth: Readonly<Partial<Record<'ca-certificate' | 'client-certificate' | 'client-key', string>>>;
}

function supplicant(at: Path, what: string, exists: ((path: string) => boolean) | undefined, report: Report): void {
  if (exists?.(wpaSupplicant)) return;
  report(
    at,
    exists
      ? `${what} needs wpa_supplicant, which this image does not have`
      : `${what} needs wpa_supplicant, which only the images for Raspberry Pi have`,
    {
      severity: exists ? 'error' : 'warning',
      hint: exists
        ? 'take an image with the package wpasupplicant'
        : 'take one of them, or one of your own with the package wpasupplicant',
    },
  );
}
