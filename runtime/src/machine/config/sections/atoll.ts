/**
 * The section `atoll`: what the daemons are told, in K3s' words, so that a K3s user's options work as they are
 * (https://docs.k3s.io/cli/server, https://docs.k3s.io/cli/agent). Rendered to `/etc/atoll/config.yaml` and what belongs to it.
 *
 * Every option of K3s is here: what Atoll has not is refused with the reason ({@link file://./atollUnsupported.ts}).
 */
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
} from '../shape.ts';
import { registriesShape } from './atollRegistries.ts';
import { POD_NETWORK, unsupportedFields } from './atollUnsupported.ts';
import { upgradeShape } from './atollUpgrade.ts';
import {
  absolutePath,
  addresses,
  boundAddress,
  domain,
  fileMode,
  hostNames,
  joinSecret,
  machineAddress,
  machineAddresses,
  nodeLabel,
  nodeName,
  nodeTaint,
  portRange,
  range,
  serverUrl,
  several,
  subjectNames,
} from './atollWords.ts';

export { renderAtoll } from './atollRender.ts';
export { atollRules } from './atollRules.ts';

/** `NAME=VALUE` of an upstream program's option. */
const passed = either(text({ maxLength: 4096 }), list(text({ maxLength: 4096 }), { maxItems: 200 }));

/** K3s' backends (https://docs.k3s.io/networking/basic-network-options), also those it has had. */
const backends = ['vxlan', 'host-gw', 'wireguard-native', 'wireguard', 'ipsec', 'extension', 'tailscale'];
const podNetwork: Shape<'none'> = {
  kind: 'text',
  oneOf: ['none'],
  unavailable: Object.fromEntries(backends.map(name => [name, POD_NETWORK])),
};

