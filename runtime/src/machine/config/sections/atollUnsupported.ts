/**
 * Options of `k3s server` and `k3s agent` (v1.36) that Atoll does not have, with the reason: known, never ignored.
 * Source: K3s' own reference, https://docs.k3s.io/cli/server and https://docs.k3s.io/cli/agent.
 */
import { apiServerArgumentNames } from '../../../apiserver/arguments.ts';
import { controllerArgumentNames } from '../../../controllers/arguments.ts';
import { kubeletArgumentNames } from '../../../node/kubeletArguments.ts';
import { type Field, unsupported } from '../shape.ts';

const ONE_SERVER = 'not yet: a cluster has one server, whose store is SQLite on its own disk';
const ETCD = 'there is no etcd: the store is SQLite, and atoll backup makes and restores snapshots of it';
export const POD_NETWORK =
  'not yet: pods are on a bridge of their node; with flannel-backend: none another CNI can be brought';
const IMAGE = "containerd is the image's own and is set up by it";
const CONTAINERD = 'not yet: containerd has the one runtime runc and the one snapshotter overlayfs';
const CREDENTIALS = 'not yet: credentials of registries are given in registries:, or as image pull secrets';
const ONE_PORT = 'API, joining and tunnels are on one port: https-listen-port';
const VPN = 'not yet: Atoll starts no VPN';
const JOURNAL = 'the daemons write to the journal: atoll logs shows it';
const HELM = 'not yet: there is no Helm controller';
const LOAD_BALANCER = 'not yet: there is no load balancer of services';
const STORAGE = 'not yet: there is no provisioner of local volumes';

/** Names that share a reason. */
const groups: readonly (readonly [reason: string, names: readonly string[]])[] = [
  [
    ONE_SERVER,
    [
      'datastore-endpoint',
      'datastore-cafile',
      'datastore-certfile',
      'datastore-keyfile',
      'kine-tls',
      'cluster-init',
      'cluster-reset',
      'disable-apiserver',
      'disable-etcd',
    ],
  ],
  [
    ETCD,
    [
      'cluster-reset-restore-path',
      'etcd-arg',
      'etcd-expose-metrics',
      'etcd-disable-snapshots',
      'etcd-snapshot-name',
      'etcd-snapshot-schedule-cron',
      'etcd-snapshot-reconcile-interval',
      'etcd-snapshot-retention',
      'etcd-snapshot-dir',
      'etcd-snapshot-compress',
      'etcd-s3',
      'etcd-s3-endpoint',
      'etcd-s3-endpoint-ca',
      'etcd-s3-skip-ssl-verify',
      'etcd-s3-access-key',
      'etcd-s3-secret-key',
      'etcd-s3-session-token',
      'etcd-s3-bucket',
      'etcd-s3-bucket-lookup-type',
      'etcd-s3-region',
      'etcd-s3-folder',
      'etcd-s3-proxy',
      'etcd-s3-config-secret',
      'etcd-s3-insecure',
      'etcd-s3-retention',
      'etcd-s3-timeout',
    ],
  ],
  [
    POD_NETWORK,
    [
      'flannel-ipv6-masq',
      'flannel-external-ip',
      'flannel-iface',
      'flannel-conf',
      'flannel-cni-conf',
      'multi-cluster-cidr',
      'no-flannel',
    ],
  ],
  [VPN, ['vpn-auth', 'vpn-auth-file']],
  [IMAGE, ['pause-image', 'system-default-registry', 'airgap-extra-registry', 'prefer-bundled-bin']],
  [CONTAINERD, ['docker', 'default-runtime', 'snapshotter', 'image-service-endpoint', 'container-runtime-endpoint']],
  [CREDENTIALS, ['image-credential-provider-bin-dir', 'image-credential-provider-config']],
  [ONE_PORT, ['supervisor-port', 'apiserver-port', 'apiserver-bind-address', 'lb-server-port', 'disable-apiserver-lb']],
  [JOURNAL, ['log', 'alsologtostderr', 'vmodule']],
  [HELM, ['helm-job-image']],
  [LOAD_BALANCER, ['servicelb-namespace']],
  [STORAGE, ['default-local-storage-path']],
  ['not yet: images are not shared between nodes; registries: can name a mirror', ['embedded-registry']],
  ['not yet: the scheduler takes no options', ['kube-scheduler-arg']],
  ['there is no cloud controller', ['kube-cloud-controller-manager-arg', 'kube-cloud-controller-arg']],
  ['there is no kube-proxy', ['kube-proxy-arg']],
  ['a node finds its server through one tunnel; nothing is to choose', ['egress-selector-mode']],
  ['metrics are served by the API server under /metrics', ['supervisor-metrics', 'enable-pprof']],
  ['nodes have the name they are given: node-name', ['node-name-from-cloud-provider-metadata']],
  ['a device runs as root and is locked otherwise', ['rootless', 'disable-selinux']],
  ['keys of Secrets are AES-GCM, kept by Atoll: atoll secrets-encrypt', ['secrets-encryption-provider']],
  ['state is on the data partition, in /var/lib/atoll', ['data-dir']],
  ['this file is the configuration', ['config']],
  ['it went away in K3s: use token', ['cluster-secret']],
  ['it went away in K3s: use disable', ['no-deploy']],
  ['it went away in K3s: use kube-controller-manager-arg', ['kube-controller-arg']],
];

/** Options of the programs, as they stand under an option of ours. */
const passedOn: readonly (readonly [under: string, names: readonly string[]])[] = [
  ['kube-apiserver-arg', apiServerArgumentNames],
  ['kube-controller-manager-arg', controllerArgumentNames],
  ['kubelet-arg', kubeletArgumentNames],
];

export const unsupportedFields: Readonly<Record<string, Field<never, false>>> = Object.fromEntries([
  ...passedOn.flatMap(([under, names]) =>
    names.map(name => [name, unsupported(name, `it is given as ${under}: [NAME=VALUE]`)]),
  ),
  ...groups.flatMap(([reason, names]) => names.map(name => [name, unsupported(`K3s' ${name}`, reason)])),
]);
