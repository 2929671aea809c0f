import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { documentOf, linesOf, read } from './testing/document.ts';
import { goodNetworks } from './testing/good.ts';

describe('what networks become', () => {
  for (const [what, devices, lines] of goodNetworks) {
    it(what, () => {
      const { problems, rendered } = read(documentOf(devices));
      assert.deepEqual(
        problems.filter(({ message }) => message !== 'is deprecated'),
        [],
      );
      assert.deepEqual(linesOf(rendered?.files ?? []), lines);
    });
  }
});

const contents = (document: string): Record<string, string> =>
  Object.fromEntries((read(document).rendered?.files ?? []).map(({ path, content }) => [path, content.toString()]));

it('writes whole files', () => {
  const files = contents(documentOf('ethernets: {eth0: {dhcp4: true}}'));
  assert.deepEqual(files, {
    '/etc/systemd/network/80-wired.network': '',
    '/etc/systemd/network/50-eth0.network': `# network-config: network.ethernets.eth0

[Match]
Name=eth0

[Link]
RequiredForOnline=no

[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6
IPv6AcceptRA=yes
KeepConfiguration=dynamic-on-stop

[DHCPv4]
ClientIdentifier=mac
RouteMetric=100
UseMTU=yes
UseDomains=yes

[IPv6AcceptRA]
UseDomains=yes
`,
  });
});

it('takes the keys at the top as under network', () => {
  const under = 'network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n';
  const top = 'version: 2\nethernets:\n  eth0:\n    dhcp4: true\n';
  const withoutComments = (files: Record<string, string>) =>
    Object.entries(files).map(([path, content]) => [path, content.replace(/^#.*\n/, '')]);
  assert.deepEqual(withoutComments(contents(top)), withoutComments(contents(under)));
});

it('leaves the image as it is where no device is declared', () => {
  for (const document of ['network: {version: 2}\n', 'network: {version: 2, ethernets: {}}\n'])
    assert.deepEqual(read(document), {
      problems: [],
      rendered: { files: [], sysctls: {}, modules: [], programs: [] },
    });
});

it('runs wpa_supplicant for radio and 802.1X, and nothing waits for it', () => {
  const { rendered } = read(
    documentOf(
      '{ethernets: {eth0: {auth: {method: pwd, identity: a, password: b}}}, wifis: {wlan-usb0: {access-points: {home: {}}}}}',
    ),
  );
  assert.deepEqual(rendered?.programs, ['/usr/sbin/wpa_supplicant']);
  const files = new Map(rendered?.files.map(file => [file.path, file]));
  assert.equal(files.get('/etc/wpa_supplicant/wlan-usb0.conf')?.mode, 0o600);
  assert.equal(files.get('/etc/wpa_supplicant/eth0.conf')?.mode, 0o600);
  const unit = files.get('/etc/systemd/system/atoll-wpa-wlan\\x2dusb0.service')?.content.toString() ?? '';
  assert.match(unit, /^BindsTo=sys-subsystem-net-devices-wlan\\x2dusb0\.device$/m);
  assert.match(unit, /^ExecStart=\S+ -c \/etc\/wpa_supplicant\/wlan-usb0\.conf -i wlan-usb0 -D nl80211$/m);
  assert.doesNotMatch(unit, /^(Before|RequiredBy|WantedBy)=/m);
  assert.match(files.get('/etc/systemd/system/atoll-wpa-eth0.service')?.content.toString() ?? '', / -D wired$/m);
  const rules = [...files.keys()].filter(path => path.startsWith('/etc/udev/'));
  assert.equal(rules.length, 1);
  assert.equal(
    files
      .get(rules[0] ?? '')
      ?.content.toString()
      .split('\n')[1],
    'SUBSYSTEM=="net", ACTION!="remove", NAME=="wlan-usb0", TAG+="systemd", ENV{SYSTEMD_WANTS}+="atoll-wpa-wlan\\\\x2dusb0.service"',
  );
  // Rules are read in the order of their names, over all folders; what reads NAME has to come after what sets it.
  const [ours, naming] = [basename(rules[0] ?? ''), '80-net-setup-link.rules'];
  assert.ok(ours > naming, `${ours} is read before ${naming}, which gives the interface its NAME`);
});

it('shows keys of tunnels to networkd alone', () => {
  const key = '4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=';
  const { rendered } = read(documentOf(`tunnels: {wg0: {mode: wireguard, key: ${key}}}`));
  const holders = rendered?.files.filter(({ content }) => content.toString().includes(key)) ?? [];
  assert.deepEqual(
    holders.map(({ path, mode, owner }) => [path, mode, owner]),
    [['/etc/systemd/network/50-wg0.netdev', 0o640, 'root:systemd-network']],
  );
});

it('names the modules of the kernel', () => {
  const { rendered } = read(
    documentOf(
      '{ethernets: {eth0: {}}, vlans: {v: {id: 1, link: eth0}}, bonds: {b: {}}, bridges: {r: {}}, dummy-devices: {d: {}}, vrfs: {f: {table: 9}}}',
    ),
  );
  assert.deepEqual(rendered?.modules, ['8021q', 'bonding', 'bridge', 'dummy', 'vrf']);
});

it('passes over routes whose link is down, so that another uplink takes their place', () => {
  const uplink = 'addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1}]';
  assert.equal(
    read(documentOf(`ethernets: {eth0: {${uplink}}}`)).rendered?.sysctls[
      'net.ipv4.conf.all.ignore_routes_with_linkdown'
    ],
    '1',
  );
  assert.deepEqual(read(documentOf('ethernets: {eth0: {dhcp4: true}}')).rendered?.sysctls, {});
});

it('comes between the files of pods and those of the image, whatever the device is called', () => {
  const { rendered } = read(documentOf('{ethernets: {_: {match: {name: "*"}}}, bridges: {a: {}, zz: {}}}'));
  for (const { path } of rendered?.files ?? []) {
    const name = path.replace('/etc/systemd/network/', '');
    assert.ok(name === '80-wired.network' || (name > '10-pods.network' && name < '80-'), path);
  }
});
