/** configs/static-network on a machine whose clock says 1999. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from './configDisks.ts';
import { assertInForce, example, minutes, patient } from './examples.ts';
import { diskBytes, imageMachine } from './image.ts';

/** The examples' network: QEMU is the gateway 192.0.2.1 and announces IPv6. */
const office = (address: string): string =>
  `user,id=office,restrict=on,net=192.0.2.0/24,host=192.0.2.1,dns=192.0.2.3,ipv6-net=2001:db8::/64,ipv6-host=2001:db8::1,hostfwd=tcp:127.0.0.1:0-${address}:6443`;
const card = (netdev: string, mac: string): string[] => [
  '-device',
  `virtio-net-pci,id=card${mac},netdev=${netdev},mac=52:54:00:00:00:${mac},romfile=`,
];

describe('a node with a fixed address and a wrong clock', { timeout: 20 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;

  before(async () => {
    disks = await Disks.make();
    node = await AtollNode.start({
      ...imageMachine('examples-network'),
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
});
