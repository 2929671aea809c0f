/**
 * Where the composed root differs from an installed tree, on purpose, and why. Every line must be true of something: a rule
 * that explains nothing fails the test. Trimmed paths are not here: rootfs/trim.yaml names and explains those, and
 * rootfs/packages.yaml the packages that are left out.
 */

import type { ArchitectureName } from '../src/boards.ts';

export interface Rule {
  /** Absolute paths, with * and ** and {a,b}. */
  readonly paths: string;
  readonly why: string;
  /** An architecture of which it is not true. */
  readonly butOn?: ArchitectureName;
}

/** Packages that are installed only because packages that are left out need them. */
export const onlyForLeftOut: Readonly<Record<string, string>> = {
  bsdutils: 'Essential, but nothing of the root depends on it; busybox has logger and renice',
  libattr1: 'coreutils and libacl’s tools use it',
  'libbz2-1.0': 'dpkg and perl use it',
  liblzma5: 'dpkg uses it',
};

/** In the installed tree, not in ours. */
export const absent: readonly Rule[] = [
  { paths: '/etc/{debian_version,issue,issue.net,motd}', why: 'os-release and the console banner say what this is' },
  { paths: '/usr/lib/os-release', why: 'written last of all, with the runtime: it says the version (`os-release.ts`)' },
  { paths: '/usr/share/base-passwd{,/**}', why: 'masters of passwd and group: the step `users` has read them' },
  { paths: '/etc/{.pwd.lock,passwd-,group-,shadow-,gshadow-}', why: 'locks and backups of changing users' },
  { paths: '/etc/{subuid,subgid}', why: 'no user namespaces for users: nobody logs in' },
  { paths: '/usr/share/ca-certificates{,/**}', why: 'single authorities: the step `certificates` made the bundle' },
  { paths: '/etc/ssl/certs/*.{0,pem}', why: 'single authorities by name and hash; OpenSSL and Go read the bundle' },
  { paths: '/etc/ca-certificates.conf', why: 'which authorities update-ca-certificates takes' },
  { paths: '/etc/alternatives/*', why: 'alternatives are decided here: the link leads to the program itself' },
  { paths: '/usr/bin/{js,nawk,pager}', why: 'second names of node, awk and more, for users' },
  {
    paths: '/usr/sbin/{arptables,ebtables}*',
    why: 'alternatives of xtables for link-layer rules, which nothing makes',
  },
  { paths: '/usr/sbin/rmt', why: 'remote tape drives (tar)' },
  { paths: '/usr/share/man/**', why: 'manual pages that alternatives linked' },
  { paths: '/usr/share/info/dir', why: 'base-files makes it for info pages' },
  { paths: '/etc/apt/**', why: 'mmdebstrap’s own configuration of apt' },
  { paths: '/etc/dpkg/origins/default', why: 'dpkg is left out' },
  { paths: '/etc/{environment,shells,profile,default/locale}', why: 'nobody logs in' },
  { paths: '/etc/pam.d/*', why: 'PAM is left out: nobody logs in' },
  { paths: '/etc/security/opasswd', why: 'PAM is left out: nobody logs in' },
  { paths: '/etc/rc?.d/S01*', why: 'links of System V init' },
  { paths: '/etc/modules', why: 'modules-load.d of the overlay says what is loaded' },
  { paths: '/etc/{localtime,timezone}', why: 'the zone is the configuration’s; without one it is UTC' },
  { paths: '/etc/networks', why: 'names of networks, which nothing looks up' },
  { paths: '/etc/opt', why: 'no optional packages' },
  { paths: '/etc/vconsole.conf', why: 'no keyboards are set up' },
  {
    paths: '/etc/ld.so.cache',
    why: 'ldconfig’s trigger: all libraries are in the loader’s default folder (tested below)',
  },
  { paths: '/usr/lib/udev/hwdb.bin', why: 'udev’s trigger: names of devices are not shown' },
  { paths: '/etc/systemd/system/getty.target.wants{,/*}', why: 'no logins on consoles: the banner is there' },
  {
    paths: '/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service',
    why: 'LVM snapshots, which a node has not',
  },
  { paths: '/etc/systemd/system/multi-user.target.wants/remote-fs.target', why: 'no remote file systems in fstab' },
  {
    paths: '/etc/systemd/system/sysinit.target.wants/systemd-pstore.service',
    why: 'no crash records are kept from pstore',
  },
  { paths: '/etc/systemd/system/timers.target.wants/dpkg-db-backup.timer', why: 'dpkg is left out' },
  { paths: '/etc/systemd/system/timers.target.wants/e2scrub_all.timer', why: 'LVM snapshots, which a node has not' },
  { paths: '/root/**', why: '/root is on the data partition, without dot files' },
  { paths: '/run/**', why: '/run is made at boot' },
  { paths: '/dev/*', why: 'mmdebstrap’s device nodes; the kernel makes its own' },
  { paths: '/usr/local{,/**}', why: 'nothing is installed by hand on a read-only root' },
  { paths: '/var/**', why: '/var is the data partition; tmpfiles.d makes what is needed (tested below)' },
];

