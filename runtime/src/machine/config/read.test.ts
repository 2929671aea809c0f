/** Several sources as one configuration. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readConfig } from './read.ts';
import { placeOf } from './tree.ts';
import type { DocumentName, SourceDocuments, SourceName } from './types.ts';

const source = (name: SourceName, documents: Partial<Record<DocumentName, string>>): SourceDocuments => ({
  source: name,
  location: name,
  documents: Object.fromEntries(
    Object.entries(documents).map(([document, text]) => [
      document,
      Buffer.from(document === 'user-data' ? `#cloud-config\n${text}` : text),
    ]),
  ),
});

describe('several sources', () => {
  it('are merged key by key, the stronger first, whatever order they come in', () => {
    const { config, problems, origins } = readConfig([
      source('esp', {
        'user-data':
          'hostname: weak\ntimezone: UTC\natoll: {token: a, node-label: [a=b, c=d]}\nmachine: {sysctls: {vm.swappiness: 1}}\n',
      }),
      source('url', {
        'user-data': 'hostname: strong\natoll: {node-label: [e=f]}\nmachine: {sysctls: {vm.dirty_ratio: 2}}\n',
      }),
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual([config?.userData.hostname, config?.userData.timezone], ['strong', 'UTC']);
    assert.deepEqual(config?.userData.atoll?.['node-label'], ['e=f']);
    assert.deepEqual(config?.userData.machine?.sysctls, { 'vm.dirty_ratio': '2', 'vm.swappiness': '1' });
    const where = (path: string): unknown => {
      const place = origins['user-data'].get(path);
      return place && `${place.source} ${place.line}`;
    };
    assert.deepEqual(
      ['hostname', 'timezone', 'atoll.token', 'atoll.node-label[0]', 'machine.sysctls["vm.swappiness"]'].map(where),
      ['url 2', 'esp 3', 'esp 4', 'url 3', 'esp 5'],
    );
  });

  it('knows the spellings of a key as one', () => {
    const { config, problems } = readConfig([
      source('url', { 'user-data': 'ca-certs: {remove-defaults: false}\n' }),
      source('esp', { 'user-data': 'ca_certs: {remove_defaults: true, trusted: []}\n' }),
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.userData.ca_certs, { remove_defaults: false, trusted: [] });
  });

  it('says that keys of meta-data let nobody in where user-data shuts root out', () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me';
    const said = (userData: string): readonly string[] =>
      readConfig([source('esp', { 'user-data': userData, 'meta-data': `public-keys: [${key}]\n` })]).problems.map(
        ({ severity, path, message }) => `${severity} ${path}: ${message}`,
      );
    assert.deepEqual(said('disable_root: true\n'), [
      'warning public-keys: lets nobody in: disable_root of user-data shuts out root, the default user',
    ]);
    assert.deepEqual(said('disable_root: false\n'), []);
  });

  it('takes network-config whole, from the strongest', () => {
    const { config, trees } = readConfig([
      source('esp', { 'network-config': 'version: 2\nethernets: {eth0: {dhcp4: true}}\n' }),
      source('cidata', { 'network-config': 'network: {version: 2, ethernets: {eth1: {dhcp4: true}}}\n' }),
    ]);
    assert.deepEqual(config?.network, { network: { version: 2, ethernets: { eth1: { dhcp4: true } } } });
    assert.equal(trees['network-config'] && placeOf(trees['network-config'].at).source, 'cidata');
  });

  it('refuses all of them for one that is wrong, and shows which', () => {
    const { config, problems } = readConfig([
      source('url', { 'user-data': 'hostname: [\n' }),
      source('esp', { 'user-data': 'hostname: good\ntimezon: UTC\n', 'meta-data': 'instance-id: a b\n' }),
    ]);
    assert.equal(config, undefined);
    assert.deepEqual(
      problems.map(({ place }) => `${place?.source} ${place?.document} ${place?.line}`),
      ['url user-data 3', 'esp user-data 3', 'esp meta-data 1'],
    );
  });

  it('does not look at what a stronger source replaces', () => {
    const { config } = readConfig([
      source('url', { 'user-data': 'hostname: a\n' }),
      source('esp', { 'user-data': 'hostname: [b]\n' }),
    ]);
    assert.equal(config?.userData.hostname, 'a');
  });

  it('takes back with nothing what a weaker one says', () => {
    const { config, problems } = readConfig([
      source('url', { 'user-data': 'timezone:\n' }),
      source('esp', { 'user-data': 'timezone: UTC\n' }),
    ]);
    assert.deepEqual([config?.userData.timezone, problems.map(({ severity }) => severity)], [undefined, ['warning']]);
  });

  it('may say nothing', () => {
    assert.deepEqual(readConfig([]).config, { userData: {}, metaData: {} });
    assert.deepEqual(readConfig([source('esp', { 'user-data': '', 'meta-data': '' })]).config, {
      userData: {},
      metaData: {},
    });
  });

  it('tells every problem at once: a mistake here does not hide one there', () => {
    const { problems } = readConfig([
      source('esp', { 'user-data': 'hostnme: a\nmachine: {sysctls: {kernel.panic: 0}}\natoll: {role: agent}\n' }),
    ]);
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['hostnme', 'machine.sysctls["kernel.panic"]', 'atoll.role', 'atoll.role'],
    );
  });

  it('stops telling after a hundred', () => {
    const { problems } = readConfig([
      source('esp', { 'user-data': Array.from({ length: 500 }, (_, i) => `k${i}: 1\n`).join('') }),
    ]);
    assert.equal(problems.length, 101);
    assert.match(problems.find(({ place }) => place === undefined)?.message ?? '', /more than 100 problems/);
  });
});

describe('values', () => {
  const rows: readonly (readonly [text: string, value: unknown])[] = [
    ['hostname: 12', { hostname: '12' }],
    ['preserve_hostname: no', { preserve_hostname: false }],
    ['ssh_pwauth: unchanged', { ssh_pwauth: 'unchanged' }],
    [
      'users: [default, bob, {name: amy, groups: "dialout, users"}]',
      { users: ['default', 'bob', { name: 'amy', groups: 'dialout, users' }] },
    ],
    [
      'write_files: [{path: /etc/a, content: 12, permissions: 0600}]',
      { write_files: [{ path: '/etc/a', content: '12', permissions: '0600' }] },
    ],
    [`write_files: [{path: /etc/a, encoding: gz+b64, content: ${gzipSync('ab').toString('base64')}}]`, undefined],
    [
      'write_files: [{path: /etc/a}, {path: /etc/a, append: true}]',
      { write_files: [{ path: '/etc/a' }, { path: '/etc/a', append: true }] },
    ],
    ['runcmd: [echo a, [echo, 1, true]]', { runcmd: ['echo a', ['echo', '1', 'true']] }],
    ['runcmd:\n  # nothing yet', {}],
    [
      'phone_home: {url: "https://example.org/$INSTANCE_ID", post: [hostname]}',
      { phone_home: { url: 'https://example.org/$INSTANCE_ID', post: ['hostname'] } },
    ],
    [
      'disk_setup: {/dev/vdb: {layout: false, overwrite: false}}\nfs_setup: [{device: /dev/vdb, filesystem: ext4, label: d, partition: none}]\nmounts: [[/dev/vdb, /var/d, ext4, "defaults,nofail", "0", "2"]]',
      undefined,
    ],
    ['machine: {watchdog: off, zram: on}', { machine: { watchdog: false, zram: true } }],
    [
      'machine: {kernel_modules: [8021q, {name: bonding, parameters: {max_bonds: 0}}]}',
      { machine: { 'kernel-modules': ['8021q', { name: 'bonding', parameters: { max_bonds: '0' } }] } },
    ],
    ['machine: {sysctls: {net.ipv4.conf.eth0/1.forwarding: 1, net.ipv4.ip_forward: 1}}', undefined],
  ];
  for (const [text, value] of rows) {
    it(text.split('\n', 1)[0] ?? '', () => {
      const { config, problems } = readConfig([source('esp', { 'user-data': text })]);
      assert.deepEqual(
        problems.filter(({ severity }) => severity === 'error'),
        [],
      );
      if (value !== undefined) assert.deepEqual(config?.userData, value);
    });
  }
});
