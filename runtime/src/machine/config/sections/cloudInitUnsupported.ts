/**
 * Keys of cloud-init's cloud-config (26.1) that Atoll does not serve, with the reason: known, never ignored.
 * Source: cloud-init's own schema, cloudinit/config/schemas/schema-cloud-config-v1.json, and its module reference.
 */
import { type Field, unsupported } from '../shape.ts';
import { NO_PACKAGES } from './imager.ts';

const AGENT = 'Atoll is configured by this file, and what runs on it by Kubernetes';
const DATA = 'the data partition takes the whole disk at the first boot by itself';
const HOST_KEYS = 'the host keys are made on the node at its first start and kept';
const FINGERPRINTS = 'the console shows what a node needs; ssh-keyscan shows its keys';
const STAGES = 'the order of things is fixed';
const OURS = 'there is one system here, and no distribution to choose for';
const MERGING = 'mappings are merged key by key, lists are taken whole, the stronger source wins';

const K3S = "K3s' options are given under atoll:, by their own names";

/** Names that share a reason. */
const groups: readonly (readonly [reason: string, names: readonly string[]])[] = [
  [K3S, ['k3s', 'k3os', 'rke2']],
  [
    NO_PACKAGES,
    [
      'package_update',
      'package_upgrade',
      'package_reboot_if_required',
      'apt_update',
      'apt_upgrade',
      'apt_reboot_if_required',
      'apt_pipelining',
      'apk_repos',
      'yum_repos',
      'yum_repo_dir',
      'zypper',
      'snap',
      'rh_subscription',
      'spacewalk',
      'ubuntu_advantage',
      'ubuntu_pro',
      'byobu_by_default',
      'drivers',
    ],
  ],
  [AGENT, ['ansible', 'chef', 'puppet', 'salt_minion', 'mcollective', 'landscape', 'lxd', 'fan', 'autoinstall']],
  [DATA, ['growpart', 'resize_rootfs']],
  [HOST_KEYS, ['ssh_keys', 'ssh_deletekeys', 'ssh_genkeytypes', 'ssh_quiet_keygen']],
  [
    FINGERPRINTS,
    [
      'ssh',
      'no_ssh_fingerprints',
      'authkey_hash',
      'ssh_fp_console_blacklist',
      'ssh_key_console_blacklist',
      'ssh_publish_hostkeys',
    ],
  ],
  [STAGES, ['cloud_init_modules', 'cloud_config_modules', 'cloud_final_modules', 'migrate', 'updates']],
  [OURS, ['system_info', 'grub_dpkg', 'grub-dpkg', 'disable_ec2_metadata', 'version']],
  [MERGING, ['merge_how', 'merge_type', 'launch-index']],
  ['it is a document of its own: network-config', ['network']],
  ['the boot menu and the kernel command line are part of the signed image', ['grub', 'bootloader']],
];

const single: Readonly<Record<string, string>> = {
  allow_public_ssh_keys: 'keys are taken only where they are given',
  chpasswd: 'give a user a hash: users[].hashed_passwd',
  create_hostname_file: '/etc is new at every boot: the host name is always written',
  device_aliases: 'name disks by /dev/disk/by-id/… or by label',
  disable_root_opts: 'root is either let in with a key or not at all: disable_root',
  final_message: 'the console shows the state of the node: machine.console.banner',
  groups: 'not yet: give groups with the user: users[].groups',
  locale_configfile: 'it is /etc/locale.conf',
  mount_default_fields: 'give each mount its options',
  output: 'everything goes to the journal: atoll logs shows it',
  password: 'give a user a hash: users[].hashed_passwd',
  power_state:
    'what needs a reboot is said, and the reboot is yours: a node that reboots by itself at first boot is hard to understand',
  random_seed: 'the kernel seeds itself from the hardware and from the last boot',
  reporting: 'use phone_home, and the conditions of the node',
  resolv_conf: 'name servers are given in network-config: nameservers',
  rpi: 'the interfaces of the board are in config.txt on the card',
  rsyslog: 'logs are in the journal: a DaemonSet ships them',
  ssh_import_id: 'the node does not ask others who may log in: give the keys',
  swap: 'nothing is swapped to a disk, which wears: use machine.zram',
  vendor_data: 'there is none',
  wireguard: 'it is in network-config: tunnels',
};

export const unsupportedCloudInit: Readonly<Record<string, Field<never, false>>> = Object.fromEntries([
  ...groups.flatMap(([reason, names]) => names.map(name => [name, unsupported("cloud-init's own", reason)] as const)),
  ...Object.entries(single).map(([name, reason]) => [name, unsupported("cloud-init's own", reason)] as const),
]);
