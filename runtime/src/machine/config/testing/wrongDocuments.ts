/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. `meta-data`. `network-config`. */
import type { TogetherCase, WrongCase } from './lines.ts';

export const metaData: readonly WrongCase[] = [
  ['instance-id: "a b"', '1:14 instance-id must be one word, not "a b"'],
  ['instance_id: a\ninstance-id: b', '2:1 instance-id is the same as "instance_id" in line 1 → keep one of them'],
  ['local-hostname: a_b', '1:17 local-hostname must be a host name: letters, digits and "-", not "a_b"'],
  ['localhostname: a', '1:1 localhostname unknown key "localhostname" → did you mean "local-hostname"?'],
  ['public-keys: [x]', '1:15 public-keys[0] must be a public SSH key such as "ssh-ed25519 AAAA… name"'],
  [
    'network-interfaces: |\n  iface eth0',
    '1:1 network-interfaces is not available: the network is in the document network-config',
  ],
  ['seedfrom: http://x', '1:1 seedfrom is not available: give the URL on the kernel command line: atoll.config=<url>'],
  ['instance-id: [a]', '1:14 instance-id must be one word, not a list → remove the "-" or the brackets'],
  ['- a', '1:1 must be a mapping, not a list → write "key: value" on each line'],
  ['dsmode: local', '1:1 dsmode is not available: local sources are read before the network is up, always'],
  ['region: eu', '1:1 region is not available: give the node a label: atoll.node-label'],
  ['hostname: a\nlocal-hostname: b', '2:1 local-hostname is the same as "hostname" in line 1 → keep one of them'],
];

