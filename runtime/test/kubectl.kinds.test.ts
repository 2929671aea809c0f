/** The commands of kubectl that make and change things, kind by kind: real kubectl, real server, controllers and a hollow node. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Leases } from '../src/client/resources.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { Kubectl, kubectlPath } from './kubectl.ts';

let cluster: TestCluster;
let admin: Kubectl;
let cacheDir: string;
let heartbeat: NodeJS.Timeout;

const HEARTBEAT_MS = 5_000;

/** A node that is silent for too long is taken for dead. */
async function keepAlive(name: string): Promise<void> {
  const { client } = cluster;
  const key = { namespace: 'kube-node-lease', name };
  await client.create(Leases, { metadata: key, spec: { holderIdentity: name } });
  heartbeat = setInterval(() => {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    client.patch(Leases, key, { spec: { renewTime } }, { type: 'merge' }).catch(() => undefined);
  }, HEARTBEAT_MS);
}

const ok = (...args: Parameters<Kubectl['ok']>): Promise<string> => admin.ok(...args);
const fails = (...args: Parameters<Kubectl['fails']>): Promise<string> => admin.fails(...args);
const json = async (line: string): Promise<Record<string, never>> => JSON.parse(await ok(`${line} -o json`));

describe('kubectl, kind by kind', { timeout: 420_000 }, () => {
  before(async () => {
    cluster = await startCluster();
    cacheDir = join(cluster.server.directory, 'kubectl-cache');
    admin = new Kubectl(await kubectlPath('1.36'), cluster.server.kubeconfig, cacheDir);
    cluster.addNode({ name: 'n1', labels: { 'node-role.kubernetes.io/worker': '' } });
    await keepAlive('n1');
    await eventually('the default service account', async () => (await admin.run('get sa default')).code === 0);
  });
  after(async () => {
    clearInterval(heartbeat);
    await cluster.close();
  });

  it('creates what its generators make', async () => {
    const made: readonly (readonly [line: string, said: string])[] = [
      ['namespace made', 'namespace/made'],
      ['serviceaccount made', 'serviceaccount/made'],
      ['configmap made --from-literal=a=1 --from-literal=b=2', 'configmap/made'],
      ['secret generic made --from-literal=password=x', 'secret/made'],
      ['secret generic typed --type=example.com/own --from-literal=a=b', 'secret/typed'],
      [
        'secret docker-registry pull --docker-server=registry.example --docker-username=u --docker-password=p',
        'secret/pull',
      ],
      ['quota made --hard=pods=3,requests.cpu=1,count/deployments.apps=4', 'resourcequota/made'],
      ['poddisruptionbudget made --selector=app=made --min-available=1', 'poddisruptionbudget.policy/made'],
      ['poddisruptionbudget share --selector=app=made --max-unavailable=50%', 'poddisruptionbudget.policy/share'],
      ['priorityclass made --value=1000 --description=some', 'priorityclass.scheduling.k8s.io/made'],
      ['role made --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/made'],
      ['clusterrole made --verb=get --resource=nodes', 'clusterrole.rbac.authorization.k8s.io/made'],
      ['rolebinding made --role=made --user=somebody', 'rolebinding.rbac.authorization.k8s.io/made'],
      ['clusterrolebinding made --clusterrole=made --group=some', 'clusterrolebinding.rbac.authorization.k8s.io/made'],
      ['service clusterip made --tcp=80:8080', 'service/made'],
      ['service clusterip headless --clusterip=None', 'service/headless'],
      ['service nodeport port --tcp=80:8080', 'service/port'],
      ['service loadbalancer balanced --tcp=80:8080', 'service/balanced'],
      ['service externalname elsewhere --external-name=example.com', 'service/elsewhere'],
      ['ingress made --rule=example.com/*=made:80 --class=nginx', 'ingress.networking.k8s.io/made'],
      ['deployment made --image=example.test/a:1 --replicas=0 --port=8080', 'deployment.apps/made'],
      ['job made --image=example.test/a:1 -- true', 'job.batch/made'],
      ['cronjob made --image=example.test/a:1 --schedule=*/5@*@*@*@* -- true', 'cronjob.batch/made'],
      ['job again --from=cronjob/made', 'job.batch/again'],
    ];
    for (const [line, said] of made) {
      const args = ['create', ...line.split(' ')].map(arg => arg.replaceAll('@', ' '));
      assert.match(await ok(args), new RegExp(`^${said.replace('.', '\\.')} created`), line);
    }
    assert.equal(await ok('get secret pull -o jsonpath={.type}'), 'kubernetes.io/dockerconfigjson');
    assert.equal(await ok('get svc headless -o jsonpath={.spec.clusterIP}'), 'None');
    assert.match(await ok('get svc port'), /NodePort\s+10\.43\.\d+\.\d+\s+<none>\s+80:3\d{4}\/TCP/);
    assert.match(await ok('get svc balanced'), /LoadBalancer\s+10\.43\.\d+\.\d+\s+<pending>\s+80:3\d{4}\/TCP/);
    assert.match(await ok('get svc elsewhere'), /ExternalName\s+<none>\s+example\.com\s+<none>/);
    assert.match(await ok('get cronjob made'), /\*\/5 \* \* \* \*\s+<none>\s+False\s+0\s+<none>/);
    assert.match(await ok('get pdb share'), /share\s+N\/A\s+50%\s+0/);
    assert.match(await ok('get priorityclass made'), /made\s+1000\s+false\s+\S+\s+PreemptLowerPriority/);
    assert.match(await ok('get quota made'), /count\/deployments\.apps: \d\/4, pods: \d+\/3, requests\.cpu: \d+\/1/);
    await ok('delete quota made');
    await ok('delete job made again');
    await ok('delete cronjob made');
    await ok('delete deployment made');
  });

  it('runs pods, exposes and labels them', async () => {
    assert.equal(await ok('run one --image=example.test/one:1 --port=80 --labels=app=one'), 'pod/one created\n');
    await ok('wait --for=condition=Ready pod/one --timeout=30s');
    assert.match(await ok('get pod one'), /one\s+0\/1\s+Running\s+0\s+\d+s/);
    assert.match(await ok('get pod one -o wide'), /<none>\s+n1\s+<none>\s+<none>/);
    assert.equal(await ok('expose pod one --port=80 --target-port=8080 --name=one'), 'service/one exposed\n');
    assert.equal(await ok('get svc one -o jsonpath={.spec.selector.app}:{.spec.ports[0].targetPort}'), 'one:8080');
    assert.equal(await ok('label pod one tier=front'), 'pod/one labeled\n');
    assert.match(
      await fails('label pod one tier=back'),
      /'tier' already has a value \(front\), and --overwrite is false/,
    );
    assert.equal(await ok('label pod one tier=back --overwrite'), 'pod/one labeled\n');
    assert.match(await fails('label pod one bad=a/b'), /a valid label must be an empty string or consist of/);
    assert.equal(await ok('annotate pod one note=x'), 'pod/one annotated\n');
    assert.equal(await ok('annotate pod one note-'), 'pod/one annotated\n');
    assert.equal(await ok('get pods --field-selector status.phase=Running,spec.nodeName=n1 -o name'), 'pod/one\n');
    assert.equal(await ok('get pods --field-selector spec.restartPolicy=Never -o name'), '');
    assert.equal(await ok('get pods --field-selector spec.serviceAccountName=default -o name'), 'pod/one\n');
    assert.match(
      await fails(['patch', 'pod', 'one', '-p', '{"spec":{"hostNetwork":true}}']),
      /pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,`spec\.activeDeadlineSeconds`,`spec\.tolerations` \(only additions to existing tolerations\)/,
    );
    assert.equal(await ok('set image pod/one one=example.test/one:2'), 'pod/one image updated\n');
    await ok('delete svc one');
    await ok('delete pod one --now');
  });

  it('scales, rolls out, undoes, pauses and restarts a deployment', async () => {
    await ok('create deployment web --image=example.test/web:1 --replicas=2');
    assert.match(await ok('rollout status deployment/web --timeout=30s'), /successfully rolled out/);
    assert.match(await ok('get deployment web'), /web\s+2\/2\s+2\s+2/);
    assert.match(await ok('get deployment web -o wide'), /web\s+example\.test\/web:1\s+app=web/);
    assert.match(
      await ok('get rs -l app=web -o wide'),
      /2\s+2\s+2\s+\S+\s+web\s+example\.test\/web:1\s+app=web,pod-te/,
    );
    assert.equal(await ok('set image deployment/web web=example.test/web:2'), 'deployment.apps/web image updated\n');
    assert.match(await ok('rollout status deployment/web --timeout=30s'), /successfully rolled out/);
    assert.equal(
      await ok('annotate deployment web kubernetes.io/change-cause=second'),
      'deployment.apps/web annotated\n',
    );
    await eventually('both revisions', async () =>
      /1\s+<none>\n2\s+second/.test(await ok('rollout history deployment/web')),
    );
    assert.match(await ok('rollout history deployment/web --revision=1'), /Image:\s+example\.test\/web:1/);
    assert.equal(await ok('rollout undo deployment/web'), 'deployment.apps/web rolled back\n');
    assert.match(await ok('rollout status deployment/web --timeout=30s'), /successfully rolled out/);
    assert.equal(
      await ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}'),
      'example.test/web:1',
    );
    assert.equal(await ok('rollout undo deployment/web --to-revision=2'), 'deployment.apps/web rolled back\n');
    assert.equal(await ok('rollout pause deployment/web'), 'deployment.apps/web paused\n');
    assert.match(await fails('rollout pause deployment/web'), /already paused/);
    assert.equal(await ok('set env deployment/web A=1'), 'deployment.apps/web env updated\n');
    assert.equal(await ok('set env deployment/web --list'), '# Deployment web, container web\nA=1\n');
    assert.equal(await ok('rollout resume deployment/web'), 'deployment.apps/web resumed\n');
    assert.equal(await ok('rollout restart deployment/web'), 'deployment.apps/web restarted\n');
    assert.match(await ok('rollout status deployment/web --timeout=30s'), /successfully rolled out/);
    assert.equal(await ok('scale deployment/web --replicas=3'), 'deployment.apps/web scaled\n');
    assert.equal(await ok('scale deployment/web --replicas=1 --current-replicas=3'), 'deployment.apps/web scaled\n');
    assert.match(await fails('scale deployment/web --replicas=-1'), /must be|negative|--replicas=COUNT/);
    await ok('wait --for=jsonpath={.status.readyReplicas}=1 deployment/web --timeout=30s');
    assert.match(await ok('rollout status deployment/web --timeout=30s'), /successfully rolled out/);
  });

  it('sets resources, selectors and accounts; exposes and autoscales', async () => {
    assert.match(
      await ok('set resources deployment/web --limits=cpu=200m,memory=64Mi --requests=cpu=100m'),
      /resource requirements updated/,
    );
    const { spec } = (await json('get deployment web')) as unknown as {
      spec: { template: { spec: { containers: { resources: object }[] } } };
    };
    assert.deepEqual(spec.template.spec.containers[0]?.resources, {
      limits: { cpu: '200m', memory: '64Mi' },
      requests: { cpu: '100m' },
    });
    assert.match(
      await fails('set resources deployment/web --limits=cpu=50m'),
      /spec\.template\.spec\.containers\[0\]\.resources\.requests: Invalid value: "100m": must be less than or equal to cpu limit of 50m/,
    );
    assert.match(await ok('set serviceaccount deployment/web made'), /serviceaccount updated/);
    assert.equal(await ok('get deployment web -o jsonpath={.spec.template.spec.serviceAccountName}'), 'made');
    assert.equal(await ok('expose deployment web --port=80 --type=NodePort'), 'service/web exposed\n');
    assert.equal(await ok(['set', 'selector', 'service', 'web', 'app=other']), 'service/web selector updated\n');
    assert.equal(await ok('get svc web -o jsonpath={.spec.selector}'), '{"app":"other"}');
    assert.equal(
      await ok('autoscale deployment web --min=1 --max=4 --cpu=70%'),
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    );
    assert.match(await ok('get hpa web'), /Deployment\/web\s+cpu: <unknown>\/70%\s+1\s+4\s+0/);
    assert.equal(
      await ok('get horizontalpodautoscalers.v1.autoscaling web -o jsonpath={.spec.targetCPUUtilizationPercentage}'),
      '70',
    );
    assert.equal(
      await ok(
        'get horizontalpodautoscalers.v2.autoscaling web -o jsonpath={.spec.metrics[0].resource.target.averageUtilization}',
      ),
      '70',
    );
    assert.match(await ok('describe hpa web'), /resource cpu on pods.*<unknown> \/ 70%/);
    await ok('delete hpa web');
    await ok('delete svc web');
  });

  it('shows things in every form', async () => {
    assert.equal(await ok('get deployment web -o name'), 'deployment.apps/web\n');
    assert.match(await ok('get deployment web -o yaml'), /^apiVersion: apps\/v1\nkind: Deployment\n/);
    assert.equal(await ok('get deployment web -o jsonpath={.metadata.name}'), 'web');
    assert.equal(
      await ok(
        'get deployment web -o custom-columns=NAME:.metadata.name,IMAGE:.spec.template.spec.containers[*].image',
      ),
      'NAME   IMAGE\nweb    example.test/web:2\n',
    );
    assert.equal(await ok(['get', 'deployment', 'web', '-o', 'go-template={{.spec.replicas}}']), '1');
    assert.match(
      await ok('get all'),
      /^service\/kubernetes[\s\S]*^deployment\.apps\/web[\s\S]*^replicaset\.apps\/web-/m,
    );
    assert.match(await ok('get nodes'), /n1\s+Ready\s+worker\s+\d+[ms]/);
    assert.match(await ok('get node n1 -o wide'), /<none>\s+<none>\s+<unknown>\s+<unknown>\s+<unknown>/);
    assert.match(await ok('get pods --show-labels'), /app=web,pod-template-hash=/);
    assert.match(await ok('get pods -L app'), /APP\n.*\sweb\n/);
    assert.match(await ok('get pods --sort-by=.metadata.name'), /web-/);
    assert.match(await ok('describe deployment web'), /StrategyType:\s+RollingUpdate[\s\S]*Conditions:/);
    assert.match(await ok('get events'), /LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/);
    assert.match(await ok('events --for deployment/web'), /ScalingReplicaSet/);
  });

  it('explains every kind of these groups, to the bottom', async () => {
    for (const kind of [
      'pods',
      'services',
      'deployments',
      'statefulsets',
      'jobs',
      'cronjobs',
      'horizontalpodautoscalers',
    ])
      assert.match(await ok(`explain ${kind} --recursive`), /KIND:\s+\w+[\s\S]*FIELDS:[\s\S]*metadata/, kind);
    assert.match(await ok('explain pod.spec.containers.resources.limits'), /map\[string\]Quantity/);
    assert.match(
      await ok('explain hpa --api-version=autoscaling/v1 --recursive'),
      /targetCPUUtilizationPercentage\s+<integer>/,
    );
  });

  it('edits with an editor, and says what is wrong with an edit', async () => {
    const directory = join(cluster.server.directory, 'editors');
    await mkdir(directory, { recursive: true });
    const editor = async (name: string, script: string): Promise<Kubectl> => {
      const path = join(directory, name);
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      const env = { ...process.env, KUBE_EDITOR: path };
      return new Kubectl(admin.path, cluster.server.kubeconfig, cacheDir, env);
    };
    const replicas = await editor('replicas', 'sed -i "s/^  replicas: .*/  replicas: 2/" "$1"');
    assert.equal(await replicas.ok('edit deployment web'), 'deployment.apps/web edited\n');
    assert.equal(await ok('get deployment web -o jsonpath={.spec.replicas}'), '2');
    assert.match((await replicas.run('edit deployment web')).err, /^Edit cancelled, no changes made\.$/m);
    const selector = await editor('selector', 'sed -i "s/^      app: web/      app: other/" "$1"');
    assert.match((await selector.run('edit deployment web')).err, /is invalid|field is immutable/);
  });

  it('replaces by force, diffs, applies and prunes', async () => {
    const map = (name: string, data: object): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { set: 'pruned' } },
      data,
    });
    const list = (...items: object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    assert.equal(
      await ok('apply -f -', list(map('p1', { a: '1' }), map('p2', {}))),
      'configmap/p1 created\nconfigmap/p2 created\n',
    );
    const diff = await admin.run('diff -f -', list(map('p1', { a: '2' })));
    assert.equal(diff.code, 1, diff.err);
    assert.match(diff.out, /^-\s+a: "1"$/m);
    assert.match(diff.out, /^\+\s+a: "2"$/m);
    assert.equal((await admin.run('diff -f -', list(map('p1', { a: '1' })))).code, 0);
    const pruned = await ok(
      'apply -f - --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap',
      list(map('p1', { a: '2' })),
    );
    assert.equal(pruned, 'configmap/p1 configured\nconfigmap/p2 pruned\n');
    const job = (image: string): string =>
      JSON.stringify({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'fixed' },
        spec: {
          suspend: true,
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image }] } },
        },
      });
    await ok('create -f -', job('example.test/a:1'));
    assert.match(
      await fails('apply -f -', job('example.test/a:2')),
      /spec\.template: Invalid value: [\s\S]*field is immutable/,
    );
    assert.equal(
      await ok('replace --force -f -', job('example.test/a:2')),
      'job.batch "fixed" deleted from default namespace\njob.batch/fixed replaced\n',
    );
    assert.match(await ok('get job fixed'), /fixed\s+(Suspended|Running)\s+0\/1\s+\d+s/);
    await ok('delete job fixed');
  });

  it('changes services of one type into those of another', async () => {
    await ok('create service nodeport turned --tcp=80:8080 --node-port=30099');
    const address = await ok('get svc turned -o jsonpath={.spec.clusterIP}');
    await ok(['patch', 'svc', 'turned', '-p', '{"spec":{"type":"ClusterIP"}}']);
    assert.equal(await ok('get svc turned -o jsonpath={.spec.ports[0].nodePort}'), '');
    await ok('create service nodeport taker --tcp=80:8080 --node-port=30099');
    assert.match(
      await fails(['patch', 'svc', 'turned', '--type=merge', '-p', '{"spec":{"clusterIP":"10.43.77.77"}}']),
      /spec\.clusterIPs\[0\]: Invalid value: \["10\.43\.77\.77"\]: may not change once set|field is immutable/,
    );
    await ok([
      'patch',
      'svc',
      'turned',
      '--type=merge',
      '-p',
      '{"spec":{"type":"ExternalName","externalName":"example.com","clusterIP":"","clusterIPs":null}}',
    ]);
    assert.equal(await ok('get svc turned -o jsonpath={.spec.clusterIP}'), '');
    await ok(`create service clusterip heir --tcp=80:8080 --clusterip=${address}`);
    await ok('delete svc turned taker heir');
  });

  it('warns of what will not do what it seems to', async () => {
    const deprecated = await admin.run('get endpoints');
    assert.match(
      deprecated.err,
      /^Warning: v1 Endpoints is deprecated in v1\.33\+; use discovery\.k8s\.io\/v1 EndpointSlice$/m,
    );
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'warned' },
      spec: {
        hostAliases: [
          { ip: '10.0.0.1', hostnames: ['a'] },
          { ip: '10.0.0.1', hostnames: ['b'] },
        ],
        containers: [
          {
            name: 'a',
            image: 'example.test/a:1',
            env: [
              { name: 'A', value: '1' },
              { name: 'A', value: '2' },
            ],
          },
        ],
      },
    };
    const { code, err } = await admin.run('create -f - --dry-run=server', JSON.stringify(pod));
    assert.equal(code, 0, err);
    assert.match(
      err,
      /Warning: spec\.containers\[0\]\.env\[1\]: hides previous definition of "A", which may be dropped when using apply/,
    );
    assert.match(err, /Warning: spec\.hostAliases\[1\]\.ip: duplicate ip "10\.0\.0\.1"/);
  });
});
