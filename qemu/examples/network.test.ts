/**
 * configs/static-network and configs/vlan-and-bond on one machine, one after the other: address, host name and gateway are others at the
 * second boot, and the clock is wrong at both: 1999 first (there is a floor), then eight years ahead of any certificate.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, minutes, patient, putOnEsp, until } from '../test/examples.ts';
import { diskBytes, imageMachine } from '../test/image.ts';

/** The examples' network: QEMU is the gateway 192.0.2.1 and announces IPv6. */
const office = (address: string): string =>
  `user,id=office,restrict=on,net=192.0.2.0/24,host=192.0.2.1,dns=192.0.2.3,ipv6-net=2001:db8::/64,ipv6-host=2001:db8::1,hostfwd=tcp:127.0.0.1:0-${address}:6443`;
const card = (netdev: string, mac: string): string[] => [
  '-device',
  `virtio-net-pci,id=card${mac},netdev=${netdev},mac=52:54:00:00:00:${mac},romfile=`,
];

describe('a node with a fixed address, then with a bond and a VLAN', { timeout: 20 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  let capture: string;

  before(async () => {
    disks = await Disks.make();
    capture = join(disks.folder, 'wire.pcap');
    node = await AtollNode.start({
      ...imageMachine('examples-vlan'),
      disks: [{ file: await disks.flashed(example('static-network')), sizeBytes: diskBytes }],
      nic: 'none',
      extraArguments: ['-netdev', office('192.0.2.50'), ...card('office', '01')],
      clock: '1999-12-31T23:00:00',
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });
  const guest = (command: string) => node.machine.shell.output(command, patient);
  const json = async <T>(command: string): Promise<T> => JSON.parse(await guest(command)) as T;
  const address = (): Promise<string> =>
    node.kubectlOutput(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].status.addresses}']);

  it('static-network: is Ready at its addresses', async () => {
    assert.equal(await node.ready(), 'press-7');
    await assertInForce(node.machine);
    const [card] = await json<{ addr_info: { local: string; prefixlen: number; dynamic?: boolean }[] }[]>(
      "/usr/bin/ip -j addr show dev $(ls /sys/class/net | grep '^en')",
    );
    const fixed = (card?.addr_info ?? []).filter(({ dynamic, local }) => dynamic !== true && !local.startsWith('fe80'));
    assert.deepEqual(
      fixed.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ['192.0.2.50/24', '2001:db8::50/64'],
    );
    assert.match(await guest('/usr/bin/ip route show default'), /^default via 192\.0\.2\.1 dev en\S+ proto static/);
    assert.equal(await guest('cat /etc/resolv.conf'), 'nameserver 192.0.2.1\nsearch example.org');
    assert.match(await guest('cat /etc/systemd/timesyncd.conf.d/50-config.conf'), /^NTP=192\.0\.2\.1$/m);
    assert.match(await guest('networkctl status --no-pager 2>&1'), /Online state: online|State: routable/);
    await guest('ping -c 1 -W 5 192.0.2.1');
    assert.match(await address(), /^press-7 .*"192\.0\.2\.50","type":"InternalIP"/);
    assert.match(await node.kubectlOutput(['get', '--raw', '/readyz']), /ok/);
  });

  it('has a clock that does not start behind its image, and certificates that are valid', async () => {
    const year = Number(await guest('date +%Y'));
    assert.ok(year >= 2026, `it is ${year}`);
    assert.match(await guest('atoll status'), /not set by a time server in this boot; it did not start behind 20/);
  });

  it('vlan-and-bond: is Ready with another address, name and way out, eight years later', async () => {
    await putOnEsp(node.machine, example('vlan-and-bond'));
    const before = await guest('cat /etc/machine-id');
    await node.machine.powerCut();
    await node.machine.powerOn({
      clock: '2034-05-06T07:08:09',
      extraArguments: [
        ...['-netdev', office('192.0.2.20'), '-netdev', 'hubport,id=o,hubid=1,netdev=office'],
        ...[
          '-netdev',
          'hubport,id=l,hubid=1',
          '-netdev',
          'hubport,id=r,hubid=1',
          ...card('l', '01'),
          ...card('r', '02'),
        ],
        ...['-object', `filter-dump,id=wire,netdev=o,file=${capture}`],
      ],
    });
    assert.equal(await node.ready(), 'press-7', 'the name of the node stays');
    await assertInForce(node.machine);
    assert.equal(await guest('hostname; cat /etc/machine-id; date +%Y'), `gateway-1\n${before}\n2034`);
    assert.match(await address(), /^press-7 .*"192\.0\.2\.20","type":"InternalIP"/);
    assert.equal(
      await node.kubectlOutput(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.labels.network/machines}']),
      'true',
    );
  });

  it('has one bond of two cables, and on it the VLAN', async () => {
    const bond = await guest('cat /proc/net/bonding/bond0');
    assert.match(bond, /Bonding Mode: fault-tolerance \(active-backup\)[\s\S]*MII Polling Interval \(ms\): 100/);
    assert.equal([...bond.matchAll(/^Slave Interface: /gm)].length, 2);
    const addresses = await guest('/usr/bin/ip -br -4 addr');
    assert.match(addresses, /^bond0\s+UP\s+192\.0\.2\.20\/24/m);
    assert.match(addresses, /^machines@bond0\s+UP\s+198\.51\.100\.20\/24/m);
    assert.doesNotMatch(addresses, /192\.0\.2\.50/);
    const [vlan] = await json<{ linkinfo: { info_data: { id: number } } }[]>('/usr/bin/ip -j -d link show machines');
    assert.equal(vlan?.linkinfo.info_data.id, 42);
    assert.match(await guest('/usr/bin/ip route show default'), /^default via 192\.0\.2\.1 dev bond0/);
    assert.equal(await guest('cat /etc/resolv.conf'), 'nameserver 192.0.2.1');
    const links = await guest('networkctl list --no-pager --no-legend');
    assert.match(links, /\sbond0\s+bond\s+routable\s+configured/);
    assert.match(links, /\smachines\s+vlan\s+routable\s+configured/);
  });

  it("speaks to the machines' network with tag 42 on the wire, to the office without", async () => {
    await guest('ping -c 1 -W 5 192.0.2.1; ping -c 1 -W 1 198.51.100.1 || true');
    await until(node.machine, 'who has 198.51.100.1, tagged 42', async () => {
      const wire = await readFile(capture);
      // 802.1Q: ethertype 8100, VLAN 42, then ARP for 198.51.100.1.
      const tagged = wire.indexOf(Buffer.from('8100002a0806', 'hex'));
      return tagged >= 0 && wire.subarray(tagged).includes(Buffer.from([198, 51, 100, 1]));
    });
  });

  it('goes on by the other cable when one is pulled', async () => {
    const active = (await guest('cat /sys/class/net/bond0/bonding/active_slave')).trim();
    const mac = (await guest(`cat /sys/class/net/${active}/bonding_slave/perm_hwaddr`)).trim().slice(-2);
    await node.machine.qmp('set_link', { name: `card${mac}`, up: false });
    await until(node.machine, 'the other cable is the active one', async () => {
      const now = (await guest('cat /sys/class/net/bond0/bonding/active_slave')).trim();
      return now !== '' && now !== active;
    });
    await guest('ping -c 3 -W 5 192.0.2.1');
    assert.match(await node.kubectlOutput(['get', 'nodes', '--no-headers']), /^press-7\s+Ready\s/);
  });

  it('has renewed its certificates: valid in the machine’s year, for itself and for others', async () => {
    const status = await json<{ certificates: { name: string; expires: string }[]; ready: boolean }>(
      'atoll status -o json',
    );
    assert.equal(status.ready, true);
    for (const { name, expires } of status.certificates) assert.ok(expires > '2034-06', `${name} expires ${expires}`);
  });
});
