/**
 * The daemons as systemd starts them, told by a configuration file, over the real containerd, in a network namespace of their own: what
 * the file says is what the node is, and the network may come, change and go.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Node, Service } from '../src/api/generated/types/core.v1.ts';
import type { MachineStatus } from '../src/cli/statusReport.ts';
import { type Containerd, startContainerd } from './containerd.ts';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx'));
const leap = fileURLToPath(new URL('leap.ts', import.meta.url));
const namespace = `atoll-${process.pid}`;

const config = `
token: a-secret-of-mine
agent-token: another
cluster-cidr: 10.60.0.0/16
service-cidr: 10.61.0.0/16
service-node-port-range: 20000-20100
cluster-domain: plant.local
write-kubeconfig-mode: "0640"
https-listen-port: 7443
tls-san: [kube.example.com]
node-label: [site=oslo, line=7]
node-taint: [dedicated=gateway:PreferNoSchedule]
node-external-ip: 203.0.113.7
node-internal-dns: press.plant.local
disable: [gone]
kubelet-arg:
  - max-pods=20
  - node-status-update-frequency=1s
  - system-reserved=memory=64Mi
  - eviction-hard=memory.available<1%,nodefs.available<1%,nodefs.inodesFree<1%
`;
const configMap = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: default}\n`;

describe('the daemons and their configuration file', { timeout: 300_000 }, () => {
  let containerd: Containerd;
  let dir: string;
  let kubeconfig: string;
  const running = new Map<string, { process: ChildProcess; said: () => string }>();

  before(async () => {
    containerd = await startContainerd();
    dir = join(containerd.dir, 'daemons');
    kubeconfig = join(dir, 'kubeconfig');
    await mkdir(join(dir, 'data', 'server', 'manifests'), { recursive: true });
    await writeFile(join(dir, 'config.yaml'), config);
    for (const name of ['mine', 'gone'])
      await writeFile(join(dir, 'data', 'server', 'manifests', `${name}.yaml`), configMap(name));
    await run('ip', ['netns', 'add', namespace]);
    await inside('ip', 'link', 'set', 'lo', 'up');
  });
  after(async () => {
    for (const name of [...running.keys()].reverse()) await stop(name);
    await run('ip', ['netns', 'delete', namespace]).catch(() => undefined);
    await containerd?.stop();
  });

  const inside = async (...words: string[]): Promise<string> =>
    (await run('ip', ['netns', 'exec', namespace, ...words], { timeout: 60_000 })).stdout;
  const atoll = (...words: string[]): string[] => [process.execPath, '--import', tsx, '--import', leap, bin, ...words];
  const places = (): string[] => ['--data-dir', join(dir, 'data'), '--run-dir', join(dir, 'run')];

  /** On a machine that is called so. */
  const start = (name: 'server' | 'agent', hostName: string, ...more: string[]): void => {
    const words = atoll(name, '--config', join(dir, 'config.yaml'), ...places(), ...more);
    const child = spawn(
      'ip',
      ['netns', 'exec', namespace, 'unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', hostName, ...words],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_ENV: 'test' } },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-20_000);
      });
    running.set(name, { process: child, said: () => said });
  };
  const startServer = (hostName: string): void =>
    start('server', hostName, '--write-kubeconfig', kubeconfig, '--manifests-dir', join(dir, 'more-manifests'));
  const startAgent = (hostName: string, ...more: string[]): void =>
    start(
      'agent',
      hostName,
      ...['--container-runtime-endpoint', containerd.socket, '--cgroup-driver', 'cgroupfs'],
      ...['--cni-conf-dir', join(dir, 'cni'), '--images-dir', join(dir, 'none')],
      ...['--registry-hosts-dir', join(dir, 'certs.d'), '--private-registry', join(dir, 'registries.yaml')],
      ...more,
    );
  const stop = async (name: string): Promise<void> => {
    const daemon = running.get(name);
    running.delete(name);
    if (!daemon || daemon.process.exitCode !== null || daemon.process.signalCode !== null) return;
    const ended = once(daemon.process, 'exit');
    daemon.process.kill('SIGTERM');
    await ended;
  };
  const kubectl = async <T>(...words: string[]): Promise<T | undefined> => {
    try {
      return JSON.parse(await inside('kubectl', '--kubeconfig', kubeconfig, ...words, '-o', 'json')) as T;
    } catch {
      return undefined; // not there, or not yet
    }
  };
  const until = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> => {
    for (const deadline = Date.now() + 60_000; ; await setTimeout(100)) {
      const found = await look();
      if (found) return found;
      const said = [...running].map(([name, { said }]) => `${name}: ${said().slice(-3000)}`).join('\n');
      assert.ok(Date.now() < deadline, `${what}\n${said}`);
    }
  };
  const theNode = async (holds: (node: Node) => boolean): Promise<Node | undefined> => {
    const node = await kubectl<Node>('get', 'node', 'press-7');
    return node && holds(node) ? node : undefined;
  };
  const isReady = (node: Node): boolean =>
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  const addressesOf = (node: Node, type: string): string[] =>
    (node.status?.addresses ?? []).filter(address => address.type === type).map(({ address }) => address);

  it('without any network: the node is Ready, and is what the file says', async () => {
    startServer('press-7');
    startAgent('press-7');
    const node = await until('the node is Ready', () =>
      theNode(node => isReady(node) && node.spec?.podCIDR !== undefined),
    );
    assert.equal(node.metadata.labels?.site, 'oslo');
    assert.equal(node.metadata.labels?.line, '7');
    assert.ok(
      node.spec?.taints?.some(
        ({ key, value, effect }) => `${key}=${value}:${effect}` === 'dedicated=gateway:PreferNoSchedule',
      ),
    );
    assert.equal(node.spec?.podCIDR, '10.60.0.0/24');
    assert.equal(node.status?.capacity?.pods, '20');
    assert.deepEqual(addressesOf(node, 'ExternalIP'), ['203.0.113.7']);
    assert.deepEqual(addressesOf(node, 'InternalDNS'), ['press.plant.local']);
    const ki = (text = ''): number => Number(text.replace('Ki', ''));
    const { capacity, allocatable } = node.status ?? {};
    const reserved = ki(capacity?.memory) - ki(allocatable?.memory);
    assert.ok(Math.abs(reserved - 65_536 - ki(capacity?.memory) / 100) < 8, `${reserved}`);
    const network = await until('the pod network', () =>
      readFile(join(dir, 'cni', '10-atoll.conflist'), 'utf8').catch(() => undefined),
    );
    assert.match(network, /10\.60\.0\.0\/24/);
  });

  it('the server is, too', async () => {
    assert.equal((await stat(kubeconfig)).mode & 0o777, 0o640);
    const service = await until('the service', () => kubectl<Service>('get', 'service', 'kubernetes'));
    assert.equal(service.spec?.clusterIP, '10.61.0.1');
    await inside('kubectl', '--kubeconfig', kubeconfig, 'create', 'service', 'nodeport', 'x', '--tcp=80');
    const made = await kubectl<Service>('get', 'service', 'x');
    const port = made?.spec?.ports?.[0]?.nodePort ?? 0;
    assert.ok(port >= 20_000 && port <= 20_100, `${port}`);
    await until('the manifest is applied', () => kubectl('get', 'configmap', 'mine'));
    assert.equal(await kubectl('get', 'configmap', 'gone'), undefined);
    const token = await readFile(join(dir, 'data', 'server', 'node-token'), 'utf8');
    assert.match(token, /^K10[0-9a-f]{64}::node:a-secret-of-mine\n$/);
  });

  it('the agent answers for its machine, through the cluster', async () => {
    const raw = (path: string): Promise<string> =>
      inside('kubectl', '--kubeconfig', kubeconfig, 'get', '--raw', `/api/v1/nodes/press-7/proxy/${path}`);
    const metrics = await raw('metrics');
    for (const name of ['atoll_build_info', 'atoll_upgrade_in_progress', 'atoll_clock_synchronized'])
      assert.match(metrics, new RegExp(`^${name}\\b.* [0-9]+$`, 'm'), metrics);
    const report = JSON.parse(await raw('v1-atoll/upgrade')) as { running?: { version?: string } };
    assert.match(report.running?.version ?? '', /^\d+\.\d+\.\d+/);
    const [program = '', ...words] = atoll('--kubeconfig', kubeconfig, '--node', 'press-7', 'upgrade', 'status');
    assert.match(await inside(program, ...words), /press-7/);
  });

  it('an address that comes and changes is followed; the node is the same', async () => {
    const before = await kubectl<Node>('get', 'node', 'press-7');
    // A cable of which both ends are here.
    await inside('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'veth0');
    for (const name of ['eth0', 'veth0']) await inside('ip', 'link', 'set', name, 'up');
    await inside('ip', 'address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    await inside('ip', 'route', 'add', 'default', 'via', '192.0.2.1');
    await until('the address', () => theNode(node => addressesOf(node, 'InternalIP')[0] === '192.0.2.10'));
    await inside('ip', 'address', 'flush', 'dev', 'eth0');
    await inside('ip', 'address', 'add', '198.51.100.3/24', 'dev', 'eth0');
    await inside('ip', 'route', 'add', 'default', 'via', '198.51.100.1');
    const after = await until('the other', () =>
      theNode(node => addressesOf(node, 'InternalIP')[0] === '198.51.100.3' && isReady(node)),
    );
    assert.equal(after.metadata.uid, before?.metadata.uid);
  });

  it('a boot with another host name, another address and no gateway: the same node, Ready', async () => {
    const before = await kubectl<Node>('get', 'node', 'press-7');
    await stop('agent');
    await stop('server');
    await inside('ip', 'address', 'flush', 'dev', 'eth0');
    await inside('ip', 'address', 'add', '203.0.113.99/24', 'dev', 'eth0');
    startServer('dhcp-203-0-113-99');
    startAgent('dhcp-203-0-113-99');
    const after = await until('the node is Ready', () =>
      theNode(node => isReady(node) && addressesOf(node, 'InternalIP')[0] === '203.0.113.99'),
    );
    assert.equal(after.metadata.uid, before?.metadata.uid);
    const nodes = await kubectl<{ items: Node[] }>('get', 'nodes');
    assert.equal(nodes?.items.length, 1);
  });

  it('atoll status tells it', async () => {
    const words = atoll('status', ...places(), '--kubeconfig', kubeconfig);
    const found = JSON.parse(await inside(...words, '-o', 'json')) as MachineStatus;
    assert.equal(found.ready, true);
    assert.equal(found.nodeName, 'press-7');
    assert.deepEqual(found.addresses, ['203.0.113.99']);
    assert.ok('nodes' in found.cluster && found.cluster.nodes[0]?.ready);
    // A node without a control plane asks as itself, of itself.
    const alone = atoll('status', ...places(), '--kubeconfig', join(dir, 'none'), '-o', 'json');
    const { cluster } = JSON.parse(await inside(...alone)) as MachineStatus;
    assert.ok('nodes' in cluster, JSON.stringify(cluster));
    assert.deepEqual(
      cluster.nodes.map(({ name, ready }) => ({ name, ready })),
      [{ name: 'press-7', ready: true }],
    );
    const page = await inside(...words);
    assert.match(page, /^\n {2}press-7 {2}Ready\n/);
    assert.match(page, /Nodes +press-7 +Ready +203\.0\.113\.99/);
  });

  it('a clock that jumps years forward: certificates are renewed, the node goes on', async () => {
    const year = 365 * 86_400_000;
    const lastsTo = async (path: string): Promise<number> =>
      Date.parse(new X509Certificate(await readFile(join(dir, 'data', path))).validTo);
    const before = await kubectl<Node>('get', 'node', 'press-7');
    const pids = [...running.values()].map(({ process: { pid } }) => pid);
    for (const daemon of running.values()) daemon.process.kill('SIGUSR2');
    for (const path of ['server/tls/serving.crt', 'server/tls/admin.crt', 'agent/node.crt'])
      await until(`${path} is renewed`, async () => (await lastsTo(path)) > Date.now() + 3.5 * year);
    const heartbeat = (node: Node): number =>
      Date.parse(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '');
    const after = await until('the node reports in the new year', () =>
      theNode(node => isReady(node) && heartbeat(node) > Date.now() + 2.9 * year),
    );
    assert.equal(after.metadata.uid, before?.metadata.uid);
    assert.deepEqual(
      [...running.values()].map(({ process: { pid, exitCode } }) => (exitCode === null ? pid : exitCode)),
      pids,
    );
  });

  it('a file that is wrong is said where a person looks', async () => {
    await stop('agent');
    await writeFile(join(dir, 'config.yaml'), `${config}node-lable: [a=b]\n`);
    startAgent('press-7');
    const daemon = running.get('agent');
    assert.ok(daemon);
    if (daemon.process.exitCode === null) await once(daemon.process, 'exit');
    assert.equal(daemon.process.exitCode, 2);
    const banner = (await readFile(join(dir, 'run', 'banner'), 'utf8')).replace(/\s+/g, ' ');
    assert.match(banner, /FAILED - agent: \S+config\.yaml:\d+: unknown option node-lable; did you mean node-label\?/);
  });
});
