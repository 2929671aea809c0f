/** Devices that are made: bonds, bridges, VLANs, VRFs, dummies and WireGuard tunnels. */
import {
  boolean,
  dictionary,
  either,
  field,
  type Infer,
  integer,
  list,
  mapping,
  oneOf,
  type Shape,
  text,
  unsupported,
} from '../../shape.ts';
import { deviceFields } from './device.ts';
import { policyRules, routes } from './routing.ts';
import { address4, range, reference, time } from './values.ts';

const members = () => list(reference(), { maxItems: 64 });
const perMember = <T>(value: Shape<T>) => dictionary({ kind: 'text', lenient: true }, value);

export const bondModes = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;

const bondParameters = mapping({
  mode: field(oneOf(...bondModes), 'balance-rr by default'),
  'lacp-rate': field(oneOf('slow', 'fast'), 'how often LACP speaks: every 30 seconds or every second (802.3ad)'),
  'mii-monitor-interval': field(time(), 'how often links are looked at, in milliseconds; 0 is never, the default'),
  'min-links': field(integer(0, 64), 'how many links must be up (802.3ad)'),
  'transmit-hash-policy': field(
    oneOf('layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4'),
    'what chooses the link of a packet (balance-xor, 802.3ad, balance-tlb)',
  ),
  'ad-select': field(oneOf('stable', 'bandwidth', 'count'), 'which group of links is used (802.3ad)'),
  'all-members-active': field(boolean(), 'take packets from links that are not in use', {
    aliases: ['all-slaves-active'],
  }),
  'arp-interval': field(time(), 'how often the targets are asked, in milliseconds; 0 is never, the default'),
  'arp-ip-targets': field(list(address4(), { maxItems: 16 }), 'who is asked by ARP'),
  'arp-validate': field(oneOf('none', 'active', 'backup', 'all'), 'whose answers are looked at'),
  'arp-all-targets': field(oneOf('any', 'all'), 'how many targets must answer'),
  'up-delay': field(time(), 'how long a link must be up before it is used, in milliseconds'),
  'down-delay': field(time(), 'how long a link must be down before it is left, in milliseconds'),
  'fail-over-mac-policy': field(oneOf('none', 'active', 'follow'), 'which MAC address links have'),
  'gratuitous-arp': field(integer(1, 255), 'how many ARP packets tell of a change of links', {
    aliases: ['gratuitious-arp'],
  }),
  'packets-per-member': field(integer(0, 65_535), 'how many packets go one way (balance-rr)', {
    aliases: ['packets-per-slave'],
  }),
  'primary-reselect-policy': field(oneOf('always', 'better', 'failure'), 'when the primary link is used again'),
  'resend-igmp': field(integer(0, 255), 'how many IGMP reports tell of a change of links'),
  'learn-packet-interval': field(time(), 'how often learning packets are sent, in seconds'),
  primary: field(reference(), 'the link that is used while it is up'),
});
export type BondParameters = Infer<typeof bondParameters>;

export const bond = mapping({
  ...deviceFields,
  interfaces: field(members(), 'the devices it is made of'),
  parameters: field(bondParameters, 'how they work together'),
});
export type Bond = Infer<typeof bond>;

const bridgeParameters = mapping({
  'ageing-time': field(time(), 'how long a MAC address is remembered, in seconds', { aliases: ['aging-time'] }),
  priority: field(integer(0, 65_535), 'the bridge with the lowest becomes the root'),
  'port-priority': field(perMember(integer(0, 63)), 'the priority of each port'),
  'forward-delay': field(time(), 'how long it listens and learns, in seconds'),
  'hello-time': field(time(), 'how often it says hello, in seconds'),
  'max-age': field(time(), 'how old a hello may be, in seconds'),
  'path-cost': field(perMember(integer(1, 65_535)), 'the cost of each port'),
  stp: field(boolean(), 'use the spanning tree protocol; true by default'),
});
export type BridgeParameters = Infer<typeof bridgeParameters>;

export const bridge = mapping({
  ...deviceFields,
  interfaces: field(members(), 'its ports'),
  parameters: field(bridgeParameters, 'how it works'),
});
export type Bridge = Infer<typeof bridge>;

