/** The real networkd takes every file of the table without a word, and what it makes of them is there in the kernel. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { documentOf, read } from '../src/machine/config/network/testing/document.ts';
import { goodNetworks } from '../src/machine/config/network/testing/good.ts';
import type { RenderedFile } from '../src/machine/config/types.ts';
import { Networkd } from './networkd.ts';

/** `name` with a cable to `peer-<name>`, whose other end is down until somebody brings it up. */
const cable = (name: string): string => `ip link add ${name} type veth peer name peer-${name}\n`;
const plugged = (name: string): string => `${cable(name)}ip link set peer-${name} up\n`;

async function start(t: TestContext, devices: string, setup = '', more: readonly RenderedFile[] = []) {
  const { rendered, problems } = read(documentOf(devices));
  assert.deepEqual(problems, []);
  const sysctls = Object.entries(rendered?.sysctls ?? {}).map(([name, value]) => `sysctl -qw ${name}=${value}\n`);
  const networkd = await Networkd.start([...(rendered?.files ?? []), ...more], [...sysctls, setup].join(''));
  t.after(() => networkd.close());
  return networkd;
}

interface Link {
  readonly ifname: string;
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly label?: string }[];
}
interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly metric?: number;
  readonly type?: string;
}

const ip = async <T>(networkd: Networkd, ...args: readonly string[]): Promise<T> =>
  JSON.parse((await networkd.inside('ip', '-json', ...args)).trim() || '[]') as T;

const linksOf = async (networkd: Networkd): Promise<Map<string, Link>> =>
  new Map((await ip<Link[]>(networkd, 'address')).map(link => [link.ifname, link]));

/** `192.0.2.10/24` of an interface, without link-local addresses. */
const addressesOf = async (networkd: Networkd, name: string): Promise<string[]> =>
  ((await linksOf(networkd)).get(name)?.addr_info ?? [])
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .filter(text => !text.startsWith('fe80'));

const routesOf = async (networkd: Networkd, ...selection: readonly string[]): Promise<string[]> =>
  (await ip<Route[]>(networkd, ...selection)).map(({ type, dst, gateway, dev, metric }) =>
    [type, dst, gateway, dev, metric].filter(part => part !== undefined).join(' '),
  );

const isDeepEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

describe('every file is understood', { concurrency: 2 }, () => {
  for (const [what, devices] of goodNetworks) {
    it(what, async t => {
      const { rendered } = read(documentOf(devices));
      const networkd = await Networkd.start(rendered?.files ?? []);
      t.after(() => networkd.close());
      for (const { path } of rendered?.files.filter(file => /\/50-.*\.network$/.test(file.path)) ?? [])
        assert.ok(networkd.log.includes(`${path}: Successfully loaded.`), path);
      assert.deepEqual(networkd.complaints(), []);
    });
  }
});

it('sets addresses, routes and name servers without a cable', async t => {
  const networkd = await start(
    t,
    'ethernets: {eth0: {addresses: [192.0.2.10/24, "2001:db8::10/64"], routes: [{to: default, via: 192.0.2.1}], nameservers: {addresses: [192.0.2.1], search: [example.org]}}}',
    cable('eth0'),
  );
  await networkd.until('the route', async () => (await routesOf(networkd, 'route', 'show', 'default')).length > 0);
  assert.deepEqual(await addressesOf(networkd, 'eth0'), ['192.0.2.10/24', '2001:db8::10/64']);
  assert.deepEqual(await routesOf(networkd, 'route', 'show', 'default'), ['default 192.0.2.1 eth0']);
  assert.equal((await linksOf(networkd)).get('eth0')?.operstate, 'LOWERLAYERDOWN');
  await networkd.until('the name servers', async () =>
    /^DNS=192\.0\.2\.1\n(.*\n)*DOMAINS=example\.org$/m.test(await networkd.runFile('/run/systemd/netif/state')),
  );
});

