/** Networks that cannot be, and what is said of them: `[what, devices or document, problems]`. */
export type Wrong = readonly [what: string, devices: string, problems: readonly string[]];

const documents: readonly Wrong[] = [
  [
    'a member by the name that set-name gives it',
    '{ethernets: {up: {match: {macaddress: "52:54:00:12:34:56"}, set-name: lan0}}, bridges: {br0: {interfaces: [lan0]}}}',
    ['error network.bridges.br0.interfaces[0]: is no device of this document: "lan0"'],
  ],
  [
    'version 1',
    'network: {version: 1, config: [{type: physical, name: eth0, subnets: [{type: dhcp}]}]}',
    [
      "error network.config: is not available: it is of version 1 of cloud-init's network configuration. Write version: 2, and for what was of type physical an entry in ethernets (for bond, bridge and vlan: in bonds, bridges and vlans); for a subnet of type dhcp, dhcp4: true; for a static one, addresses: [192.0.2.10/24], a default route in routes: [{to: default, via: 192.0.2.1}] and name servers in nameservers: {addresses: [192.0.2.1]}",
    ],
  ],
  [
    'version 1 at the top',
    '{version: 1, config: [{type: physical, name: eth0}]}',
    [
      "error config: is not available: it is of version 1 of cloud-init's network configuration. Write version: 2, and for what was of type physical an entry in ethernets (for bond, bridge and vlan: in bonds, bridges and vlans); for a subnet of type dhcp, dhcp4: true; for a static one, addresses: [192.0.2.10/24], a default route in routes: [{to: default, via: 192.0.2.1}] and name servers in nameservers: {addresses: [192.0.2.1]}",
    ],
  ],
  ['version 1 alone', 'network: {version: 1, ethernets: {eth0: {}}}', ['error network.version: must be 2, not 1']],
  ['a version there is not', 'network: {version: 3}', ['error network.version: must be 2, not 3']],
  ['keys at both levels', '{network: {version: 2}, ethernets: {eth0: {}}}', ['error ethernets: belongs under network']],
  [
    "cloud-init's off switch",
    'network: {config: disabled}',
    [
      "error network.config: is not available: it is of version 1 of cloud-init's network configuration. Write version: 2, and for what was of type physical an entry in ethernets (for bond, bridge and vlan: in bonds, bridges and vlans); for a subnet of type dhcp, dhcp4: true; for a static one, addresses: [192.0.2.10/24], a default route in routes: [{to: default, via: 192.0.2.1}] and name servers in nameservers: {addresses: [192.0.2.1]}",
    ],
  ],
  [
    'a misspelled section',
    'network: {version: 2, ethernet: {eth0: {}}}',
    ['error network.ethernet: unknown key "ethernet"'],
  ],
  [
    'NetworkManager',
    'network: {version: 2, renderer: NetworkManager}',
    ['error network.renderer: "NetworkManager" is not in the image: write networkd, or leave it out'],
  ],
  [
    'an unknown renderer',
    'network: {version: 2, renderer: networkmanager}',
    ['error network.renderer: must be networkd, not "networkmanager"'],
  ],
  [
    'a renderer for a section',
    'ethernets: {renderer: networkd}',
    [
      'error network.ethernets.renderer: the key "renderer": belongs under network: one renderer is for all devices',
      'error network.ethernets.renderer: must be a mapping, not "networkd"',
    ],
  ],
  [
    'modems',
    'modems: {cdc-wdm1: {apn: internet}}',
    ['error network.modems: is not available: networkd does not know modems'],
  ],
  [
    'Open vSwitch',
    'openvswitch: {protocols: [OpenFlow13]}',
    ['error network.openvswitch: is not available: the image has no Open vSwitch: use bridges'],
  ],
  [
    'Open vSwitch at a bridge',
    'bridges: {br0: {openvswitch: {}}}',
    ['error network.bridges.br0.openvswitch: is not available: the image has no Open vSwitch: use bridges'],
  ],
  [
    'pairs of virtual interfaces',
    'virtual-ethernets: {v0: {peer: v1}}',
    ['error network.virtual-ethernets: is not available: such pairs belong to pods here'],
  ],
  [
    "NetworkManager's devices",
    'nm-devices: {NM-1: {}}',
    ['error network.nm-devices: is not available: the image has no NetworkManager'],
  ],
  ['a list of interfaces', 'ethernets: [{eth0: {}}]', ['error network.ethernets: must be a mapping, not a list']],
];

const names: readonly Wrong[] = [
  [
    'a name that is too long',
    'vlans: {vlan-of-the-plant: {id: 5, link: eth0}}, ethernets: {eth0: {}}',
    [
      'error network.vlans.vlan-of-the-plant: is longer than the 15 characters an interface\'s name can have: "vlan-of-the-plant"',
    ],
  ],
  [
    "an interface's name that is too long",
    'ethernets: {enp0s31f6-uplink0: {dhcp4: true}}',
    [
      'error network.ethernets.enp0s31f6-uplink0: is longer than the 15 characters an interface\'s name can have: "enp0s31f6-uplink0"',
    ],
  ],
  [
    'a new name that is too long',
    'ethernets: {up: {match: {macaddress: "52:54:00:12:34:56"}, set-name: enp0s31f6-uplink0}}',
    [
      'error network.ethernets.up.set-name: "enp0s31f6-uplink0" is longer than the 15 characters an interface\'s name can have',
    ],
  ],
  [
    'a name with a slash',
    'bridges: {a/b: {}}',
    ['error network.bridges["a/b"]: the key must be letters, digits, ".", "_", "-" and "@", not "a/b"'],
  ],
  [
    'a name with a space',
    'ethernets: {eth 0: {}}',
    ['error network.ethernets["eth 0"]: the key must be letters, digits, ".", "_", "-" and "@", not "eth 0"'],
  ],
  [
    'a pattern as name',
    'ethernets: {"en*": {dhcp4: true}}',
    [
      'error network.ethernets["en*"]: the key "en*" is a pattern: give the device a word of your own, and the pattern as match: {name: ...}',
    ],
  ],
  ['a number as name', 'bridges: {7: {}}', ['error network.bridges["7"]: is a number alone: "7"']],
  ['a name of pods', 'bridges: {cni0: {}}', ['error network.bridges.cni0: is a name of the pods\' network: "cni0"']],
  [
    'a new name of pods',
    'ethernets: {up: {match: {macaddress: "52:54:00:12:34:56"}, set-name: veth0}}',
    ['error network.ethernets.up.set-name: is a name of the pods\' network: "veth0"'],
  ],
  [
    'one name in two sections',
    '{ethernets: {lan: {}}, bridges: {lan: {}}}',
    ['error network.bridges.lan: is declared twice: "lan" is also in ethernets'],
  ],
  [
    'a new name that is taken',
    'ethernets: {eth0: {}, up: {match: {macaddress: "52:54:00:12:34:56"}, set-name: eth0}}',
    ['error network.ethernets.up.set-name: is also the name of ethernets.eth0: "eth0"'],
  ],
  ['a bridge called lo', 'bridges: {lo: {}}', ['error network.bridges.lo: is a word with a meaning of its own: "lo"']],
];

