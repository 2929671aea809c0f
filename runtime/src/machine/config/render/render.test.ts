import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readConfig } from '../read.ts';
import type { Rendered } from '../types.ts';
import { render } from './index.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ann';

/** What a user-data (without its first line) and a meta-data become. */
function rendered(userData: string, metaData?: string): Rendered {
  const { config, problems } = readConfig([
    {
      source: 'esp',
      location: 'test',
      documents: {
        'user-data': Buffer.from(`#cloud-config\n${userData}\n`),
        ...(metaData === undefined ? {} : { 'meta-data': Buffer.from(metaData) }),
      },
    },
  ]);
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
    userData,
  );
  assert.ok(config);
  return render(config).rendered;
}
const file = (found: Rendered, path: string): string | undefined =>
  found.files.findLast(one => one.path === path)?.content.toString();

describe('what a configuration becomes', () => {
  for (const [userData, path, content] of [
    ['hostname: Press-7', '/etc/hostname', 'press-7\n'],
    ['fqdn: press-7.example.org', '/etc/hostname', 'press-7\n'],
    ['fqdn: press-7.example.org\nprefer_fqdn_over_hostname: true', '/etc/hostname', 'press-7.example.org\n'],
    ['hostname: a\npreserve_hostname: true', '/etc/hostname', undefined],
    [
      'hostname: a\nfqdn: a.example.org',
      '/etc/hosts',
      '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 a.example.org a\n',
    ],
    ['locale: C.UTF-8', '/etc/locale.conf', 'LANG=C.UTF-8\n'],
    ['timezone: Europe/Berlin', '/etc/timezone', 'Europe/Berlin\n'],
    [
      'ntp: {servers: [192.0.2.1], pools: [pool.example.org]}',
      '/etc/systemd/timesyncd.conf.d/50-config.conf',
      '[Time]\nNTP=192.0.2.1 pool.example.org\nFallbackNTP=\n',
    ],
    ['ntp: {enabled: false}', '/etc/systemd/timesyncd.conf.d/50-config.conf', '[Time]\nNTP=\nFallbackNTP=\n'],
    ['ntp: {enabled: true}', '/etc/systemd/timesyncd.conf.d/50-config.conf', undefined],
    [
      'machine: {sysctls: {net.core.somaxconn: 4096, vm/swappiness: 1}}',
      '/etc/sysctl.d/90-config.conf',
      'net.core.somaxconn = 4096\nvm.swappiness = 1\n',
    ],
    [
      'machine: {sysctls: {net.ipv4.conf.eth0/7.rp_filter: 0, net/ipv6/conf/eth0.7/forwarding: 1}}',
      '/etc/sysctl.d/90-config.conf',
      'net.ipv4.conf.eth0/7.rp_filter = 0\nnet.ipv6.conf.eth0/7.forwarding = 1\n',
    ],
    ['machine: {console: {log-level: 6}}', '/etc/sysctl.d/90-config.conf', 'kernel.printk = 6 4 1 7\n'],
    ['machine: {console: {banner: false}}', '/etc/atoll/no-banner', 'machine.console.banner: false\n'],
    ['machine: {console: {banner: true}}', '/etc/atoll/no-banner', undefined],
    [
      'machine: {kernel-modules: [8021q, {name: bonding, parameters: {max_bonds: 0}}]}',
      '/etc/modules-load.d/50-config.conf',
      '8021q\nbonding\n',
    ],
    [
      'machine: {kernel-modules: [{name: bonding, parameters: {max_bonds: 0, x: y}}]}',
      '/etc/modprobe.d/50-config.conf',
      'options bonding max_bonds=0 x=y\n',
    ],
    ['write_files: [{path: /etc/a, content: "x\\n"}]', '/etc/a', 'x\n'],
    ['write_files: [{path: /etc/a, content: eAo=, encoding: b64}]', '/etc/a', 'x\n'],
    [
      `write_files: [{path: /etc/a, content: ${gzipSync('x\n').toString('base64')}, encoding: gz+b64}]`,
      '/etc/a',
      'x\n',
    ],
    ['write_files: [{path: /etc/a}]', '/etc/a', ''],
    ['write_files: [{path: /root/.profile, content: x}]', '/var/roothome/.profile', 'x'],
    ['atoll: {role: agent, server: "https://192.0.2.1:6443", token: abc}', '/etc/atoll/no-server', 'role: agent\n'],
  ] as const) {
    it(`${userData.split('\n')[0]?.slice(0, 70)} → ${path}`, () =>
      assert.equal(file(rendered(userData), path), content));
  }

  it('the host name of meta-data stands where user-data has none', () => {
    assert.equal(rendered('timezone: UTC', 'local-hostname: meta\n').hostname, 'meta');
    assert.equal(rendered('hostname: user', 'local-hostname: meta\n').hostname, 'user');
  });

  it('files have their modes, owners and times', () => {
    const { files } = rendered(
      'write_files:\n- {path: /var/a, permissions: "0600", owner: "ann:users", append: true}\n- {path: /var/b, permissions: "0o755", owner: root, defer: true}',
    );
    assert.deepEqual(
      files.map(({ content: _, ...rest }) => rest),
      [
        { path: '/var/a', mode: 0o600, owner: 'ann:users', append: true },
        { path: '/var/b', mode: 0o755, defer: true },
      ],
    );
  });

  it('nobody gets in unless there is a key; then root, who is the default user', () => {
    assert.equal(rendered('users: [ann]').ssh, undefined);
    assert.equal(rendered('hostname: a').ssh, undefined);
    const found = rendered(`ssh_authorized_keys: ["${key}"]`);
    assert.deepEqual(found.ssh, { passwords: false });
    assert.deepEqual(
      found.users?.map(({ name, keys }) => [name, keys]),
      [['root', [key]]],
    );
    const byMeta = rendered('users: [default]', `public-keys: ["${key}"]\n`);
    assert.deepEqual(
      byMeta.users?.map(({ name, keys }) => [name, keys]),
      [['root', [key]]],
    );
  });

  it('what is said of the user "default" is said of root', () => {
    const found = rendered(`users:
  - {name: default, ssh_authorized_keys: ["${key}"], hashed_passwd: "$6$abcdefgh$abcdefgh", lock_passwd: false}
  - ann`);
    assert.deepEqual(
      found.users?.map(({ name, home, keys, passwordHash }) => [name, home, keys, passwordHash]),
      [
        ['root', '/root', [key], '$6$abcdefgh$abcdefgh'],
        ['ann', undefined, [], undefined],
      ],
    );
    assert.deepEqual(found.ssh, { passwords: false });
  });

  it('enable_ssh: false keeps SSH from running, and true does not make it run', () => {
    const keys = `ssh_authorized_keys: ["${key}"]`;
    assert.equal(rendered(`${keys}\nenable_ssh: false`).ssh, undefined);
    assert.deepEqual(rendered(`${keys}\nenable_ssh: true`).ssh, { passwords: false });
    assert.equal(rendered('enable_ssh: true').ssh, undefined);
  });

  it('users are what they are said to be', () => {
    const { users, ssh } = rendered(`users:
  - default
  - {name: ann, gecos: Ann, groups: "users, dialout", uid: 2000, ssh_authorized_keys: ["${key}"]}
  - {name: bob, homedir: /var/bob, hashed_passwd: "$6$abcdefgh$abcdefgh", lock_passwd: false, shell: /usr/sbin/nologin}
  - {name: cat, system: true, primary_group: users}
  - {name: dan, hashed_passwd: "$6$abcdefgh$abcdefgh"}
ssh_pwauth: true`);
    assert.deepEqual(ssh, { passwords: true });
    assert.deepEqual(users, [
      {
        name: 'ann',
        uid: 2000,
        comment: 'Ann',
        shell: '/bin/sh',
        groups: ['users', 'dialout'],
        keys: [key],
        createHome: true,
      },
      {
        name: 'bob',
        comment: '',
        home: '/var/bob',
        shell: '/usr/sbin/nologin',
        groups: [],
        keys: [],
        createHome: true,
        passwordHash: '$6$abcdefgh$abcdefgh',
      },
      {
        name: 'cat',
        primaryGroup: 'users',
        comment: '',
        home: '/',
        shell: '/usr/sbin/nologin',
        groups: [],
        keys: [],
        createHome: false,
      },
      { name: 'dan', comment: '', shell: '/bin/sh', groups: [], keys: [], createHome: true },
    ]);
  });

  it('the authorities of the image go where they are to, with or without others', () => {
    assert.deepEqual(rendered('ca_certs: {remove_defaults: true}').authorities, { pem: '', only: true });
    assert.deepEqual(rendered('ca_certs: {remove-defaults: true, trusted: []}').authorities, { pem: '', only: true });
    assert.equal(rendered('ca_certs: {remove_defaults: false}').authorities, undefined);
    assert.equal(rendered('ca_certs: {}').authorities, undefined);
  });

  it('commands stay in their order and form', () => {
    const { bootcmd, runcmd } = rendered('bootcmd: ["echo a", [echo, "b c"]]\nruncmd: [ls]');
    assert.deepEqual([bootcmd, runcmd], [['echo a', ['echo', 'b c']], ['ls']]);
  });

  it('extra disks are mounted where they are to', () => {
    const { diskSetup } = rendered(
      'disk_setup: {/dev/vdb: {layout: false, overwrite: false}}\nfs_setup: [{device: /dev/vdb, filesystem: ext4, label: data}]\nmounts: [[LABEL=data, /var/data]]',
    );
    assert.deepEqual(diskSetup, [{ device: '/dev/vdb', filesystem: 'ext4', label: 'data', mountPoint: '/var/data' }]);
  });

  it('the machine: watchdog, zram', () => {
    assert.equal(rendered('machine: {watchdog: true}').watchdogSeconds, 60);
    assert.equal(rendered('machine: {watchdog: 30}').watchdogSeconds, 30);
    assert.equal(rendered('machine: {watchdog: false}').watchdogSeconds, 0);
    assert.deepEqual(rendered('machine: {zram: true}').zram, { sizeBytes: 256 * 1024 ** 2, algorithm: 'lz4' });
    assert.deepEqual(rendered('machine: {zram: {size: 1G, algorithm: zstd}}').zram, {
      sizeBytes: 1024 ** 3,
      algorithm: 'zstd',
    });
    assert.equal(rendered('machine: {zram: false}').zram, undefined);
  });

  it('calls home with its instance', () => {
    for (const [as, url] of [
      ['$INSTANCE_ID/', 'i%2F7/'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is cloud-init's
      ['${INSTANCE_ID}-a?$INSTANCE_ID&b=$', 'i%2F7-a?i%2F7&b=$'],
    ]) {
      const { phoneHome } = rendered(`phone_home: {url: "http://192.0.2.1/${as}"}`, 'instance-id: i/7\n');
      assert.deepEqual(phoneHome, { url: `http://192.0.2.1/${url}`, post: 'all', tries: 10 });
    }
  });

  it('a person’s own file is stronger than what is made', () => {
    assert.equal(file(rendered('hostname: a\nwrite_files: [{path: /etc/hosts, content: mine}]'), '/etc/hosts'), 'mine');
  });
});
