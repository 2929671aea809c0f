/**
 * A checked network as files of networkd, udev and wpa_supplicant. Pure.
 *
 * - `/etc/systemd/network/50-<id>.*`: after `10-pods.network`, so interfaces of pods stay the agent's; before `80-wired.network`,
 *   the image's answer to "no configuration", which an empty file of its name takes out: what is not declared is not touched.
 * - Nothing waits for the network: a node without carrier, address, default route or name server is Ready.
 */
import type { Rendered, RenderedFile } from '../types.ts';
import { type DeviceEntry, type Devices, devicesOf, waysOf } from './devices.ts';
import { type IniSection, ini } from './render/ini.ts';
import { linkSections } from './render/link.ts';
import { kernelModules, netdevSections } from './render/netdev.ts';
import { isStatic, networkSections } from './render/network.ts';
import * as wpa from './render/wpa.ts';
import { type NetworkDocument, networkOf } from './schema.ts';

/** What a network adds to what a configuration becomes. */
export interface RenderedNetwork extends Pick<Rendered, 'files' | 'sysctls' | 'modules'> {
  /** Absolute paths of programs it needs that not every image has: `/usr/sbin/wpa_supplicant`. */
  readonly programs: readonly string[];
}

const directory = '/etc/systemd/network';
const prefix = '50-';

/** A document without devices renders to nothing: the image's `80-wired.network` stays. */
export function renderNetwork(document: NetworkDocument): RenderedNetwork {
  const { network, path } = networkOf(document);
  const devices = devicesOf(network);
  if (devices.all.length === 0) return { files: [], sysctls: {}, modules: [], programs: [] };
  const supplicants = devices.all.flatMap(device => supplicantOf(device, commentOf(device, path)) ?? []);
  const rules = supplicants.map(({ rule }) => rule).join('');
  return {
    files: [
      { path: `${directory}/80-wired.network`, content: '', mode: 0o644 },
      ...devices.all.flatMap(device => filesOf(device, devices, commentOf(device, path))),
      ...supplicants.flatMap(({ files }) => files),
      ...(rules === '' ? [] : [{ path: wpa.rulesPath, content: rules, mode: 0o644 }]),
    ],
    sysctls: sysctlsOf(devices),
    modules: [
      ...new Set(devices.all.flatMap(({ section }) => (section in kernelModules ? [moduleOf(section)] : []))),
    ].sort(),
    programs: supplicants.length > 0 ? [wpa.wpaSupplicant] : [],
  };
}

const moduleOf = (section: DeviceEntry['section']): string => kernelModules[section as keyof typeof kernelModules];

const commentOf = ({ section, id }: DeviceEntry, path: readonly string[]): string =>
  `network-config: ${[...path, section, id].join('.')}`;

function filesOf(device: DeviceEntry, devices: Devices, comment: string): RenderedFile[] {
  const file = (suffix: string, sections: readonly IniSection[] | undefined): RenderedFile[] =>
    sections === undefined
      ? []
      : [{ path: `${directory}/${prefix}${device.id}.${suffix}`, content: ini(comment, sections), mode: 0o644 }];
  const isPhysical = device.section === 'ethernets' || device.section === 'wifis';
  const netdev = file('netdev', netdevSections(device));
  return [
    ...(isPhysical ? file('link', linkSections(device.id, device.value)) : []),
    ...(device.section === 'tunnels' ? netdev.map(hidden) : netdev),
    ...file('network', networkSections(device, devices)),
  ];
}

/** Keys are for networkd alone. */
const hidden = (file: RenderedFile): RenderedFile => ({ ...file, mode: 0o640, owner: 'root:systemd-network' });

interface Supplicant {
  readonly files: readonly RenderedFile[];
  readonly rule: string;
}

function supplicantOf(device: DeviceEntry, comment: string): Supplicant | undefined {
  const { name } = device;
  if (name === undefined) return undefined;
  const content =
    device.section === 'wifis'
      ? wpa.wirelessConfiguration(comment, device.value)
      : device.section === 'ethernets' && device.value.auth
        ? wpa.wiredConfiguration(comment, device.value.auth)
        : undefined;
  if (content === undefined) return undefined;
  const path = `/etc/wpa_supplicant/${name}.conf`;
  const unit = wpa.unitName(name);
  const driver = device.section === 'wifis' ? 'nl80211' : 'wired';
  return {
    files: [
      { path, content, mode: 0o600 },
      { path: `/etc/systemd/system/${unit}`, content: wpa.supplicantUnit(comment, name, path, driver), mode: 0o644 },
    ],
    rule: wpa.supplicantRule(name),
  };
}

/**
 * Static addresses and routes are there without a cable; routes that lead over a link that is down are passed over, so a second
 * uplink takes its place.
 */
function sysctlsOf({ all }: Devices): Record<string, string> {
  if (!all.some(device => isStatic(device.value) && waysOf(device).length > 0)) return {};
  const name = 'ignore_routes_with_linkdown';
  return {
    [`net.ipv4.conf.all.${name}`]: '1',
    [`net.ipv6.conf.all.${name}`]: '1',
    [`net.ipv6.conf.default.${name}`]: '1',
  };
}