const matches: readonly Wrong[] = [
  [
    'a match of everything',
    'ethernets: {up: {match: {}}}',
    ['error network.ethernets.up.match: must say name, macaddress or driver: this matches every interface'],
  ],
  [
    'a new name without a match',
    'ethernets: {up: {set-name: lan0}}',
    ['error network.ethernets.up.set-name: needs match: it renames what match finds'],
  ],
  [
    'a name for all that a pattern finds',
    'ethernets: {up: {match: {name: "en*"}, set-name: lan0}}',
    ['warning network.ethernets.up.set-name: is the name of one interface, and match may find several'],
  ],
  [
    'a name for all cards of a driver',
    'ethernets: {up: {match: {driver: [virtio_net, e1000]}, set-name: lan0}}',
    ['warning network.ethernets.up.set-name: is the name of one interface, and match may find several'],
  ],
  [
    'a name for the one card of a pattern that has this address',
    'ethernets: {up: {match: {name: "en*", macaddress: "52:54:00:12:34:56"}, set-name: lan0}}',
    [],
  ],
  [
    'one card for two',
    'ethernets: {a: {match: {macaddress: "52:54:00:12:34:56"}}, b: {match: {macaddress: "52:54:00:12:34:56"}}}',
    ['error network.ethernets.b.match.macaddress: is also that of ethernets.a: "52:54:00:12:34:56"'],
  ],
  [
    'half a MAC address',
    'ethernets: {up: {match: {macaddress: "52:54:00"}}}',
    ['error network.ethernets.up.match.macaddress: must be a MAC address such as 52:54:00:12:34:56, not "52:54:00"'],
  ],
  [
    'a MAC address with dashes',
    'ethernets: {up: {match: {macaddress: 52-54-00-12-34-56}}}',
    [
      'error network.ethernets.up.match.macaddress: must be a MAC address such as 52:54:00:12:34:56, not "52-54-00-12-34-56"',
    ],
  ],
  [
    'a match of a bridge',
    'bridges: {br0: {match: {name: br0}}}',
    ['error network.bridges.br0.match: unknown key "match"'],
  ],
  [
    'an unknown key of match',
    'ethernets: {up: {match: {mac: "52:54:00:12:34:56"}}}',
    ['error network.ethernets.up.match.mac: unknown key "mac"'],
  ],
  [
    'SR-IOV',
    'ethernets: {eth0: {virtual-function-count: 4}}',
    [
      'error network.ethernets.eth0.virtual-function-count: is not available: virtual functions of SR-IOV cards are not made by Atoll',
    ],
  ],
];

