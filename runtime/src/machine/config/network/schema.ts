/**
 * What `network-config` may say: version 2 of cloud-init's network configuration, which is netplan's. With or without `network:` around
 * it, as NoCloud takes it. https://netplan.readthedocs.io/en/stable/netplan-yaml/
 */
import { dictionary, field, type Infer, integer, mapping, unsupported } from '../shape.ts';
import { renderer } from './schema/device.ts';
import { ethernet, wifi } from './schema/physical.ts';
import { deviceId } from './schema/values.ts';
import { bond, bridge, dummy, tunnel, vlan, vrf } from './schema/virtual.ts';

export const version1 =
  "it is of version 1 of cloud-init's network configuration. Write version: 2, and for what was of type physical an entry in ethernets " +
  '(for bond, bridge and vlan: in bonds, bridges and vlans); for a subnet of type dhcp, dhcp4: true; for a static one, addresses: ' +
  '[192.0.2.10/24], a default route in routes: [{to: default, via: 192.0.2.1}] and name servers in nameservers: {addresses: [192.0.2.1]}';

const bodyFields = {
  version: field(integer(0, 100), 'the version of this format: 2'),
  renderer: field(renderer(), 'always networkd'),
  ethernets: field(dictionary(deviceId, ethernet), 'wired interfaces'),
  wifis: field(dictionary(deviceId, wifi), 'wireless interfaces'),
  bonds: field(dictionary(deviceId, bond), 'several interfaces that work as one'),
  bridges: field(dictionary(deviceId, bridge), 'bridges'),
  vlans: field(dictionary(deviceId, vlan), 'VLANs'),
  'dummy-devices': field(dictionary(deviceId, dummy), 'interfaces that lead nowhere, for addresses'),
  vrfs: field(dictionary(deviceId, vrf), 'interfaces with a routing table of their own'),
  tunnels: field(dictionary(deviceId, tunnel), 'WireGuard tunnels'),
  config: unsupported('interfaces, in version 1', version1, { insteadOf: ['version'] }),
  modems: unsupported('modems', 'networkd does not know modems'),
  'virtual-ethernets': unsupported('pairs of virtual interfaces', 'such pairs belong to pods here'),
  openvswitch: unsupported('Open vSwitch', 'the image has no Open vSwitch: use bridges'),
  'nm-devices': unsupported('NetworkManager', 'the image has no NetworkManager'),
} as const;

const body = mapping(bodyFields);
/** The checked network: `ethernets`, `bonds` and so on. */
export type Network = Infer<typeof body>;

/** The whole document `network-config`. */
export const networkShape = mapping({
  network: field(body, 'the network; its keys may also stand at the top'),
  ...bodyFields,
});
export type NetworkDocument = Infer<typeof networkShape>;

/** The network of a document and the path that leads to it. */
export function networkOf(document: NetworkDocument): { readonly network: Network; readonly path: readonly string[] } {
  return document.network === undefined
    ? { network: document, path: [] }
    : { network: document.network, path: ['network'] };
}