export const vlan = mapping({
  ...deviceFields,
  id: field(integer(0, 4094, 'a VLAN number'), 'its number', { required: true }),
  link: field(reference(), 'the device it is on', { required: true }),
});
export type Vlan = Infer<typeof vlan>;

export const dummy = mapping(deviceFields);

export const vrf = mapping({
  ...deviceFields,
  table: field(integer(1, 4_294_967_295, 'the number of a routing table'), 'its routing table', { required: true }),
  interfaces: field(members(), 'the devices in it'),
  routes: field(routes(), 'static routes in its table'),
  'routing-policy': field(policyRules(), 'which packets look into its table'),
});
export type Vrf = Infer<typeof vrf>;

/** A key of WireGuard as text, or the absolute path of the file that holds it. */
const wireguardKey = (secret: boolean) =>
  text({
    pattern: /^([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=|\/[^\n]+)$/,
    meaning: 'a WireGuard key, or the absolute path of the file with it',
    ...(secret ? { secret: true as const } : {}),
  });

const peer = mapping({
  keys: field(
    mapping({
      public: field(wireguardKey(false), "the peer's public key", { required: true }),
      shared: field(wireguardKey(true), 'a key both have'),
    }),
    'its keys',
    { required: true },
  ),
  endpoint: field(
    text({
      pattern: /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/,
      meaning: 'an address or name with a port, as 192.0.2.1:51820',
    }),
    'where it is',
  ),
  'allowed-ips': field(list(range(), { maxItems: 1024 }), 'the networks behind it'),
  keepalive: field(integer(1, 65_535), 'how often it is told that the node is here, in seconds'),
});

const onlyVxlan = "VXLAN is the pods' network and not made here";
const wireguardSecret = either(
  wireguardKey(true),
  mapping({
    private: field(wireguardKey(true), "the node's private key", { required: true }),
    input: unsupported('the key of what comes in', 'WireGuard has one private key'),
    output: unsupported('the key of what goes out', 'WireGuard has one private key'),
    'private-key-flags': unsupported('flags for NetworkManager', 'the image has no NetworkManager'),
  }),
);

const vxlan = (summary: string) => unsupported(summary, onlyVxlan);
const onlyWireguard = 'the image makes tunnels of WireGuard only';

export const tunnel = mapping({
  ...deviceFields,
  mode: field(
    text({
      like: /^wireguard$/,
      refuse: mode => {
        if (mode === 'wireguard') return undefined;
        return `is not available: ${mode === 'vxlan' ? onlyVxlan : onlyWireguard}`;
      },
    }),
    'wireguard',
    { required: true },
  ),
  key: field(wireguardSecret, "the node's private key", { required: true, aliases: ['keys'] }),
  mark: field(integer(1, 4_294_967_295), 'the firewall mark of what it sends'),
  port: field(either(integer(1, 65_535), oneOf('auto')), 'the UDP port it listens at; auto by default'),
  peers: field(list(peer, { maxItems: 1024 }), 'who is at the other ends'),
  local: unsupported('its own end', onlyWireguard),
  remote: unsupported('the other end', onlyWireguard),
  ttl: unsupported('how far its packets go', onlyWireguard),
  id: vxlan('its number'),
  link: vxlan('the device it is on'),
  'type-of-service': vxlan('the type of service of its packets'),
  'mac-learning': vxlan('learn MAC addresses'),
  ageing: vxlan('how long MAC addresses are remembered'),
  aging: vxlan('how long MAC addresses are remembered'),
  limit: vxlan('how many MAC addresses are remembered'),
  'arp-proxy': vxlan('answer ARP for others'),
  notifications: vxlan('tell of unknown addresses'),
  'short-circuit': vxlan('route directly'),
  checksums: vxlan('which checksums are made'),
  extensions: vxlan('extensions'),
  'port-range': vxlan('UDP ports'),
  'flow-label': vxlan('the flow label'),
  'do-not-fragment': vxlan('do not fragment'),
});
export type Tunnel = Infer<typeof tunnel>;
