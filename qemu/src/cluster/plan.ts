/**
 * What the nodes of a cluster are told, so that they find each other: pure data.
 *
 * Each node has two cards. One leads out, through QEMU's own NAT, where every machine has the same address; the other into the cluster's
 * network, where each has an address of its own, by which it is known. What the user says holds for every node; names, roles and
 * addresses are ours.
 */

export interface NodePlan {
  readonly name: string;
  readonly role: 'server' | 'agent';
  /** Of the card in the cluster's network. */
  readonly mac: string;
  readonly address: string;
  /** cloud-init documents of ours: stronger than the user's. */
  readonly documents: Readonly<Record<'user-data' | 'network-config', string>>;
}

const network = '10.77.0';
/** QEMU's own address for a first card. */
const outsideMac = '52:54:00:12:34:56';

const userData = (name: string, address: string, role: readonly string[], token: string): string =>
  [
    '#cloud-config',
    `hostname: ${name}`,
    'atoll:',
    ...role.map(line => `  ${line}`),
    `  token: ${token}`,
    `  node-ip: ${address}`,
    '',
  ].join('\n');

const networkConfig = (mac: string, address: string): string => `version: 2
ethernets:
  outside: {match: {macaddress: "${outsideMac}"}, dhcp4: true}
  cluster: {match: {macaddress: "${mac}"}, addresses: [${address}/24]}
`;

/** A server and agents. @param token whoever has it can join */
export function clusterPlan(count: number, token: string): NodePlan[] {
  return Array.from({ length: count }, (_, index): NodePlan => {
    const role = index === 0 ? 'server' : 'agent';
    const name = index === 0 ? 'server' : `agent-${index}`;
    const address = `${network}.${index + 1}`;
    const mac = `52:54:00:77:00:${(index + 1).toString(16).padStart(2, '0')}`;
    const lines = role === 'server' ? ['role: server'] : ['role: agent', `server: https://${network}.1:6443`];
    return {
      name,
      role,
      mac,
      address,
      documents: { 'user-data': userData(name, address, lines, token), 'network-config': networkConfig(mac, address) },
    };
  });
}

/** What a machine's SMBIOS says: the strongest source a node has, but for a URL (docs/first-boot.md). */
export const smbiosOf = (documents: Readonly<Record<string, string>>): string[] =>
  Object.entries(documents).map(([name, text]) => `io.atoll.${name}=${Buffer.from(text).toString('base64')}`);
