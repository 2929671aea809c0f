/**
 * One node configured from its card, a stick, SMBIOS and fw_cfg at once, on a network that leads nowhere else (no default route, no name
 * servers), then changed while it runs, then given a wrong
 * configuration on its card.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { timeZones } from '../../runtime/src/machine/config/sections/timeZones.ts';
import { AtollNode } from '../src/node.ts';
import { Disks } from './configDisks.ts';
import { diskBytes, imageMachine } from './image.ts';

const minutes = 60_000;
const run = promisify(execFile);

const esp = (publicKey: string, port: number): string => `#cloud-config
hostname: from-the-esp
timezone: Europe/Berlin
ssh_authorized_keys:
  - ${publicKey}
users:
  - default
  - name: ops
    gecos: Operations
    groups: [dialout, operators]
    ssh_authorized_keys: ["${publicKey}"]
ntp:
  servers: [192.0.2.123]
write_files:
  - {path: /etc/site/motd, content: "Hall 2, it's press 7\\n", permissions: "0640", owner: "ops:operators"}
  - {path: /var/lib/site/key, content: c2VjcmV0Cg==, encoding: b64, permissions: "0600"}
  - {path: /etc/site/late, content: "late\\n", defer: true}
  - {path: /var/lib/site.boot/below, content: "below a file that bootcmd has made"}
bootcmd:
  - site=/var/lib/site.boot
  - echo boot >> $site
runcmd:
  - [sh, -c, "echo run $(hostname) >> /var/lib/site.run"]
fs_setup:
  - {device: /dev/disk/by-id/virtio-data, filesystem: ext4, label: data}
mounts:
  - [LABEL=data, /var/data]
phone_home: {url: "http://10.0.2.100:${port}/home/$INSTANCE_ID", post: [instance_id, hostname], tries: 3}
atoll:
  node-name: press-7
  token: a-secret-that-nobody-sees
  write-kubeconfig: /var/lib/site/admin.yaml
  node-label: [site=oslo, disk=ssd]
  node-taint: ["dedicated=press:PreferNoSchedule"]
`;
const stick = `#cloud-config
hostname: from-the-stick
machine:
  sysctls: {net.core.somaxconn: 12345, vm.swappiness: 7}
  kernel-modules: [8021q]
  zram: {size: 64M}
  watchdog: 45
`;

/** Of several sources the strongest's counts, and as a whole. */
const networkOf = (address: string): string =>
  `version: 2\nethernets: {all: {match: {name: "e*"}, addresses: [${address}/24], link-local: []}}\n`;