const addresses: readonly Wrong[] = [
  [
    'an address without its network',
    'ethernets: {eth0: {addresses: [192.0.2.10]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must end with the length of its network, as 192.0.2.10/24, not "192.0.2.10"',
    ],
  ],
  [
    'an IPv6 address without its network',
    'ethernets: {eth0: {addresses: ["2001:db8::10"]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must end with the length of its network, as 2001:db8::10/64, not "2001:db8::10"',
    ],
  ],
  [
    'no address',
    'ethernets: {eth0: {addresses: [server]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "server"',
    ],
  ],
  [
    'a number too large',
    'ethernets: {eth0: {addresses: [192.0.2.300/24]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "192.0.2.300/24"',
    ],
  ],
  [
    'a network too long',
    'ethernets: {eth0: {addresses: [192.0.2.10/33]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "192.0.2.10/33"',
    ],
  ],
  [
    'octal numbers',
    'ethernets: {eth0: {addresses: [192.0.2.010/24]}}',
    [
      'error network.ethernets.eth0.addresses[0]: must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64, not "192.0.2.010/24"',
    ],
  ],
  [
    'the network itself',
    'ethernets: {eth0: {addresses: [192.0.2.0/24]}}',
    ['error network.ethernets.eth0.addresses[0]: "192.0.2.0/24" is the network itself, not an address in it'],
  ],
  [
    'the broadcast address',
    'ethernets: {eth0: {addresses: [192.0.2.255/24]}}',
    ['error network.ethernets.eth0.addresses[0]: "192.0.2.255/24" is the broadcast address of its network'],
  ],
  [
    'a multicast address',
    'ethernets: {eth0: {addresses: [233.252.0.1/24]}}',
    ['error network.ethernets.eth0.addresses[0]: "233.252.0.1/24" is the address of a group, not of one machine'],
  ],
  [
    'the unspecified address',
    'ethernets: {eth0: {addresses: [0.0.0.0/24]}}',
    ['error network.ethernets.eth0.addresses[0]: "0.0.0.0/24" stands for every address'],
  ],
  [
    'a loopback address',
    'ethernets: {eth0: {addresses: [127.0.0.2/8]}}',
    ['error network.ethernets.eth0.addresses[0]: is an address every machine has for itself: "127.0.0.2/8"'],
  ],
  [
    'one address twice',
    'ethernets: {eth0: {addresses: [192.0.2.10/24, 192.0.2.10/25]}}',
    ['error network.ethernets.eth0.addresses[1]: is given twice: "192.0.2.10/25"'],
  ],
  [
    'one address on two interfaces',
    'ethernets: {eth0: {addresses: [192.0.2.10/24]}, eth1: {addresses: [192.0.2.10/24]}}',
    ['error network.ethernets.eth1.addresses[0]: is already an address of ethernets.eth0: "192.0.2.10/24"'],
  ],
  [
    'one IPv6 address in two spellings',
    'ethernets: {eth0: {addresses: ["2001:db8::a/64"]}, eth1: {addresses: ["2001:DB8:0::A/64"]}}',
    ['error network.ethernets.eth1.addresses[0]: is already an address of ethernets.eth0: "2001:DB8:0::A/64"'],
  ],
  [
    'one network on two interfaces',
    'ethernets: {eth0: {addresses: [192.0.2.10/24]}, eth1: {addresses: [192.0.2.129/25]}}',
    ['warning network.ethernets.eth1.addresses[0]: overlaps with 192.0.2.10/24 of ethernets.eth0: "192.0.2.129/25"'],
  ],
  [
    'addresses as text',
    'ethernets: {eth0: {addresses: 192.0.2.10/24}}',
    ['error network.ethernets.eth0.addresses: must be a list, not "192.0.2.10/24"'],
  ],
  [
    'two addresses in one item',
    'ethernets: {eth0: {addresses: [{192.0.2.10/24: {}, 192.0.2.11/24: {}}]}}',
    ['error network.ethernets.eth0.addresses[0]: must be one address with its options'],
  ],
  [
    'a label that is too long',
    'ethernets: {eth0: {addresses: [{192.0.2.10/24: {label: "eth0:0123456789ab"}}]}}',
    [
      'error network.ethernets.eth0.addresses[0]["192.0.2.10/24"].label: must be a label of at most 15 characters, not "eth0:0123456789ab"',
    ],
  ],
  [
    'a label for IPv6',
    'ethernets: {eth0: {addresses: [{"2001:db8::10/64": {label: a}}]}}',
    [
      'error network.ethernets.eth0.addresses[0]["2001:db8::10/64"].label: is for IPv4 only: IPv6 addresses have no label',
    ],
  ],
  [
    'a lifetime',
    'ethernets: {eth0: {addresses: [{192.0.2.10/24: {lifetime: 600}}]}}',
    ['error network.ethernets.eth0.addresses[0]["192.0.2.10/24"].lifetime: must be one of forever, 0, not "600"'],
  ],
  [
    'a name server that is a name',
    'ethernets: {eth0: {nameservers: {addresses: [dns.example.org]}}}',
    ['error network.ethernets.eth0.nameservers.addresses[0]: must be an IPv4 or IPv6 address, not "dns.example.org"'],
  ],
  [
    'a name server with a network',
    'ethernets: {eth0: {nameservers: {addresses: [192.0.2.1/24]}}}',
    [
      'error network.ethernets.eth0.nameservers.addresses[0]: must be an address without a prefix length, not "192.0.2.1/24"',
    ],
  ],
  [
    'a search domain that is none',
    'ethernets: {eth0: {nameservers: {search: ["exa mple.org"]}}}',
    ['error network.ethernets.eth0.nameservers.search[0]: must be a domain such as example.org, not "exa mple.org"'],
  ],
  [
    'a list of name servers at the wrong place',
    'ethernets: {eth0: {nameservers: [192.0.2.1]}}',
    ['error network.ethernets.eth0.nameservers: must be a mapping, not a list'],
  ],
  [
    'a misspelled key',
    'ethernets: {eth0: {adresses: [192.0.2.10/24]}}',
    ['error network.ethernets.eth0.adresses: unknown key "adresses"'],
  ],
];