export const network: readonly WrongCase[] = [
  ['version: 3', '1:10 version must be 2, not 3'],
  [
    'version: 1\nconfig: []',
    "2:1 config is not available: it is of version 1 of cloud-init's network configuration. Write version: 2, and for what was of type physical an entry in ethernets (for bond, bridge and vlan: in bonds, bridges and vlans); for a subnet of type dhcp, dhcp4: true; for a static one, addresses: [192.0.2.10/24], a default route in routes: [{to: default, via: 192.0.2.1}] and name servers in nameservers: {addresses: [192.0.2.1]}",
  ],
  ['verson: 2', '1:1 verson unknown key "verson" → did you mean "version"?'],
  ['network:\n  version: 2\n  ethernet: {}', '3:3 network.ethernet unknown key "ethernet" → did you mean "ethernets"?'],
  ['network: []', '1:10 network must be a mapping, not a list → write "key: value", without "-" and brackets'],
  [
    'version: 2\nethernets: [eth0]',
    '2:12 ethernets must be a mapping, not a list → write "key: value", without "-" and brackets',
  ],
  ['version: 2\nethernets: {eth0: {dhcp4: 1}}', '2:27 ethernets.eth0.dhcp4 must be true or false, not the number 1'],
  [
    'version: 2\nethernets: {eth0: {dchp4: true}}',
    '2:20 ethernets.eth0.dchp4 unknown key "dchp4" → did you mean "dhcp4"?',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: 192.0.2.1/24}}',
    '2:31 ethernets.eth0.addresses must be a list, not "192.0.2.1/24" → write it as an item: "- " before it',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.1]}}',
    '2:32 ethernets.eth0.addresses[0] must end with the length of its network, as 192.0.2.1/24, not "192.0.2.1"',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.300/24]}}',
    '2:32 ethernets.eth0.addresses[0] must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "192.0.2.300/24"',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.1/33]}}',
    '2:32 ethernets.eth0.addresses[0] must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "192.0.2.1/33"',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.0/24]}}',
    '2:32 ethernets.eth0.addresses[0] "192.0.2.0/24" is the network itself, not an address in it',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.1/24, 192.0.2.1/24]}}',
    '2:46 ethernets.eth0.addresses[1] is given twice: "192.0.2.1/24"',
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.1/24]}, eth1: {addresses: [192.0.2.1/24]}}',
    '2:67 ethernets.eth1.addresses[0] is already an address of ethernets.eth0: "192.0.2.1/24"',
  ],
  [
    'version: 2\nethernets: {eth0: {gateway4: 192.0.2.1}}',
    [
      '2:30 warning: ethernets.eth0.gateway4 is deprecated → write routes: [{to: default, via: 192.0.2.1}]',
      '2:30 ethernets.eth0.gateway4 cannot be reached: eth0 has no IPv4 address → give eth0 an address in its network',
    ],
  ],
  [
    'version: 2\nethernets: {eth0: {addresses: [192.0.2.2/24], routes: [{to: default, via: 198.51.100.1}]}}',
    '2:75 ethernets.eth0.routes[0].via is in no network of eth0 (192.0.2.0/24): "198.51.100.1" → correct it, or say on-link: true',
  ],
  [
    'version: 2\nethernets: {eth0: {routes: [{to: nowhere, via: 192.0.2.1}]}}',
    '2:34 ethernets.eth0.routes[0].to must be "default", a network such as 192.0.2.0/24 or an address, not "nowhere"',
  ],
  [
    'version: 2\nethernets: {eth0: {routes: [{via: 192.0.2.1}]}}',
    '2:29 ethernets.eth0.routes[0] the key "to" is missing → where the route leads: default, a network or an address',
  ],
  [
    'version: 2\nethernets: {eth0: {routes: [{to: 198.51.100.0/24, via: "fe80::1"}]}}',
    '2:56 ethernets.eth0.routes[0].via must be of IPv4, as what the route leads to: "fe80::1"',
  ],
  [
    'version: 2\nethernets: {eth0: {match: {macaddress: 12:34}}}',
    '2:40 ethernets.eth0.match.macaddress must be a MAC address such as 52:54:00:12:34:56, not "12:34"',
  ],
  [
    'version: 2\nethernets: {eth0: {match: {mac: "02:00:00:00:00:01"}}}',
    '2:28 ethernets.eth0.match.mac unknown key "mac" → the keys here are name, macaddress, driver',
  ],
  [
    'version: 2\nethernets: {eth0: {mtu: 20}}',
    '2:25 ethernets.eth0.mtu must be a whole number from 68 to 65535, not 20',
  ],
  [
    'version: 2\nethernets: {eth0: {nameservers: [192.0.2.1]}}',
    '2:33 ethernets.eth0.nameservers must be a mapping, not a list → write "key: value", without "-" and brackets',
  ],
  [
    'version: 2\nethernets: {eth0: {nameservers: {addresses: [dns]}}}',
    '2:46 ethernets.eth0.nameservers.addresses[0] must be an IPv4 or IPv6 address, not "dns"',
  ],
  [
    'version: 2\nvlans: {v1: {id: 5000, link: eth0}}',
    [
      '2:18 vlans.v1.id must be a VLAN number from 0 to 4094, not 5000',
      '2:30 vlans.v1.link is no device of this document: "eth0" → declare it, as ethernets: {eth0: {}}',
    ],
  ],
  ['version: 2\nvlans: {v1: {id: 5}}', '2:13 vlans.v1 the key "link" is missing → the device it is on'],
  [
    'version: 2\nvlans: {v1: {id: 5, link: eth0}}',
    '2:27 vlans.v1.link is no device of this document: "eth0" → declare it, as ethernets: {eth0: {}}',
  ],
  [
    'version: 2\nvlans: {v1: {link: eth0}}\nethernets: {eth0: {}}',
    '2:13 vlans.v1 the key "id" is missing → its number',
  ],
  [
    'version: 2\nethernets: {eth0: {}}\nvlans: {a: {id: 5, link: eth0}, b: {id: 5, link: eth0}}',
    '3:41 vlans.b.id is already the number of vlans.a on eth0: 5',
  ],
  [
    'version: 2\nbonds: {b0: {interfaces: [eth0, eth9]}}\nethernets: {eth0: {}}',
    '2:33 bonds.b0.interfaces[1] is no device of this document: "eth9" → declare it, as ethernets: {eth9: {}}',
  ],
  [
    'version: 2\nbonds: {b0: {interfaces: [eth0], parameters: {mode: best}}}\nethernets: {eth0: {}}',
    '2:53 bonds.b0.parameters.mode must be one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb, not "best"',
  ],
  [
    'version: 2\nethernets: {eth0: {dhcp4: true}}\nbonds: {b0: {interfaces: [eth0]}}',
    '2:27 ethernets.eth0.dhcp4 cannot be here: eth0 is part of bonds.b0 → move it to bonds.b0',
  ],
  [
    'version: 2\nethernets: {eth0: {}}\nbonds: {b0: {interfaces: [eth0]}, b1: {interfaces: [eth0]}}',
    '3:53 bonds.b1.interfaces[0] is already part of bonds.b0: "eth0" → it can be in one place only',
  ],
  ['version: 2\nbridges: {br0: {interfaces: [br0]}}', '2:30 bridges.br0.interfaces[0] is the device itself: "br0"'],
  [
    'version: 2\nbridges: {a: {interfaces: [b]}, b: {interfaces: [a]}}',
    [
      '2:14 bridges.a is on top of itself: a → b → a',
      '2:28 bridges.a.interfaces[0] is a bridge, which cannot be part of a bridge: "b"',
      '2:50 bridges.b.interfaces[0] is a bridge, which cannot be part of a bridge: "a"',
    ],
  ],
  [
    'version: 2\nwifis: {wlan0: {access-points: {home: {password: short}}}}',
    [
      '2:16 warning: wifis.wlan0 a wireless network needs wpa_supplicant, which only the images for Raspberry Pi have → take one of them, or one of your own with the package wpasupplicant',
      '2:50 wifis.wlan0.access-points.home.password is too short: 5 characters, at least 8 are needed',
    ],
  ],
  [
    'version: 2\nwifis: {wlan0: {}}',
    [
      '2:16 wifis.wlan0 needs a network in access-points → write access-points: {"name of the network": {password: "..."}}',
      '2:16 warning: wifis.wlan0 a wireless network needs wpa_supplicant, which only the images for Raspberry Pi have → take one of them, or one of your own with the package wpasupplicant',
    ],
  ],
  ['version: 2\nopenvswitch: {}', '2:1 openvswitch is not available: the image has no Open vSwitch: use bridges'],
  ['version: 2\nmodems: {}', '2:1 modems is not available: networkd does not know modems'],
  [
    'version: 2\nrenderer: NetworkManager',
    '2:11 renderer "NetworkManager" is not in the image: write networkd, or leave it out',
  ],
  [
    'version: 2\nethernets: {this-name-is-too-long: {dhcp4: true}}',
    '2:36 ethernets.this-name-is-too-long is longer than the 15 characters an interface\'s name can have: "this-name-is-too-long" → choose the device by match, and its name by set-name',
  ],
  [
    'version: 2\nethernets: {eth0: {dhcp4: true}}\nbridges: {eth0: {}}',
    '3:17 bridges.eth0 is declared twice: "eth0" is also in ethernets → give it another name',
  ],
  [
    'version: 2\nethernets:\n  eth0:\n\tdhcp4: true',
    '4:1 a tab where the indentation is → indent with spaces: YAML takes no tabs',
  ],
  ['- a', '1:1 must be a mapping, not a list → write "key: value" on each line'],
];

