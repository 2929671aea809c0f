/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. cloud-init's keys. */
import type { WrongCase } from './lines.ts';

export const cloudInit: readonly WrongCase[] = [
  ['k3s: {token: a}', "2:1 k3s is not available: K3s' options are given under atoll:, by their own names"],
  [
    'ntp:\n  servers: 192.0.2.1, 192.0.2.2',
    '3:12 ntp.servers must be a list, not "192.0.2.1, 192.0.2.2" → write [192.0.2.1, 192.0.2.2]',
  ],
  [
    'disk_setup: {/dev/sdb: {table_type: none}}\nfs_setup: [{device: /dev/sdb1, filesystem: ext4, label: d}]\nmounts: [[LABEL=d, /var/d]]',
    '3:21 fs_setup[0].device "/dev/sdb1" is a partition of /dev/sdb, and none are made → write device: /dev/sdb: an extra disk is taken as a whole',
  ],
  ['hostnme: a', '2:1 hostnme unknown key "hostnme" → did you mean "hostname"?'],
  ['host_name: a', '2:1 host_name unknown key "host_name" → did you mean "hostname"?'],
  ['Hostname: a', '2:1 Hostname unknown key "Hostname" → did you mean "hostname"?'],
  ['hostname: -a', '2:11 hostname must be a host name: letters, digits and "-", not "-a"'],
  ['hostname: a_b', '2:11 hostname must be a host name: letters, digits and "-", not "a_b"'],
  ['hostname: "a b"', '2:11 hostname must be a host name: letters, digits and "-", not "a b"'],
  [
    'hostname: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '2:11 hostname is too long: 65 characters, at most 64',
  ],
  [
    'hostname: [a]',
    '2:11 hostname must be a host name: letters, digits and "-", not a list → remove the "-" or the brackets',
  ],
  ['hostname: {a: b}', '2:11 hostname must be a host name: letters, digits and "-", not a mapping'],
  [
    'hostname:\n  - a',
    '2:1 hostname must be a host name: letters, digits and "-", not a list → remove the "-" or the brackets',
  ],
  ['hostname: ""', '2:11 hostname must be a host name: letters, digits and "-", not ""'],
  ['hostname: yes', '2:11 warning: hostname is the text "yes" here and true to cloud-init → put it in quotes: "yes"'],
  ['hostname: 1_000', '2:11 hostname must be a host name: letters, digits and "-", not "1_000"'],
  ['fqdn: node', '2:7 fqdn must be a full name such as node-1.example.org, not "node"'],
  ['fqdn: a..b', '2:7 fqdn must be a full name such as node-1.example.org, not "a..b"'],
  ['fqdn: 12', '2:7 fqdn must be a full name such as node-1.example.org, not the number 12 → put it in quotes'],
  ['hostname: a\nfqdn: b.example.org', '3:7 warning: fqdn starts with another name than hostname, which is "a"'],
  ['prefer_fqdn_over_hostname: maybe', '2:28 prefer_fqdn_over_hostname must be true or false, not "maybe"'],
  ['preserve_hostname: "true"', '2:20 preserve_hostname must be true or false, not "true" → remove the quotes'],
  [
    'preserve_hostname: yes',
    '2:20 warning: preserve_hostname yes counts as true, as it does to cloud-init; YAML 1.2 has no such word → write true',
  ],
  ['preserve_hostname: 1', '2:20 preserve_hostname must be true or false, not the number 1'],
  ['timezone: Europe/Berlni', '2:11 timezone "Europe/Berlni" is no time zone: Europe/Berlin?'],
  ['timezone: Europe/berlin', '2:11 timezone "Europe/berlin" is no time zone: Europe/Berlin?'],
  ...[
    ['US/Pacific', 'America/Los_Angeles'],
    ['Japan', 'Asia/Tokyo'],
    ['Europe/Kiev', 'Europe/Kyiv'],
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['EST5EDT', 'America/New_York'],
  ].map(
    ([old, now]): WrongCase => [
      `timezone: ${old}`,
      `2:11 timezone "${old}" is an old name, which the image does not have: ${now}?`,
    ],
  ),
  ['timezone: Europe/Kyiv', []],
  ['timezone: Etc/GMT-5', []],
  ['timezone: UTC', []],
  ['timezone: Mars', '2:11 timezone "Mars" is no time zone'],
  ['timezone: ../etc/passwd', '2:11 timezone must be a time zone such as Europe/Berlin or UTC, not "../etc/passwd"'],
  [
    'timezone: 1',
    '2:11 timezone must be a time zone such as Europe/Berlin or UTC, not the number 1 → put it in quotes',
  ],
  [
    'locale: de_DE.UTF-8',
    '2:9 locale "de_DE.UTF-8" is not in the image, which has C.UTF-8: the letters of all languages, messages in English',
  ],
  ['hostname: localhost', '2:11 hostname "localhost" is the name every machine has for itself: give it one of its own'],
  [
    'hostname: Localhost.localdomain',
    '2:11 hostname "Localhost.localdomain" is the name every machine has for itself: give it one of its own',
  ],
  ['locale: german', '2:9 locale must be a locale such as C.UTF-8, not "german"'],
  ['locale: de_DE.UTF-8; rm', '2:9 locale must be a locale such as C.UTF-8, not "de_DE.UTF-8; rm"'],
  ['ntp: true', '2:6 ntp must be a mapping, not true'],
  ['ntp:\n  server: [a]', '3:3 ntp.server unknown key "server" → did you mean "servers"?'],
  [
    'ntp:\n  servers: a.example.org',
    '3:12 ntp.servers must be a list, not "a.example.org" → write it as an item: "- " before it',
  ],
  ['ntp:\n  servers: ["a b"]', '3:13 ntp.servers[0] must be a host name or an IP address, not "a b"'],
  [
    'ntp: {servers: [300.1.1.1, "1", "12:34", 192.0.2.1, "2001:db8::1", 0.pool.ntp.org, 2.debian.pool.ntp.org.]}',
    [
      '2:17 ntp.servers[0] must be a host name or an IP address, not "300.1.1.1"',
      '2:28 ntp.servers[1] must be a host name or an IP address, not "1"',
      '2:33 ntp.servers[2] must be a host name or an IP address, not "12:34"',
    ],
  ],
  [
    'ntp:\n  enabled: false\n  servers: [192.0.2.1]',
    '3:12 ntp.enabled is false, and there are servers → remove one of them',
  ],
  ['ntp:\n  ntp_client: chrony', '3:15 ntp.ntp_client must be one of auto, systemd-timesyncd, not "chrony"'],
  ['ntp:\n  config: {}', '3:3 ntp.config is not available: the clock is kept by systemd-timesyncd'],
  ['ntp:\n  peers: [a]', '3:3 ntp.peers is not available: systemd-timesyncd asks servers only'],
  ['users: bob', '2:8 users must be a list, not "bob" → write it as an item: "- " before it'],
  [
    'users:\n  - Bob',
    '3:5 users[0] must be a user name: lower-case letters, digits, "-" and "_", at most 32, not "Bob"',
  ],
  ['users:\n  - name: bob\n  - name: bob', '4:11 users[1].name the user "bob" is here twice → keep one of them'],
  ['users:\n  - gecos: Bob', '3:5 users[0] the key "name" is missing → the login name'],
  [
    'users:\n  - name: bob\n    sudo: ALL',
    '4:11 users[0].sudo is not available: the image has no sudo: give your key to root in ssh_authorized_keys',
  ],
  ['users:\n  - name: sshd', '3:11 users[0].name the user "sshd" is part of the image → take another name'],
  ['users:\n  - name: bob\n    uid: 1\n', '4:10 users[0].uid must be a whole number from 1000 to 60000, not 1'],
  ['users:\n  - {name: a, uid: 1001}\n  - {name: b, uid: 1001}', '4:20 users[1].uid 1001 is the user "a", too'],
  [
    'users:\n  - name: bob\n    shell: /bin/zsh',
    '4:12 users[0].shell "/bin/zsh" is not in the image: /bin/sh and /usr/sbin/nologin are',
  ],
  ['users:\n  - name: bob\n    shell: bash', '4:12 users[0].shell must be the path of a shell, not "bash"'],
  [
    'users:\n  - name: bob\n    passwd: secret',
    '4:13 users[0].passwd must be a hash as mkpasswd or openssl passwd -6 makes it, such as $6$…',
  ],
  [
    'users:\n  - name: bob\n    plain_text_passwd: secret',
    '4:5 users[0].plain_text_passwd is not available: a password in a file is read by many: give its hash, hashed_passwd (openssl passwd -6)',
  ],
  [
    'users:\n  - name: bob\n    lock_passwd: false',
    '4:18 users[0].lock_passwd is false, and there is no password → add hashed_passwd',
  ],
  [
    'users:\n  - name: bob\n    hashed_passwd: $6$abcdefgh$abcdefgh',
    '4:20 warning: users[0].hashed_passwd is not used: without lock_passwd the password is locked, as by cloud-init → add lock_passwd: false, or remove the password',
  ],
  ['users:\n  - name: bob\n    hashed_passwd: $6$abcdefgh$abcdefgh\n    lock_passwd: true', []],
  ['users:\n  - name: bob\n    hashed_passwd: "*"', []],
  [
    'users:\n  - name: bob\n    groups: "a b"',
    '4:13 users[0].groups must be group names, separated by commas, not "a b"',
  ],
  [
    'users:\n  - name: bob\n    groups: [A]',
    '4:14 users[0].groups[0] must be a group name: lower-case letters, digits, "-" and "_", at most 32, not "A"',
  ],
  ['users:\n  - name: bob\n    homedir: home', '4:14 users[0].homedir must be an absolute path, not "home"'],
  ['users:\n  - name: bob\n    homedir: /var/../etc', '4:14 users[0].homedir "/var/../etc" has "." or ".." in it'],
  [
    'users:\n  - name: bob\n    lock-passwd: true\n    lock_passwd: true',
    '5:5 users[0].lock_passwd is the same as "lock-passwd" in line 4 → keep one of them',
  ],
  ['users:\n  - name: bob\n    nme: x', '4:5 users[0].nme unknown key "nme" → did you mean "name"?'],
  [
    'users:\n  -',
    '3:4 users[0] must be a user name: lower-case letters, digits, "-" and "_", at most 32 or a mapping, not nothing',
  ],
  [
    'users:\n  - []',
    '3:5 users[0] must be a user name: lower-case letters, digits, "-" and "_", at most 32 or a mapping, not a list',
  ],
  [
    'users:\n  - name:',
    '3:5 users[0].name must be a user name: lower-case letters, digits, "-" and "_", at most 32, not nothing → give it a value',
  ],
  [
    'users:\n  - name: bob\n    ssh_import_id: [gh:bob]',
    '4:5 users[0].ssh_import_id is not available: the node does not ask others who may log in: give the keys',
  ],
  ['users:\n  - name: default\n    uid: 1000', '4:10 users[0].uid the number of root is always 0 → remove it'],
  [
    'users:\n  - default\n  - name: default\n  - name: root',
    '5:11 users[2].name the user "root" is here twice → keep one of them',
  ],
  [
    'enable_ssh: false\nssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me]',
    '2:13 warning: enable_ssh is false: nobody gets in by SSH, whatever keys are given → remove it where SSH is to run',
  ],
  ['enable_ssh: false\nusers: [default]', []],
  ['users:\n  - name: root\n    uid: 1000', '4:10 users[0].uid the number of root is always 0 → remove it'],
  [
    'ssh_authorized_keys: ssh-ed25519 AAAA',
    '2:22 ssh_authorized_keys must be a list, not "ssh-ed25519 AAAA" → write it as an item: "- " before it',
  ],
  [
    'ssh_authorized_keys:\n  - AAAA',
    '3:5 ssh_authorized_keys[0] must be a public SSH key such as "ssh-ed25519 AAAA… name"',
  ],
  [
    'ssh_authorized_keys:\n  - ssh-ed25519 AAAA',
    '3:5 ssh_authorized_keys[0] has a damaged key after ssh-ed25519: was it cut while it was copied?',
  ],
  [
    'ssh_authorized_keys:\n  - ssh-dss AAAA x',
    '3:5 ssh_authorized_keys[0] is of a type that is not taken any more: ssh-dss',
  ],
  [
    'ssh_authorized_keys:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    c2VjcmV0\n',
    '3:5 ssh_authorized_keys[0] is a private key: give the public one, from the file that ends in .pub',
  ],
  [
    'ssh_authorized_keys:\n  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA me',
    '3:5 ssh_authorized_keys[0] has a key after ssh-ed25519 that is cut at its end',
  ],
  [
    'ssh_authorized_keys:\n  - ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA me',
    '3:5 ssh_authorized_keys[0] has a damaged key after ssh-rsa: was it cut while it was copied?',
  ],
  [
    'ssh-authorized-keys: []\nssh_authorized_keys: []',
    '3:1 ssh_authorized_keys is the same as "ssh-authorized-keys" in line 2 → keep one of them',
  ],
  [
    'ssh_pwauth: true',
    '2:13 ssh_pwauth is true, and no user has a password → give a user hashed_passwd and lock_passwd: false, or remove it',
  ],
  ['ssh_pwauth: maybe', '2:13 ssh_pwauth must be true or false or "unchanged", not "maybe"'],
  [
    'disable_root: true\nssh_authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA me"]',
    '2:15 disable_root shuts out root, whom ssh_authorized_keys lets in → give the keys to a user in users, or remove disable_root',
  ],
  [
    'ssh_import_id: [gh:me]',
    '2:1 ssh_import_id is not available: the node does not ask others who may log in: give the keys',
  ],
  ['write_files:\n  path: /etc/a', '2:1 write_files must be a list, not a mapping'],
  [
    'write_files:\n  - content: a',
    '3:5 write_files[0] the key "path" is missing → where: below /etc (new at every boot), /var, /run or /root',
  ],
  [
    'write_files:\n  - path: /etc/atoll/config.yaml',
    '3:11 write_files[0].path "/etc/atoll/config.yaml" is written from the section atoll → use the section atoll',
  ],
  [
    'write_files:\n  - {path: /etc/atoll/registries.yaml, append: true}',
    '3:12 write_files[0].path "/etc/atoll/registries.yaml" is written from atoll.registries → use atoll.registries',
  ],
  ...['passwd', 'group', 'shadow', 'gshadow'].map(
    (name): WrongCase => [
      `write_files:\n  - path: /etc/${name}`,
      `3:11 write_files[0].path "/etc/${name}" would be without the users the machine needs → use users, or append: true`,
    ],
  ),
  ['write_files:\n  - {path: /etc/group, content: "x:x:900:\\n", append: true}', []],
  ...['/var/lib/containerd', '/var/log', '/etc/systemd', '/run/atoll'].map(
    (path): WrongCase => [
      `write_files:\n  - path: ${path}`,
      `3:11 write_files[0].path "${path}" is a folder of the machine → name a file in it`,
    ],
  ),
  [
    'write_files:\n  - {path: /etc/x, owner: "nobody:nope"}',
    '3:27 warning: write_files[0].owner there is no group "nope" in the images of Atoll, and users makes none: the file is not written → add a user with it in groups, unless your image has it',
  ],
  ['write_files:\n  - {path: /etc/x, owner: "jane:ops"}\nusers: [{name: jane, primary_group: ops}]', []],
  [
    'hostname: press\nwrite_files:\n  - path: /etc/hostname',
    '4:11 warning: write_files[0].path "/etc/hostname" is also written from other keys, and this one is what counts → leave out one of them, or say append: true',
  ],
  [
    'machine: {sysctls: {vm.swappiness: 1}}\nwrite_files:\n  - path: /etc/sysctl.d/90-config.conf',
    '4:11 warning: write_files[0].path "/etc/sysctl.d/90-config.conf" is also written from other keys, and this one is what counts → leave out one of them, or say append: true',
  ],
  ['hostname: press\nwrite_files:\n  - {path: /etc/hosts, content: 192.0.2.1 a, append: true}', []],
  ['write_files:\n  - path: etc/a', '3:11 write_files[0].path must be an absolute path, not "etc/a"'],
  ['write_files:\n  - path: /etc/a/', '3:11 write_files[0].path "/etc/a/" has a "/" too much'],
  [
    'write_files:\n  - path: /usr/bin/a',
    '3:11 write_files[0].path "/usr/bin/a" is on the read-only root → write below /etc (new at every boot), /var, /run, /tmp or /root',
  ],
  [
    'write_files:\n  - path: /proc/a',
    '3:11 write_files[0].path "/proc/a" is the kernel\'s → use machine.sysctls, or a command in bootcmd',
  ],
  [
    'write_files:\n  - path: /efi/loader.conf',
    '3:11 write_files[0].path "/efi/loader.conf" is the loader\'s → it is part of the image',
  ],
  [
    'write_files:\n  - path: /var/lib/atoll/config/current',
    '3:11 write_files[0].path "/var/lib/atoll/config/current" is Atoll\'s own → use the keys of the section atoll',
  ],
  [
    'write_files:\n  - path: /etc/a\n    permissions: 644',
    '4:18 write_files[0].permissions is the decimal number 644 without quotes, in octal 1204 → put it in quotes: "0644"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    permissions: 400',
    '4:18 write_files[0].permissions is the decimal number 400 without quotes, in octal 620 → put it in quotes: "0400"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    permissions: 420',
    '4:18 write_files[0].permissions is the decimal number 420 without quotes, in octal 644 → put it in quotes: "0644"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    permissions: "rw-r--r--"',
    '4:18 write_files[0].permissions must be permissions in octal, in quotes, such as "0644", not "rw-r--r--"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    permissions: "0888"',
    '4:18 write_files[0].permissions must be permissions in octal, in quotes, such as "0644", not "0888"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    owner: Root',
    '4:12 write_files[0].owner must be a user, or user:group, not "Root"',
  ],
  [
    'write_files:\n  - path: /etc/a\n    encoding: base32',
    '4:15 write_files[0].encoding must be one of text/plain, b64, base64, gz, gzip, gz+b64, gz+base64, gzip+b64, gzip+base64, not "base32" → did you mean "base64"?',
  ],
  [
    'write_files:\n  - path: /etc/a\n    encoding: b64\n    content: "*"',
    '5:14 write_files[0].content is not base64 → encoding is b64',
  ],
  [
    'write_files:\n  - path: /etc/a\n    encoding: gz+b64\n    content: YWJj',
    '5:14 write_files[0].content is not what gzip makes: damaged, or cut? → encoding is gz+b64',
  ],
  [
    'write_files:\n  - path: /etc/a\n    encoding: gzip\n    content: YWJj',
    '5:14 write_files[0].content cannot hold compressed bytes: they are written in base64, with encoding: gz+b64 → encoding is gzip',
  ],
  [
    'write_files:\n  - path: /etc/a\n  - path: /etc/a',
    '4:11 write_files[1].path the file "/etc/a" is here twice → keep one of them, or append: true',
  ],
  [
    'write_files:\n  - path: /etc/a\n    content: [a]',
    '4:14 write_files[0].content must be text, not a list → remove the "-" or the brackets',
  ],
  [
    'write_files:\n  - path: /etc/a\n    source: {uri: "https://example.org"}',
    '4:5 write_files[0].source is not available: put the content here, or download it in runcmd',
  ],
  [
    'write_files:\n  - path: /etc/a\n    append: sometimes',
    '4:13 write_files[0].append must be true or false, not "sometimes"',
  ],
  ['bootcmd: echo a', '2:10 bootcmd must be a list, not "echo a" → write it as an item: "- " before it'],
  ['bootcmd:\n  - {a: b}', '3:5 bootcmd[0] must be a command for the shell or a list, not a mapping'],
  ['runcmd:\n  -', '3:4 runcmd[0] must be a command for the shell or a list, not nothing'],
  ['runcmd:\n  - [a, [b]]', '3:9 runcmd[0][1] must be text, not a list → remove the "-" or the brackets'],
  ['runcmd:\n  - ""', '3:5 runcmd[0] must be a command for the shell'],
  ['runcmd:\n  - echo a: b', '3:5 runcmd[0] must be a command for the shell or a list, not a mapping'],
  [
    'ca_certs:\n  remove_defaults: true',
    '3:20 warning: ca_certs.remove_defaults is true, and trusted names no others: no server is trusted by HTTPS → add the certificates of your authority to trusted',
  ],
  [
    'bootcmd:\n  - [cloud-init-per, once, disk, mkfs, /dev/vdb]\n  - wget -O - https://a | /bin/bash\n  - [sh, -c, bash]\n  - echo sudo',
    [
      '3:5 warning: bootcmd[0] "cloud-init-per" is in no image of Atoll: the command fails → bootcmd runs at every boot, runcmd once for each instance-id',
      '4:5 warning: bootcmd[1] "/bin/bash" is in no image of Atoll: the command fails → the shell is sh (busybox)',
    ],
  ],
  [
    'runcmd:\n  - sudo reboot\n  - apt-get install -y htop',
    [
      '3:5 warning: runcmd[0] "sudo" is in no image of Atoll: the command fails → commands run as root: leave it out',
      '4:5 warning: runcmd[1] "apt-get" is in no image of Atoll: the command fails → the root is read-only and verified, and has no package manager: software comes in containers',
    ],
  ],
  [
    'phone_home: {url: "http://a/$INSTANCE_ID/$HOSTNAME"}',
    '2:19 phone_home.url "$HOSTNAME" stands for nothing: only $INSTANCE_ID is filled in → ask for facts in post, such as hostname; a "$" that is meant is %24',
  ],
  [
    'phone_home: {url: "http://a/$INSTANCE_ID/$INSTANCE_IDS"}',
    '2:19 phone_home.url "$INSTANCE_IDS" stands for nothing: only $INSTANCE_ID is filled in → ask for facts in post, such as hostname; a "$" that is meant is %24',
  ],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is cloud-init's
    'phone_home: {url: "http://a/${HOSTNAME}"}',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is cloud-init's
    '2:19 phone_home.url "${HOSTNAME}" stands for nothing: only $INSTANCE_ID is filled in → ask for facts in post, such as hostname; a "$" that is meant is %24',
  ],
  [
    'write_files: [{path: /etc/site}, {path: /etc/site/motd}]',
    [
      '2:22 write_files[0].path "/etc/site" is a folder, too: there is also "/etc/site/motd" → give the file another name',
    ],
  ],
  [
    'write_files: [{path: /var/x/y/z}, {path: /var/x, defer: true}]',
    ['2:42 write_files[1].path "/var/x" is a folder, too: there is also "/var/x/y/z" → give the file another name'],
  ],
  [
    'hostname: a\nwrite_files: [{path: /etc/hosts/x}]',
    [
      '3:22 write_files[0].path "/etc/hosts" is a file of the machine: nothing can be in it → give the file another name',
    ],
  ],
  [
    'users: [ann]\nwrite_files: [{path: /var/home/ann/.ssh}, {path: /var/home/ann}]',
    [
      '3:50 write_files[1].path "/var/home/ann" is a folder, too: there is also "/var/home/ann/.ssh" → give the file another name',
    ],
  ],
  [
    'write_files: [{path: /etc/os-release/x}, {path: /etc/hosts/a/b}]',
    [
      '2:22 write_files[0].path "/etc/os-release" is a file of the machine: nothing can be in it → give the file another name',
      '2:49 write_files[1].path "/etc/hosts" is a file of the machine: nothing can be in it → give the file another name',
    ],
  ],
  [
    'write_files: [{path: /etc/systemd/system}, {path: /etc/ssl/certs}, {path: /root/.ssh}]',
    [
      '2:22 write_files[0].path "/etc/systemd/system" is a folder of the machine → give the file another name',
      '2:51 write_files[1].path "/etc/ssl/certs" is a folder of the machine → give the file another name',
      '2:75 write_files[2].path "/root/.ssh" is a folder of the machine → give the file another name',
    ],
  ],
  ['ca_certs: {trusted: abc}', '2:21 ca_certs.trusted must be a list, not "abc" → write it as an item: "- " before it'],
  ['ca_certs: {trusted: [abc]}', '2:22 ca_certs.trusted[0] must be certificates in PEM: -----BEGIN CERTIFICATE----- …'],
  [
    'ca_certs:\n  trusted:\n    - |\n      -----BEGIN CERTIFICATE-----\n      YWJj\n      -----END CERTIFICATE-----\n',
    '4:7 ca_certs.trusted[0] is no certificate: damaged, or wrongly indented?',
  ],
  ['ca-certs: {}\nca_certs: {}', '3:1 ca_certs is the same as "ca-certs" in line 2 → keep one of them'],
  ['ca_certs: {remove-defaults: 1}', '2:29 ca_certs.remove-defaults must be true or false, not the number 1'],
  ['disk_setup: {sdb: {}}', '2:14 disk_setup.sdb the key must be a disk such as /dev/disk/by-id/…, not "sdb"'],
  [
    'disk_setup:\n  /dev/vdb: {layout: true}\nfs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}]\nmounts: [[/dev/vdb, /var/d]]',
    '3:22 disk_setup["/dev/vdb"].layout must be false, as partitions are not made',
  ],
  [
    'disk_setup:\n  /dev/vdb: {layout: [100]}',
    [
      '3:13 disk_setup["/dev/vdb"] has no file system → add it to fs_setup',
      '3:22 disk_setup["/dev/vdb"].layout must be false, as partitions are not made, not a list',
    ],
  ],
  [
    'disk_setup:\n  /dev/vdb: {table_type: gpt}',
    [
      '3:13 disk_setup["/dev/vdb"] has no file system → add it to fs_setup',
      '3:26 disk_setup["/dev/vdb"].table_type "gpt" is not available: an extra disk is taken as a whole, without partitions',
    ],
  ],
  ['disk_setup:\n  /dev/vdb: {layout: false}', '3:13 disk_setup["/dev/vdb"] has no file system → add it to fs_setup'],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: xfs, label: d}]',
    [
      '2:21 fs_setup[0].device is not mounted → add to mounts: [LABEL=d, /var/d]',
      '2:43 fs_setup[0].filesystem must be "ext4", not "xfs"',
    ],
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4}]',
    '2:12 fs_setup[0] the key "label" is missing → what it is called',
  ],
  [
    'fs_setup: [{device: vdb, filesystem: ext4, label: d}]',
    '2:21 fs_setup[0].device must be a disk such as /dev/disk/by-id/…, not "vdb"',
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}]',
    '2:21 fs_setup[0].device is not mounted → add to mounts: [LABEL=d, /var/d]',
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: this-is-a-long-label}]',
    '2:56 fs_setup[0].label must be at most 16 letters, digits, "-" and "_", not "this-is-a-long-label"',
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d, overwrite: true}]\nmounts: [[LABEL=d, /var/d]]',
    '2:70 fs_setup[0].overwrite must be false: data that is there is never overwritten → clear the disk by hand',
  ],
  [
    'mounts: [[LABEL=x, /var/x]]',
    '2:11 mounts[0][0] "LABEL=x" is no device or LABEL=… of fs_setup → only extra disks of fs_setup are mounted',
  ],
  ['mounts: [LABEL=x]', '2:10 mounts[0] must be a list, not "LABEL=x" → write it as an item: "- " before it'],
  ['mounts: [[LABEL=x]]', '2:10 mounts[0] must be [what, where], such as [LABEL=data, /var/data]'],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}]\nmounts: [[LABEL=d, /data]]',
    '3:20 mounts[0][1] must be a folder below /var, or /mnt, /srv, /opt or /media, not "/data" → the root is read-only',
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}]\nmounts: [[LABEL=d, /var/d, xfs]]',
    '3:28 mounts[0][2] must be ext4, not "xfs"',
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}, {device: /dev/vdb, filesystem: ext4, label: e}]\nmounts: [[LABEL=d, /var/d], [LABEL=e, /var/d]]',
    ['2:69 fs_setup[1].device the device "/dev/vdb" is here twice', '3:39 mounts[1][1] "/var/d" is here twice'],
  ],
  [
    'fs_setup: [{device: /dev/vdb, filesystem: ext4, label: d}]\nmounts: [[LABEL=d, /var/d, auto, "defaults,ro", 1, 3]]',
    [
      '3:34 mounts[0][3] the option "ro" is not available → extra disks are mounted with noatime, and a missing one does not stop the node (nofail)',
      '3:49 mounts[0][4] must be 0, not "1" → nothing dumps here',
      '3:52 mounts[0][5] must be 0, 1 or 2, not "3"',
    ],
  ],
  ['phone_home: {}', '2:13 phone_home the key "url" is missing → where to; $INSTANCE_ID stands for the instance'],
  [
    'phone_home: {url: example.org}',
    '2:19 phone_home.url must be a URL that starts with http:// or https://, not "example.org"',
  ],
  ['phone_home: {url: "https://example.org", post: some}', '2:48 phone_home.post must be "all" or a list, not "some"'],
  [
    'phone_home: {url: "https://example.org", post: [hostnme]}',
    '2:49 phone_home.post[0] must be one of pub_key_rsa, pub_key_ecdsa, pub_key_ed25519, instance_id, hostname, fqdn, not "hostnme" → did you mean "hostname"?',
  ],
  [
    'phone_home: {url: "https://example.org", tries: 0}',
    '2:49 phone_home.tries must be a whole number from 1 to 100, not 0',
  ],
  [
    'phone_home: {url: "https://example.org", tries: ten}',
    '2:49 phone_home.tries must be a whole number from 1 to 100, not "ten"',
  ],
  [
    'packages: [vim]',
    '2:11 packages is not available: the root is read-only and verified, and has no package manager: software comes in containers',
  ],
  [
    'package_update: true',
    '2:1 package_update is not available: the root is read-only and verified, and has no package manager: software comes in containers',
  ],
  [
    'apt: {}',
    '2:6 apt is not available: the root is read-only and verified, and has no package manager: software comes in containers',
  ],
  ['chpasswd: {}', '2:1 chpasswd is not available: give a user a hash: users[].hashed_passwd'],
  ['password: x', '2:1 password is not available: give a user a hash: users[].hashed_passwd'],
  [
    'power_state: {mode: reboot}',
    '2:1 power_state is not available: what needs a reboot is said, and the reboot is yours: a node that reboots by itself at first boot is hard to understand',
  ],
  ['swap: {}', '2:1 swap is not available: nothing is swapped to a disk, which wears: use machine.zram'],
  [
    'growpart: {}',
    '2:1 growpart is not available: the data partition takes the whole disk at the first boot by itself',
  ],
  [
    'snap: {}',
    '2:1 snap is not available: the root is read-only and verified, and has no package manager: software comes in containers',
  ],
  ['ssh_keys: {}', '2:1 ssh_keys is not available: the host keys are made on the node at its first start and kept'],
  ['manage_etc_hosts: false', '2:19 manage_etc_hosts must be true: the host name is always in /etc/hosts'],
  ['network: {version: 2}', '2:1 network is not available: it is a document of its own: network-config'],
  ['user: bob', '2:7 user "bob" is not available: give the user in users'],
  ['user: {name: sshd}', '2:14 user.name the user "sshd" is part of the image → take another name'],
  ['users: [ann]\nuser: {name: ann}', '3:14 user.name the user "ann" is here twice → keep one of them'],
  [
    'manage_resolv_conf: true',
    '2:21 manage_resolv_conf must be false: name servers are given in network-config: nameservers',
  ],
  ['rpi: {}', '2:1 rpi is not available: the interfaces of the board are in config.txt on the card'],
  ['groups: [a]', '2:1 groups is not available yet: give groups with the user: users[].groups'],
  ['keyboard: de', '2:11 keyboard must be a mapping, not "de"'],
  ['vendor_data: {}', '2:1 vendor_data is not available: there is none'],
  ['ansible: {}', '2:1 ansible is not available: Atoll is configured by this file, and what runs on it by Kubernetes'],
  [
    'merge_how: []',
    '2:1 merge_how is not available: mappings are merged key by key, lists are taken whole, the stronger source wins',
  ],
  ['output: {all: ">> /x"}', '2:1 output is not available: everything goes to the journal: atoll logs shows it'],
  ['token: x', '2:1 token unknown key "token" → it belongs under "atoll:"'],
  ['sysctls: {}', '2:1 sysctls unknown key "sysctls" → it belongs under "machine:"'],
  ['node-label: [a=b]', '2:1 node-label unknown key "node-label" → it belongs under "atoll:"'],
  ['coreos: {}', '2:1 coreos unknown key "coreos"'],
];
