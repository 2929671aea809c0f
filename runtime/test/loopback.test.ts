/** The image's CNI plugin for `lo`, as containerd calls it. Source: the CNI specification 1.0.0, sections 2 to 5. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const plugin = join(import.meta.dirname, '../../rootfs/overlay/usr/lib/cni/loopback');
const name = `atoll-lo-${process.pid}`;
const netns = `/var/run/netns/${name}`;

interface Answer {
  readonly status: number | null;
  readonly output: string;
}

function call(command: string, { version = '1.0.0', namespace = netns } = {}): Answer {
  const { status, stdout } = spawnSync(plugin, {
    input: JSON.stringify({ cniVersion: version, name: 'cni-loopback', type: 'loopback' }, null, 2),
    env: {
      PATH: process.env.PATH,
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'pod',
      CNI_NETNS: namespace,
      CNI_IFNAME: 'lo',
      CNI_PATH: '/usr/lib/cni',
    },
    encoding: 'utf8',
  });
  return { status, output: stdout };
}

const result = (version: string, families: boolean): unknown => ({
  cniVersion: version,
  interfaces: [{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: netns }],
  ips: [
    { ...(families ? { version: '4' } : {}), address: '127.0.0.1/8', interface: 0 },
    { ...(families ? { version: '6' } : {}), address: '::1/128', interface: 0 },
  ],
  dns: {},
});

describe('the CNI plugin of the loopback interface', () => {
  before(() => void spawnSync('ip', ['netns', 'add', name]));
  after(() => void spawnSync('ip', ['netns', 'delete', name]));

  it('is not content with an interface that is down', () => {
    const { status, output } = call('CHECK');
    assert.equal(status, 1);
    assert.deepEqual(JSON.parse(output), { cniVersion: '1.0.0', code: 101, msg: 'loopback: lo is not up' });
  });

  for (const [version, families] of [
    ['0.3.1', true],
    ['0.4.0', true],
    ['1.0.0', false],
  ] as const)
    it(`switches it on, and says so in the form of ${version}`, () => {
      const { status, output } = call('ADD', { version });
      assert.equal(status, 0);
      assert.deepEqual(JSON.parse(output), result(version, families));
      assert.deepEqual(call('CHECK', { version }), { status: 0, output: '' });
    });

  it('switches it off, and does not mind a namespace that has gone', () => {
    assert.deepEqual(call('DEL'), { status: 0, output: '' });
    assert.equal(call('CHECK').status, 1);
    assert.deepEqual(call('DEL', { namespace: '/var/run/netns/gone' }), { status: 0, output: '' });
  });

  for (const [command, namespace, code, words] of [
    ['ADD', '', 4, /CNI_NETNS names no network namespace/],
    ['ADD', '/var/run/netns/gone', 100, /lo cannot be switched on: .*\/var\/run\/netns\/gone/],
    ['PAINT', netns, 4, /CNI_COMMAND is 'PAINT'/],
  ] as const)
    it(`refuses ${command} of ${namespace || 'nothing'}`, () => {
      const { status, output } = call(command, { namespace });
      assert.equal(status, 1);
      const error = JSON.parse(output) as { code: number; msg: string };
      assert.equal(error.code, code);
      assert.match(error.msg, words);
    });

  it('names the versions it speaks', () => {
    assert.deepEqual(JSON.parse(call('VERSION').output).supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0']);
  });
});
