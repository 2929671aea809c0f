/**
 * What cloud-init's `ds=nocloud;s=<url>;h=<name>;i=<instance>` says besides the URL, and `__dmi.<key>__` in a URL: one line of a boot menu for many machines
 * (docs.cloud-init.io, NoCloud; the names of the keys are dmidecode's).
 */
import { nearest } from '../../../lib/nearest.ts';
import { UrlError } from './urlError.ts';

const names = ['local-hostname', 'instance-id'] as const;

/** @param values of `/run/atoll/config/url`. @throws UrlError for what is not taken */
export function readBeside(
  values: ReadonlyMap<string, string>,
  hasUrl: boolean,
): Readonly<Record<string, string>> | undefined {
  const untaken = values.get('untaken');
  if (untaken !== undefined) {
    const isPlace = /^(?:s|seedfrom)=/.test(untaken);
    const shown = isPlace ? untaken.replace(/\/\/[^/@]*@/, '//…@') : untaken;
    throw new UrlError(
      'wrong',
      `ds=nocloud: "${shown}" is not taken`,
      isPlace
        ? 'it takes http:// and https://; a volume labelled CIDATA and the ESP are read without being named'
        : 'it takes s=<url>, h=<host name> and i=<instance-id>',
    );
  }
  const found = names.flatMap(name => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const [first] = found;
  if (!first) return undefined;
  if (!hasUrl)
    throw new UrlError(
      'wrong',
      `ds=nocloud: "${first[0]}" is taken only with s=<url> beside it`,
      'meta-data has the same key, in every source',
    );
  return Object.fromEntries(found);
}

/** meta-data with what stands beside the URL in place of its own. @throws UrlError for meta-data that is no lines of keys */
export function withBeside(metaData: Buffer | undefined, beside: Readonly<Record<string, string>>): Buffer {
  const text = metaData?.toString('utf8') ?? '';
  if (/^\s*\{/.test(text))
    throw new UrlError(
      'wrong',
      'the meta-data of the URL is JSON, which h= and i= of ds=nocloud cannot be added to',
      'write it in lines, or leave them out',
    );
  const lines = text.split('\n').filter(line => !Object.keys(beside).some(name => isOf(name, line)));
  const added = Object.entries(beside).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return Buffer.from(`${[...lines.filter((line, i) => line !== '' || i < lines.length - 1), ...added].join('\n')}\n`);
}

const isOf = (name: string, line: string): boolean => {
  const [, key] = /^["']?([a-z_-]+)["']?\s*:/.exec(line) ?? [];
  return key?.replaceAll('_', '-') === name || (name === 'local-hostname' && key === 'hostname');
};

/** dmidecode's name → the files of sysfs, below `/sys`, of which the first counts that says something. */
const identities: Readonly<Record<string, readonly string[]>> = {
  'baseboard-asset-tag': ['class/dmi/id/board_asset_tag'],
  'baseboard-manufacturer': ['class/dmi/id/board_vendor'],
  'baseboard-product-name': ['class/dmi/id/board_name'],
  'baseboard-serial-number': ['class/dmi/id/board_serial'],
  'baseboard-version': ['class/dmi/id/board_version'],
  'bios-release-date': ['class/dmi/id/bios_date'],
  'bios-vendor': ['class/dmi/id/bios_vendor'],
  'bios-version': ['class/dmi/id/bios_version'],
  'chassis-asset-tag': ['class/dmi/id/chassis_asset_tag'],
  'chassis-manufacturer': ['class/dmi/id/chassis_vendor'],
  'chassis-serial-number': ['class/dmi/id/chassis_serial'],
  'chassis-version': ['class/dmi/id/chassis_version'],
  'system-manufacturer': ['class/dmi/id/sys_vendor'],
  // Boards without DMI have a device tree.
  'system-product-name': ['class/dmi/id/product_name', 'firmware/devicetree/base/model'],
  'system-serial-number': ['class/dmi/id/product_serial', 'firmware/devicetree/base/serial-number'],
  'system-uuid': ['class/dmi/id/product_uuid'],
  'system-version': ['class/dmi/id/product_version'],
};

/**
 * @param read a file below `/sys`; undefined where there is none
 * @returns the URL with what this machine is in place of `__dmi.<key>__`. @throws UrlError where it is nothing
 */
export function withIdentity(url: string, read: (path: string) => Buffer | undefined): string {
  return url.replace(/__dmi\.([^_]+)__/g, (placeholder, key: string) => {
    const places = Object.hasOwn(identities, key) ? identities[key] : undefined;
    if (!places) {
      const near = nearest(key, Object.keys(identities));
      throw new UrlError(
        'wrong',
        `${placeholder} in the URL is nothing of a machine`,
        near === undefined ? `there are ${Object.keys(identities).join(', ')}` : `did you mean __dmi.${near}__?`,
      );
    }
    for (const place of places) {
      // What was never set is all ones.
      const text = read(place)
        ?.toString('latin1')
        .replace(/^\xff*|\0/g, '')
        .trim();
      if (text) return encodeURIComponent(text);
    }
    throw new UrlError('wrong', `this machine has no ${key}, and its URL asks for it by ${placeholder}`);
  });
}