const routes: readonly Wrong[] = [
  [
    'a gateway outside the network',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.3.1}]}}',
    ['error network.ethernets.eth0.routes[0].via: is in no network of eth0 (192.0.2.0/24): "192.0.3.1"'],
  ],
  [
    'an IPv6 gateway outside the network',
    'ethernets: {eth0: {addresses: ["2001:db8::10/64"], routes: [{to: default, via: "2001:db8:1::1"}]}}',
    ['error network.ethernets.eth0.routes[0].via: is in no network of eth0 (2001:db8::/64): "2001:db8:1::1"'],
  ],
  [
    'a gateway without an address',
    'ethernets: {eth0: {routes: [{to: default, via: 192.0.2.1}]}}',
    ['error network.ethernets.eth0.routes[0].via: cannot be reached: eth0 has no IPv4 address'],
  ],
  [
    'gateway4 outside the network',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], gateway4: 192.0.3.1}}',
    [
      'warning network.ethernets.eth0.gateway4: is deprecated',
      'error network.ethernets.eth0.gateway4: is in no network of eth0 (192.0.2.0/24): "192.0.3.1"',
    ],
  ],
  [
    'gateway4 of the other family',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], gateway4: "2001:db8::1"}}',
    ['error network.ethernets.eth0.gateway4: must be an IPv4 address, not "2001:db8::1"'],
  ],
  [
    'gateway4 and a default route',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], gateway4: 192.0.2.1, routes: [{to: default, via: 192.0.2.1}]}}',
    [
      'warning network.ethernets.eth0.gateway4: is deprecated',
      'error network.ethernets.eth0.routes[0].to: is a second default route for IPv4 with the same metric: the first is at ethernets.eth0.gateway4',
    ],
  ],
  [
    'two default routes',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1}]}, eth1: {addresses: [198.51.100.10/24], routes: [{to: 0.0.0.0/0, via: 198.51.100.1}]}}',
    [
      'error network.ethernets.eth1.routes[0].to: is a second default route for IPv4 with the same metric: the first is at ethernets.eth0.routes[0]',
    ],
  ],
  [
    'two default routes with the same metric',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1, metric: 5}]}, eth1: {addresses: [198.51.100.10/24], routes: [{to: default, via: 198.51.100.1, metric: 5}]}}',
    [
      'error network.ethernets.eth1.routes[0].to: is a second default route for IPv4 with the same metric: the first is at ethernets.eth0.routes[0]',
    ],
  ],
  [
    'one route twice',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, via: 192.0.2.1}, {to: 198.51.100.0/24, via: 192.0.2.2}]}}',
    ['error network.ethernets.eth0.routes[1].to: is given twice: "198.51.100.0/24"'],
  ],
  [
    'two families in one route',
    'ethernets: {eth0: {addresses: [192.0.2.10/24, "2001:db8::10/64"], routes: [{to: 198.51.100.0/24, via: "2001:db8::1"}]}}',
    ['error network.ethernets.eth0.routes[0].via: must be of IPv4, as what the route leads to: "2001:db8::1"'],
  ],
  [
    'the node as its own gateway',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.10}]}}',
    ['error network.ethernets.eth0.routes[0].via: is this node\'s own address: "192.0.2.10"'],
  ],
  [
    'a gateway that is a name',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: router}]}}',
    ['error network.ethernets.eth0.routes[0].via: must be an IPv4 or IPv6 address, not "router"'],
  ],
  [
    'a route without an end',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{via: 192.0.2.1}]}}',
    ['error network.ethernets.eth0.routes[0]: the key "to" is missing'],
  ],
  [
    'a route to nowhere that is no network',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: everywhere, via: 192.0.2.1}]}}',
    [
      'error network.ethernets.eth0.routes[0].to: must be "default", a network such as 192.0.2.0/24 or an address, not "everywhere"',
    ],
  ],
  [
    'a route to an address in a network',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.7/24, via: 192.0.2.1}]}}',
    ['error network.ethernets.eth0.routes[0].to: "198.51.100.7/24" has bits beyond its length: write 198.51.100.0/24'],
  ],
  [
    'a source of somebody else',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, via: 192.0.2.1, from: 192.0.2.99}]}}',
    ['error network.ethernets.eth0.routes[0].from: is no address of this node: "192.0.2.99"'],
  ],
  [
    'a source of the other family',
    'ethernets: {eth0: {addresses: [192.0.2.10/24, "2001:db8::10/64"], routes: [{to: 198.51.100.0/24, via: 192.0.2.1, from: "2001:db8::10"}]}}',
    ['error network.ethernets.eth0.routes[0].from: must be of IPv4, as the route: "2001:db8::10"'],
  ],
  [
    'a blackhole with a gateway',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, via: 192.0.2.1, type: blackhole}]}}',
    ['error network.ethernets.eth0.routes[0].via: has no meaning: a route of type blackhole has no gateway'],
  ],
  [
    'scope global without a gateway',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, scope: global}]}}',
    ['error network.ethernets.eth0.routes[0]: needs via: a route of scope global has a gateway'],
  ],
  [
    'a scope for IPv6',
    'ethernets: {eth0: {addresses: ["2001:db8::10/64"], routes: [{to: "2001:db8:1::/48", scope: link}]}}',
    ['error network.ethernets.eth0.routes[0].scope: is for IPv4 only'],
  ],
  [
    'on-link without a gateway',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, on-link: true}]}}',
    ['error network.ethernets.eth0.routes[0].on-link: says something about via, which is not there'],
  ],
  [
    'a type the kernel has not',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: 198.51.100.0/24, type: nat}]}}',
    [
      'error network.ethernets.eth0.routes[0].type: must be one of unicast, anycast, blackhole, broadcast, local, multicast, prohibit, throw, unreachable, not "nat"',
    ],
  ],
  [
    'a metric as text',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1, metric: low}]}}',
    ['error network.ethernets.eth0.routes[0].metric: must be a whole number from 0 to 4294967295, not "low"'],
  ],
  [
    'table 0',
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1, table: 0}]}}',
    ['error network.ethernets.eth0.routes[0].table: must be the number of a routing table from 1 to 4294967295, not 0'],
  ],
  [
    "the kernel's table",
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1, table: 255}]}}',
    ["error network.ethernets.eth0.routes[0].table: must not be 255: that is the kernel's own table"],
  ],
  [
    'a rule about nothing',
    'ethernets: {eth0: {routing-policy: [{table: 100}]}}',
    ['error network.ethernets.eth0.routing-policy[0]: must say from or to'],
  ],
  [
    'a rule of two families',
    'ethernets: {eth0: {routing-policy: [{from: 192.0.2.0/24, to: "2001:db8::/32", table: 100}]}}',
    ['error network.ethernets.eth0.routing-policy[0].to: must be of the same family as from: "2001:db8::/32"'],
  ],
  [
    'a rule with too much service',
    'ethernets: {eth0: {routing-policy: [{from: 192.0.2.0/24, type-of-service: 256}]}}',
    ['error network.ethernets.eth0.routing-policy[0].type-of-service: must be a whole number from 0 to 255, not 256'],
  ],
];

