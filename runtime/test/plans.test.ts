/**
 * Plans over a cluster: the real API server, controllers and scheduler, tunnels, and machines that are folders; kubectl for what a person
 * does and sees.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Node } from '../src/api/generated/types/core.v1.ts';
import { Nodes, Pods } from '../src/client/resources.ts';
import { ATTEMPT, type Plan, Plans } from '../src/controllers/plans/types.ts';
import type { Trial } from '../src/machine/upgrade/types.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { entry, type FolderMachine, ROOTHASH, startFolderMachine } from './nodeInterfaceFixture.ts';

const DEADLINE_MS = 60_000;

describe('Plans', { timeout: 3 * DEADLINE_MS }, () => {
  let cluster: TestCluster;
  let folder: string;
  const machines = new Map<string, FolderMachine>();
  /** Versions that fall back, and where. */
  const bad = new Map<string, { readonly node: string; readonly reason: string }>();
  /** Upgrades at once, now and at most. */
  let atWork = 0;
  let mostAtWork = 0;

  /** As a machine does: it writes, restarts into a trial, and is blessed or falls back. */
  const upgrade = async (machine: FolderMachine, words: readonly string[]): Promise<void> => {
    const version = /-([^-/]+)\.raucb$/.exec(words.at(-1) ?? '')?.[1] ?? '';
    mostAtWork = Math.max(mostAtWork, ++atWork);
    await machine.progress({ phase: 'writing', version, doneBytes: 1, totalBytes: 2 });
    const installed = [entry('installed', version)];
    const trial = { id: version, version, roothash: ROOTHASH, slot: 'b', armedAt: '', deadlineSeconds: 600 } as Trial;
    await machine.state({ trial, history: installed });
    await machine.restart(() => new Promise(resolve => setTimeout(resolve, 300)));
    const fault = bad.get(version);
    if (fault?.node === machine.name) {
      await machine.state({ history: [entry('fell-back', version, fault.reason), ...installed] });
    } else {
      machine.version = version;
      await machine.state({ history: [entry('blessed', version), ...installed] });
    }
    atWork--;
  };

  before(async () => {
    cluster = await startCluster();
    folder = await mkdtemp(join(tmpdir(), 'atoll-plans-'));
    for (const name of ['one', 'two', 'three']) {
      cluster.addNode({ name, beats: true, labels: { site: name === 'three' ? 'spare' : 'plant' } });
      await eventually(`node ${name}`, () => cluster.client.get(Nodes, { name }).catch(() => undefined));
      const machine = await startFolderMachine(cluster.server, name, {
        onStart: (of, unit, words) => {
          if (unit === 'atoll-upgrade') void upgrade(of, words);
        },
      });
      machines.set(name, machine);
    }
  });
  after(async () => {
    for (const machine of machines.values()) await machine.close();
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const apply = async (text: string): Promise<string> => {
    const file = join(folder, 'plan.yaml');
    await writeFile(file, text);
    return cluster.kubectl('apply', '-f', file);
  };
  const plan = (name: string): Promise<Plan> => cluster.client.get(Plans, { namespace: 'default', name });
  const complete = async (name: string, reason: string): Promise<Plan> =>
    eventually(
      `${name} is ${reason}`,
      async () => {
        const found = await plan(name);
        const condition = found.status?.conditions?.find(({ type }) => type === 'Complete');
        return condition?.reason === reason && found.status?.applying?.length === 0 && found;
      },
      DEADLINE_MS,
    ).catch(async error => {
      throw new Error(`${String(error)}: ${JSON.stringify((await plan(name)).status)}`);
    });
  const node = (name: string): Promise<Node> => cluster.client.get(Nodes, { name });
  /** How long each may wait for its server depends on how long it was drained. */
  const started = (): string[] =>
    [...machines.values()].flatMap(({ name, started: words }) =>
      words.splice(0).map(w => `${name} ${w.replace(/--retry-for=3[56]\d\ds /, '--retry-for=1h ')}`),
    );

  it('are known to kubectl, with their fields', async () => {
    await eventually(
      'the definition',
      async () => (await cluster.kubectl('get', 'crd', 'plans.upgrade.cattle.io', '-o', 'name').catch(() => '')) !== '',
    );
    const said = await eventually('kubectl explain', () =>
      cluster.kubectl('explain', 'plan.spec.drain').catch(() => undefined),
    );
    assert.match(said, /skipWaitForDeleteTimeout/);
    assert.equal(await cluster.kubectl('get', 'plans', '-A', '-o', 'name'), '');
  });

  it('upgrade node by node, draining each, and only the nodes that are selected', async () => {
    await cluster.kubectl('create', 'deployment', 'web', '--image=web', '--replicas=3');
    await cluster.kubectl('create', 'pdb', 'web', '--selector=app=web', '--min-available=2');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
    assert.match(
      await apply(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: plant, namespace: default}
spec:
  concurrency: 1
  nodeSelector: {matchLabels: {site: plant}}
  serviceAccountName: system-upgrade
  channel: https://example.com/channel.json
  version: 2.0.0
  drain: {timeout: 60s, gracePeriod: 0}
  postCompleteLabels: {version: $(LATEST_VERSION)}
  upgrade: {image: atoll}
`),
      /created/,
    );
    const done = await complete('plant', 'PlanComplete');
    assert.equal(done.status?.latestVersion, '2.0.0');
    assert.equal(mostAtWork, 1, 'one at a time');
    const words = 'atoll-upgrade: upgrade --retry-for=1h --yes -- https://example.com/vm-x86_64-2.0.0.raucb';
    assert.deepEqual(started(), [`one ${words}`, `two ${words}`]);
    for (const name of ['one', 'two']) {
      const { metadata, spec } = await node(name);
      assert.equal(metadata.labels?.['plan.upgrade.cattle.io/plant'], done.status?.latestHash);
      assert.equal(metadata.labels?.version, '2.0.0');
      assert.equal(metadata.annotations?.[ATTEMPT], undefined);
      assert.equal(spec?.unschedulable, undefined);
      assert.equal(machines.get(name)?.version, '2.0.0');
    }
    assert.equal(machines.get('three')?.version, '1.0.0');
    assert.equal((await node('three')).metadata.labels?.['plan.upgrade.cattle.io/plant'], undefined);
    const pods = (await cluster.client.list(Pods, { labelSelector: 'app=web' })).items;
    assert.equal(pods.filter(pod => pod.status?.phase === 'Running').length, 3);
    assert.match(await cluster.kubectl('get', 'plans'), /plant\s+https:\/\/example.com\/channel.json\s+2.0.0\s+True/);
  });

  it('stop at the first node that falls back, say why, and go on when they are changed', async () => {
    bad.set('3.0.0', { node: 'one', reason: 'pods: default/web-0 does not run: ImagePullBackOff' });
    await cluster.kubectl('patch', 'plan', 'plant', '--type=merge', '-p', '{"spec":{"version":"3.0.0"}}');
    const stopped = await complete('plant', 'FellBack');
    const condition = stopped.status?.conditions?.find(({ type }) => type === 'Complete');
    assert.equal(condition?.message, 'one: fell back from 3.0.0: pods: default/web-0 does not run: ImagePullBackOff');
    assert.deepEqual(started(), [
      'one atoll-upgrade: upgrade --retry-for=1h --yes -- https://example.com/vm-x86_64-3.0.0.raucb',
    ]);
    assert.equal((await node('one')).spec?.unschedulable, undefined, 'it is of use again');
    assert.equal(machines.get('two')?.version, '2.0.0');
    const events = await eventually('the event', async () => {
      const said = await cluster.kubectl('get', 'events', '--field-selector=reason=FellBack');
      return said.includes('ImagePullBackOff') && said;
    });
    assert.match(events, /Warning\s+FellBack\s+plan\/plant/);

    await cluster.kubectl('patch', 'plan', 'plant', '--type=merge', '-p', '{"spec":{"version":"3.0.1"}}');
    await complete('plant', 'PlanComplete');
    assert.deepEqual([machines.get('one')?.version, machines.get('two')?.version], ['3.0.1', '3.0.1']);
    started();
  });

  it('ask the nodes what a channel has where no version is said', async () => {
    const found = { version: '4.0.0', running: { version: '1.0.0' }, runs: false };
    let looked = (): void => undefined;
    const looking = new Promise<void>(resolve => {
      looked = resolve;
    });
    const finished = looking.then(() => ({ code: 0, stdout: JSON.stringify(found), stderr: '' }));
    for (const machine of machines.values()) machine.finished = finished;
    await apply(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: spare, namespace: default}
spec:
  nodeSelector: {matchLabels: {site: spare}}
  channel: https://example.com/channel.json
  exclusive: true
  cordon: true
  postCompleteDelay: 1s
  upgrade: {image: "atoll:latest"}
`);
    const three = machines.get('three');
    await eventually('a node that looks', async () => three?.started.length === 1);
    // Over a thin line that takes half an hour; the other Plan does not wait for it.
    await cluster.kubectl('patch', 'plan', 'plant', '--type=merge', '-p', '{"spec":{"version":"3.0.2"}}');
    await eventually('the other Plan', async () => machines.get('two')?.version === '3.0.2', DEADLINE_MS);
    for (const name of ['one', 'two']) machines.get(name)?.started.splice(0);
    looked();
    const done = await complete('spare', 'PlanComplete');
    assert.equal(done.status?.latestVersion, '4.0.0');
    assert.deepEqual(started(), [
      'three run: upgrade --check --output=json -- https://example.com/channel.json',
      'three atoll-upgrade: upgrade --retry-for=1h --yes -- https://example.com/vm-x86_64-4.0.0.raucb',
    ]);
    assert.equal((await node('three')).metadata.annotations?.[ATTEMPT], undefined);
  });

  it('touch nothing where they have an image to run, and say so', async () => {
    await apply(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: k3s, namespace: default}
spec:
  nodeSelector: {}
  version: v1.36.4-k3s1
  upgrade: {image: rancher/k3s-upgrade}
`);
    const said = await eventually('the condition', async () => {
      const conditions = (await plan('k3s')).status?.conditions;
      return conditions?.find(({ type, status }) => type === 'Supported' && status === 'False')?.message;
    });
    assert.match(said, /rancher\/k3s-upgrade is not run, and no node is touched; set upgrade.image to atoll/);
    assert.deepEqual(started(), []);
  });

  it('leave nodes as they were when they are deleted in the middle', async () => {
    const machine = machines.get('three');
    assert.ok(machine);
    await machine.progress({ phase: 'writing', version: 'x' }); // somebody else's upgrade, which does not end
    await apply(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: short, namespace: default}
spec:
  nodeSelector: {matchLabels: {site: spare}}
  version: 5.0.0
  cordon: true
  upgrade: {image: atoll}
`);
    await eventually('the cordon', async () => (await node('three')).spec?.unschedulable);
    await cluster.kubectl('delete', 'plan', 'short');
    await eventually('the release', async () => {
      const { metadata, spec } = await node('three');
      return !spec?.unschedulable && metadata.annotations?.[ATTEMPT] === undefined;
    });
    assert.deepEqual(started(), []);
  });
});
