import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { livePlan } from './live.ts';
import { quoted, stage } from './stage.ts';
import { nothingRendered, type Rendered, type RenderedFile } from './types.ts';

const image = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n',
  group: 'root:x:0:\nbin:x:2:\ndialout:x:20:old\n',
  shadow: 'root:!*:1::::::\nbin:!*:1::::::\n',
  gshadow: 'root:!*::\ndialout:!*::old\n',
};
const user = { name: 'ann', comment: '', shell: '/bin/sh', groups: [], keys: [], createHome: true } as const;
const staged = (rendered: Partial<Rendered>, knownIds = {}) =>
  new Map(
    stage({ rendered: { ...nothingRendered, ...rendered }, accounts: image, knownIds, instanceId: 'i-1' }).map(file => [
      file.path,
      file,
    ]),
  );
const text = (files: ReturnType<typeof staged>, path: string): string =>
  files.get(path)?.content.toString('utf8') ?? '';

describe('a rendered configuration as a generation', () => {
  it('has nothing to do when nothing is said, but to let nobody in', () => {
    const files = staged({});
    assert.deepEqual([...files.keys()].sort(), ['boot', 'ids.json', 'instance', 'instance-folder', 'rendered.json']);
    assert.equal(text(files, 'boot'), "keys '-' '/var/roothome' '0' '0'\n");
  });

  it('copies what is in /etc, and puts, appends and defers the rest', () => {
    const files = staged({
      files: [
        { path: '/etc/a', content: 'a', mode: 0o640 },
        { path: '/etc/a', content: 'again', mode: 0o600 },
        { path: '/etc/owned', content: 'o', mode: 0o644, owner: 'ann' },
        { path: '/var/b', content: 'b', mode: 0o644 },
        { path: '/etc/c', content: 'c', mode: 0o644, append: true },
        { path: '/run/d', content: 'd', mode: 0o4755, defer: true },
      ],
    });
    assert.equal(text(files, 'etc/a'), 'again');
    assert.equal(files.get('etc/a')?.mode, 0o600);
    assert.match(
      text(files, 'boot'),
      /^put 'files\/\d' '\/etc\/owned' '644' 'ann'\nput 'files\/\d' '\/var\/b' '644' '-'\nappend 'files\/\d' '\/etc\/c' '644' '-'$/m,
    );
    assert.match(text(files, 'final'), /^put 'files\/\d' '\/run\/d' '4755' '-'$/m);
  });

  it('writes a file once, whatever is appended to it', () => {
    const file = (path: string, content: string, more: Partial<RenderedFile> = {}) => ({
      path,
      content,
      mode: 0o644,
      ...more,
    });
    const append = true as const;
    const defer = true as const;
    const files = staged({
      files: [
        file('/etc/hosts', 'h\n'),
        file('/var/a', 'a\n', { append }),
        file('/var/b', 'b\n', { owner: 'ann' }),
        file('/var/a', 'A\n', { append, mode: 0o600 }),
        file('/etc/hosts', 'H\n', { append }),
        file('/var/b', 'B\n', { append, owner: 'bob' }),
        file('/var/a', 'late\n', { append, defer }),
      ],
    });
    assert.equal(text(files, 'etc/hosts'), 'h\nH\n');
    assert.equal(
      text(files, 'boot'),
      "keys '-' '/var/roothome' '0' '0'\nappend 'files/0' '/var/a' '600' '-'\nput 'files/1' '/var/b' '644' 'bob'\n",
    );
    assert.equal(text(files, 'final'), "append 'files/2' '/var/a' '644' '-'\n");
    assert.deepEqual(
      [0, 1, 2].map(i => text(files, `files/${i}`)),
      ['a\nA\n', 'b\nB\n', 'late\n'],
    );
  });

  it('announces network cards again where udev has something new to do with them', () => {
    const link = { path: '/etc/systemd/network/50-up.link', content: '[Match]', mode: 0o644 };
    const rule = { path: '/etc/udev/rules.d/85-atoll-wpa.rules', content: 'SUBSYSTEM', mode: 0o644 };
    for (const file of [link, rule]) assert.match(text(staged({ files: [file] }), 'boot'), /^cards$/m);
    const network = { path: '/etc/systemd/network/50-up.network', content: '[Match]', mode: 0o644 };
    assert.doesNotMatch(text(staged({ files: [network] }), 'boot'), /cards/);
  });

  it('makes words of a shell of anything', () => {
    assert.equal(quoted('it\'s $HOME `x` "y"\n'), "'it'\\''s $HOME `x` \"y\"\n'");
    const commands = [['echo', "a'b", '$x'], 'echo $x'];
    const files = staged({ bootcmd: commands, runcmd: [...commands, 'cat << E\nx\nE\n', 'true'] });
    assert.equal(text(files, 'files/0'), "'echo' 'a'\\''b' '$x'\necho $x\n");
    assert.equal(text(files, 'files/1'), "'echo' 'a'\\''b' '$x'\necho $x\ncat << E\nx\nE\n\ntrue\n");
    assert.match(text(files, 'boot'), /^early 'files\/0'$/m);
    assert.equal(text(files, 'final'), "late 'files/1'\n");
  });

  it('adds accounts to those of the image', () => {
    const files = staged({
      users: [
        { ...user, groups: ['dialout', 'fresh'], keys: ['ssh-ed25519 AAAA ann'], passwordHash: '$6$x$y' },
        { ...user, name: 'root', home: '/root', comment: 'root', createHome: false, keys: ['k'] },
        { ...user, name: 'bob', uid: 1500, primaryGroup: 'dialout' },
      ],
    });
    assert.equal(
      text(files, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\nann:x:1000:1000::/var/home/ann:/bin/sh\nbob:x:1500:20::/var/home/bob:/bin/sh\n',
    );
    assert.equal(
      text(files, 'etc/group'),
      'root:x:0:\nbin:x:2:\ndialout:x:20:old,ann\nann:x:1000:\nfresh:x:1001:ann\n',
    );
    assert.equal(text(files, 'etc/shadow'), 'root:*:1::::::\nbin:!*:1::::::\nann:$6$x$y:1::::::\nbob:*:1::::::\n');
    assert.equal(files.get('etc/shadow')?.mode, 0o600);
    assert.match(text(files, 'boot'), /^home '\/var\/home\/ann' '1000' '1000'$/m);
    assert.match(text(files, 'boot'), /^keys 'files\/\d' '\/var\/roothome' '0' '0'$/m);
    assert.match(text(files, 'boot'), /^keys '-' '\/var\/home\/bob' '1500' '20'$/m);
  });
});

describe('a new generation on a running node', () => {
  const plan = (before: Partial<Rendered>, after: Partial<Rendered>) =>
    livePlan([...staged(before).values()], [...staged(after).values()]);
  const file = (path: string, content = 'x') => ({ files: [{ path, content, mode: 0o644 }] });

  for (const [what, before, after, commands, reboot] of [
    ['nothing', {}, {}, [], []],
    ['a network', {}, file('/etc/systemd/network/10-a.network'), ['networkctl reload'], []],
    [
      'another network',
      file('/etc/systemd/network/10-a.network'),
      file('/etc/systemd/network/10-a.network', 'y'),
      ['networkctl reload'],
      [],
    ],
    ['kernel parameters', {}, file('/etc/sysctl.d/90-config.conf'), ['/usr/lib/systemd/systemd-sysctl'], []],
    ['modules', {}, file('/etc/modules-load.d/50-config.conf'), ['/usr/lib/systemd/systemd-modules-load'], []],
    [
      'time servers',
      file('/etc/systemd/timesyncd.conf.d/50-config.conf'),
      {},
      ['systemctl --no-block try-restart systemd-timesyncd.service'],
      [],
    ],
    [
      'the daemons',
      {},
      file('/etc/atoll/config.yaml'),
      ['systemctl --no-block try-restart atoll-server.service atoll-agent.service'],
      [],
    ],
    [
      'a time zone',
      { timezone: 'UTC', ...file('/etc/timezone', 'UTC\n') },
      { timezone: 'Asia/Tokyo', ...file('/etc/timezone', 'Asia/Tokyo\n') },
      ['systemctl --no-block try-restart atoll-agent.service'],
      [],
    ],
    ['a user', {}, { users: [user] }, ['systemctl --no-block restart atoll-ssh.service'], []],
    ['SSH', { ssh: { passwords: false } }, {}, ['systemctl --no-block restart atoll-ssh.service'], []],
    ['a boot command', { bootcmd: ['a'] }, { bootcmd: ['b'] }, [], ['bootcmd']],
    ['swap in memory', {}, { zram: { sizeBytes: 1, algorithm: 'lz4' } }, [], ['machine.zram']],
    [
      'a disk',
      {},
      { diskSetup: [{ device: '/dev/vdb', filesystem: 'ext4', label: 'data', mountPoint: '/var/data' }] },
      [],
      ['disk_setup'],
    ],
    ['authorities', {}, { authorities: { pem: 'x', only: false } }, [], ['ca_certs']],
    ['the role', {}, file('/etc/atoll/no-server'), [], ['atoll.role']],
    // What goes is not always gone.
    ['another host name', { hostname: 'a' }, { hostname: 'b' }, [], []],
    ['a host name that goes', { hostname: 'a' }, {}, [], ['hostname']],
    ['another watchdog', { watchdogSeconds: 30 }, { watchdogSeconds: 60 }, [], []],
    ['a watchdog that goes', { watchdogSeconds: 30 }, {}, [], ['machine.watchdog']],
    [
      'a bridge that goes',
      file('/etc/systemd/network/50-br0.netdev'),
      {},
      ['networkctl reload'],
      ['network-config (br0)'],
    ],
    [
      'another bridge',
      file('/etc/systemd/network/50-br0.netdev', 'a'),
      file('/etc/systemd/network/50-br0.netdev', 'b'),
      ['networkctl reload'],
      ['network-config (br0)'],
    ],
    [
      'a name of a card that goes',
      file('/etc/systemd/network/50-up.link'),
      {},
      ['networkctl reload'],
      ['network-config (up)'],
    ],
    [
      'a wireless network that goes',
      file('/etc/systemd/system/atoll-wpa-wlan0.service'),
      {},
      ['systemctl --no-block stop atoll-wpa-wlan0.service', 'systemctl daemon-reload'],
      [],
    ],
    [
      'kernel parameters that go',
      file('/etc/sysctl.d/90-config.conf', 'vm.swappiness = 1\nvm.x = 2\nvm.y = 3\n'),
      file('/etc/sysctl.d/90-config.conf', 'vm.x = 4\n'),
      ['/usr/lib/systemd/systemd-sysctl'],
      ['machine.sysctls (vm.swappiness, vm.y)'],
    ],
    [
      'a module that goes',
      file('/etc/modules-load.d/50-config.conf', 'a\nb\n'),
      file('/etc/modules-load.d/50-config.conf', 'b\n'),
      ['/usr/lib/systemd/systemd-modules-load'],
      ['machine.kernel-modules (a)'],
    ],
    [
      'other parameters of a module',
      file('/etc/modprobe.d/50-config.conf', 'options a x=1\n'),
      file('/etc/modprobe.d/50-config.conf', 'options a x=2\n'),
      [],
      ['machine.kernel-modules (a)'],
    ],
  ] as const) {
    it(`${what}: ${[...commands, ...reboot].join(', ') || 'nothing to do'}`, () => {
      const found = plan(before as Partial<Rendered>, after as Partial<Rendered>);
      assert.deepEqual(
        found.commands.map(command => command.join(' ')),
        commands,
      );
      assert.deepEqual(found.rebootNeeded, reboot);
    });
  }

  it('that a boot has waited for brings what else would need a reboot, unless another of its kind was there', () => {
    const disk = { device: '/dev/vdb', filesystem: 'ext4', label: 'data', mountPoint: '/var/data' } as const;
    const fresh = {
      bootcmd: ['b'],
      diskSetup: [disk],
      authorities: { pem: 'x', only: false },
      ...file('/etc/atoll/no-server'),
    };
    assert.deepEqual(plan({}, fresh).whileBooting, ['bootcmd', 'disk_setup', 'ca_certs', 'atoll.role']);
    const found = plan({ bootcmd: ['a'] }, fresh);
    assert.deepEqual(found.whileBooting, ['disk_setup', 'ca_certs', 'atoll.role']);
    assert.deepEqual(found.rebootNeeded, ['bootcmd', 'disk_setup', 'ca_certs', 'atoll.role']);
    assert.deepEqual(plan({ bootcmd: ['b'] }, { bootcmd: ['b'] }).whileBooting, []);
  });

  it('takes out of /etc what the old one put there', () => {
    assert.deepEqual(plan(file('/etc/motd'), {}).remove, ['/etc/motd']);
    const owned = {
      files: [
        { path: "/etc/it's", content: 'x', mode: 0o644, owner: 'ann' },
        { path: '/etc/late', content: 'x', mode: 0o644, defer: true as const },
      ],
    };
    assert.deepEqual(plan(owned, {}).remove, ["/etc/it's", '/etc/late']);
    assert.deepEqual(plan(owned, file("/etc/it's")).remove, ['/etc/late']);
    assert.deepEqual([...plan({ users: [user] }, {}).remove].sort(), [
      '/etc/group',
      '/etc/gshadow',
      '/etc/passwd',
      '/etc/shadow',
    ]);
    assert.deepEqual(plan(file('/var/x'), {}).remove, []);
    assert.deepEqual(plan({ timezone: 'UTC' }, {}).remove, ['/etc/localtime']);
  });

  it("starts from the image's own where something else is appended", () => {
    const appended = (...contents: readonly string[]): Partial<Rendered> => ({
      files: contents.map(content => ({ path: "/etc/it's", content, mode: 0o644, append: true as const })),
    });
    assert.deepEqual(plan(appended('a'), appended('a')).remove, []);
    assert.deepEqual(plan(appended('a'), appended('b')).remove, ["/etc/it's"]);
    assert.deepEqual(plan(appended('a', 'b'), appended('a')).remove, ["/etc/it's"]);
    assert.deepEqual(plan(appended('a'), { ...appended('a'), bootcmd: ['true'] }).remove, []);
    assert.deepEqual(plan(appended('a'), file("/etc/it's")).remove, ["/etc/it's"]);
    assert.deepEqual(plan({}, appended('a')).remove, []);
  });
});