const settings: readonly Wrong[] = [
  [
    'IPv6 does not fit',
    'ethernets: {eth0: {mtu: 1200, dhcp4: true}}',
    ['error network.ethernets.eth0.mtu: must be at least 1280, as IPv6 is on, not 1200'],
  ],
  [
    'an MTU of nothing',
    'ethernets: {eth0: {mtu: 0}}',
    ['error network.ethernets.eth0.mtu: must be a whole number from 68 to 65535, not 0'],
  ],
  [
    'an MTU that is too large',
    'ethernets: {eth0: {mtu: 70000}}',
    ['error network.ethernets.eth0.mtu: must be a whole number from 68 to 65535, not 70000'],
  ],
  [
    'the MTU of IPv6 is larger',
    'ethernets: {eth0: {mtu: 1400, ipv6-mtu: 1500}}',
    ['error network.ethernets.eth0.ipv6-mtu: must not be above mtu, which is 1400'],
  ],
  [
    'a VLAN larger than its interface',
    '{ethernets: {eth0: {mtu: 1500}}, vlans: {v5: {id: 5, link: eth0, mtu: 9000}}}',
    ['error network.vlans.v5.mtu: must not be above the 1500 of eth0, not 9000'],
  ],
  [
    'overrides without DHCP',
    'ethernets: {eth0: {dhcp4-overrides: {use-dns: false}}}',
    ['warning network.ethernets.eth0.dhcp4-overrides: has no effect without dhcp4: true'],
  ],
  [
    'overrides without routers',
    'ethernets: {eth0: {accept-ra: false, ra-overrides: {use-dns: false}}}',
    ['warning network.ethernets.eth0.ra-overrides: has no effect with accept-ra: false'],
  ],
  [
    'two ways to make addresses',
    'ethernets: {eth0: {ipv6-address-token: "::2", ipv6-address-generation: eui64}}',
    ['error network.ethernets.eth0.ipv6-address-token: cannot be used together with ipv6-address-generation'],
  ],
  [
    'a whole address as token',
    'ethernets: {eth0: {ipv6-address-token: "2001:db8::2"}}',
    [
      'error network.ethernets.eth0.ipv6-address-token: must be the last half of an address, as ::10, not "2001:db8::2"',
    ],
  ],
  [
    'a switch that is none',
    'ethernets: {eth0: {dhcp4: maybe}}',
    ['error network.ethernets.eth0.dhcp4: must be true or false, not "maybe"'],
  ],
  [
    'a switch in quotes',
    'ethernets: {eth0: {dhcp4: "true"}}',
    ['error network.ethernets.eth0.dhcp4: must be true or false, not "true"'],
  ],
  [
    "a group's MAC address",
    'ethernets: {eth0: {macaddress: "01:00:5e:00:00:01"}}',
    ['error network.ethernets.eth0.macaddress: "01:00:5e:00:00:01" is the address of a group, not of one machine'],
  ],
  [
    'no MAC address',
    'ethernets: {eth0: {macaddress: stable}}',
    [
      'error network.ethernets.eth0.macaddress: must be "permanent", "random" or a MAC address of six bytes in hexadecimal, not "stable"',
    ],
  ],
  [
    'link-local as text',
    'ethernets: {eth0: {link-local: ipv4}}',
    ['error network.ethernets.eth0.link-local: must be a list, not "ipv4"'],
  ],
  [
    'an unknown identifier',
    'ethernets: {eth0: {dhcp-identifier: hostname}}',
    ['error network.ethernets.eth0.dhcp-identifier: must be one of mac, duid, not "hostname"'],
  ],
  [
    'an unknown mode',
    'ethernets: {eth0: {activation-mode: "on"}}',
    ['error network.ethernets.eth0.activation-mode: must be one of manual, off, not "on"'],
  ],
];

const vlans: readonly Wrong[] = [
  [
    'a VLAN of nothing',
    '{ethernets: {eth0: {}}, vlans: {v5: {id: 5, link: eth1}}}',
    ['error network.vlans.v5.link: is no device of this document: "eth1"'],
  ],
  ['a VLAN without a link', 'vlans: {v5: {id: 5}}', ['error network.vlans.v5: the key "link" is missing']],
  [
    'a VLAN without a number',
    '{ethernets: {eth0: {}}, vlans: {v5: {link: eth0}}}',
    ['error network.vlans.v5: the key "id" is missing'],
  ],
  [
    'a number out of range',
    '{ethernets: {eth0: {}}, vlans: {v5: {id: 4095, link: eth0}}}',
    ['error network.vlans.v5.id: must be a VLAN number from 0 to 4094, not 4095'],
  ],
  [
    'a number twice',
    '{ethernets: {eth0: {}}, vlans: {a: {id: 5, link: eth0}, b: {id: 5, link: eth0}}}',
    ['error network.vlans.b.id: is already the number of vlans.a on eth0: 5'],
  ],
  ['a VLAN on itself', 'vlans: {v5: {id: 5, link: v5}}', ['error network.vlans.v5.link: is the VLAN itself: "v5"']],
  [
    'VLANs on each other',
    'vlans: {a: {id: 5, link: b}, b: {id: 6, link: a}}',
    ['error network.vlans.a: is on top of itself: a → b → a'],
  ],
  [
    'a VLAN on a VRF',
    '{vrfs: {blue: {table: 100}}, vlans: {v5: {id: 5, link: blue}}}',
    ['error network.vlans.v5.link: carries no Ethernet frames: "blue"'],
  ],
];

const members: readonly Wrong[] = [
  [
    'a member that is not there',
    'bonds: {bond0: {interfaces: [eth0]}}',
    ['error network.bonds.bond0.interfaces[0]: is no device of this document: "eth0"'],
  ],
  [
    'a member of two bonds',
    '{ethernets: {eth0: {}}, bonds: {a: {interfaces: [eth0]}, b: {interfaces: [eth0]}}}',
    ['error network.bonds.b.interfaces[0]: is already part of bonds.a: "eth0"'],
  ],
  [
    'a member of bond and bridge',
    '{ethernets: {eth0: {}}, bonds: {a: {interfaces: [eth0]}}, bridges: {br0: {interfaces: [eth0]}}}',
    ['error network.bridges.br0.interfaces[0]: is already part of bonds.a: "eth0"'],
  ],
  [
    'a member twice',
    '{ethernets: {eth0: {}}, bridges: {br0: {interfaces: [eth0, eth0]}}}',
    ['error network.bridges.br0.interfaces[1]: is given twice: "eth0"'],
  ],
  [
    'a bridge in itself',
    'bridges: {br0: {interfaces: [br0]}}',
    ['error network.bridges.br0.interfaces[0]: is the device itself: "br0"'],
  ],
  [
    'a bridge in a bridge',
    'bridges: {br0: {interfaces: [br1]}, br1: {}}',
    ['error network.bridges.br0.interfaces[0]: is a bridge, which cannot be part of a bridge: "br1"'],
  ],
  [
    'bridges in a circle',
    'bonds: {a: {interfaces: [b]}, b: {interfaces: [a]}}',
    ['error network.bonds.a: is on top of itself: a → b → a'],
  ],
  [
    'a bridge on its own VLAN',
    '{bridges: {br0: {interfaces: [v5]}}, vlans: {v5: {id: 5, link: br0}}}',
    ['error network.bridges.br0: is on top of itself: br0 → v5 → br0'],
  ],
  [
    'a member with an address',
    '{ethernets: {eth0: {addresses: [192.0.2.10/24]}}, bonds: {bond0: {interfaces: [eth0]}}}',
    ['error network.ethernets.eth0.addresses: cannot be here: eth0 is part of bonds.bond0'],
  ],
  [
    'a member with DHCP and routes',
    '{ethernets: {eth0: {dhcp4: true, routes: [{to: default, via: 192.0.2.1}]}}, bridges: {br0: {interfaces: [eth0]}}}',
    [
      'error network.ethernets.eth0.dhcp4: cannot be here: eth0 is part of bridges.br0',
      'error network.ethernets.eth0.routes: cannot be here: eth0 is part of bridges.br0',
    ],
  ],
  [
    'radio in a bridge',
    '{wifis: {wlan0: {access-points: {home: {}}}}, bridges: {br0: {interfaces: [wlan0]}}}',
    [
      'error network.bridges.br0.interfaces[0]: is a station of a wireless network, which cannot be part of a bridge: "wlan0"',
    ],
  ],
  [
    'the loopback in a bond',
    '{ethernets: {lo: {}}, bonds: {bond0: {interfaces: [lo]}}}',
    ['error network.bonds.bond0.interfaces[0]: carries no Ethernet frames and cannot be part of bonds.bond0: "lo"'],
  ],
  [
    'a VRF in a VRF',
    'vrfs: {blue: {table: 100, interfaces: [red]}, red: {table: 101}}',
    ['error network.vrfs.blue.interfaces[0]: is a VRF, which cannot be part of another device: "red"'],
  ],
];

