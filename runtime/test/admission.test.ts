/** Admission, quotas and budgets as people meet them: real kubectl, a real server, our controllers, nodes without containers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { Pod, ResourceQuota } from '../src/api/generated/types/core.v1.ts';
import { ApiError } from '../src/client/apiError.ts';
import { Namespaces, PodDisruptionBudgets, Pods, ResourceQuotas } from '../src/client/resources.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let cluster: TestCluster;

function kubectl(line: string | readonly string[], input?: object): Promise<Said> {
  const args = typeof line === 'string' ? line.split(' ') : [...line];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'kubectl',
      ['--kubeconfig', cluster.server.kubeconfig, ...args],
      { timeout: 60_000 },
      (error, out, err) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: Number(error?.code ?? 0), out, err });
      },
    );
    child.stdin?.end(input ? JSON.stringify(input) : '');
  });
}

/** Must succeed. */
async function ok(line: string | readonly string[], input?: object): Promise<Said> {
  const said = await kubectl(line, input);
  assert.equal(said.code, 0, `kubectl ${String(line)}: ${said.err}`);
  return said;
}

/** Must fail; what it says. */
async function fails(line: string | readonly string[], input?: object): Promise<string> {
  const { code, err } = await kubectl(line, input);
  assert.notEqual(code, 0, `kubectl ${String(line)} should have failed`);
  return err.trim();
}

async function inNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  await cluster.client.create(Namespaces, { metadata: { name, labels } });
}

const podOf = (namespace: string, name: string, requests: Record<string, string> = {}): Pod => ({
  metadata: { namespace, name },
  spec: { containers: [{ name: 'c', image: 'x', resources: { requests } }] },
});

const run = (name: string, namespace: string, spec: object = {}): string[] => [
  'run',
  name,
  '-n',
  namespace,
  '--image=x',
  `--overrides=${JSON.stringify({ spec })}`,
];

const usedOf = async (namespace: string, name = 'q'): Promise<Record<string, string>> =>
  (await cluster.client.get(ResourceQuotas, { namespace, name })).status?.used ?? {};

const counted = (namespace: string, used: Record<string, string>): Promise<unknown> =>
  eventually(`used: ${JSON.stringify(used)} in ${namespace}`, async () => {
    const found = await usedOf(namespace);
    return Object.entries(used).every(([name, quantity]) => found[name] === quantity);
  });