it('sets everything a static network can say', async t => {
  const networkd = await start(
    t,
    `ethernets: {eth0: {mtu: 1400, macaddress: "52:54:00:12:34:aa", addresses: [{192.0.2.10/24: {label: "eth0:web"}}, 192.0.2.11/24, "2001:db8::10/64"],
      routes: [{to: default, via: 192.0.2.1, metric: 50}, {to: 198.51.100.0/24, via: 192.0.2.2, from: 192.0.2.11, table: 100}, {to: 203.0.113.0/24, type: unreachable},
        {to: default, via: "2001:db8::1"}], routing-policy: [{from: 192.0.2.11, table: 100, priority: 7}]}}`.replaceAll(
      /\n */g,
      ' ',
    ),
    plugged('eth0'),
  );
  await networkd.until('the rule', async () => (await networkd.inside('ip', 'rule')).includes('192.0.2.11'));
  await networkd.until(
    'the IPv6 route',
    async () => (await routesOf(networkd, '-6', 'route', 'show', 'default')).length > 0,
  );
  const link = (await linksOf(networkd)).get('eth0');
  assert.equal(link?.mtu, 1400);
  assert.equal(link?.address, '52:54:00:12:34:aa');
  assert.deepEqual((await addressesOf(networkd, 'eth0')).sort(), ['192.0.2.10/24', '192.0.2.11/24', '2001:db8::10/64']);
  assert.equal(link?.addr_info.find(({ local }) => local === '192.0.2.10')?.label, 'eth0:web');
  assert.deepEqual(await routesOf(networkd, 'route', 'show', 'default'), ['default 192.0.2.1 eth0 50']);
  assert.deepEqual(await routesOf(networkd, 'route', 'show', 'table', '100'), ['198.51.100.0/24 192.0.2.2 eth0']);
  assert.deepEqual(await routesOf(networkd, 'route', 'show', 'type', 'unreachable'), ['unreachable 203.0.113.0/24']);
  assert.match((await routesOf(networkd, '-6', 'route', 'show', 'default')).join(), /^default 2001:db8::1 eth0/);
  assert.match(await networkd.inside('ip', 'rule'), /^7:\s+from 192\.0\.2\.11 lookup 100/m);
});

/** networkd again, in a network of its own, as the server at the other end of the cable. */
async function dhcpServer(t: TestContext): Promise<Networkd> {
  const content = `[Match]
Name=peer-*
[Network]
Address=198.51.100.1/24
DHCPServer=yes
[DHCPServer]
PersistLeases=no
DNS=198.51.100.53
EmitRouter=yes
`;
  const server = await Networkd.start([{ path: '/etc/systemd/network/40-server.network', mode: 0o644, content }]);
  t.after(() => server.close());
  return server;
}

it('takes from DHCP what it is told to take', async t => {
  const devices = [
    'ethernets: {eth0: {dhcp4: true}}',
    'ethernets: {eth0: {dhcp4: true, dhcp4-overrides: {use-dns: false, use-routes: false}, addresses: [192.0.2.10/24]}}',
    'ethernets: {eth0: {dhcp4: true, dhcp4-overrides: {route-metric: 7}}}',
  ];
  const [all, some, other] = await Promise.all(
    devices.map(async text => {
      const server = await dhcpServer(t);
      const client = await start(t, text, `ip link add eth0 type veth peer name peer-eth0 netns ${server.pid}\n`);
      const leased = async () => (await addressesOf(client, 'eth0')).some(address => address.startsWith('198.51.100.'));
      await client.until('a lease', leased);
      return client;
    }),
  );
  assert.ok(all && some && other);
  await all.until('its route', async () =>
    isDeepEqual(await routesOf(all, 'route', 'show', 'default'), ['default 198.51.100.1 eth0 100']),
  );
  await other.until('its route', async () =>
    isDeepEqual(await routesOf(other, 'route', 'show', 'default'), ['default 198.51.100.1 eth0 7']),
  );
  const state = (networkd: Networkd): Promise<string> => networkd.runFile('/run/systemd/netif/state');
  await all.until('its name server', async () => /^DNS=198\.51\.100\.53$/m.test(await state(all)));
  await some.until('to be done', () => /^eth0: State changed: configuring -> configured$/m.test(some.log));
  assert.deepEqual(await routesOf(some, 'route', 'show', 'default'), []);
  assert.doesNotMatch(await state(some), /198\.51\.100\.53/);
  assert.ok((await addressesOf(some, 'eth0')).includes('192.0.2.10/24'));
});