const bonds: readonly Wrong[] = [
  [
    'a mode there is not',
    'bonds: {bond0: {parameters: {mode: lacp}}}',
    [
      'error network.bonds.bond0.parameters.mode: must be one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb, not "lacp"',
    ],
  ],
  [
    'a mode by number',
    'bonds: {bond0: {parameters: {mode: 4}}}',
    [
      'error network.bonds.bond0.parameters.mode: must be one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb, not the number 4',
    ],
  ],
  [
    "LACP's rate without LACP",
    'bonds: {bond0: {parameters: {mode: active-backup, lacp-rate: fast}}}',
    ['error network.bonds.bond0.parameters.lacp-rate: is for 802.3ad only, not for active-backup'],
  ],
  [
    'a primary link of a mode without',
    '{ethernets: {eth0: {}}, bonds: {bond0: {interfaces: [eth0], parameters: {primary: eth0}}}}',
    [
      'error network.bonds.bond0.parameters.primary: is for active-backup, balance-tlb and balance-alb only, not for balance-rr',
    ],
  ],
  [
    'a primary link that is not in it',
    '{ethernets: {eth0: {}, eth1: {}}, bonds: {bond0: {interfaces: [eth0], parameters: {mode: active-backup, primary: eth1}}}}',
    ['error network.bonds.bond0.parameters.primary: is not among the interfaces of the bond: "eth1"'],
  ],
  [
    'a delay nobody looks for',
    'bonds: {bond0: {parameters: {up-delay: 200}}}',
    ['error network.bonds.bond0.parameters.up-delay: needs mii-monitor-interval: without it nobody looks at the links'],
  ],
  [
    'two ways of looking',
    'bonds: {bond0: {parameters: {mii-monitor-interval: 100, arp-interval: 100, arp-ip-targets: [192.0.2.1]}}}',
    ['error network.bonds.bond0.parameters.arp-interval: cannot be used together with mii-monitor-interval'],
  ],
  [
    'ARP without targets',
    'bonds: {bond0: {parameters: {arp-interval: 100}}}',
    ['error network.bonds.bond0.parameters.arp-interval: needs arp-ip-targets: somebody to ask'],
  ],
  [
    'targets without ARP',
    'bonds: {bond0: {parameters: {arp-ip-targets: [192.0.2.1]}}}',
    ['error network.bonds.bond0.parameters.arp-ip-targets: needs arp-interval: how often to ask'],
  ],
  [
    'ARP with LACP',
    'bonds: {bond0: {parameters: {mode: 802.3ad, arp-interval: 100, arp-ip-targets: [192.0.2.1]}}}',
    [
      'error network.bonds.bond0.parameters.arp-interval: is for balance-rr, active-backup, balance-xor and broadcast only, not for 802.3ad',
    ],
  ],
  [
    'a target that is a name',
    'bonds: {bond0: {parameters: {arp-ip-targets: [router]}}}',
    [
      'error network.bonds.bond0.parameters.arp-ip-targets: needs arp-interval: how often to ask',
      'error network.bonds.bond0.parameters.arp-ip-targets[0]: must be an IPv4 address, not "router"',
    ],
  ],
  [
    'a time that is none',
    'bonds: {bond0: {parameters: {mii-monitor-interval: often}}}',
    ['error network.bonds.bond0.parameters.mii-monitor-interval: must be a time such as 100, 500ms or 2s, not "often"'],
  ],
  [
    'both spellings',
    'bonds: {bond0: {parameters: {gratuitous-arp: 1, gratuitious-arp: 2}}}',
    ['error network.bonds.bond0.parameters.gratuitious-arp: is the same as "gratuitous-arp" in line 1'],
  ],
  [
    'a delay that is rounded',
    'bonds: {bond0: {parameters: {mii-monitor-interval: 100, up-delay: 250}}}',
    [
      'warning network.bonds.bond0.parameters.up-delay: is rounded down to a multiple of mii-monitor-interval, which is 100 ms',
    ],
  ],
];