const eth0 = (body: string): string => `ethernets: {eth0: {${body}}}`;
const PODS = 'give pods another range: in user-data, atoll: {cluster-cidr:';
const SERVICES = 'give services another range: in user-data, atoll: {service-cidr:';

/** A cluster and the network its node is in. */
export const together: readonly TogetherCase[] = [
  [
    '',
    eth0('addresses: [10.42.7.5/24]'),
    `network-config 2:32 ethernets.eth0.addresses[0] "10.42.7.5/24" shares addresses with pods: atoll.cluster-cidr is 10.42.0.0/16, the default → ${PODS} 10.44.0.0/16}`,
  ],
  [
    '',
    eth0('addresses: [10.43.0.5/24]'),
    `network-config 2:32 ethernets.eth0.addresses[0] "10.43.0.5/24" shares addresses with services: atoll.service-cidr is 10.43.0.0/16, the default → ${SERVICES} 10.44.0.0/16}`,
  ],
  [
    'cluster-cidr: 192.168.0.0/16',
    eth0('addresses: [192.168.1.10/24]'),
    `network-config 2:32 ethernets.eth0.addresses[0] "192.168.1.10/24" shares addresses with pods: atoll.cluster-cidr is 192.168.0.0/16, line 2 of user-data (the card) → ${PODS} 10.42.0.0/16}`,
  ],
  [
    'service-cidr: 192.168.1.0/24',
    eth0('addresses: ["2001:db8::1/64", 192.168.1.10/24]'),
    `network-config 2:50 ethernets.eth0.addresses[1] "192.168.1.10/24" shares addresses with services: atoll.service-cidr is 192.168.1.0/24, line 2 of user-data (the card) → ${SERVICES} 10.43.0.0/16}`,
  ],
  // The whole of 10/8 on one cable: both ranges are in it, and each is given a place of its own.
  [
    '',
    eth0('addresses: [10.1.2.3/8]'),
    [
      `network-config 2:32 ethernets.eth0.addresses[0] "10.1.2.3/8" shares addresses with pods: atoll.cluster-cidr is 10.42.0.0/16, the default → ${PODS} 172.16.0.0/16}`,
      `network-config 2:32 ethernets.eth0.addresses[0] "10.1.2.3/8" shares addresses with services: atoll.service-cidr is 10.43.0.0/16, the default → ${SERVICES} 172.17.0.0/16}`,
    ],
  ],
  [
    '',
    'ethernets: {eth0: {dhcp4: true}}\nvlans: {eth0.7: {id: 7, link: eth0, addresses: [{10.42.255.1/30: {label: "a"}}]}}',
    `network-config 3:49 vlans["eth0.7"].addresses[0] "10.42.255.1/30" shares addresses with pods: atoll.cluster-cidr is 10.42.0.0/16, the default → ${PODS} 10.44.0.0/16}`,
  ],
  [
    '',
    eth0('addresses: [192.0.2.5/24], routes: [{to: 10.43.7.0/24, via: 192.0.2.1}]'),
    `network-config 2:61 ethernets.eth0.routes[0].to "10.43.7.0/24" shares addresses with services: atoll.service-cidr is 10.43.0.0/16, the default → ${SERVICES} 10.44.0.0/16}`,
  ],
  [
    '',
    eth0('addresses: [192.0.2.5/24], routes: [{to: 10.42.0.9, via: 192.0.2.1}]'),
    `network-config 2:61 ethernets.eth0.routes[0].to "10.42.0.9" shares addresses with pods: atoll.cluster-cidr is 10.42.0.0/16, the default → ${PODS} 10.44.0.0/16}`,
  ],
  [
    'cluster-cidr: 10.60.0.0/16, service-cidr: 172.16.0.0/16',
    eth0('addresses: [192.0.2.5/24], routes: [{to: 10.0.0.0/8, via: 192.0.2.1}, {to: default, via: 192.0.2.1}]'),
    `network-config 2:61 warning: ethernets.eth0.routes[0].to "10.0.0.0/8" holds the addresses of pods, which it does not lead to: atoll.cluster-cidr is 10.60.0.0/16, line 2 of user-data (the card) → ${PODS} 172.17.0.0/16}`,
  ],
  [
    '',
    eth0('addresses: [192.0.2.5/24], nameservers: {addresses: [192.0.2.1, 10.43.0.10]}'),
    `network-config 2:84 ethernets.eth0.nameservers.addresses[1] "10.43.0.10" is an address of services: atoll.service-cidr is 10.43.0.0/16, the default → ${SERVICES} 10.44.0.0/16}`,
  ],
  ['', eth0('addresses: [10.41.255.254/16]'), []],
  ['', eth0('addresses: ["fd00:42::1/64"], dhcp4: true'), []],
  ['cluster-cidr: 10.44.0.0/16', eth0('addresses: [10.42.7.5/16]'), []],
  ['bind-address: "2001:DB8::1"', eth0('addresses: ["2001:db8::1/64"]'), []],
  [
    'bind-address: 192.0.2.9',
    eth0('addresses: [192.0.2.5/24]'),
    'user-data 2:23 warning: atoll.bind-address 192.0.2.9 is no address of network-config: there is no API while the machine does not have it → give the machine this address in network-config, or leave bind-address out',
  ],
  // An agent does not know the ranges of its cluster.
  ['role: agent, server: "https://10.42.0.1:6443", token: x', eth0('addresses: [10.42.7.5/24]'), []],
  // One mistake does not hide another.
  [
    'node-name: A, https-listen-port: 1',
    eth0('addresses: [10.42.7.5/24]'),
    [
      'user-data 2:20 atoll.node-name must be a DNS name: lower-case letters, digits, "-" and ".", not "A"',
      'network-config 2:32 ethernets.eth0.addresses[0] "10.42.7.5/24" shares addresses with pods: atoll.cluster-cidr is 10.42.0.0/16, the default → give pods another range: in user-data, atoll: {cluster-cidr: 10.44.0.0/16}',
    ],
  ],
];