/** Objects among which one of kind Secret is. */
const holdsSecret = (yaml: string): boolean => /(?:^|[\s{,])["']?kind["']?\s*:\s*["']?Secret\b/.test(yaml);

export const atollShape = mapping({
  role: field(
    oneOf('server', 'agent'),
    'server: control plane and node (the default); agent: a node of another server',
    {
      reboot: true,
    },
  ),

  // The cluster. t, s and o are K3s' short names.
  token: field(joinSecret, 'what nodes join with; a server makes one up at its first start when none is given', {
    aliases: ['t'],
  }),
  'token-file': field(absolutePath, 'a file with the token, instead of token'),
  'agent-token': field(joinSecret, 'another secret that agents may join with'),
  'agent-token-file': field(absolutePath, 'a file with the agent token, instead of agent-token'),
  server: field(serverUrl, 'the server an agent joins', { aliases: ['s'], examples: ['https://192.0.2.1:6443'] }),

  // Where the API is
  'bind-address': field(boundAddress, 'the API listens on this address only; default: all'),
  'https-listen-port': field(integer(1, 65_535, 'a port'), 'the API listens on this port; default 6443'),
  'advertise-address': field(machineAddress, 'the address pods reach the API by; default: node-ip, or found'),
  'advertise-port': field(integer(1, 65_535, 'a port'), 'the port pods reach the API by; default: https-listen-port'),
  'tls-san': field(several(subjectNames), "further names and addresses in the API's certificate"),
  'tls-san-security': field(boolean(), 'names come from the configuration only, never from requests: always true'),
  'write-kubeconfig': field(
    absolutePath,
    "where the administrator's kubeconfig is written; default /etc/atoll/atoll.yaml",
    { aliases: ['o'] },
  ),
  'write-kubeconfig-mode': field(fileMode, 'its permissions; default 0600'),
  'write-kubeconfig-group': field(
    text({ lenient: true, pattern: /^[a-z0-9_][-a-z0-9_]*$/ }),
    'its group; default root',
  ),

  // Networks
  'cluster-cidr': field(range(8, 24, '10.42.0.0/16'), 'addresses of pods, a /24 a node; default 10.42.0.0/16', {
    reboot: true,
  }),
  'service-cidr': field(range(8, 30, '10.43.0.0/16'), 'addresses of services; default 10.43.0.0/16', { reboot: true }),
  'service-node-port-range': field(portRange, 'ports of NodePort services; default 30000-32767'),
  'cluster-dns': field(several(addresses), 'name servers of pods; default: the tenth address of service-cidr'),
  'cluster-domain': field(domain, 'the domain of services; default cluster.local', { reboot: true }),
  'flannel-backend': field(podNetwork, 'none: bring your own CNI; without it, pods are on a bridge of their node'),

  // What is started
  disable: field(
    several(text({ meaning: 'a name', pattern: /^[a-z0-9]([-a-z0-9,. ]*[a-z0-9])?$/ })),
    'packaged components and manifests, by file name without .yaml, that are not applied, and removed where they were',
  ),
  'disable-agent': field(boolean(), 'a server that is no node', { reboot: true }),
  'disable-scheduler': field(boolean(), 'pods are not given nodes: bring your own scheduler'),
  'disable-controller-manager': field(boolean(), 'no controllers: bring your own'),
  'disable-cloud-controller': field(boolean(), 'there is none: always true'),
  'disable-kube-proxy': field(boolean(), 'there is none: always true'),
  'disable-network-policy': field(boolean(), 'there is no network policy yet: always true'),
  'disable-helm-controller': field(boolean(), 'there is none yet: always true'),
  manifests: field(
    dictionary(
      { kind: 'text', meaning: 'a file name', pattern: /^[a-z0-9]([-a-z0-9_.]*[a-z0-9])?$/, maxLength: 200 },
      text({ quiet: true, secretIf: holdsSecret, maxLength: 1_048_576 }),
    ),
    'objects the server applies and keeps applied, by a name: YAML documents as a text',
  ),

  // The node
  'node-name': field(nodeName, "the node's name; default: the host name at the first start"),
  'with-node-id': field(boolean(), "the machine's id is added to the name"),
  'node-label': field(several(nodeLabel), 'labels the node registers with', { examples: [['site=oslo', 'disk=ssd']] }),
  'node-taint': field(several(nodeTaint), 'taints the node registers with', {
    examples: [['dedicated=gateway:NoSchedule']],
  }),
  'node-ip': field(several(machineAddresses), "the node's own addresses, IPv4 first; default: found, and followed"),
  'node-external-ip': field(several(machineAddresses), 'addresses others reach the node by'),
  'node-internal-dns': field(several(hostNames), "the node's name inside"),
  'node-external-dns': field(several(hostNames), "the node's name outside"),
  'resolv-conf': field(absolutePath, 'the resolver configuration of pods with dnsPolicy: Default'),
  'protect-kernel-defaults': field(boolean(), 'do not start when the kernel is set up otherwise than kubelets want it'),
  selinux: field(boolean(), 'there is no SELinux: always false'),
  'nonroot-devices': field(boolean(), 'devices are for the user of the pod: always true'),

  // Images
  registries: field(registriesShape, "mirrors, credentials and certificates of registries, as in K3s' registries.yaml"),
  'private-registry': field(absolutePath, 'a file with them instead; default /etc/atoll/registries.yaml'),
  'disable-default-registry-endpoint': field(boolean(), 'images with a mirror come from the mirror only'),
  images: field(
    list(text({ meaning: 'the full name of an image or the path of an archive', pattern: /^\S+$/ }), { maxItems: 200 }),
    'images that are there before pods want them, and kept: names that are pulled, or paths of archives (.tar, .tar.gz, .tar.zst)',
    { examples: [['docker.io/library/nginx:1.29', '/efi/images/app.tar.zst']] },
  ),

  // Upgrades
  upgrade: field(upgradeShape, 'where this machine looks for newer versions of Atoll by itself (docs/upgrades.md)'),

  // Programs' own options
  'kube-apiserver-arg': field(passed, 'options of kube-apiserver, NAME=VALUE'),
  'kube-controller-manager-arg': field(passed, 'options of kube-controller-manager, NAME=VALUE'),
  'kubelet-arg': field(passed, 'options of the kubelet, NAME=VALUE', { examples: [['max-pods=60']] }),

  // Data at rest
  'secrets-encryption': field(boolean(), 'whether Secrets are encrypted in the store; default true'),
  'secrets-encryption-resources': field(several(text({})), 'what is encrypted; default secrets'),
  'store-quota': field(
    integer(16, 1_048_576, 'MiB'),
    'MiB of the store from which only deletions are taken; default 512',
  ),
  'snapshot-interval': field(integer(0, 100_000, 'hours'), 'hours between snapshots of the store; 0: none; default 6'),
  'snapshot-retention': field(integer(1, 1000), 'how many snapshots are kept; default 4'),
  'backup-dir': field(absolutePath, 'where a backup with all keys is made, too, as often: another disk'),

  // What is said
  debug: field(boolean(), 'the daemons say more in the journal'),
  v: field(integer(0, 10), 'the same as a number, as Kubernetes has it: 4 and more is debug'),

  ...(unsupportedFields as object),
});

export type AtollSection = Infer<typeof atollShape>;
