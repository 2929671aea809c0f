/** What people do with kubectl, done with the real kubectl against the real server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Kubectl, type KubectlResult, kubectlPath, kubectlVersions } from './kubectl.ts';
import { type InProcessServer, kubeconfigText, startServer } from './startServer.ts';

const TIMEOUT_MS = 60_000;

let server: InProcessServer;
let admin: Kubectl;

const kubectl = (...args: Parameters<Kubectl['run']>): Promise<KubectlResult> => admin.run(...args);
const ok = (...args: Parameters<Kubectl['ok']>): Promise<string> => admin.ok(...args);
const fails = (...args: Parameters<Kubectl['fails']>): Promise<string> => admin.fails(...args);

const deployment = (image: string): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }] },
      },
    },
  });

const pod = (name: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'example.test/main:1' }], ...more },
  });

for (const version of kubectlVersions) {
  describe(`kubectl ${version}`, { timeout: 300_000 }, () => whatPeopleDo(version));
}

function whatPeopleDo(version: (typeof kubectlVersions)[number]): void {
  before(async () => {
    server = await startServer();
    admin = new Kubectl(await kubectlPath(version), server.kubeconfig, join(server.directory, 'kubectl-cache'));
    // What the service-account controller makes in a whole cluster.
    await ok('create serviceaccount default');
  });
  after(() => server.close());

  it('shows the namespaces and the service every cluster has', async () => {
    const out = await ok('get ns');
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      assert.match(out, new RegExp(`^${name}\\s+Active\\s`, 'm'));
    }
    assert.match(await ok('get svc kubernetes'), /kubernetes\s+ClusterIP\s+10\.43\.0\.1\s+<none>\s+443\/TCP/);
    assert.match(await ok('get endpointslices'), /kubernetes\s+IPv4\s+6443\s+192\.0\.2\.1/);
  });

  it('applies, applies again, changes, and deletes a deployment', async () => {
    assert.equal(await ok('apply -f -', deployment('example.test/web:1')), 'deployment.apps/web created\n');
    assert.equal(await ok('apply -f -', deployment('example.test/web:1')), 'deployment.apps/web unchanged\n');
    assert.equal(await ok('apply -f -', deployment('example.test/web:2')), 'deployment.apps/web configured\n');
    assert.match(await ok('get deploy web -o wide'), /web\s+0\/2\s+0\s+0\s+\S+\s+web\s+example\.test\/web:2\s+app=web/);
    assert.equal(await ok('get deploy web -o jsonpath={.metadata.generation}'), '2');
    assert.match(await ok('get deploy web -o yaml'), /revisionHistoryLimit: 10/);
    assert.match(await ok('describe deploy web'), /Replicas:\s+2 desired/);
    assert.equal(await ok('scale deploy web --replicas=5'), 'deployment.apps/web scaled\n');
    assert.equal(await ok('get deploy web -o jsonpath={.spec.replicas}'), '5');
    assert.match(await fails('scale deploy web --current-replicas=3 --replicas=4'), /Expected replicas to be 3, was 5/);
    assert.match(await ok('set image deploy/web web=example.test/web:3'), /image updated/);
    assert.match(await ok('rollout history deploy web'), /deployment\.apps\/web/);
    assert.match(await ok('delete deploy web'), /^deployment\.apps "web" deleted( from default namespace)?\n$/);
    assert.match(await fails('get deploy web'), /Error from server \(NotFound\): deployments\.apps "web" not found/);
  });

  it('patches in three ways, labels and annotates', async () => {
    await ok('create cm patched --from-literal=a=1 --from-literal=b=2');
    const data = (): Promise<string> => ok('get cm patched -o jsonpath={.data}');
    await ok(['patch', 'cm', 'patched', '--type=merge', '-p', '{"data":{"a":"3","b":null}}']);
    assert.equal(await data(), '{"a":"3"}');
    await ok(['patch', 'cm', 'patched', '--type=json', '-p', '[{"op":"add","path":"/data/c","value":"4"}]']);
    assert.equal(await data(), '{"a":"3","c":"4"}');
    await ok(['patch', 'cm', 'patched', '-p', '{"data":{"c":"5"}}']);
    assert.equal(await data(), '{"a":"3","c":"5"}');
    assert.equal(await ok('label cm patched tier=front'), 'configmap/patched labeled\n');
    assert.match(await ok('get cm -l tier=front -o name'), /^configmap\/patched$/m);
    assert.equal(await ok('get cm -l tier=back -o name'), '');
    assert.equal(await ok('label cm patched tier-'), 'configmap/patched unlabeled\n');
    assert.equal(await ok('annotate cm patched note=x'), 'configmap/patched annotated\n');
    // Upstream says no more of a patch that cannot be applied.
    assert.equal(
      await fails(['patch', 'cm', 'patched', '--type=json', '-p', '[{"op":"remove","path":"/data/none"}]']),
      'The request is invalid: the server rejected our request due to an error in our request\n',
    );
    assert.match(
      await fails(['patch', 'cm', 'patched', '-p', '{"data":']),
      /unexpected end|unable to parse|yaml|invalid/i,
    );
  });

  it('creates pods with what admission and defaults add, and binds and deletes them gracefully', async () => {
    await ok('apply -f -', pod('plain'));
    const plain = JSON.parse(await ok('get pod plain -o json'));
    assert.equal(plain.spec.serviceAccountName, 'default');
    assert.match(plain.spec.volumes[0].name, /^kube-api-access-[a-z0-9]{5}$/);
    assert.equal(plain.spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds, 3607);
    assert.equal(plain.spec.containers[0].volumeMounts[0].mountPath, '/var/run/secrets/kubernetes.io/serviceaccount');
    assert.deepEqual(
      plain.spec.tolerations.map((t: { key: string }) => t.key),
      ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
    );
    assert.equal(plain.spec.priority, 0);
    assert.equal(plain.status.phase, 'Pending');
    assert.equal(plain.status.qosClass, 'BestEffort');
    assert.match(await ok('get pods'), /plain\s+0\/1\s+Pending\s+0\s+\S+/);
    assert.match(await ok('describe pod plain'), /QoS Class:\s+BestEffort/);
    await ok('delete pod plain'); // no node, so no grace

    await ok('apply -f -', pod('bound', { nodeName: 'n1' }));
    await ok('delete pod bound --wait=false');
    const bound = JSON.parse(await ok('get pod bound -o json'));
    assert.equal(bound.metadata.deletionGracePeriodSeconds, 30);
    assert.match(await ok('get pods'), /bound\s+0\/1\s+Terminating/);
    await ok('delete pod bound --grace-period=0 --force');
    assert.match(await fails('get pod bound'), /NotFound/);
  });

  it('exposes services with addresses and ports of their own', async () => {
    await ok('create service clusterip a --tcp=80:8080');
    await ok('create service nodeport b --tcp=80:8080 --node-port=30080');
    assert.match(await ok('get svc a -o jsonpath={.spec.clusterIP}'), /^10\.43\./);
    assert.match(await ok('get svc b'), /b\s+NodePort\s+10\.43\.\S+\s+<none>\s+80:30080\/TCP/);
    assert.match(
      await fails('create service nodeport c --tcp=80:8080 --node-port=30080'),
      /provided port is already allocated/,
    );
    const taken = await ok('get svc a -o jsonpath={.spec.clusterIP}');
    assert.match(await fails(`create service clusterip d --tcp=80:8080 --clusterip=${taken}`), /already allocated/);
    await ok('delete svc a b');
    await ok('create service nodeport c --tcp=80:8080 --node-port=30080');
    await ok(`create service clusterip d --tcp=80:8080 --clusterip=${taken}`);
  });

  it('waits, and watches', async () => {
    await ok('create cm waited --from-literal=a=1');
    const waiting = kubectl('wait --for=jsonpath={.data.a}=2 cm/waited --timeout=20s');
    const deleted = kubectl('wait --for=delete cm/waited --timeout=30s');
    await new Promise(resolve => setTimeout(resolve, 500));
    await ok(['patch', 'cm', 'waited', '-p', '{"data":{"a":"2"}}']);
    assert.match((await waiting).out, /configmap\/waited condition met/);
    const seen = watchLines('get cm --watch --no-headers -o name --field-selector metadata.name=waited', 2);
    await seen.started;
    await ok('annotate cm waited x=y');
    await ok('delete cm waited');
    assert.deepEqual(await seen.lines, ['configmap/waited', 'configmap/waited']);
    assert.equal((await deleted).code, 0);
  });

  it('explains, lists resources, and says who may do what', async () => {
    assert.match(await ok('explain pod.spec.containers'), /FIELDS:[\s\S]*image\s+<string>/);
    const resources = await ok('api-resources');
    assert.match(resources, /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m);
    assert.match(resources, /^nodes\s+no\s+v1\s+false\s+Node$/m);
    assert.match(await ok('api-versions'), /^networking\.k8s\.io\/v1$/m);
    assert.equal(await ok('auth can-i create pods'), 'yes\n');
    assert.match(await ok('auth whoami -o jsonpath={.status.userInfo.username}'), /^system:admin$/);
    assert.equal(await ok('get --raw /readyz'), 'ok');
    assert.match(await ok('get --raw /readyz?verbose'), /\[\+\]store ok/);
    assert.match(await ok('cluster-info'), /control plane/i);
  });

  it('issues tokens that work, and only for what their account may', async () => {
    await ok('create sa robot');
    const token = (await ok('create token robot')).trim();
    const asRobot = join(server.directory, 'robot.kubeconfig');
    const text = kubeconfigText(server.url, server.ca, server.admin);
    const config = JSON.parse(text);
    config.users[0].user = { token };
    await writeFile(asRobot, JSON.stringify(config));
    const robotKubectl = new Kubectl(admin.path, asRobot, join(server.directory, 'robot-cache'));
    const robot = (line: string): Promise<KubectlResult> => robotKubectl.run(line);
    const refused = await robot('get pods');
    assert.match(
      refused.err,
      /Error from server \(Forbidden\): pods is forbidden: User "system:serviceaccount:default:robot" cannot list resource "pods" in API group "" in the namespace "default"/,
    );
    await ok('create role reader --verb=get,list,watch --resource=pods');
    await ok('create rolebinding robot-reads --role=reader --serviceaccount=default:robot');
    assert.equal((await robot('get pods')).code, 0);
    assert.equal((await robot('auth can-i delete pods')).out, 'no\n');
    config.users[0].user = { token: `${token.slice(0, -6)}AAAAAA` };
    await writeFile(asRobot, JSON.stringify(config));
    assert.match((await robot('get pods')).err, /Unauthorized|must be logged in/);
  });

  it('says what is wrong in upstream’s words', async () => {
    assert.match(
      await fails('create cm Bad_Name'),
      /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain/,
    );
    await ok('create cm twice');
    assert.match(
      await fails('create cm twice'),
      /Error from server \(AlreadyExists\): configmaps "twice" already exists|already exists/,
    );
    assert.match(await fails('create cm x -n nowhere'), /namespaces "nowhere" not found/);
    const unknown = pod('typo', { restartPolicie: 'Never' });
    assert.match(await fails('create -f -', unknown), /strict decoding error: unknown field "spec\.restartPolicie"/);
    assert.match(
      await fails(
        'create -f - --validate=ignore',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":3}}',
      ),
      /cannot unmarshal number into Go struct field/,
    );
    const stale = JSON.parse(await ok('get cm twice -o json'));
    await ok('label cm twice a=b');
    assert.match(
      await fails('replace -f -', JSON.stringify(stale)),
      /Error from server \(Conflict\): .*the object has been modified; please apply your changes to the latest version and try again/,
    );
    assert.match(await fails('delete ns default'), /this namespace may not be deleted/);
    assert.match(await fails('get pods --field-selector spec.nope=1'), /field label not supported: spec\.nope/);
    assert.match(await fails('get pods -l a==b==c'), /unable to parse requirement|found '=='|invalid/);
  });

  it('dry-runs on the server, generates names, and replaces', async () => {
    assert.match(await ok('create cm dry --dry-run=server -o yaml'), /uid: /);
    assert.match(await fails('get cm dry'), /NotFound/);
    const made = await ok(
      'create -f -',
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } }),
    );
    assert.match(made, /^configmap\/gen-[bcdfghjklmnpqrstvwxz2456789]{5} created$/m);
    assert.match(await ok('replace --force -f -', pod('forced')), /replaced|created/);
    await ok('delete pods --all --force --grace-period=0');
    assert.equal(await ok('get pods -o name'), '');
  });

  it('pages through long lists', async () => {
    const items = Array.from({ length: 55 }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `page-${i}`, labels: { page: 'yes' } },
    }));
    await ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const names = (await ok('get cm -l page=yes --chunk-size=10 -o name')).trim().split('\n');
    assert.equal(new Set(names).size, 55);
    await ok('delete cm -l page=yes');
  });
}

/** The first `count` lines of a long-running kubectl; `started` when the first has come. */
function watchLines(line: string, count: number): { started: Promise<void>; lines: Promise<string[]> } {
  const child = spawn(admin.path, ['--kubeconfig', server.kubeconfig, ...line.split(' ')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let begun: () => void = () => undefined;
  const started = new Promise<void>(resolve => {
    begun = resolve;
  });
  const lines = new Promise<string[]>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill();
      reject(new Error(`kubectl ${line}: only ${JSON.stringify(text)} within ${TIMEOUT_MS / 1000} s`));
    }, TIMEOUT_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      begun();
      const got = text.split('\n').slice(0, -1);
      if (got.length <= count) return;
      clearTimeout(timer);
      child.kill();
      resolve(got.slice(1));
    });
  });
  return { started, lines };
}