/** In both, but not alike. `fields`: what may differ. */
export interface Difference extends Rule {
  readonly fields: readonly ('type' | 'mode' | 'uid' | 'gid' | 'target' | 'sha256')[];
}

export const different: readonly Difference[] = [
  { paths: '/etc/{passwd,group}', fields: ['sha256'], why: 'the step `users`: fixed ids (names are compared below)' },
  {
    paths: '/etc/{shadow,gshadow}',
    fields: ['sha256', 'mode', 'gid'],
    why: 'the step `users`: every password locked; Debian’s permissions (mmdebstrap leaves them at 000)',
  },
  { paths: '/etc/nsswitch.conf', fields: ['sha256'], why: 'the step `name-service`: no NIS, no db files' },
  {
    paths: '/etc/{hostname,hosts}',
    fields: ['sha256', 'mode'],
    why: 'the step `identity`; mmdebstrap copies the host’s',
  },
  { paths: '/etc/machine-id', fields: ['mode'], why: 'the step `identity`: systemd’s own mode' },
  {
    paths: '/etc/resolv.conf',
    fields: ['type', 'mode', 'target', 'sha256'],
    why: 'the step `name-service`: made at boot; mmdebstrap copies the host’s',
  },
  { paths: '/etc/mtab', fields: ['target'], why: 'the step `name-service`: absolute, into the same place' },
  { paths: '/etc/{containerd/config.toml,fstab}', fields: ['sha256'], why: 'the overlay’s' },
  { paths: '/etc/nftables.conf', fields: ['sha256', 'mode'], why: 'the overlay’s, not a script' },
  {
    paths: '/etc/credstore{,.encrypted}',
    fields: ['mode'],
    why: 'tmpfiles.d’s credstore.conf sets 0700 at boot (tested below)',
  },
  { paths: '/etc/systemd/system/timers.target.wants/fstrim.timer', fields: ['target'], why: '/lib is /usr/lib' },
  { paths: '/root', fields: ['type', 'mode', 'target'], why: 'the step `skeleton`: on the data partition' },
  {
    paths: '/usr/bin/{mount,umount}',
    fields: ['mode'],
    why: 'no setuid files: nobody but root runs anything outside pods',
  },
  {
    paths: '/usr/lib/dbus-1.0/dbus-daemon-launch-helper',
    fields: ['mode', 'gid'],
    why: 'no setuid files: systemd starts what is activated over D-Bus',
  },
  {
    paths: '/usr/bin/{containerd,containerd-shim-runc-v2,kubectl}',
    fields: ['sha256'],
    why: 'the step `unused exports`: names of functions that no library asks for',
  },
  {
    paths: '/usr/lib/*/libnode.so.*',
    fields: ['sha256'],
    why: 'the step `unwind tables`: it neither throws nor catches',
    // Its tables are of another kind there (.ARM.exidx).
    butOn: 'armv7',
  },
  { paths: '/usr/lib/cni/loopback', fields: ['sha256'], why: 'the overlay’s, a script' },
  { paths: '/usr/lib/*/libicudata.so.*', fields: ['sha256'], why: 'the step `icu`: English and the root locale' },
  {
    paths: '/usr/sbin/{iptables,ip6tables}{,-save,-restore}',
    fields: ['target'],
    why: 'the step `iptables`: the link leads to the program itself',
  },
];

/** In ours, not in the installed tree, besides the overlay's files, unit links, busybox's applets and what is under these. */
export const added: readonly Rule[] = [
  { paths: '/usr/lib/atoll{,/**}', why: 'the runtime, its containers, and the overlay’s scripts' },
  { paths: '/usr/lib/modules{,/**}', why: 'the kernel’s modules, a step of their own' },
  { paths: '/usr/lib/clock-epoch', why: 'the step `clock`' },
  { paths: '/usr/lib/repart.d{,/*}', why: 'partitions the device makes' },
  { paths: '/efi', why: 'where the ESP is mounted' },
];

/** Folders an installation has in /var that tmpfiles.d does not make at boot. */
export const unusedInVar: readonly Rule[] = [
  { paths: '/var/{cache,lib,log}/apt{,/**}', why: 'apt is left out' },
  { paths: '/var/lib/dpkg{,/triggers}', why: 'dpkg is left out' },
  {
    paths: '/var/lib/systemd/deb-systemd-helper-enabled{,/*}',
    why: 'what maintainer scripts remember of enabled units',
  },
  { paths: '/var/lib/systemd/catalog', why: 'explanations of log messages are trimmed' },
  { paths: '/var/cache/ldconfig', why: 'ldconfig is trimmed' },
  { paths: '/var/{backups,local,mail,opt}', why: 'no mail, nothing by hand' },
  { paths: '/var/lib/misc', why: 'for databases nothing here keeps' },
];
