/** The options of `atoll agent`. */
import type { Option } from './command.ts';
import { configOption } from './configFile.ts';

const CLUSTER = 'The cluster it joins:';
const NODE = 'The node:';
const IMAGES = 'Images:';
const RUNTIME = 'The container runtime:';

export const agentOptions = (dataDir: Option, runDir: Option): readonly Option[] => [
  dataDir,
  runDir,
  configOption,
  { name: 'debug', boolean: true, summary: 'say more in the journal' },
  { name: 'v', value: 'LEVEL', summary: 'the same as a number: 4 and more is debug' },
  {
    name: 'server',
    value: 'URL',
    summary: 'the control plane; on this machine when not given',
    env: 'ATOLL_URL',
    section: CLUSTER,
  },
  { name: 'token', value: 'TOKEN', summary: 'the token to join with', env: 'ATOLL_TOKEN', section: CLUSTER },
  {
    name: 'token-file',
    value: 'FILE',
    summary: 'the file that holds the token; server/node-token below the data directory when not given',
    env: 'ATOLL_TOKEN_FILE',
    section: CLUSTER,
  },
  {
    name: 'https-listen-port',
    value: 'PORT',
    summary: "the port of this machine's own server",
    default: '6443',
    section: CLUSTER,
  },
  {
    name: 'node-name',
    value: 'NAME',
    summary: "the node's name; the host name of the first start when not given",
    env: 'ATOLL_NODE_NAME',
    section: NODE,
  },
  { name: 'with-node-id', boolean: true, summary: "add the machine's id to the name", section: NODE },
  {
    name: 'node-label',
    value: 'KEY=VALUE',
    summary: 'a label to register the node with',
    repeated: true,
    section: NODE,
  },
  {
    name: 'node-taint',
    value: 'KEY=VALUE:EFFECT',
    summary: 'a taint to register the node with',
    repeated: true,
    section: NODE,
  },
  {
    name: 'node-ip',
    value: 'ADDRESS',
    summary: 'its addresses, IPv4 first; found and followed when not given',
    repeated: true,
    section: NODE,
  },
  {
    name: 'node-external-ip',
    value: 'ADDRESS',
    summary: 'addresses others reach it by',
    repeated: true,
    section: NODE,
  },
  { name: 'node-internal-dns', value: 'NAME', summary: 'its name inside', repeated: true, section: NODE },
  { name: 'node-external-dns', value: 'NAME', summary: 'its name outside', repeated: true, section: NODE },
  {
    name: 'cluster-dns',
    value: 'ADDRESS',
    summary: 'name servers of pods; the tenth address of --service-cidr when not given',
    repeated: true,
    section: NODE,
  },
  { name: 'cluster-domain', value: 'NAME', summary: 'the domain of services', default: 'cluster.local', section: NODE },
  {
    name: 'service-cidr',
    value: 'RANGE',
    summary: "the cluster's range of service addresses",
    default: '10.43.0.0/16',
    section: NODE,
  },
  {
    name: 'flannel-backend',
    value: 'none',
    summary: 'bring your own CNI; a bridge of the node when not given',
    section: NODE,
  },
  {
    name: 'resolv-conf',
    value: 'FILE',
    summary: 'the resolver configuration of pods with dnsPolicy: Default',
    default: '/etc/resolv.conf',
    env: 'ATOLL_RESOLV_CONF',
    section: NODE,
  },
  {
    name: 'kubelet-arg',
    value: 'NAME=VALUE',
    summary:
      'an option of the kubelet: max-pods, eviction-hard, system-reserved, kube-reserved, image-gc-high-threshold, image-gc-low-threshold, minimum-image-ttl-duration, node-status-update-frequency',
    repeated: true,
    section: NODE,
  },
  {
    name: 'protect-kernel-defaults',
    boolean: true,
    summary: 'do not start when the kernel is set up otherwise than kubelets want it',
    section: NODE,
  },
  {
    name: 'private-registry',
    value: 'FILE',
    summary: "mirrors, credentials and certificates of registries, as K3s' registries.yaml",
    default: '/etc/atoll/registries.yaml',
    section: IMAGES,
  },
  {
    name: 'disable-default-registry-endpoint',
    boolean: true,
    summary: 'images with a mirror come from the mirror only',
    section: IMAGES,
  },
  {
    name: 'preload-image',
    value: 'NAME|FILE',
    summary: 'have this image before pods want it and keep it: pulled by its name, or out of an archive',
    repeated: true,
    section: IMAGES,
  },
  {
    name: 'images-dir',
    value: 'DIR',
    summary: 'container images of the root: images.tar and images.list',
    default: '/usr/lib/atoll',
    section: IMAGES,
  },
  {
    name: 'registry-hosts-dir',
    value: 'DIR',
    summary: 'where containerd looks for mirrors',
    default: '/etc/containerd/certs.d',
    section: RUNTIME,
  },
  {
    name: 'container-runtime-endpoint',
    value: 'SOCKET',
    summary: "containerd's socket",
    default: '/run/containerd/containerd.sock',
    section: RUNTIME,
  },
  {
    name: 'cgroup-driver',
    value: 'NAME',
    summary: 'systemd or cgroupfs, as containerd has it',
    default: 'systemd',
    section: RUNTIME,
  },
  {
    name: 'cni-conf-dir',
    value: 'DIR',
    summary: 'where CNI configurations are written',
    default: '/etc/cni/net.d',
    section: RUNTIME,
  },
];
