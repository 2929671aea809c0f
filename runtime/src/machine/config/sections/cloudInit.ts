/**
 * cloud-init's own keys, with its semantics (https://docs.cloud-init.io/en/latest/reference/modules.html). Those that are not
 * served are errors with the reason: {@link file://./cloudInitUnsupported.ts}.
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
  text,
  unsupported,
} from '../shape.ts';
import {
  absolutePath,
  certificates,
  domainName,
  groupName,
  groupNames,
  hostName,
  httpUrl,
  locale,
  owner,
  passwordHash,
  permissions,
  sshKey,
  timeServer,
  timeZone,
  userName,
} from './cloudInitWords.ts';
import { imagerFields } from './imager.ts';

export const NO_SUDO = 'the image has no sudo: give your key to root in ssh_authorized_keys';
const NOT_HERE = 'the image has nothing that knows it';

const user = mapping({
  name: field(userName, 'the login name', { required: true }),
  gecos: field(text({ lenient: true, pattern: /^[^:\n]*$/, meaning: 'text without ":"', maxLength: 200 }), 'who it is'),
  groups: field(either(groupNames, list(groupName)), 'further groups; those that do not exist are made'),
  primary_group: field(groupName, 'the first group; default: one with the name of the user', {
    aliases: ['primary-group'],
  }),
  uid: field(integer(1000, 60_000), 'the number of the user; default: the next free one from 1000'),
  homedir: field(absolutePath, 'the home folder, below /var; default /var/home/NAME'),
  no_create_home: field(boolean(), 'no home folder', { aliases: ['no-create-home'] }),
  system: field(
    boolean(),
    'a user for a program: no home folder is made, and nobody logs in without homedir and shell',
  ),
  shell: field(
    text({
      meaning: 'the path of a shell',
      pattern: /^\/\S+$/,
      like: /\/(?:sh|bash|nologin|false)$/,
      refuse: path =>
        /\/(sh|bash|nologin|false)$/.test(path) ? undefined : 'is not in the image: /bin/sh and /usr/sbin/nologin are',
    }),
    'the login shell; default /bin/sh, which also stands for bash',
  ),
  hashed_passwd: field(passwordHash, 'the hash of the password', { aliases: ['hashed-passwd', 'passwd'] }),
  lock_passwd: field(boolean(), 'no login with a password; default true', { aliases: ['lock-passwd'] }),
  ssh_authorized_keys: field(list(sshKey), 'public keys that may log in', {
    aliases: ['ssh-authorized-keys'],
    examples: [['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… me@laptop']],
  }),
  plain_text_passwd: unsupported(
    'the password',
    'a password in a file is read by many: give its hash, hashed_passwd (openssl passwd -6)',
    { insteadOf: ['hashed_passwd'] },
  ),
  'plain-text-passwd': unsupported('the password', 'give its hash: hashed_passwd (openssl passwd -6)', {
    insteadOf: ['hashed_passwd'],
  }),
  sudo: field(
    either(text({ lenient: true, maxLength: 1000 }), list(text({ maxLength: 1000 }))),
    'the image has no sudo; "ALL=(ALL) NOPASSWD:ALL" lets the keys of this user in as root',
  ),
  doas: unsupported('doas rules', NO_SUDO),
  ssh_import_id: unsupported('keys from a service', 'the node does not ask others who may log in: give the keys', {
    insteadOf: ['ssh_authorized_keys'],
  }),
  'ssh-import-id': unsupported('keys from a service', 'the node does not ask others who may log in: give the keys', {
    insteadOf: ['ssh_authorized_keys'],
  }),
  ssh_redirect_user: unsupported('no login', 'leave out the keys'),
  'ssh-redirect-user': unsupported('no login', 'leave out the keys'),
  snapuser: unsupported('an account', NOT_HERE),
  selinux_user: unsupported('SELinux', NOT_HERE),
  'selinux-user': unsupported('SELinux', NOT_HERE),
  expiredate: unsupported('when the account ends', 'not yet: remove the user instead'),
  inactive: unsupported('days', 'not yet: remove the user instead'),
  create_groups: unsupported('whether groups are made', 'groups that do not exist are always made'),
  'create-groups': unsupported('whether groups are made', 'groups that do not exist are always made'),
  no_user_group: unsupported('no group of its own', 'give primary_group'),
  'no-user-group': unsupported('no group of its own', 'give primary_group'),
  no_log_init: unsupported('login records', 'there are none'),
  'no-log-init': unsupported('login records', 'there are none'),
});

/** What is no mode, or not an octal one, may be meant to keep others out. */
const mayBeReadByAll = (mode: string): boolean => /^(?:0o?)?[0-7]{2,3}[4-7]$/.test(mode);

