/** Keys every kind of device has. */

import { CIDR, exactly } from '../../like.ts';
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
  text,
  unsupported,
} from '../../shape.ts';
import { policyRules, routes } from './routing.ts';
import {
  address,
  address4,
  address6,
  domain,
  inAnyNetwork,
  ownHardwareAddress,
  refuseInterfaceAddress,
} from './values.ts';

const cidr = { refuse: refuseInterfaceAddress, like: exactly(CIDR), perhaps: inAnyNetwork };

const addressOptions = mapping({
  lifetime: field(
    text({ lenient: true, oneOf: ['forever', '0'] }),
    'forever, or 0 for an address that new connections do not use',
  ),
  label: field(
    text({ pattern: /^\S{1,15}$/, meaning: 'a label of at most 15 characters' }),
    'the label of the address',
  ),
});

export const addresses = () =>
  list(either(text(cidr), dictionary({ kind: 'text', ...cidr }, addressOptions)), { maxItems: 256 });

const dhcpOverrides = mapping({
  'use-dns': field(boolean(), 'take the name servers; true by default'),
  'use-ntp': field(boolean(), 'take the time servers; true by default'),
  'use-hostname': field(boolean(), 'take the host name'),
  'use-mtu': field(boolean(), 'take the MTU; true by default'),
  'use-routes': field(boolean(), 'take the routes; true by default'),
  'use-domains': field(either(boolean(), oneOf('route')), 'take the search domains; true by default'),
  'send-hostname': field(boolean(), "send the node's name; true by default"),
  hostname: field(
    text({ pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/, meaning: 'a host name' }),
    'the host name to send',
  ),
  'route-metric': field(integer(0, 4_294_967_295), 'the metric of the routes; 100 by default'),
});

const raOverrides = mapping({
  'use-dns': field(boolean(), 'take the name servers; true by default'),
  'use-domains': field(either(boolean(), oneOf('route')), 'take the search domains; true by default'),
  table: field(integer(1, 4_294_967_295), 'the routing table for the routes'),
});

const nameservers = mapping({
  addresses: field(list(address(), { maxItems: 32 }), 'the name servers'),
  search: field(list(domain(), { maxItems: 32 }), 'domains that short names are looked for in'),
});

/** The only renderer there is. Others are refused by name. */
export const renderer = () =>
  text({
    like: /^networkd$/,
    refuse: name => {
      if (name === 'networkd') return undefined;
      return name === 'NetworkManager' || name === 'sriov'
        ? 'is not in the image: write networkd, or leave it out'
        : 'must be networkd';
    },
  });

export const deviceFields = {
  renderer: field(renderer(), 'always networkd'),
  addresses: field(addresses(), 'static addresses', { examples: [['192.0.2.10/24', '2001:db8::10/64']] }),
  dhcp4: field(boolean(), 'ask DHCP for an IPv4 address'),
  dhcp6: field(boolean(), 'ask DHCP for an IPv6 address, where the router says so'),
  'dhcp-identifier': field(oneOf('mac', 'duid'), 'what the DHCP server knows the node by; mac by default'),
  'dhcp4-overrides': field(dhcpOverrides, 'what is taken from DHCP'),
  'dhcp6-overrides': field(dhcpOverrides, 'what is taken from DHCP for IPv6'),
  'accept-ra': field(boolean(), 'take addresses and routes from IPv6 routers; true by default'),
  'ra-overrides': field(raOverrides, 'what is taken from IPv6 routers'),
  'link-local': field(
    list(oneOf('ipv4', 'ipv6'), { maxItems: 2 }),
    'families with link-local addresses; [ipv6] by default',
  ),
  'ipv6-mtu': field(integer(1280, 65_535), 'the MTU of IPv6, in bytes'),
  'ipv6-privacy': field(boolean(), 'use temporary addresses (RFC 8981)'),
  'ipv6-address-generation': field(oneOf('eui64', 'stable-privacy'), 'how the node makes its own IPv6 addresses'),
  'ipv6-address-token': field(address6(), 'the last half of IPv6 addresses the node makes'),
  gateway4: field(address4(), 'deprecated: the default route for IPv4'),
  gateway6: field(address6(), 'deprecated: the default route for IPv6'),
  routes: field(routes(), 'static routes'),
  'routing-policy': field(policyRules(), 'which packets look into which routing table'),
  nameservers: field(nameservers, 'name servers and search domains'),
  macaddress: field(ownHardwareAddress(), 'the MAC address to use'),
  mtu: field(integer(68, 65_535), 'the largest packet, in bytes'),
  optional: field(boolean(), 'nothing waits for a device here: every one is optional'),
  'optional-addresses': field(
    list(oneOf('ipv4-ll', 'ipv6-ra', 'dhcp4', 'dhcp6', 'static')),
    'nothing waits for addresses here: every one is optional',
  ),
  'activation-mode': field(oneOf('manual', 'off'), 'manual: the device is not brought up; off: it is kept down'),
  'ignore-carrier': field(boolean(), 'configure it without a cable; true by default where addresses are static'),
  critical: field(boolean(), 'keep what DHCP gave, even if the lease ends and the server is away'),
  'neigh-suppress': field(boolean(), 'as port of a bridge: answer for neighbours'),
  hairpin: field(boolean(), 'as port of a bridge: send back where it came from'),
  'port-mac-learning': field(boolean(), 'as port of a bridge: learn addresses'),
  openvswitch: unsupported('Open vSwitch', 'the image has no Open vSwitch: use bridges'),
  networkmanager: unsupported('NetworkManager', 'the image has no NetworkManager'),
} as const;

const common = mapping(deviceFields);
/** What every device has. */
export type Device = Infer<typeof common>;
export type DhcpOverrides = Infer<typeof dhcpOverrides>;
