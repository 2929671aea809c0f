import type { DeviceEntry } from '../devices.ts';
import type { Bond, Bridge, Tunnel } from '../schema/virtual.ts';
import { type IniSection, section } from './ini.ts';

const kinds = {
  bonds: 'bond',
  bridges: 'bridge',
  vlans: 'vlan',
  'dummy-devices': 'dummy',
  vrfs: 'vrf',
  tunnels: 'wireguard',
} as const;

/** Modules of the kernel that make the devices. */
export const kernelModules = {
  bonds: 'bonding',
  bridges: 'bridge',
  vlans: '8021q',
  'dummy-devices': 'dummy',
  vrfs: 'vrf',
  tunnels: 'wireguard',
} as const;

/** The `.netdev` file of a device that is made; undefined for what is there. */
export function netdevSections(device: DeviceEntry): IniSection[] | undefined {
  if (device.section === 'ethernets' || device.section === 'wifis') return undefined;
  const { id, value } = device;
  const head = section('NetDev', {
    Name: id,
    Kind: kinds[device.section],
    // A bridge made with an MTU loses it to its ports; set afterwards (.network), it stays.
    MTUBytes: device.section === 'bridges' ? undefined : value.mtu,
    MACAddress: value.macaddress?.includes(':') ? value.macaddress.toLowerCase() : undefined,
  });
  if (device.section === 'bonds') return [head, bondSection(device.value)];
  if (device.section === 'bridges') return [head, bridgeSection(device.value)];
  if (device.section === 'vlans') return [head, section('VLAN', { Id: device.value.id })];
  if (device.section === 'vrfs') return [head, section('VRF', { Table: device.value.table })];
  if (device.section === 'tunnels') return [head, ...wireguardSections(device.value)];
  return [head];
}

/** A number is in milliseconds, as netplan's; networkd takes seconds without a unit. */
const ms = (time: number | string | undefined): string | undefined =>
  time === undefined ? undefined : /^\d+$/.test(String(time)) ? `${time}ms` : String(time);

function bondSection({ parameters = {} }: Bond): IniSection {
  return section('Bond', {
    Mode: parameters.mode,
    LACPTransmitRate: parameters['lacp-rate'],
    MIIMonitorSec: ms(parameters['mii-monitor-interval']),
    MinLinks: parameters['min-links'],
    TransmitHashPolicy: parameters['transmit-hash-policy'],
    AdSelect: parameters['ad-select'],
    AllSlavesActive: parameters['all-members-active'],
    ARPIntervalSec: ms(parameters['arp-interval']),
    ARPIPTargets: parameters['arp-ip-targets']?.join(' ') || undefined,
    ARPValidate: parameters['arp-validate'],
    ARPAllTargets: parameters['arp-all-targets'],
    UpDelaySec: ms(parameters['up-delay']),
    DownDelaySec: ms(parameters['down-delay']),
    FailOverMACPolicy: parameters['fail-over-mac-policy'],
    GratuitousARP: parameters['gratuitous-arp'],
    PacketsPerSlave: parameters['packets-per-member'],
    PrimaryReselectPolicy: parameters['primary-reselect-policy'],
    ResendIGMP: parameters['resend-igmp'],
    LearnPacketIntervalSec: parameters['learn-packet-interval'],
  });
}

/** A bridge with any parameter uses the spanning tree protocol unless it says it does not; one without leaves it to the kernel, which does not. */
function bridgeSection({ parameters }: Bridge): IniSection {
  if (parameters === undefined) return section('Bridge', {});
  return section('Bridge', {
    AgeingTimeSec: parameters['ageing-time'],
    Priority: parameters.priority,
    ForwardDelaySec: parameters['forward-delay'],
    HelloTimeSec: parameters['hello-time'],
    MaxAgeSec: parameters['max-age'],
    STP: parameters.stp ?? true,
  });
}

const isFile = (key: string): boolean => key.startsWith('/');

function wireguardSections({ key, mark, port, peers = [] }: Tunnel): IniSection[] {
  const secret = typeof key === 'string' ? key : key.private;
  return [
    section('WireGuard', {
      [isFile(secret) ? 'PrivateKeyFile' : 'PrivateKey']: secret,
      ListenPort: port,
      FwMark: mark,
    }),
    ...peers.map(({ keys, endpoint, keepalive, 'allowed-ips': ranges = [] }) =>
      section('WireGuardPeer', {
        PublicKey: keys.public,
        ...(keys.shared === undefined
          ? {}
          : { [isFile(keys.shared) ? 'PresharedKeyFile' : 'PresharedKey']: keys.shared }),
        Endpoint: endpoint,
        AllowedIPs: ranges.length > 0 ? ranges.join(',') : undefined,
        PersistentKeepalive: keepalive,
      }),
    ),
  ];
}