it('makes bridges', async t => {
  const networkd = await start(
    t,
    '{ethernets: {eth0: {}, eth1: {}}, bridges: {br0: {interfaces: [eth0, eth1], addresses: [192.0.2.10/24], mtu: 1400, macaddress: "52:54:00:12:34:bb", parameters: {stp: true, priority: 100, forward-delay: 4, path-cost: {eth1: 200}}}}}',
    plugged('eth0') + plugged('eth1'),
  );
  await networkd.until('its ports', async () => {
    const links = await linksOf(networkd);
    return ['eth0', 'eth1'].every(name => links.get(name)?.master === 'br0');
  });
  await networkd.until('its address', async () => (await addressesOf(networkd, 'br0')).length > 0);
  assert.deepEqual(await addressesOf(networkd, 'br0'), ['192.0.2.10/24']);
  await networkd.until('its MTU', async () => (await linksOf(networkd)).get('br0')?.mtu === 1400);
  assert.equal((await linksOf(networkd)).get('br0')?.address, '52:54:00:12:34:bb');
  const details = await networkd.inside('ip', '-details', 'link', 'show', 'br0');
  assert.match(details, /forward_delay 400 .*stp_state 1 priority 100 /);
  await networkd.until('the cost of a port', async () =>
    /cost 200 /.test(await networkd.inside('ip', '-details', 'link', 'show', 'eth1')),
  );
});

it('leaves interfaces of pods to the agent, whatever the pattern', async t => {
  const networkd = await start(
    t,
    'ethernets: {all: {match: {name: "*"}, addresses: [192.0.2.10/24]}, byDriver: {match: {driver: "v*"}, addresses: [198.51.100.11/24]}}',
    'ip link add cni0 type bridge\nip link add vethabc type veth peer name other0\nip link set cni0 up\nip link set vethabc up\n',
  );
  const names = ['cni0', 'vethabc', 'other0', 'lo'];
  await networkd.until('all interfaces to be left alone', () =>
    names.every(name => new RegExp(`^${name}: .*-> unmanaged`, 'm').test(networkd.log)),
  );
  for (const name of names.slice(0, 3)) assert.deepEqual(await addressesOf(networkd, name), []);
});

it('does not touch what is not declared; without a configuration every wired interface is', async t => {
  const declared = await start(t, 'ethernets: {eth0: {addresses: [192.0.2.10/24]}}', cable('eth0') + cable('eth1'));
  await declared.until('eth1 to be left alone', () => /^eth1: .*-> unmanaged/m.test(declared.log));
  assert.ok(!(await linksOf(declared)).get('eth1')?.flags.includes('UP'));
  const image = await Networkd.start([], cable('eth1'));
  t.after(() => image.close());
  await image.until(
    'eth1 to be brought up',
    async () => (await linksOf(image)).get('eth1')?.flags.includes('UP') === true,
  );
});

it('goes another way when a cable is pulled, and back', async t => {
  const networkd = await start(
    t,
    'ethernets: {eth0: {addresses: [192.0.2.10/24], routes: [{to: default, via: 192.0.2.1, metric: 100}]}, eth1: {addresses: [198.51.100.10/24], routes: [{to: default, via: 198.51.100.1, metric: 200}]}}',
    plugged('eth0') + plugged('eth1'),
  );
  const wayOut = async (): Promise<string | undefined> =>
    (await ip<Route[]>(networkd, 'route', 'get', '203.0.113.1').catch(() => []))[0]?.dev;
  await networkd.until('the first way', async () => (await wayOut()) === 'eth0');
  await networkd.until(
    'the second route',
    async () => (await routesOf(networkd, 'route', 'show', 'default')).length === 2,
  );
  await networkd.inside('ip', 'link', 'set', 'peer-eth0', 'down');
  await networkd.until('the second way', async () => (await wayOut()) === 'eth1');
  assert.deepEqual(await addressesOf(networkd, 'eth0'), ['192.0.2.10/24']);
  await networkd.inside('ip', 'link', 'set', 'peer-eth0', 'up');
  await networkd.until('the first way again', async () => (await wayOut()) === 'eth0');
});
