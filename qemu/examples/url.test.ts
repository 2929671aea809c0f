/**
 * A node configured from a URL on the kernel command line, of a server that only a certificate on the ESP vouches for, and from an ISO
 * volume: the first boot waits for the URL, every other one goes on without it, whatever the URL says.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { minutes, patient } from '../test/examples.ts';
import { answersWith, badAnswers, leftAndRight, networkWith } from '../test/fromUrl.ts';
import { diskBytes, imageMachine } from '../test/image.ts';
import { authority } from '../test/registry.ts';

/** With what only a boot does: this one has waited for it. */
const good = (ca: string): string => `#cloud-config
hostname: from-url
bootcmd:
  - echo boot >> /var/lib/site.boot
ca_certs:
  trusted: [${JSON.stringify(ca)}]
fs_setup:
  - {device: /dev/disk/by-id/virtio-data, filesystem: ext4, label: data}
mounts:
  - [LABEL=data, /var/data]
atoll:
  node-label: [from=url]
`;
const network = networkWith(`    match: {macaddress: "52:54:00:12:34:56"}
    set-name: uplink0`);

describe('a configuration from a URL', { timeout: 15 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  let server: Server;
  let ca: string;
  let answer = 'away';
  let asked = 0;
  const sockets = new Set<Socket>();

  before(async () => {
    disks = await Disks.make();
    const tls = await authority(disks.folder, 'plant', ['IP:10.0.2.100']);
    ca = tls.ca;
    const userData = good(ca);
    const answers = answersWith(userData);
    server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
      asked += 1;
      answers[answer]?.(request, response);
    });
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const machine = imageMachine('examples-url');
    const sha256 = createHash('sha256').update(userData).digest('hex');
    node = await AtollNode.start({
      ...machine,
      disks: [
        { file: await disks.flashed({ 'plant.pem': ca }), sizeBytes: diskBytes },
        {
          file: await disks.iso('CIDATA', { 'meta-data': 'instance-id: iso-1\n', 'network-config': network }),
          readOnly: true,
        },
        { file: await disks.empty('data', 64 * 1024 ** 2), serial: 'data' },
      ],
      kernelArguments: [
        ...(machine.kernelArguments ?? []),
        'atoll.config=https://10.0.2.100/node.yaml',
        'atoll.config.ca=plant.pem',
        `atoll.config.sha256=${sha256}`,
      ],
      guestForwards: { 443: (server.address() as AddressInfo).port },
      extraArguments: leftAndRight,
    });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });

  const guest = (command: string) => node.machine.shell.output(command, patient);
  const status = async (): Promise<{
    state: string;
    generation?: number;
    problems: { message: string }[];
    rebootNeeded: string[];
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

  it('does at that boot what else would need another: authorities, disks, boot commands', async () => {
    assert.deepEqual((await status()).rebootNeeded, []);
    const body = ca.split('\n')[1] ?? '';
    assert.equal(
      await guest(`grep -c '${body}' /etc/ssl/certs/ca-certificates.crt; cat /var/lib/site.boot`),
      '1\nboot',
    );
    assert.match(await guest('grep /var/data /proc/mounts'), /^\S+ \/var\/data ext4 /);
    // Programs of the node, started after it: containerd reads the bundle, the daemons' Node.js has its own.
    assert.match(
      await guest("tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID atoll-agent)/environ | grep NODE_EXTRA || true"),
      /^NODE_EXTRA_CA_CERTS=\/etc\/atoll\/ca\.pem$/,
    );
    const hello = (environment: string): Promise<string> =>
      guest(
        `${environment} node -e "fetch('https://10.0.2.100/x').then(r => console.log(r.status), e => console.log(e.cause.code))"`,
      );
    assert.equal(await hello('NODE_EXTRA_CA_CERTS=/etc/atoll/ca.pem'), '200');
    assert.match(
      await hello('SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null'),
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    );
  });

  it('brings its network: a name of its own, static addresses, bond, VLAN, bridge, name servers', async () => {
    const addresses = await guest('/usr/bin/ip -br addr');
    assert.match(addresses, /^uplink0\s+UP\s.*10\.0\.2\.15\/24.*fd00:a7::15\/64/m);
    await eventually('the bond is up', async () =>
      /^bond0\s+UP\s+192\.0\.2\.10\/24/m.test(await guest('/usr/bin/ip -br addr')),
    );
    assert.match(addresses, /^office@bond0\s+\S+\s+198\.51\.100\.10\/24/m);
    assert.match(addresses, /^br-lab\s+\S+\s+203\.0\.113\.10\/24/m);
    assert.match(await guest('cat /proc/net/bonding/bond0'), /Bonding Mode: fault-tolerance \(active-backup\)/);
    assert.match(await guest('/usr/bin/ip route show default'), /^default via 10\.0\.2\.2 dev uplink0/);
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
});
