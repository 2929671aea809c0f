/** `network-config` for tests: read as a node reads it, and what it renders to as lines. */
import { machineOf } from '../../needs.ts';
import { readConfig } from '../../read.ts';
import type { Problem, RenderedFile } from '../../types.ts';
import { type RenderedNetwork, renderNetwork } from '../index.ts';

/** One that has all that a network needs. */
const machine = machineOf({ passwd: '', group: '', shadow: '', gshadow: '' }, () => true);

/** A network from its devices, which stand on one line: `ethernets: {eth0: {}}`, or several in braces. */
export const documentOf = (devices: string): string =>
  `network: {version: 2, ${devices.startsWith('{') ? devices.slice(1, -1) : devices}}\n`;

/** A case of the tables: a document, or its devices alone. */
export const networkText = (text: string): string =>
  /^\{?(?:network|version):/.test(text) ? `${text}\n` : documentOf(text);

export function read(document: string): { readonly problems: readonly Problem[]; readonly rendered?: RenderedNetwork } {
  const documents = { 'network-config': Buffer.from(document) };
  const { config, problems } = readConfig([{ source: 'esp', location: 'test', documents }], machine);
  return { problems, ...(config?.network ? { rendered: renderNetwork(config.network) } : {}) };
}

/** `error network.ethernets.eth0.mtu: must be … (hint)`. */
export const problemText = ({ severity, path, message }: Problem): string => `${severity} ${path}: ${message}`;

export interface Section {
  readonly name: string;
  readonly settings: readonly (readonly [key: string, value: string])[];
}

/** Sections of a file of systemd, or the blocks of one of wpa_supplicant. */
export function sectionsOf(content: string): Section[] {
  const sections: { name: string; settings: [string, string][] }[] = [];
  let open = { name: '', settings: [] as [string, string][] };
  for (const line of content.split('\n').map(text => text.trim())) {
    const name = /^\[(.+)\]$/.exec(line)?.[1] ?? /^(network)=\{$/.exec(line)?.[1];
    const [, key, value] = /^([A-Za-z0-9_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      open = { name, settings: [] };
      sections.push(open);
    } else if (line === '}') open = { name: '', settings: [] };
    else if (key !== undefined && value !== undefined) {
      if (open.name === '' && !sections.includes(open)) sections.push(open);
      open.settings.push([key, value]);
    }
  }
  return sections;
}

/** What every device has and would make the tables longer than they are worth; one whole file is in `render.test.ts`. */
const usual = [
  'Link.RequiredForOnline=no',
  'Network.LinkLocalAddressing=ipv6',
  'Network.IPv6AcceptRA=yes',
  'Network.KeepConfiguration=dynamic-on-stop',
  'DHCPv4.ClientIdentifier=mac',
  'DHCPv4.RouteMetric=100',
  'DHCPv4.UseMTU=yes',
  'DHCPv4.UseDomains=yes',
  'DHCPv6.UseDomains=yes',
  'IPv6AcceptRA.UseDomains=yes',
  'ctrl_interface=/run/wpa_supplicant',
];

/** `eth0.network DHCPv4.RouteMetric=50`: what is not usual, file by file; sections that may be there twice are counted. */
export function linesOf(files: readonly RenderedFile[]): string[] {
  return files.flatMap(({ path, content }) => {
    const name = path.replace(/^.*\/(50-)?/, '');
    if (name === '80-wired.network' || !/\.(network|netdev|link|conf)$/.test(name)) return [];
    const device = name.replace(/\.[a-z]+$/, '');
    const counts = new Map<string, number>();
    return sectionsOf(content.toString()).flatMap(section => {
      const count = (counts.get(section.name) ?? 0) + 1;
      counts.set(section.name, count);
      const head = section.name === '' ? '' : `${section.name}${count > 1 ? `#${count}` : ''}.`;
      return section.settings
        .map(([key, value]) => `${head}${key}=${value}`)
        .filter(line => !usual.includes(line) && line !== `Match.Name=${device}` && line !== `NetDev.Name=${device}`)
        .map(line => `${name} ${line}`);
    });
  });
}
