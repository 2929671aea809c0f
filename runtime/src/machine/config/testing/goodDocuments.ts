/** Good configurations, for what has to hold of all of them: the examples, the table of networks, and some of each section. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { networkText } from '../network/testing/document.ts';
import { goodNetworks } from '../network/testing/good.ts';
import { type DocumentName, documentNames } from '../types.ts';
import { FIRST_LINE } from './lines.ts';

export interface GoodDocument {
  readonly what: string;
  readonly document: DocumentName;
  readonly text: string;
}

const configs = join(import.meta.dirname, '../../../../../configs');
const examples = readdirSync(configs, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .flatMap(({ name }) =>
    documentNames.flatMap(document => {
      const path = join(configs, name, document);
      return existsSync(path) ? [{ what: `${name}/${document}`, document, text: readFileSync(path, 'utf8') }] : [];
    }),
  );

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA you@laptop';
const HASH = `$6$saltsalt$${'a'.repeat(86)}`;

/** user-data as people write it, without its first line. */
const userData: readonly string[] = [
  'hostname: press-7\nfqdn: press-7.hall-2.example.org\nprefer_fqdn_over_hostname: true\ntimezone: Europe/Berlin\nlocale: C.UTF-8',
  'timezone: Europe/Berlin',
  'timezone: Etc/GMT+5',
  'ntp: {enabled: true, servers: [192.0.2.123, ntp.example.org], pools: [pool.ntp.org], ntp_client: auto}',
  `users:\n  - default\n  - name: service\n    gecos: Service\n    groups: [ops, dialout]\n    uid: 1500\n    shell: /bin/sh\n    lock_passwd: false\n    hashed_passwd: ${HASH}\n    ssh_authorized_keys:\n      - ${KEY}\nssh_pwauth: true`,
  `users: [{name: a, groups: "x, y", sudo: "ALL=(ALL) NOPASSWD:ALL", ssh_authorized_keys: ["${KEY}"]}]`,
  `user: {name: one, ssh_authorized_keys: ["${KEY}"]}\ndisable_root: true`,
  `ssh_authorized_keys:\n  - ${KEY}`,
  'write_files:\n  - {path: /etc/motd, content: "Hall 2\\n", permissions: "0644"}\n  - {path: /etc/a, encoding: b64, content: aGVsbG8=, owner: "root:root"}\n  - {path: /var/a, content: x, append: true, defer: true}',
  'write_files: [{path: /etc/a, content: 12, permissions: 0600}]',
  'bootcmd: [[sh, -c, "true"], "echo a"]\nruncmd:\n  - echo b\n  - [ls, -l]',
  'disk_setup: {/dev/vdb: {layout: false, table_type: none, overwrite: false}}\nfs_setup: [{device: /dev/vdb, filesystem: ext4, label: data, partition: none}]\nmounts: [[LABEL=data, /var/data, ext4, "defaults,noatime", 0, 2]]',
  'phone_home: {url: "https://example.org/$INSTANCE_ID", post: [hostname, instance_id], tries: 5}',
  'phone_home: {url: "http://example.org/", post: all}',
  'manage_etc_hosts: localhost\nenable_ssh: true\nkeyboard: {model: pc105, layout: de}',
  'atoll: {role: agent, server: "https://192.0.2.1:6443", token: abc, node-label: [a=b, c=d], node-taint: ["d=e:NoSchedule", "key:NoExecute"]}',
  'atoll: {node-taint: "a=b:NoSchedule,c:NoExecute", node-label: "a=b,c=d"}',
  'atoll: {node-taint: ["a=:PreferNoSchedule"], node-name: press-7, with-node-id: true}',
  'atoll: {kubelet-arg: max-pods=60}',
  'atoll: {kubelet-arg: [max-pods=60, "eviction-hard=memory.available<5%"], kube-apiserver-arg: [audit-log-maxage=3], kube-controller-manager-arg: [node-monitor-grace-period=40s]}',
  'atoll: {cluster-cidr: 10.100.0.0/16, service-cidr: 10.101.0.0/16, cluster-dns: 10.101.0.10, service-node-port-range: 30000-31000, cluster-domain: cluster.local}',
  'atoll: {tls-san: [kube.example.org, 192.0.2.9], https-listen-port: 7443, write-kubeconfig: /var/k.yaml, write-kubeconfig-mode: "0640", write-kubeconfig-group: root}',
  'atoll: {write-kubeconfig-mode: 0600, node-ip: "192.0.2.7,2001:db8::7", advertise-address: 192.0.2.7}',
  'atoll: {registries: {mirrors: {docker.io: {endpoint: ["https://mirror.example.org"]}}, configs: {mirror.example.org: {auth: {username: a, password: b}}}}}',
  'atoll: {manifests: {site: "apiVersion: v1\\nkind: Namespace\\nmetadata: {name: site}\\n"}, disable: [site, traefik]}',
  'atoll: {upgrade: {channel: "https://example.org/atoll/", poll: 6h, jitter: 0, window: "Mon-Fri 22:00-04:00", rollout: 25, limit: 2M}}',
  'atoll: {images: ["docker.io/library/nginx:1.29", /efi/images/app.tar.zst]}',
  'atoll: {debug: true, v: 4, store-quota: 512, snapshot-interval: 6, snapshot-retention: 4}',
  'machine: {sysctls: {net.core.somaxconn: 1024, vm.swappiness: "10"}, kernel-modules: [8021q, {name: zram, parameters: {num_devices: 2}}], watchdog: 30, console: {log-level: 4}, zram: {size: 256M, algorithm: zstd}}',
  'machine: {watchdog: false, zram: true}',
];

export const goodDocuments: readonly GoodDocument[] = [
  ...examples,
  ...userData.map(text => ({ what: text, document: 'user-data' as const, text: FIRST_LINE + text })),
  { what: 'meta-data', document: 'meta-data', text: 'instance-id: iid-1\nlocal-hostname: press-7\n' },
  ...goodNetworks.map(([what, devices]) => ({
    what,
    document: 'network-config' as const,
    text: networkText(devices),
  })),
];