const others: readonly Wrong[] = [
  [
    "the cost of somebody else's port",
    '{ethernets: {eth0: {}}, bridges: {br0: {interfaces: [eth0], parameters: {path-cost: {eth1: 5}}}}}',
    ['error network.bridges.br0.parameters.path-cost.eth1: is not among the interfaces of the bridge: "eth1"'],
  ],
  [
    'hello too often',
    'bridges: {br0: {parameters: {hello-time: 100ms}}}',
    ['error network.bridges.br0.parameters.hello-time: must be from 1 to 10 seconds, not 0.1'],
  ],
  [
    'hello too old',
    'bridges: {br0: {parameters: {max-age: 60}}}',
    ['error network.bridges.br0.parameters.max-age: must be from 6 to 40 seconds, not 60'],
  ],
  [
    'listening too long',
    'bridges: {br0: {parameters: {forward-delay: 1min}}}',
    ['error network.bridges.br0.parameters.forward-delay: must be from 2 to 30 seconds, not 60'],
  ],
  [
    'a priority out of range',
    'bridges: {br0: {parameters: {priority: 65536}}}',
    ['error network.bridges.br0.parameters.priority: must be a whole number from 0 to 65535, not 65536'],
  ],
  ['a VRF without a table', 'vrfs: {blue: {interfaces: []}}', ['error network.vrfs.blue: the key "table" is missing']],
  [
    'a VRF with the main table',
    'vrfs: {blue: {table: 254}}',
    ["error network.vrfs.blue.table: must be a table of its own, not the kernel's 254"],
  ],
  [
    'one table for two VRFs',
    'vrfs: {blue: {table: 100}, red: {table: 100}}',
    ['error network.vrfs.red.table: is already the table of vrfs.blue: 100'],
  ],
  [
    "a VRF's route in another table",
    'vrfs: {blue: {table: 100, routes: [{to: 198.51.100.0/24, type: unreachable, table: 101}]}}',
    ['error network.vrfs.blue.routes[0].table: must be that of the VRF, 100, not 101'],
  ],
  [
    "a VRF's gateway behind none of its members",
    'vrfs: {blue: {table: 100, routes: [{to: default, via: 192.0.2.1}]}}',
    ['error network.vrfs.blue.routes[0].via: cannot be reached: blue has no IPv4 address'],
  ],
  [
    'a tunnel of another kind',
    'tunnels: {t: {mode: gre, key: 4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=}}',
    ['error network.tunnels.t.mode: "gre" is not available: the image makes tunnels of WireGuard only'],
  ],
  [
    'VXLAN',
    'tunnels: {t: {mode: vxlan, id: 5, key: 4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=}}',
    [
      'error network.tunnels.t.mode: "vxlan" is not available: VXLAN is the pods\' network and not made here',
      "error network.tunnels.t.id: is not available: VXLAN is the pods' network and not made here",
    ],
  ],
  [
    'a key that is none',
    'tunnels: {wg0: {mode: wireguard, key: secret}}',
    ['error network.tunnels.wg0.key: must be a WireGuard key, or the absolute path of the file with it'],
  ],
  [
    'a tunnel without a key',
    'tunnels: {wg0: {mode: wireguard}}',
    ['error network.tunnels.wg0: the key "key" is missing'],
  ],
  [
    'one peer twice',
    'tunnels: {wg0: {mode: wireguard, key: /k, peers: [{keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}}, {keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}}]}}',
    ['error network.tunnels.wg0.peers[1].keys.public: is already the key of peers[0]'],
  ],
  [
    'one network behind two peers',
    'tunnels: {wg0: {mode: wireguard, key: /k, peers: [{keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}, allowed-ips: [0.0.0.0/0]}, {keys: {public: rlbInAj0qV69CysWPQY7KEBnKxpYCpaWqOs/dLevdWc=}, allowed-ips: [0.0.0.0/0]}]}}',
    ['error network.tunnels.wg0.peers[1].allowed-ips[0]: is already behind peers[0]: "0.0.0.0/0"'],
  ],
  [
    'an end without a port',
    'tunnels: {wg0: {mode: wireguard, key: /k, peers: [{keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}, endpoint: 192.0.2.1}]}}',
    [
      'error network.tunnels.wg0.peers[0].endpoint: must be an address or name with a port, as 192.0.2.1:51820, not "192.0.2.1"',
    ],
  ],
  [
    'a port out of range',
    'tunnels: {wg0: {mode: wireguard, key: /k, peers: [{keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}, endpoint: "192.0.2.1:70000"}]}}',
    ['error network.tunnels.wg0.peers[0].endpoint: must have a port from 1 to 65535, not 70000'],
  ],
  [
    'a tunnel in a bridge',
    '{tunnels: {wg0: {mode: wireguard, key: /k}}, bridges: {br0: {interfaces: [wg0]}}}',
    ['error network.bridges.br0.interfaces[0]: carries no Ethernet frames and cannot be part of bridges.br0: "wg0"'],
  ],
];