describe('a configuration from the card, a stick, SMBIOS and fw_cfg', { timeout: 30 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  let server: Server;
  let key: string;
  const called: string[] = [];

  before(async () => {
    disks = await Disks.make();
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        called.push(`${request.method} ${request.url} ${body}`);
        response.end();
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    key = join(disks.folder, 'key');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
    const publicKey = (await run('cat', [`${key}.pub`])).stdout.trim();
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const data = await disks.empty('data', 64 * 1024 ** 2);
    node = await AtollNode.start({
      ...imageMachine('config'),
      disks: [
        {
          file: await disks.flashed({ 'user-data': esp(publicKey, 80), 'network-config': networkOf('10.0.2.78') }),
          sizeBytes: diskBytes,
        },
        {
          file: await disks.fat('CIDATA', { 'user-data': stick, 'meta-data': 'instance-id: stick\n' }),
          readOnly: true,
        },
        { file: data, serial: 'data' },
      ],
      smbios: [
        `io.atoll.user-data=${base64('#cloud-config\nhostname: press-7\nfqdn: press-7.hall.example.org\n')}`,
        `io.atoll.meta-data=${base64('instance-id: i-7\n')}`,
        `io.atoll.network-config=${base64(networkOf('10.0.2.15'))}`,
      ],
      fwCfg: {
        'opt/atoll/user-data': '#cloud-config\nlocale: C.UTF-8\nhostname: from-fw-cfg\n',
        'opt/atoll/network-config': networkOf('10.0.2.77'),
      },
      forwards: [22],
      guestForwards: { 80: (server.address() as AddressInfo).port },
    });
  });
  after(async () => {
    server?.close();
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => node.machine.shell.output(command, { timeoutMs: minutes });
  const status = async (): Promise<{
    state: string;
    generation?: number;
    problems: { message: string; path: string }[];
    rebootNeeded: string[];
    sources: { source: string }[];
  }> => JSON.parse(await guest('cat /run/atoll/config.json'));
  const eventually = async (what: string, holds: () => Promise<boolean>, timeoutMs = 3 * minutes): Promise<void> => {
    for (const deadline = performance.now() + timeoutMs; !(await holds()); ) {
      assert.ok(performance.now() < deadline, `${what}\n${node.machine.console.lastLines()}`);
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  };
  const condition = (type = 'ConfigurationRefused'): Promise<string> =>
    node.kubectlOutput([
      'get',
      'node',
      'press-7',
      '-o',
      `jsonpath={range .status.conditions[?(@.type=="${type}")]}{.status} {.message}{end}`,
    ]);
  const ssh = async (user: string, command: string): Promise<string> => {
    await chmod(key, 0o600);
    const options = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${join(disks.folder, 'hosts')}`,
      'BatchMode=yes',
      'ConnectTimeout=20',
      'LogLevel=ERROR',
    ];
    const { stdout } = await run('ssh', [
      '-F',
      'none',
      '-i',
      key,
      '-p',
      String(node.machine.forwardedPort(22)),
      ...options.flatMap(option => ['-o', option]),
      `${user}@127.0.0.1`,
      command,
    ]);
    return stdout.trim();
  };

  it('is in force from all of them, the stronger winning key by key', async () => {
    assert.equal(await node.ready(), 'press-7');
    const found = await status();
    assert.deepEqual([found.state, found.generation, found.problems], ['applied', 1, []]);
    assert.deepEqual(
      found.sources.map(({ source }) => source),
      ['smbios', 'fw_cfg', 'cidata', 'esp'],
    );
    assert.equal(
      await guest('hostname; cat /etc/hostname; sed -n 3p /etc/hosts'),
      'press-7\npress-7\n127.0.1.1 press-7.hall.example.org press-7',
    );
    assert.equal(await guest('cat /var/lib/atoll/config/current/instance'), 'i-7');
    process.stderr.write(
      `switch-root to applied: ${await guest('systemctl show -P UserspaceTimestampMonotonic; cat /run/atoll/config/applied')}\n`,
    );
  });

  it('reached files, users, time, kernel and disks', async () => {
    assert.equal(
      await guest("stat -c '%a %U:%G' /etc/site/motd && cat /etc/site/motd"),
      "640 ops:operators\nHall 2, it's press 7",
    );
    assert.equal(await guest("stat -c '%a %U' /var/lib/site/key && cat /var/lib/site/key"), '600 root\nsecret');
    assert.match(await guest('readlink /etc/localtime; date +%Z'), /^\/usr\/share\/zoneinfo\/Europe\/Berlin\nCES?T$/);
    const zones = (await guest('cd /usr/share/zoneinfo && find . ! -type d')).split('\n').map(path => path.slice(2));
    assert.deepEqual(
      timeZones.filter(zone => !zones.includes(zone)),
      [],
      'the validator knows only zones of the image',
    );
    assert.deepEqual(
      zones.filter(zone => zone.includes('/') && !timeZones.includes(zone)),
      [],
      'the validator knows every zone of the image',
    );
    assert.match(await guest('cat /etc/systemd/timesyncd.conf.d/50-config.conf'), /^NTP=192\.0\.2\.123$/m);
    assert.equal(await guest('sysctl -n net.core.somaxconn vm.swappiness'), '12345\n7');
    assert.match(await guest('grep 8021q /proc/modules'), /^8021q /);
    assert.match(await guest('cat /proc/swaps'), /^\/dev\/zram0\s.*\s65532\s/m);
    assert.match(await guest('grep /var/data /proc/mounts'), /^\/dev\/disk\/by-id\/virtio-data \/var\/data ext4 /);
    assert.equal(await guest('id -u ops; id -g ops'), '1000\n1000');
    assert.deepEqual((await guest('id -nG ops')).split(' ').sort(), ['dialout', 'operators', 'ops']);
    assert.equal(await guest('cat /var/lib/site.boot'), 'boot');
    await eventually(
      'runcmd has run',
      async () => (await guest('cat /var/lib/site.run 2>/dev/null || true')) === 'run press-7',
    );
    assert.equal(await guest('cat /etc/site/late; systemctl show -P RuntimeWatchdogUSec'), 'late\n45s');
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  });

  it('brings the network of the strongest source alone, without a default route or name servers', async () => {
    assert.equal(await guest('atoll config show --sources | grep -c "10.0.2.7[78]" || true'), '0');
    const addresses = await guest('/usr/bin/ip -4 -o addr show scope global up | grep -E "^[0-9]+: e"');
    assert.match(addresses, /^\d+: en?\S+\s+inet 10\.0\.2\.15\/24 [^\n]*$/);
    assert.equal(await guest('/usr/bin/ip route show default; /usr/bin/ip -6 route show default'), '');
    assert.equal(await guest('grep -c ^nameserver /etc/resolv.conf || true'), '0');
    assert.equal(await guest('find /run/atoll/config/sources -name network-config | wc -l'), '3');
    assert.match(
      await node.kubectlOutput(['get', 'node', 'press-7', '-o', 'jsonpath={.status.addresses[*].address}']),
      /(^| )10\.0\.2\.15( |$)/,
    );
  });

  it('reached the API: name, labels, taints', async () => {
    const found = JSON.parse(await node.kubectlOutput(['get', 'node', 'press-7', '-o', 'json'])) as {
      metadata: { labels: Record<string, string> };
      spec: { taints?: unknown };
    };
    assert.equal(found.metadata.labels.site, 'oslo');
    assert.equal(found.metadata.labels.disk, 'ssd');
    assert.deepEqual(found.spec.taints, [{ key: 'dedicated', value: 'press', effect: 'PreferNoSchedule' }]);
    assert.match(await condition(), /^False generation 1 is in force/);
  });

  it('says what of it could not be done, everywhere', async () => {
    const said = /\/var\/lib\/site\.boot\/below cannot be written: .+/;
    assert.match(await guest('atoll status'), new RegExp(`not done: ${said.source}`));
    assert.match(await guest('atoll config show'), new RegExp(`^# Not done: ${said.source}`, 'm'));
    await eventually('the condition', async () => /^True /.test(await condition('ConfigurationIncomplete')));
    assert.match(await condition('ConfigurationIncomplete'), said);
    assert.equal(await guest('stat -c %a /run/atoll/config-failures; wc -l < /run/atoll/config-failures'), '644\n1');
  });

  it('has its kubeconfig where the configuration wants it, and finds it there', async () => {
    assert.equal(await guest('ls /etc/atoll/atoll.yaml 2>/dev/null || true'), '');
    assert.equal(
      await guest('readlink /run/atoll/kubeconfig; stat -c %a /var/lib/site/admin.yaml'),
      '/var/lib/site/admin.yaml\n600',
    );
    assert.equal(await guest('atoll kubectl get node -o name'), 'node/press-7');
    assert.match(await guest('atoll status'), /Nodes +press-7 +Ready/);
    assert.match(await guest('atoll --node press-7 status'), /press-7 {2}Ready/);
  });

  it('lets in by SSH who has the key, and nobody with a password', async () => {
    assert.equal(await ssh('root', 'id -un'), 'root');
    assert.equal(await ssh('ops', 'id -un; pwd'), 'ops\n/var/home/ops');
    await assert.rejects(
      run('ssh', [
        '-F',
        'none',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'BatchMode=yes',
        '-o',
        'IdentitiesOnly=yes',
        '-i',
        '/dev/null',
        '-p',
        String(node.machine.forwardedPort(22)),
        'root@127.0.0.1',
        'true',
      ]),
      /Permission denied \(publickey\)/,
    );
  });

  it('called home', async () => {
    await eventually('phone_home', async () => called.length > 0);
    assert.deepEqual(called, ['POST /home/i-7 instance_id=i-7&hostname=press-7']);
  });

  it('keeps secrets to itself', async () => {
    assert.equal(
      await guest('stat -c %a /etc/atoll/config.yaml /var/lib/atoll/config/generations /etc/shadow'),
      '600\n700\n600',
    );
    assert.equal(await guest('journalctl -b | grep -c a-secret-that || true'), '0');
    assert.equal(await guest('stat -c %a /run/atoll/config /run/atoll/config.json'), '700\n644');
    assert.doesNotMatch(node.machine.console.text, /a-secret-that/);
  });

  it('is changed on the running node, all of it or nothing', async () => {
    await guest(
      "printf '#cloud-config\\nmachine: {sysctls: {vm.swappiness: 9}}\\nwrite_files: [{path: /etc/site/new, content: new}]\\natoll: {write-kubeconfig: /var/lib/site/other.yaml}\\n' > /run/new.yaml",
    );
    const dry = await node.machine.shell.run('atoll config apply /run/new.yaml --dry-run');
    assert.match(dry.stdout, /it would be generation 2[\s\S]*systemd-sysctl/);
    assert.equal(await guest('sysctl -n vm.swappiness'), '7');
    const applied = await node.machine.shell.run('atoll config apply /run/new.yaml');
    assert.match(applied.stdout, /Generation 2 is in force/, applied.stdout + applied.stderr);
    assert.equal(await guest('sysctl -n vm.swappiness; cat /etc/site/new; echo; ls /etc/site'), '9\nnew\nnew');
    // What the one before could not do is not this one's.
    assert.equal(await guest('ls /run/atoll/config-failures 2>/dev/null || true'), '');
    await eventually(
      'the kubeconfig is at its new place',
      async () => (await guest('readlink /run/atoll/kubeconfig')) === '/var/lib/site/other.yaml',
    );
    await eventually('the node is asked by it', async () =>
      /press-7 +Ready/.test((await node.machine.shell.run('atoll kubectl get nodes')).stdout),
    );
    await guest("printf '#cloud-config\\nmachine: {sysctls: {vm.swappiness: 11}}\\nhostnam: x\\n' > /run/bad.yaml");
    const refused = await node.machine.shell.run('atoll config apply /run/bad.yaml');
    assert.equal(refused.exitCode, 1);
    assert.match(
      refused.stdout,
      /user-data \(\/run\/bad\.yaml\), line 3, column 1: hostnam: .*hostname[\s\S]*Refused; generation 2 is in force/,
    );
    assert.equal(await guest('sysctl -n vm.swappiness'), '9');
    await eventually('the condition', async () => /^True .*generation 2 is in force.*hostnam/.test(await condition()));
    const back = await node.machine.shell.run('atoll config apply');
    assert.match(
      back.stdout,
      /Generation 3 is in force\.\n {2}not done: \/var\/lib\/site\.boot\/below/,
      back.stdout + back.stderr,
    );
    assert.equal(back.exitCode, 1);
    await eventually(
      'the kubeconfig is where it was',
      async () => (await guest('readlink /run/atoll/kubeconfig')) === '/var/lib/site/admin.yaml',
    );
    assert.equal(await guest('sysctl -n vm.swappiness; ls /etc/site'), '7\nlate\nmotd');
  });

  it('is kept when the card has a wrong one at the next boot, which is said everywhere', async () => {
    await guest(
      "mount /dev/disk/atoll/esp /mnt && printf '#cloud-config\\nhostname: changed\\n\\tatoll: {}\\n' > /mnt/user-data && sync && umount /mnt",
    );
    const reset = node.machine.qmpEvent('RESET', 2 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    await reset;
    node.machine.forgetBoot();
    assert.equal(await node.ready(), 'press-7');
    const found = await status();
    assert.deepEqual([found.state, found.generation], ['refused', 3]);
    assert.match(found.problems[0]?.message ?? '', /tab/i);
    await eventually('the condition', async () => /^True .*line 3/.test(await condition()));
    await node.machine.console.waitFor(/Config\s+the new configuration is refused/, { timeoutMs: minutes });
    assert.equal(
      await guest('hostname; sysctl -n vm.swappiness; cat /var/lib/site.boot; cat /var/lib/site.run'),
      'press-7\n7\nboot\nboot\nrun press-7',
    );
    assert.equal(await ssh('ops', 'cat /etc/site/motd'), "Hall 2, it's press 7");
    process.stderr.write(
      `second boot, refused: ${await guest('systemctl show -P UserspaceTimestampMonotonic; cat /run/atoll/config/applied')}\n`,
    );
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  });

  it('is in force again after a power cut: files before systemd starts, what needs devices after that, all in their order', async () => {
    await node.machine.powerCut();
    await node.machine.powerOn();
    assert.equal(await node.ready(), 'press-7');
    const found = await status();
    assert.deepEqual([found.state, found.generation], ['refused', 3]);
    assert.match(await guest('cat /run/atoll/config/left'), /^\d+$/);
    assert.equal(await guest('systemctl is-active atoll-config atoll-config-look'), 'active\nactive');
    assert.equal(
      await guest(
        'hostname; sysctl -n vm.swappiness net.core.somaxconn; cat /var/lib/site.boot; cat /var/lib/site.run',
      ),
      'press-7\n7\n12345\nboot\nboot\nboot\nrun press-7',
    );
    assert.match(await guest('cat /proc/swaps'), /^\/dev\/zram0\s/m);
    assert.match(await guest('grep /var/data /proc/mounts'), /^\/dev\/disk\/by-id\/virtio-data \/var\/data ext4 /);
    assert.equal(
      await guest("stat -c '%a %U:%G' /etc/site/motd && cat /etc/site/motd"),
      "640 ops:operators\nHall 2, it's press 7",
    );
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  });
});
