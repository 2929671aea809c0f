/**
 * configs/server and configs/agent: two machines. The server's card has the server's file; the agent is started with nothing but
 * cloud-init's `ds=nocloud` on its command line, and is behind a NAT of its own: the server cannot reach it, it reaches the server.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { findEmulator } from '../src/emulator.ts';
import { Machine } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, filledIn, minutes, patient, until } from '../test/examples.ts';
import { diskBytes, imageMachine } from '../test/image.ts';

/** Both examples say it, and that it is to be made up. */
const token: readonly [string, string] = ['change-me-0123456789abcdef', '7e57ed-0f1e2d3c4b5a69788796a5b4'];

const pod = (selector: string): string => `apiVersion: v1
kind: Pod
metadata: {name: work, labels: {app: work}}
spec:
  terminationGracePeriodSeconds: 2
  nodeSelector: ${selector}
  containers: [{name: web, image: "docker.io/atoll/demo:1", imagePullPolicy: IfNotPresent}]
`;

describe('a server, and an agent that joins it', { timeout: 20 * minutes }, () => {
  let disks: Disks;
  let server: AtollNode;
  let agent: Machine;
  let documents: Server;
  let answers = false;
  const asked: string[] = [];

  before(async () => {
    disks = await Disks.make();
    const files = Object.fromEntries(
      Object.entries(example('agent')).map(([name, text]) => [
        `/agent-1/${name}`,
        name === 'user-data' ? filledIn(text, token) : text,
      ]),
    );
    documents = createServer((request, response) => {
      asked.push(request.url ?? '');
      const text = files[request.url ?? ''];
      response.writeHead(text === undefined ? 404 : answers ? 200 : 503).end(answers ? text : '');
    });
    await new Promise<void>(resolve => documents.listen(0, '127.0.0.1', resolve));
    const userData = filledIn(example('server')['user-data'] ?? '', token);
    const common = { nic: 'none' } as const;
    const card = ['-device', 'virtio-net-pci,netdev=office,romfile='];
    const office = 'user,id=office,restrict=on,net=192.0.2.0/24,host=192.0.2.1,dns=192.0.2.3';
    server = await AtollNode.start({
      ...imageMachine('examples-server'),
      ...common,
      disks: [{ file: await disks.flashed({ 'user-data': userData }), sizeBytes: diskBytes }],
      extraArguments: ['-netdev', `${office},dhcpstart=192.0.2.10,hostfwd=tcp:127.0.0.1:0-192.0.2.10:6443`, ...card],
    });
    const emulator = await findEmulator();
    const forward = (to: string, port: number): string =>
      `guestfwd=tcp:${to}-cmd:${emulator.busybox.join(' ')} nc 127.0.0.1 ${port}`;
    const machine = imageMachine('examples-agent');
    agent = await Machine.start({
      ...machine,
      ...common,
      emulator,
      kernelArguments: [...(machine.kernelArguments ?? []), 'ds=nocloud;s=http://192.0.2.100/agent-1/'],
      extraArguments: [
        '-netdev',
        [
          `${office},dhcpstart=192.0.2.21`,
          forward('192.0.2.10:6443', server.machine.forwardedPort(6443)),
          forward('192.0.2.100:80', (documents.address() as AddressInfo).port),
        ].join(','),
        ...card,
      ],
    });
  });
  after(async () => {
    documents?.closeAllConnections();
    documents?.close();
    await agent?.stop();
    await server?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });
  const onServer = (command: string) => server.machine.shell.output(command, patient);
  const onAgent = (command: string) => agent.shell.output(command, patient);
  const get = (what: string, path: string): Promise<string> =>
    server.kubectlOutput(['get', ...what.split(' '), '-o', `jsonpath={${path}}`]);

  it('server: is Ready, at the names and addresses agents know, and prefers that others work', async () => {
    assert.equal(await server.ready(), 'control-1');
    await assertInForce(server.machine);
    assert.equal(
      await get('node control-1', '.spec.taints'),
      '[{"effect":"PreferNoSchedule","key":"node-role.kubernetes.io/control-plane","value":"true"}]',
    );
    const names = await subjectNames(server.machine.forwardedPort(6443));
    for (const name of ['DNS:control-1.example.org', 'IP Address:192.0.2.10']) assert.ok(names.includes(name), names);
    assert.match(
      await onServer('cat /var/lib/atoll/server/node-token'),
      new RegExp(`^K10[0-9a-f]{64}::node:${token[1]}$`),
    );
    assert.equal(await onServer('systemctl show -P RuntimeWatchdogUSec; date +%Z'), '1min\nUTC');
  });

  it('agent: does not become a server while its configuration is on its way', async () => {
    await until(agent, 'the documents are asked for', async () => asked.length > 1, 5 * minutes);
    assert.equal(asked[0], '/agent-1/user-data');
    assert.equal(
      await onAgent('systemctl is-active atoll-server atoll-agent; ls /var/lib/atoll/server 2>&1 || true'),
      'inactive\ninactive\nls: /var/lib/atoll/server: No such file or directory',
    );
    answers = true;
  });

  it('agent: joins, and both are Ready', async () => {
    await until(
      agent,
      'the agent is Ready',
      async () => {
        const { stdout } = await server.kubectl(['get', 'nodes', '--no-headers']);
        return /^agent-1\s+Ready\s/m.test(stdout) && /^control-1\s+Ready\s/m.test(stdout);
      },
      7 * minutes,
    );
    await assertInForce(agent, ['url']);
    assert.equal(await get('node agent-1', '.metadata.labels.role'), 'worker');
    assert.match(await get('node agent-1', '.status.addresses'), /"192\.0\.2\.21","type":"InternalIP"/);
    assert.equal(
      await onAgent(
        'systemctl is-active atoll-server atoll-agent; hostname; cat /var/lib/atoll/config/current/instance',
      ),
      'inactive\nactive\nagent-1\nagent-1',
    );
    assert.equal(await onAgent('journalctl -b | grep -c 7e57ed-0f1e || true'), '0', 'the token is in no log');
  });

  it('a pod runs on the agent; logs, exec and port-forward go through its tunnel', async () => {
    await server.kubectlOutput(['apply', '-f', '-'], { stdin: pod('{role: worker}') });
    await server.kubectlOutput(['wait', '--for=condition=Ready', 'pod/work', '--timeout=150s'], {
      timeoutMs: 3 * minutes,
    });
    assert.equal(await get('pod work', '.spec.nodeName'), 'agent-1');
    assert.match(await server.kubectlOutput(['logs', 'work']), /^hello from work/m);
    const { stdout, exitCode } = await server.kubectl(
      ['exec', '-i', 'work', '--', 'sh', '-c', 'cat; hostname; exit 3'],
      {
        stdin: 'there and back, ',
      },
    );
    assert.deepEqual([stdout, exitCode], ['there and back, work\n', 3]);
    const through = '/api/v1/namespaces/default/pods/work:8080/proxy/';
    assert.match(await server.kubectlOutput(['get', '--raw', through]), /hello/);
  });

  it('what has no node of its own goes to the agent', async () => {
    await server.kubectlOutput(['create', 'deployment', 'anywhere', '--image=docker.io/atoll/demo:1', '--replicas=2']);
    await server.kubectlOutput(['rollout', 'status', 'deployment/anywhere', '--timeout=150s'], {
      timeoutMs: 3 * minutes,
    });
    assert.equal(await get('pods -l app=anywhere', '.items[*].spec.nodeName'), 'agent-1 agent-1');
  });

  it('atoll status says on each what it is', async () => {
    const page = await onAgent('atoll status');
    assert.match(page, /agent-1 {2}Ready/);
    assert.match(page, /^\s*Role\s+node$/m);
    assert.match(page, /^\s*Configuration\s+generation 1\n\s+from url \(user-data, meta-data\)$/m);
    const both = await onServer('atoll status');
    assert.match(both, /^\s*Nodes\s+agent-1 {2}Ready[^\n]*\n\s+control-1 {2}Ready/m);
    process.stderr.write(`${page}\n${both}\n`);
  });
});

/** What the server's certificate is for. */
function subjectNames(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
