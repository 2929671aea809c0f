/**
 * A node configured from a URL on the kernel command line and an ISO volume: the first boot waits for the URL, every other one
 * goes on without it, whatever the URL says.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from './configDisks.ts';
import { answersWith, badAnswers, leftAndRight, networkWith } from './fromUrl.ts';
import { imageMachine } from './image.ts';

const minutes = 60_000;

const good = `#cloud-config
hostname: from-url
atoll:
  node-label: [from=url]
`;
const network = networkWith(`    match: {name: "en*", macaddress: "52:54:00:12:34:56"}`);
const answers = answersWith(good);

describe('a configuration from a URL', { timeout: 15 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  let server: Server;
  let answer = 'away';
  let asked = 0;
  const sockets = new Set<Socket>();

  before(async () => {
    disks = await Disks.make();
    server = createServer((request, response) => {
      asked += 1;
      answers[answer]?.(request, response);
    });
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const machine = imageMachine('config-url');
    const sha256 = createHash('sha256').update(good).digest('hex');
    node = await AtollNode.start({
      ...machine,
      disks: [
        ...(machine.disks ?? []),
        {
          file: await disks.iso('CIDATA', { 'meta-data': 'instance-id: iso-1\n', 'network-config': network }),
          readOnly: true,
        },
      ],
      kernelArguments: [
        ...(machine.kernelArguments ?? []),
        'atoll.config=http://10.0.2.100/node.yaml',
        `atoll.config.sha256=${sha256}`,
      ],
      guestForwards: { 80: (server.address() as AddressInfo).port },
      extraArguments: leftAndRight,
    });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  // The first of them waits for most of a boot.
  const guest = (command: string) => node.machine.shell.output(command, { timeoutMs: 5 * minutes });
  const status = async (): Promise<{
    state: string;
    generation?: number;
    problems: { message: string }[];
    sources: { source: string }[];
  }> => JSON.parse(await guest('cat /run/atoll/config.json'));
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    // The first of it is a boot.
    for (const deadline = performance.now() + 5 * minutes; !(await holds()); ) {
      assert.ok(
        performance.now() < deadline,
        `${what}\n${await guest('journalctl -b -u "atoll-config*" --no-pager | tail -30')}`,
      );
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  };

  it('is waited for at the first boot, and then it is in force before the daemons start', async () => {
    await eventually('the URL is asked for', async () => asked > 1);
    assert.equal(await guest('systemctl is-active atoll-server atoll-agent || true'), 'inactive\ninactive');
    answer = 'good';
    const name = await node.ready();
    assert.equal(name, 'from-url');
    const found = await status();
    assert.deepEqual([found.state, found.sources.map(({ source }) => source)], ['applied', ['url', 'cidata']]);
    assert.equal(await node.kubectlOutput(['get', 'node', name, '-o', 'jsonpath={.metadata.labels.from}']), 'url');
    assert.equal(await guest('cat /var/lib/atoll/config/current/instance'), 'iso-1');
  });

  it('brings its network: static addresses, bond, VLAN, bridge, name servers', async () => {
    const addresses = await guest('/usr/bin/ip -br addr');
    assert.match(addresses, /^en\S+\s+UP\s.*10\.0\.2\.15\/24.*fd00:a7::15\/64/m);
    await eventually('the bond is up', async () =>
      /^bond0\s+UP\s+192\.0\.2\.10\/24/m.test(await guest('/usr/bin/ip -br addr')),
    );
    assert.match(addresses, /^office@bond0\s+\S+\s+198\.51\.100\.10\/24/m);
    assert.match(addresses, /^br-lab\s+\S+\s+203\.0\.113\.10\/24/m);
    assert.match(await guest('cat /proc/net/bonding/bond0'), /Bonding Mode: fault-tolerance \(active-backup\)/);
    assert.match(await guest('/usr/bin/ip route show default'), /^default via 10\.0\.2\.2 dev en/);
    assert.match(await guest('cat /etc/resolv.conf'), /^nameserver 10\.0\.2\.3$[\s\S]*^search hall\.example\.org$/m);
  });

  for (const [how, message] of badAnswers) {
    it(`that ${how} changes nothing, and is told`, async () => {
      answer = how;
      await guest(
        'systemctl stop atoll-config-refresh && rm -f /run/atoll/config.json && systemctl start atoll-config-refresh',
      );
      await eventually(`the status says ${message}`, async () => {
        const text = await guest('cat /run/atoll/config.json 2>/dev/null || echo {}');
        const found = JSON.parse(text) as Partial<Awaited<ReturnType<typeof status>>>;
        return found.state === 'refused' && message.test(found.problems?.at(-1)?.message ?? '');
      });
      assert.equal((await status()).generation, 2, 'the volume was the first, the URL the second');
      assert.equal(await guest('hostname'), 'from-url');
      assert.match(await node.kubectlOutput(['get', 'nodes', '--no-headers']), /^from-url\s+Ready\s/);
    });
  }

  it('that is right again is in force, and nothing was done twice', async () => {
    answer = 'good';
    await guest('systemctl restart atoll-config-refresh');
    await eventually('applied', async () => (await status()).state === 'applied');
    assert.equal((await status()).generation, 2, 'the volume was the first, the URL the second');
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  });

  it('is asked by atoll config diff and apply, and its refusal is told until it answers rightly', async () => {
    answer = 'away';
    const run = (command: string) => node.machine.shell.run(command, { timeoutMs: minutes });
    const diff = await run('atoll config diff');
    assert.match(
      diff.stdout,
      /^Asking http:\/\/10\.0\.2\.100\/node\.yaml …\nerror: .*HTTP 503.*\nThe sources say what is in force already/,
    );
    const refused = await run('atoll config apply');
    assert.match(refused.stdout, /error: .*HTTP 503.*\nNothing new: generation 2 is in force/);
    assert.deepEqual([refused.exitCode, (await status()).state], [1, 'refused']);
    await guest("printf '#cloud-config\\nwrite_files: [{path: /etc/site, content: x}]\\n' > /run/by-hand.yaml");
    assert.equal((await run('atoll config apply /run/by-hand.yaml')).exitCode, 0);
    const beside = await status();
    assert.deepEqual([beside.state, beside.generation, beside.problems.length], ['refused', 3, 1]);
    answer = 'good';
    const right = await run('atoll config apply');
    assert.match(right.stdout, /Generation 4 is in force/);
    const found = await status();
    assert.deepEqual([right.exitCode, found.state, found.problems], [0, 'applied', []]);
  });

  it('is asked again and again where nothing of it is in force', async () => {
    answer = 'away';
    await guest('rm -r /var/lib/atoll/config/current/sources/url && systemctl restart atoll-config-refresh');
    const unit = () => guest('systemctl show -P SubState atoll-config-refresh');
    await eventually('the unit waits', async () => (await unit()).startsWith('auto-restart'));
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    assert.equal((await status()).state, 'refused');
    answer = 'good';
    await eventually('applied', async () => (await status()).state === 'applied');
    assert.deepEqual(
      (await status()).sources.map(({ source }) => source),
      ['url', 'cidata'],
    );
    await eventually('the unit has ended', async () => (await unit()) === 'dead');
  });
});