const file = mapping({
  path: field(absolutePath, 'where: below /etc (new at every boot), /var, /run or /root', { required: true }),
  content: field(text({ quiet: true, lenient: true, maxLength: 1_048_576 }), 'what is in it; default: nothing', {
    // Whoever does not let everybody read the file does not want everybody to read it here. `mode` is what others call it.
    secretBeside: textOf => !mayBeReadByAll(textOf('permissions') ?? textOf('permission') ?? textOf('mode') ?? '0644'),
  }),
  encoding: field(
    oneOf('text/plain', 'b64', 'base64', 'gz', 'gzip', 'gz+b64', 'gz+base64', 'gzip+b64', 'gzip+base64'),
    'how content is written here; default text/plain',
  ),
  permissions: field(permissions, 'default "0644"', { examples: ['0600'] }),
  owner: field(owner, 'user or user:group; default root:root'),
  append: field(boolean(), 'at the end of what is there'),
  defer: field(boolean(), 'after users exist and bootcmd has run'),
  source: unsupported('a URL to fetch from', 'put the content here, or download it in runcmd'),
});

const command = either(
  text({ quiet: true, lenient: true, meaning: 'a command for the shell', pattern: /\S/ }),
  list(text({ quiet: true, lenient: true })),
);

const disk = mapping({
  layout: field(
    boolean({ meaning: 'false, as partitions are not made' }),
    'false: the disk is taken as a whole, without partitions',
  ),
  overwrite: field(boolean(), 'false: data that is there is never overwritten'),
  table_type: field(
    text({
      meaning: '"none"',
      pattern: /^[a-z]+$/,
      like: /^none$/,
      refuse: type =>
        type === 'none' ? undefined : 'is not available: an extra disk is taken as a whole, without partitions',
    }),
    'none: there is no partition table',
  ),
});

const fileSystem = mapping({
  device: field(
    text({ meaning: 'a disk such as /dev/disk/by-id/…', pattern: /^\/dev\/[\w./:+-]+$/, maxLength: 200 }),
    'the disk, by a stable name',
    { required: true, examples: ['/dev/disk/by-id/ata-WDC_WD10-0123', '/dev/vdb'] },
  ),
  filesystem: field(oneOf('ext4'), 'ext4', { required: true }),
  label: field(
    text({ meaning: 'at most 16 letters, digits, "-" and "_"', pattern: /^[\w-]{1,16}$/ }),
    'what it is called',
    {
      required: true,
    },
  ),
  partition: field(oneOf('none'), 'none: the file system is on the disk itself'),
  overwrite: field(boolean(), 'false: data that is there is never overwritten'),
  cmd: unsupported('a command that makes it', 'the node makes it, with ext4'),
  extra_opts: unsupported('options of mkfs', 'the node makes it, with the defaults'),
  replace_fs: unsupported('what may be overwritten', 'data that is there is never overwritten'),
});