describe('admission', { timeout: 300_000 }, () => {
  before(async () => {
    cluster = await startCluster();
    cluster.addNode({ name: 'n1', beats: true });
    cluster.addNode({ name: 'n2', beats: true });
    await eventually('both nodes', async () => {
      const { out } = await ok('get nodes -o jsonpath={.items[*].spec.taints}');
      return (await ok('get nodes -o name')).out.split('\n').length === 3 && !out.includes('not-ready');
    });
  });
  after(() => cluster.close());

  describe('limits', () => {
    it('fill in what is open and refuse what is too much', async () => {
      await inNamespace('limits');
      const limits = [
        { type: 'Container', default: { cpu: '200m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } },
        { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } },
      ];
      const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } };
      await ok('apply -n limits -f -', range);
      assert.match((await ok('describe limits l -n limits')).out, /Container +cpu +- +1 +100m +200m +-/);
      await ok(run('open', 'limits'));
      const { out } = await ok(
        'get pod open -n limits -o jsonpath={.metadata.annotations}{.spec.containers[0].resources}',
      );
      assert.equal(
        out,
        '{"kubernetes.io/limit-ranger":"LimitRanger plugin set: cpu request for container open; cpu limit for container open"}' +
          '{"limits":{"cpu":"200m"},"requests":{"cpu":"100m"}}',
      );
      const greedy = { containers: [{ name: 'c', image: 'x', resources: { limits: { cpu: '2' } } }] };
      assert.equal(
        await fails(run('greedy', 'limits', greedy)),
        'Error from server (Forbidden): pods "greedy" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
      );
      const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } };
      const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'big' }, spec };
      assert.match(
        await fails('create -n limits -f -', claim),
        /persistentvolumeclaims "big" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi$/,
      );
    });
  });

  describe('quotas', () => {
    it('are counted, charged, described and given back', async () => {
      await inNamespace('quota');
      await cluster.client.create(Pods, podOf('quota', 'before', { cpu: '100m' }));
      await ok(
        'create quota q -n quota --hard=pods=2,requests.cpu=500m,configmaps=10,count/deployments.apps=1,services.nodeports=1',
      );
      await counted('quota', {
        pods: '1',
        'requests.cpu': '100m',
        'services.nodeports': '0',
        'count/deployments.apps': '0',
      });
      assert.equal(
        await fails(run('silent', 'quota')),
        'Error from server (Forbidden): pods "silent" is forbidden: failed quota: q: must specify requests.cpu for: silent',
      );
      const asking = (cpu: string): object => ({
        containers: [{ name: 'c', image: 'x', resources: { requests: { cpu } } }],
      });
      assert.equal(
        await fails(run('greedy', 'quota', asking('1'))),
        'Error from server (Forbidden): pods "greedy" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=100m, limited: requests.cpu=500m',
      );
      await ok(run('second', 'quota', asking('400m')));
      await ok('create deployment d -n quota --image=x --replicas=0');
      assert.match(
        await fails('create deployment e -n quota --image=x'),
        /exceeded quota: q, requested: count\/deployments.apps=1/,
      );
      assert.match(
        (await ok('describe quota q -n quota')).out.replaceAll(/ +/g, ' '),
        /Resource Used Hard\n-------- ---- ----\nconfigmaps 1 10\ncount\/deployments.apps 1 1\npods 2 2\nrequests.cpu 500m 500m\nservices.nodeports 0 1/,
      );
      await ok('create service nodeport s -n quota --tcp=80');
      assert.match(
        await fails('create service nodeport t -n quota --tcp=80'),
        /exceeded quota: q, requested: services.nodeports=1/,
      );
      await ok(['patch', 'service', 's', '-n', 'quota', '-p', '{"spec":{"type":"ClusterIP"}}']);
      await ok('delete deployment d -n quota');
      await ok('delete pod second before -n quota --now');
      await counted('quota', {
        pods: '0',
        'requests.cpu': '0',
        'services.nodeports': '0',
        'count/deployments.apps': '0',
      });
    });

    it('let in no more than fits, of a hundred at once', async () => {
      await inNamespace('crowd');
      await ok('create quota q -n crowd --hard=pods=10');
      await counted('crowd', { pods: '0' });
      const all = await Promise.allSettled(
        Array.from({ length: 100 }, (_, i) => cluster.client.create(Pods, podOf('crowd', `p${i}`))),
      );
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 10);
      for (const result of all) {
        if (result.status === 'fulfilled') continue;
        assert.ok(result.reason instanceof ApiError);
        assert.equal(result.reason.code, 403);
        assert.match(result.reason.message, /exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10/);
      }
      assert.equal((await cluster.client.list(Pods, { namespace: 'crowd' })).items.length, 10);
      await counted('crowd', { pods: '10' });
    });

    it('come out even after much coming and going, and were never exceeded', async () => {
      await inNamespace('churn');
      await ok('create quota q -n churn --hard=configmaps=1000,pods=5');
      await counted('churn', { pods: '0' });
      const stop = new AbortController();
      const alive = new Set<string>();
      let most = 0;
      const { resourceVersion } = (await cluster.client.list(Pods, { namespace: 'churn' })).metadata;
      const watching = (async () => {
        for await (const { type, object } of cluster.client.watch(Pods, {
          namespace: 'churn',
          resourceVersion,
          signal: stop.signal,
        })) {
          if (type === 'ADDED') alive.add(object.metadata.name ?? '');
          else if (type === 'DELETED') alive.delete(object.metadata.name ?? '');
          most = Math.max(most, alive.size);
        }
      })();
      let made = 0;
      const untilMs = performance.now() + 5000;
      await Promise.all(
        Array.from({ length: 8 }, async (_, worker) => {
          for (let i = 0; performance.now() < untilMs; i++) {
            const pod = podOf('churn', `w${worker}-${i}`);
            // On no node, so that they are gone as soon as they are deleted.
            if (pod.spec) pod.spec.nodeSelector = { no: 'where' };
            try {
              await cluster.client.create(Pods, pod);
            } catch (error) {
              assert.match((error as Error).message, /exceeded quota|Operation cannot be fulfilled/);
              await new Promise(resolve => setTimeout(resolve, 5));
              continue;
            }
            made++;
            await cluster.client.delete(Pods, { namespace: 'churn', name: pod.metadata.name ?? '' });
          }
        }),
      );
      await eventually(
        'no pods',
        async () => (await cluster.client.list(Pods, { namespace: 'churn' })).items.length === 0,
      );
      await counted('churn', { pods: '0' });
      stop.abort();
      await watching;
      assert.ok(made > 5, `${made} pods were made`);
      assert.ok(most <= 5, `${most} pods were there at one time`);
    });

    it('of scopes hold only for what is in them', async () => {
      await inNamespace('scopes');
      await ok('create quota q -n scopes --hard=pods=0 --scopes=BestEffort');
      const hard = { pods: '1' };
      const scopeSelector = {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
      };
      const quota = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'high' },
        spec: { hard, scopeSelector },
      };
      await ok('apply -n scopes -f -', quota);
      await counted('scopes', { pods: '0' });
      await eventually('the other', async () => (await usedOf('scopes', 'high')).pods === '0');
      assert.match(
        await fails(run('best', 'scopes')),
        /exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0/,
      );
      const burstable = { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1m' } } }] };
      await ok(run('burstable', 'scopes', burstable));
      const critical = { ...burstable, priorityClassName: 'system-node-critical' };
      await ok(run('critical', 'scopes', critical));
      assert.match(await fails(run('second', 'scopes', critical)), /exceeded quota: high/);
      assert.match((await ok('describe quota q -n scopes')).out, /Scopes: +BestEffort\n/);
    });

    it('give back what was charged for an object that was then refused', async () => {
      await inNamespace('refused');
      await ok('create quota q -n refused --hard=pods=3');
      await counted('refused', { pods: '0' });
      // As if a create had failed after it was charged.
      const quota = await cluster.client.get(ResourceQuotas, { namespace: 'refused', name: 'q' });
      const wrong: ResourceQuota = { ...quota, status: { ...quota.status, used: { pods: '2' } } };
      await cluster.client.updateStatus(ResourceQuotas, wrong);
      await counted('refused', { pods: '0' });
    });
  });

  describe('pod security', () => {
    const everything =
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';
    const plain = { containers: [{ name: 'c', image: 'x' }] };

    it('refuses, and warns as kubectl prints it', async () => {
      await inNamespace('secure', {
        'pod-security.kubernetes.io/enforce': 'baseline',
        'pod-security.kubernetes.io/warn': 'restricted',
      });
      const { out, err } = await ok(run('warned', 'secure', plain));
      assert.equal(out, 'pod/warned created\n');
      assert.equal(err, `Warning: would violate PodSecurity "restricted:latest": ${everything}\n`);
      assert.equal(
        await fails(run('refused', 'secure', { ...plain, hostNetwork: true })),
        'Error from server (Forbidden): pods "refused" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      );
      const deployment = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd', namespace: 'secure' },
        spec: {
          replicas: 0,
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: plain },
        },
      };
      const created = await ok('create -f -', deployment);
      assert.equal(created.err, `Warning: would violate PodSecurity "restricted:latest": ${everything}\n`);
      assert.equal(
        (await ok('create --dry-run=server -f -', { ...deployment, metadata: { name: 'e', namespace: 'secure' } })).err,
        created.err,
      );
    });

    it('tells of pods that are there when a namespace asks for more', async () => {
      await inNamespace('later');
      await ok(run('b', 'later', plain));
      await ok(run('a', 'later', plain));
      await ok(run('net', 'later', { ...plain, hostNetwork: true }));
      const { out, err } = await ok('label ns later pod-security.kubernetes.io/enforce=restricted');
      assert.equal(out, 'namespace/later labeled\n');
      const reasons =
        'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
      assert.deepEqual(err.trim().split('\n'), [
        'Warning: existing pods in namespace "later" violate the new PodSecurity enforce level "restricted:latest"',
        `Warning: a (and 1 other pod): ${reasons}`,
        `Warning: net: host namespaces, ${reasons}`,
      ]);
      assert.equal(
        await fails('label ns later pod-security.kubernetes.io/enforce=none --overwrite'),
        'The Namespace "later" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
      );
    });
  });

  describe('namespaces', () => {
    it('that stay, that are not there and that are going', async () => {
      assert.equal(
        await fails('delete ns kube-system'),
        'Error from server (Forbidden): namespaces "kube-system" is forbidden: this namespace may not be deleted',
      );
      assert.equal(
        await fails('create configmap c -n nowhere'),
        'error: failed to create configmap: namespaces "nowhere" not found',
      );
      await inNamespace('going');
      const holding = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'held', namespace: 'going', finalizers: ['example.com/hold'] },
      };
      await ok('create -f -', holding);
      await ok('delete ns going --wait=false');
      assert.equal(
        await fails('create configmap c -n going'),
        'error: failed to create configmap: configmaps "c" is forbidden: unable to create new content in namespace going because it is being terminated',
      );
      await ok(['patch', 'configmap', 'held', '-n', 'going', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
      await ok('wait ns/going --for=delete --timeout=30s');
    });
  });

  describe('storage', () => {
    it('is kept while it is used', async () => {
      await inNamespace('storage');
      const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
      await ok('create -n storage -f -', {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'c' },
        spec,
      });
      assert.equal(
        (await ok('get pvc c -n storage -o jsonpath={.metadata.finalizers}')).out,
        '["kubernetes.io/pvc-protection"]',
      );
      const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
      await ok(run('p', 'storage', { nodeName: 'n1', containers: [{ name: 'c', image: 'x' }], volumes }));
      await ok('delete pvc c -n storage --wait=false');
      assert.match((await ok('get pvc c -n storage')).out, /Terminating/);
      await ok('delete pod p -n storage --now');
      await ok('wait pvc/c -n storage --for=delete --timeout=30s');
    });
  });

  describe('evictions', () => {
    const evict = (namespace: string, name: string, deleteOptions?: object, query = ''): Promise<Said> =>
      kubectl(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction${query}`, '-f', '-'], {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name },
        ...(deleteOptions ? { deleteOptions } : {}),
      });
    const budget = (namespace: string, name: string, spec: object): Promise<Said> =>
      ok(`create -n ${namespace} -f -`, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec,
      });
    const settled = (
      namespace: string,
      name: string,
      currentHealthy: number,
      disruptionsAllowed: number,
    ): Promise<unknown> =>
      eventually(`budget ${name}: ${currentHealthy} healthy, ${disruptionsAllowed} allowed`, async () => {
        const { metadata, status } = await cluster.client.get(PodDisruptionBudgets, { namespace, name });
        return (
          status?.observedGeneration === metadata.generation &&
          status?.currentHealthy === currentHealthy &&
          status.disruptionsAllowed === disruptionsAllowed
        );
      });
    const selector = { matchLabels: { app: 'web' } };
    const would = "Cannot evict pod as it would violate the pod's disruption budget.";

    it('drain waits for the budget: never too few are healthy', async () => {
      await inNamespace('drain');
      await ok('create deployment web -n drain --image=x --replicas=4');
      await budget('drain', 'web', { maxUnavailable: 1, selector });
      await ok('rollout status deployment web -n drain --timeout=30s');
      await settled('drain', 'web', 4, 1);
      assert.match(
        (await ok('describe pdb web -n drain')).out,
        /Allowed disruptions: +1\n +Current: +4\n +Desired: +3\n +Total: +4/,
      );

      const stop = new AbortController();
      let fewest = 4;
      const ready = new Map<string, boolean>();
      const list = await cluster.client.list(Pods, { namespace: 'drain' });
      const isReady = (pod: Pod): boolean =>
        !pod.metadata.deletionTimestamp &&
        (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
      for (const pod of list.items) ready.set(pod.metadata.name ?? '', isReady(pod));
      const watching = (async () => {
        const { resourceVersion } = list.metadata;
        for await (const { type, object } of cluster.client.watch(Pods, {
          namespace: 'drain',
          resourceVersion,
          signal: stop.signal,
        })) {
          if (type === 'BOOKMARK') continue;
          const { name = '' } = object.metadata;
          if (type === 'DELETED') ready.delete(name);
          else ready.set(name, isReady(object));
          fewest = Math.min(fewest, [...ready.values()].filter(Boolean).length);
        }
      })();
      const { out, err } = await ok('drain n1 --ignore-daemonsets --delete-emptydir-data --force --timeout=60s');
      stop.abort();
      await watching;
      assert.match(out, /node\/n1 drained/);
      assert.ok(fewest >= 3, `only ${fewest} were healthy at one time`);
      const there = (await cluster.client.list(Pods, { namespace: 'drain' })).items;
      assert.ok(
        there.every(({ spec }) => spec?.nodeName === 'n2'),
        err,
      );
      await ok('uncordon n1');
    });

    it('say why, and mark the pods they take', async () => {
      await inNamespace('evict');
      for (const name of ['a', 'b']) await ok(['run', name, '-n', 'evict', '--image=x', '--labels=app=web']);
      await ok('wait pod/a pod/b -n evict --for=condition=Ready --timeout=30s');
      await budget('evict', 'web', { minAvailable: 1, selector });
      await settled('evict', 'web', 2, 1);

      const dry = await evict('evict', 'a', undefined, '?dryRun=All');
      assert.equal(dry.code, 0, dry.err);
      assert.equal((await evict('evict', 'a', { dryRun: ['All'] })).code, 0);
      await settled('evict', 'web', 2, 1);
      assert.match(
        (await evict('evict', 'a', { preconditions: { uid: 'other' } })).err,
        /\(Conflict\): Operation cannot be fulfilled on Pod "a": the UID in the precondition \(other\) does not match the UID in record/,
      );
      await settled('evict', 'web', 2, 1);

      const stop = new AbortController();
      const last = (async () => {
        let seen: Pod | undefined;
        for await (const { type, object } of cluster.client.watch(Pods, {
          namespace: 'evict',
          fieldSelector: 'metadata.name=a',
          signal: stop.signal,
        })) {
          if (type === 'DELETED') return seen;
          seen = object;
        }
        return seen;
      })();
      const evicted = await evict('evict', 'a');
      assert.equal(evicted.code, 0, evicted.err);
      assert.match(evicted.out, /"status":"Success","code":201/);
      const condition = (await last)?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
      stop.abort();
      assert.deepEqual(
        [condition?.status, condition?.reason, condition?.message],
        ['True', 'EvictionByEvictionAPI', 'Eviction API: evicting'],
      );

      await settled('evict', 'web', 1, 0);
      assert.equal((await evict('evict', 'b')).err.trim(), `Error from server (TooManyRequests): ${would}`);
      try {
        await cluster.client.createSubresource(Pods, { namespace: 'evict', name: 'b' }, 'eviction', {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: 'b', namespace: 'evict' },
        });
        assert.fail('was evicted');
      } catch (error) {
        assert.ok(error instanceof ApiError);
        assert.equal(error.code, 429);
        assert.deepEqual(error.status.details, {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: 'The disruption budget web needs 1 healthy pods and has 1 currently',
            },
          ],
        });
      }
      await budget('evict', 'also', { minAvailable: 0, selector });
      await settled('evict', 'also', 1, 1);
      const two = await evict('evict', 'b');
      assert.match(
        two.err,
        /This pod has more than one PodDisruptionBudget, which the eviction subresource does not support\./,
      );
      assert.match((await evict('evict', 'nobody')).err, /pods "nobody" not found/);
    });

    it('of a hundred at once, as many as the budget allows', async () => {
      await inNamespace('many');
      await ok('create deployment web -n many --image=x --replicas=20');
      await ok('rollout status deployment web -n many --timeout=60s');
      await budget('many', 'web', { minAvailable: '75%', selector });
      await settled('many', 'web', 20, 5);
      const { items } = await cluster.client.list(Pods, { namespace: 'many' });
      // Its pods stay away, so that nothing is allowed anew meanwhile.
      await ok('cordon n1');
      await ok('cordon n2');
      const evictions = await Promise.allSettled(
        items.map(({ metadata: { name = '' } }) =>
          cluster.client.createSubresource(Pods, { namespace: 'many', name }, 'eviction', {
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name },
          }),
        ),
      );
      await ok('uncordon n1');
      await ok('uncordon n2');
      assert.equal(evictions.filter(({ status }) => status === 'fulfilled').length, 5);
      for (const eviction of evictions) {
        if (eviction.status === 'rejected') assert.equal((eviction.reason as Error).message, would);
      }
    });

    it('of pods that are not ready, as their policy says', async () => {
      await inNamespace('unready');
      const sick = (name: string): Promise<Said> => ok(['run', name, '-n', 'unready', '--image=x', '--labels=app=web']);
      for (const name of ['a', 'b', 'c']) await sick(name);
      await ok('wait pod/a pod/b pod/c -n unready --for=condition=Ready --timeout=30s');
      const conditions = [{ type: 'Ready', status: 'False' }];
      const status = { status: { conditions } };
      for (const name of ['a', 'b'])
        await cluster.client.patch(Pods, { namespace: 'unready', name }, status, {
          type: 'strategic',
          subresource: 'status',
        });
      await budget('unready', 'web', { minAvailable: 2, selector });
      await settled('unready', 'web', 1, 0);
      assert.match((await evict('unready', 'a')).err, /TooManyRequests/);
      await ok(['patch', 'pdb', 'web', '-n', 'unready', '-p', '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}']);
      await settled('unready', 'web', 1, 0);
      assert.equal((await evict('unready', 'a')).code, 0);
      assert.match((await evict('unready', 'c')).err, /TooManyRequests/);
      await ok([
        'patch',
        'pdb',
        'web',
        '-n',
        'unready',
        '-p',
        '{"spec":{"minAvailable":1,"unhealthyPodEvictionPolicy":null}}',
      ]);
      await settled('unready', 'web', 1, 0);
      assert.equal((await evict('unready', 'b')).code, 0, 'enough others are healthy');
      await settled('unready', 'web', 1, 0);
    });
  });
});