const wifis: readonly Wrong[] = [
  ['no network', 'wifis: {wlan0: {dhcp4: true}}', ['error network.wifis.wlan0: needs a network in access-points']],
  [
    'an empty list of networks',
    'wifis: {wlan0: {access-points: {}}}',
    ['error network.wifis.wlan0.access-points: needs a network in access-points'],
  ],
  [
    'a password that is too short',
    'wifis: {wlan0: {access-points: {home: {password: secret}}}}',
    ['error network.wifis.wlan0.access-points.home.password: is too short: 6 characters, at least 8 are needed'],
  ],
  [
    'a password that is too long',
    'wifis: {wlan0: {access-points: {home: {password: "0123456789012345678901234567890123456789012345678901234567890123456789"}}}}',
    [
      'error network.wifis.wlan0.access-points.home.password: is too long: 70 characters, at most 63, or 64 hexadecimal digits',
    ],
  ],
  [
    'a password with other letters',
    'wifis: {wlan0: {access-points: {home: {password: "pässwörter"}}}}',
    ['error network.wifis.wlan0.access-points.home.password: must be of printable ASCII characters'],
  ],
  [
    'two ways to say it',
    'wifis: {wlan0: {access-points: {home: {password: "correct horse", auth: {key-management: sae, password: "correct horse"}}}}}',
    ['error network.wifis.wlan0.access-points.home.password: cannot be used together with auth'],
  ],
  [
    'WPA2 without a password',
    'wifis: {wlan0: {access-points: {home: {auth: {key-management: psk}}}}}',
    ['error network.wifis.wlan0.access-points.home.auth: needs password: key-management is psk'],
  ],
  [
    'a short password in auth',
    'wifis: {wlan0: {access-points: {home: {auth: {key-management: psk, password: short}}}}}',
    ['error network.wifis.wlan0.access-points.home.auth.password: is too short: 5 characters, at least 8 are needed'],
  ],
  [
    'a password without keys',
    'wifis: {wlan0: {access-points: {home: {auth: {key-management: none, password: "correct horse"}}}}}',
    ['error network.wifis.wlan0.access-points.home.auth.password: is not used: key-management says none'],
  ],
  [
    'EAP without a method',
    'wifis: {wlan0: {access-points: {corp: {auth: {key-management: eap, password: secret}}}}}',
    ['error network.wifis.wlan0.access-points.corp.auth: needs method: tls, peap, ttls, leap or pwd'],
  ],
  [
    'EAP-TLS without a key',
    'wifis: {wlan0: {access-points: {corp: {auth: {key-management: eap, method: tls, ca-certificate: /ca.pem, identity: node}}}}}',
    [
      'error network.wifis.wlan0.access-points.corp.auth: needs client-certificate: the method is tls',
      'error network.wifis.wlan0.access-points.corp.auth: needs client-key: the method is tls',
    ],
  ],
  [
    'PEAP that trusts anybody',
    'wifis: {wlan0: {access-points: {corp: {auth: {key-management: eap, method: peap, identity: node, password: secret}}}}}',
    [
      'warning network.wifis.wlan0.access-points.corp.auth: has no ca-certificate: anybody can pretend to be this network',
    ],
  ],
  [
    'a method there is not',
    'wifis: {wlan0: {access-points: {corp: {auth: {key-management: eap, method: fast}}}}}',
    ['error network.wifis.wlan0.access-points.corp.auth.method: must be one of tls, peap, leap, pwd, ttls, not "fast"'],
  ],
  [
    'a path that is none',
    'wifis: {wlan0: {access-points: {corp: {auth: {ca-certificate: ca.pem}}}}}',
    [
      'error network.wifis.wlan0.access-points.corp.auth.ca-certificate: must be the absolute path of a file with trusted certificates, not "ca.pem"',
    ],
  ],
  [
    '802.1X by radio',
    'wifis: {wlan0: {access-points: {corp: {auth: {key-management: 802.1x}}}}}',
    ['error network.wifis.wlan0.access-points.corp.auth.key-management: is for wired ports: "802.1x"'],
  ],
  [
    'WPA on a cable',
    'ethernets: {eth0: {auth: {key-management: psk, password: "correct horse"}}}',
    ['error network.ethernets.eth0.auth.key-management: is for wireless networks: "psk"'],
  ],
  [
    '802.1X on the card with an address',
    'ethernets: {lan: {match: {macaddress: "52:54:00:12:34:56"}, auth: {method: pwd, identity: a, password: b}}}',
    [
      'error network.ethernets.lan.auth: needs the name of the interface, by which wpa_supplicant works, and match does not say it',
    ],
  ],
  [
    '802.1X on cards of a pattern',
    'ethernets: {lan: {match: {name: "en*"}, auth: {method: pwd, identity: a, password: b}}}',
    [
      'error network.ethernets.lan.auth: needs the name of the interface, by which wpa_supplicant works, and match does not say it',
    ],
  ],
  [
    "a password with a line's end",
    'ethernets: {eth0: {auth: {method: pwd, identity: node, password: "a\\nb"}}}',
    ['error network.ethernets.eth0.auth.password: must not have control characters'],
  ],
  [
    'an access point on the node',
    'wifis: {wlan0: {access-points: {home: {mode: ap}}}}',
    ['error network.wifis.wlan0.access-points.home.mode: "ap" is not available: a node is no access point'],
  ],
  [
    'a channel without its band',
    'wifis: {wlan0: {access-points: {home: {channel: 6}}}}',
    ['error network.wifis.wlan0.access-points.home.channel: needs band: channels of both bands have the same numbers'],
  ],
  [
    'a channel of the other band',
    'wifis: {wlan0: {access-points: {home: {band: 5GHz, channel: 6}}}}',
    ['error network.wifis.wlan0.access-points.home.channel: is no channel of the band 5GHz: 6'],
  ],
  [
    'a band there is not',
    'wifis: {wlan0: {access-points: {home: {band: 6GHz}}}}',
    ['error network.wifis.wlan0.access-points.home.band: must be one of 5GHz, 5G, 2.4GHz, 2.4G, not "6GHz"'],
  ],
  [
    'nobody chooses the channel',
    'wifis: {wlan0: {access-points: {mesh: {mode: adhoc}}}}',
    [
      'error network.wifis.wlan0.access-points.mesh.mode: needs band and channel: nobody else chooses them in an adhoc network',
    ],
  ],
  [
    'a name that is too long for radio',
    'wifis: {wlan0: {access-points: {"the network of the whole building 5": {}}}}',
    [
      'error network.wifis.wlan0.access-points["the network of the whole building 5"]: the key "the network of the whole building 5" has 35 bytes: a network\'s name has 1 to 32',
    ],
  ],
  [
    'a country in small letters',
    'wifis: {wlan0: {regulatory-domain: de, access-points: {home: {}}}}',
    ['error network.wifis.wlan0.regulatory-domain: must be a country such as DE, or 00, not "de"'],
  ],
  [
    'a match by radio',
    'wifis: {wifi: {match: {name: "wl*"}, access-points: {home: {}}}}',
    ['error network.wifis.wifi.match: cannot be used with wifis: wpa_supplicant works by the name of the interface'],
  ],
  [
    'everything wakes the node, and nothing',
    'wifis: {wlan0: {wakeonwlan: [default, any], access-points: {home: {}}}}',
    ['error network.wifis.wlan0.wakeonwlan: has "default", which stands alone'],
  ],
];

export const wrongNetworks: readonly Wrong[] = [
  ...documents,
  ...names,
  ...matches,
  ...addresses,
  ...routes,
  ...settings,
  ...vlans,
  ...members,
  ...bonds,
  ...others,
  ...wifis,
];