export const cloudInitFields = {
  // Who it is
  hostname: field(hostName, 'the host name; default: atoll- and the first eight digits of the machine id', {
    examples: ['press-7'],
  }),
  fqdn: field(domainName, 'the full name; its first part is the host name where hostname is not given', {
    examples: ['press-7.hall-2.example.org'],
  }),
  prefer_fqdn_over_hostname: field(boolean(), 'the full name is the host name'),
  preserve_hostname: field(boolean(), 'the default host name stays, whatever hostname, fqdn and local-hostname say'),
  timezone: field(timeZone, 'the time zone; default UTC', { examples: ['Europe/Berlin'] }),
  locale: field(locale, 'the locale of services; default C.UTF-8'),
  ntp: field(
    mapping({
      enabled: field(boolean(), 'keep the clock right from the network; default true'),
      servers: field(list(timeServer, { maxItems: 20 }), 'time servers', { examples: [['192.0.2.123']] }),
      pools: field(list(timeServer, { maxItems: 20 }), 'names that stand for many time servers'),
      ntp_client: field(oneOf('auto', 'systemd-timesyncd'), 'the program: always systemd-timesyncd'),
      peers: unsupported('peers', 'systemd-timesyncd asks servers only'),
      allow: unsupported('who may ask', 'the node is no time server'),
      config: unsupported('another program', 'the clock is kept by systemd-timesyncd'),
    }),
    'where the time comes from',
  ),

  // Who may log in
  users: field(
    list(either(userName, user), { maxItems: 100 }),
    'users of the system, who may log in by SSH with a key; "default", alone or as a name, stands for root',
    { examples: [['default', { name: 'service', ssh_authorized_keys: ['ssh-ed25519 AAAA… me@laptop'] }]] },
  ),
  user: field(
    either(user, text({ like: /^(?!)/, refuse: () => 'is not available: give the user in users' })),
    'one more user, as in users',
  ),
  ssh_authorized_keys: field(
    list(sshKey, { maxItems: 100 }),
    'public keys that may log in as the default user, root; SSH is off where no key is given',
    {
      aliases: ['ssh-authorized-keys'],
    },
  ),
  ssh_pwauth: field(either(boolean(), oneOf('unchanged')), 'whether passwords let in by SSH; default false', {
    aliases: ['ssh-pwauth'],
  }),
  disable_root: field(boolean(), 'root may not log in by SSH'),

  // What is in it
  write_files: field(list(file, { maxItems: 1000 }), 'files', {
    examples: [[{ path: '/etc/motd', content: 'Hall 2, press 7\n', permissions: '0644' }]],
  }),
  bootcmd: field(
    list(command, { maxItems: 1000 }),
    'commands at every boot, before the network, for at most three minutes; all in one shell, with INSTANCE_ID; a list is a program and its arguments',
  ),
  runcmd: field(
    list(command, { maxItems: 1000 }),
    'commands once for each instance-id, when the node is up; all in one shell, as with bootcmd',
  ),
  ca_certs: field(
    mapping({
      trusted: field(list(certificates, { maxItems: 200 }), 'certificates in PEM'),
      remove_defaults: field(boolean(), 'trust these only', { aliases: ['remove-defaults'] }),
    }),
    'authorities that the node trusts',
    { aliases: ['ca-certs'] },
  ),

  // Extra disks
  disk_setup: field(
    dictionary({ kind: 'text', meaning: 'a disk such as /dev/disk/by-id/…', pattern: /^\/dev\/[\w./:+-]+$/ }, disk),
    'extra disks; each is taken as a whole',
  ),
  fs_setup: field(list(fileSystem, { maxItems: 32 }), 'file systems that are made on empty extra disks'),
  mounts: field(
    list(list(text({ lenient: true, maxLength: 4095 }), { maxItems: 6 }), { maxItems: 32 }),
    'where they are mounted: [what, where, "ext4", options], what as the device or LABEL=…',
    { examples: [[['LABEL=data', '/var/data']]] },
  ),

  phone_home: field(
    mapping({
      url: field(httpUrl, 'where to; $INSTANCE_ID stands for the instance', { required: true }),
      post: field(
        either(
          oneOf('all'),
          list(oneOf('pub_key_rsa', 'pub_key_ecdsa', 'pub_key_ed25519', 'instance_id', 'hostname', 'fqdn')),
        ),
        'what is told; default all',
      ),
      tries: field(integer(1, 100), 'how often; default 10'),
    }),
    'tells a server when the node is up, once for each instance-id',
  ),

  // Has no meaning here
  ...imagerFields,
} as const;

const cloudInit = mapping(cloudInitFields);
export type CloudInit = Infer<typeof cloudInit>;
export type User = Infer<typeof user>;

/** Every user with where it stands; `user` is one of them. What is said of "default" is said of root. */
export function usersOf({ users = [], user: one }: Pick<CloudInit, 'users' | 'user'>): readonly {
  readonly user: string | User;
  readonly path: readonly (string | number)[];
}[] {
  const listed = users.map((each, i) => ({ user: each, path: ['users', i] }));
  const all = one === undefined || typeof one === 'string' ? listed : [...listed, { user: one, path: ['user'] }];
  return all.map(({ user, path }) => ({ user: ofDefaultUser(user), path }));
}

/** cloud-init puts what is said of the user "default" on the system's default user, which is root here. */
const ofDefaultUser = (user: string | User): string | User =>
  typeof user === 'string' || user.name !== 'default' ? user : { ...user, name: 'root' };

/** What a rule of sudo must say so that it means "this one is root". */
const anythingWithoutPassword = /^ALL\s*=\s*\(ALL(\s*:\s*ALL)?\)\s*NOPASSWD:\s*ALL$/;
export const sudoRules = ({ sudo }: User): readonly string[] =>
  sudo === undefined ? [] : typeof sudo === 'string' ? [sudo] : sudo;
/** The user is root wherever it logs in: with sudo, and without a password. */
export const isRootBySudo = (user: User): boolean => {
  const rules = sudoRules(user);
  return rules.length > 0 && rules.every(rule => anythingWithoutPassword.test(rule.trim()));
};
export type WriteFile = Infer<typeof file>;
