/** Pods on a real node: the API server's real handler, real containerd and runc, the agent in this process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Pod } from '../src/api/generated/types/core.v1.ts';
import { ConfigMaps, Leases, Nodes, Pods, Secrets } from '../src/client/resources.ts';
import { PINNED, seenByCri } from '../src/node/images/builtin.ts';
import { importArchive } from '../src/node/images/transfer.ts';
import { eventually } from './cluster.ts';
import { imageArchive } from './imageArchive.ts';
import {
  eventOf,
  eventsOf,
  isReady,
  NODE,
  podGone,
  podOf,
  podUntil,
  removePods,
  sh,
  startTestNode,
  statusOf,
  type TestNode,
} from './nodeFixture.ts';

const run = promisify(execFile);

let t: TestNode;
before(async () => {
  t = await startTestNode();
});
after(() => t?.close());
afterEach(() => t && removePods(t));

const create = (pod: Pod): Promise<Pod> => t.client.create(Pods, pod);
const remove = async (name: string): Promise<void> => {
  await t.client.delete(Pods, { namespace: 'default', name });
  await podGone(t.client, name);
};
const phase = (wanted: string) => (pod: Pod) => pod.status?.phase === wanted;

async function logOf(pod: Pod, container: string, attempt = 0): Promise<string> {
  const { name, namespace, uid } = pod.metadata;
  const text = await readFile(join(t.dir, 'logs', `${namespace}_${name}_${uid}`, container, `${attempt}.log`), 'utf8');
  return text.replaceAll(/^\S+ (stdout|stderr) [FP] /gm, '');
}

/** Its log, as soon as it has the word: what a container writes comes a moment after its start. */
const logWith = (pod: Pod, word: string, container = 'c'): Promise<string> =>
  eventually(`the log has "${word}"`, async () => {
    const log = await logOf(pod, container);
    return log.includes(word) && log;
  });

test('the node is registered, Ready, with a Lease', async () => {
  const node = await t.client.get(Nodes, { name: NODE });
  const ready = node.status?.conditions?.find(c => c.type === 'Ready');
  assert.equal(ready?.status, 'True', JSON.stringify(node.status));
  assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], NODE);
  assert.match(node.status?.nodeInfo?.containerRuntimeVersion ?? '', /^containerd:\/\/\d/);
  assert.ok(node.status?.allocatable?.memory);
  const events = async (): Promise<string> =>
    (await eventsOf(t.client, NODE)).map(({ reason, message }) => `${reason}: ${message}`).join('\n');
  await eventually('the event NodeReady', async () => (await events()).includes('NodeReady'));
  assert.match(await events(), /^Starting: Starting kubelet\.$/m);
  assert.match(await events(), /^NodeHasSufficientMemory: Node node-a status is now: NodeHasSufficientMemory$/m);
  assert.match(await events(), /^NodeReady: Node node-a status is now: NodeReady$/m);
  const lease = await t.client.get(Leases, { namespace: 'kube-node-lease', name: NODE });
  assert.equal(lease.spec?.holderIdentity, NODE);
});

test('an image that comes or goes is soon in the status of the node', async () => {
  const name = 'registry.invalid/came/late:1';
  const archive = join(t.dir, 'late.tar');
  await writeFile(archive, imageArchive([{ name, files: [{ path: 'a', content: 'late' }], command: ['/a'] }]));
  const isListed = async (): Promise<boolean> =>
    (await t.client.get(Nodes, { name: NODE })).status?.images?.some(image => image.names?.includes(name)) ?? false;
  const until = async (listed: boolean): Promise<void> => {
    for (const deadline = Date.now() + 30_000; (await isListed()) !== listed; await delay(100))
      assert.ok(Date.now() < deadline, `it is ${listed ? 'not ' : ''}there`);
  };
  assert.equal(await isListed(), false);
  const signal = AbortSignal.timeout(30_000);
  await importArchive({ socket: t.cri.socket, archive, labels: PINNED, signal });
  await seenByCri(t.cri, name, signal);
  await until(true);
  await t.cri.removeImage(name);
  await until(false);
});

test('a pod runs, is Ready, and goes without a trace', async () => {
  await create(podOf('plain', { containers: [{ name: 'web', ...sh('echo hello; exec sleep 1000') }] }));
  const pod = await podUntil(t.client, 'plain', isReady);
  const { phase, podIP, qosClass, conditions = [] } = pod.status ?? {};
  assert.equal(phase, 'Running');
  assert.equal(qosClass, 'BestEffort');
  assert.match(podIP ?? '', /^10\./);
  assert.ok(
    conditions.every(c => c.status === 'True' && !c.reason && !c.message),
    JSON.stringify(conditions),
  );
  assert.equal(await logWith(pod, 'hello', 'web'), 'hello\n');
  await remove('plain');
  for (const reason of ['Pulled', 'Created', 'Started', 'Killing'])
    await eventOf(t.client, 'plain', reason, e => e.reason === reason);
  await eventually('its folder is gone', async () => (await readdir(join(t.dir, 'pods'))).length === 0);
  assert.deepEqual(await readdir(join(t.dir, 'logs')), []);
  assert.equal((await t.containerd.ctr('containers', 'list', '-q')).trim(), '');
});

test('init containers run one after another, a sidecar stays, then the main containers', async () => {
  await create(
    podOf('ordered', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [
        {
          name: 'first',
          ...sh('sleep 0.3; echo first >> /s/order'),
          volumeMounts: [{ name: 'shared', mountPath: '/s' }],
        },
        {
          name: 'side',
          restartPolicy: 'Always',
          ...sh('echo side >> /s/order; exec sleep 1000'),
          volumeMounts: [{ name: 'shared', mountPath: '/s' }],
          startupProbe: { exec: { command: ['grep', '-q', 'side', '/s/order'] }, periodSeconds: 1, timeoutSeconds: 20 },
        },
        { name: 'second', ...sh('echo second >> /s/order'), volumeMounts: [{ name: 'shared', mountPath: '/s' }] },
      ],
      containers: [
        {
          name: 'main',
          ...sh('echo main >> /s/order; cat /s/order'),
          volumeMounts: [{ name: 'shared', mountPath: '/s' }],
        },
      ],
    }),
  );
  const pod = await podUntil(t.client, 'ordered', phase('Succeeded'));
  assert.equal(await logOf(pod, 'main'), 'first\nside\nsecond\nmain\n');
  assert.equal(statusOf(pod, 'main').state?.terminated?.reason, 'Completed');
  const ended = await podUntil(t.client, 'ordered', p => statusOf(p, 'side').state?.terminated !== undefined);
  assert.equal(statusOf(ended, 'first').ready, true);
  await remove('ordered');
});

test('a failing container restarts at once, then backs off', async () => {
  await create(
    podOf('crash', {
      containers: [
        {
          name: 'c',
          ...sh('echo last words > /dev/termination-log; exit 3'),
          terminationMessagePath: '/dev/termination-log',
        },
      ],
    }),
  );
  const pod = await podUntil(t.client, 'crash', p => statusOf(p, 'c').state?.waiting?.reason === 'CrashLoopBackOff');
  const status = statusOf(pod, 'c');
  assert.equal(status.restartCount, 1);
  assert.equal(status.lastState?.terminated?.exitCode, 3);
  assert.equal(status.lastState?.terminated?.reason, 'Error');
  assert.equal(status.lastState?.terminated?.message, 'last words\n');
  assert.match(status.state?.waiting?.message ?? '', /^back-off 10s restarting failed container=c pod=crash_default\(/);
  assert.equal(pod.status?.phase, 'Running');
  assert.ok(!isReady(pod));
  const again = await podUntil(t.client, 'crash', p => statusOf(p, 'c').restartCount === 2);
  const gap =
    Date.parse(statusOf(again, 'c').lastState?.terminated?.finishedAt ?? '') -
    Date.parse(status.lastState?.terminated?.finishedAt ?? '');
  assert.ok(gap >= 0);
  await eventOf(t.client, 'crash', 'BackOff', e => e.reason === 'BackOff');
  await remove('crash');
});

test('restart policies decide the phase', async () => {
  await create(podOf('never', { restartPolicy: 'Never', containers: [sh('exit 4'), sh('true')] }));
  await create(podOf('onfailure', { restartPolicy: 'OnFailure', containers: [sh('true')] }));
  const failed = await podUntil(t.client, 'never', phase('Failed'));
  assert.equal(statusOf(failed, 'c0').state?.terminated?.exitCode, 4);
  assert.equal(statusOf(failed, 'c0').restartCount, 0);
  const done = await podUntil(t.client, 'onfailure', phase('Succeeded'));
  assert.equal(done.status?.conditions?.find(c => c.type === 'Ready')?.reason, 'PodCompleted');
  await remove('never');
  await remove('onfailure');
});

test('probes: not ready until it answers, restarted when it no longer lives', async () => {
  await create(
    podOf('probed', {
      containers: [
        {
          name: 'web',
          ...sh(
            'touch /tmp/alive; mkdir /www; echo ok > /www/index.html;' +
              'until [ -e /tmp/open ]; do sleep 0.1; done; httpd -f -p 8080 -h /www',
          ),
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
          livenessProbe: {
            exec: { command: ['test', '-f', '/tmp/alive'] },
            periodSeconds: 1,
            timeoutSeconds: 20,
            failureThreshold: 2,
            initialDelaySeconds: 2,
          },
        },
      ],
    }),
  );
  const runs = (p: Pod): boolean => statusOf(p, 'web').state?.running !== undefined;
  const closed = await podUntil(t.client, 'probed', p => runs(p) && !isReady(p));
  const id = statusOf(closed, 'web').containerID?.replace('containerd://', '') ?? '';
  await t.containerd.ctr('tasks', 'exec', '--exec-id', 'x', id, 'touch', '/tmp/open');
  const ready = await podUntil(t.client, 'probed', isReady);
  assert.equal(statusOf(ready, 'web').restartCount, 0);
  await t.containerd.ctr('tasks', 'exec', '--exec-id', 'x', id, 'rm', '/tmp/alive');
  const restarted = await podUntil(t.client, 'probed', p => statusOf(p, 'web').restartCount === 1);
  assert.ok(statusOf(restarted, 'web').lastState?.terminated);
  const failed = 'Liveness probe failed';
  await eventOf(t.client, 'probed', failed, e => e.reason === 'Unhealthy' && e.message?.startsWith(failed) === true);
  const restarts = 'Container web failed liveness probe, will be restarted';
  await eventOf(t.client, 'probed', restarts, e => e.message === restarts);
  await remove('probed');
});

test('environment and files from ConfigMaps, Secrets and the pod; changed files follow', async () => {
  const namespace = 'default';
  await t.client.create(ConfigMaps, {
    metadata: { namespace, name: 'settings' },
    data: { COLOR: 'blue', file: 'one' },
  });
  const data = { password: Buffer.from('s3cret').toString('base64') };
  await t.client.create(Secrets, { metadata: { namespace, name: 'keys' }, data });
  await create(
    podOf('configured', {
      hostname: 'named',
      hostAliases: [{ ip: '10.9.8.7', hostnames: ['alias.test'] }],
      securityContext: { fsGroup: 2000 },
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
        {
          name: 'all',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
              { configMap: { name: 'kube-root-ca.crt' } },
              { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.name' } }] } },
              { downwardAPI: { items: [{ path: 'own', fieldRef: { fieldPath: 'metadata.labels' } }] } },
            ],
          },
        },
      ],
      containers: [
        {
          name: 'c',
          envFrom: [{ configMapRef: { name: 'settings' } }],
          env: [
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'GREETING', value: 'hello $(COLOR) $(NOBODY) $$(COLOR)' },
          ],
          volumeMounts: [
            { name: 'config', mountPath: '/config' },
            { name: 'config', mountPath: '/single', subPath: 'file' },
            { name: 'keys', mountPath: '/keys' },
            { name: 'all', mountPath: '/all' },
          ],
          ...sh(
            'echo $COLOR $PASSWORD "$GREETING"; hostname; grep alias /etc/hosts; cat /single; echo; stat -c %a /keys/..data/password;' +
              'head -c 2 /all/token; echo; head -n1 /all/ca.crt; cat /all/labels; echo; [ $POD_IP = $(hostname -i) ] && echo same;' +
              'while ! grep -q two /config/file; do sleep 0.1; done; echo changed;' +
              'while ! grep -q tier /all/own; do sleep 0.1; done; cat /all/own; echo; exec sleep 1000',
          ),
        },
      ],
    }),
  );
  const pod = await podUntil(t.client, 'configured', isReady);
  const want = [
    'blue s3cret hello blue $(NOBODY) $(COLOR)',
    'named',
    '10.9.8.7\talias.test',
    'one',
    '440',
    'ey',
    '-----BEGIN CERTIFICATE-----',
    'configured',
    'same',
  ].join('\n');
  let log = await logWith(pod, 'same');
  assert.equal(log, `${want}\n`);
  await t.client.patch(ConfigMaps, { namespace, name: 'settings' }, { data: { file: 'two' } }, { type: 'merge' });
  log = await logWith(pod, 'changed');
  assert.match(log, /changed/);
  await t.client.patch(
    Pods,
    { namespace, name: 'configured' },
    { metadata: { labels: { tier: 'a' } } },
    { type: 'merge' },
  );
  log = await logWith(pod, 'tier');
  assert.match(log, /tier="a"/);
  await remove('configured');
});

test('a command that is not there: shown as such, then as what it is held back for', async () => {
  await create(podOf('nocommand', { containers: [{ name: 'c', command: ['/nosuch'] }] }));
  const waiting = (p: Pod) => statusOf(p, 'c').state?.waiting;
  const failed = await podUntil(t.client, 'nocommand', p => waiting(p)?.reason === 'RunContainerError');
  assert.match(waiting(failed)?.message ?? '', /"\/nosuch": stat \/nosuch: no such file or directory/);
  const held = await podUntil(t.client, 'nocommand', p => waiting(p)?.reason === 'CrashLoopBackOff');
  assert.match(waiting(held)?.message ?? '', /^back-off 10s restarting failed container=c/);
  assert.equal(statusOf(held, 'c').lastState?.terminated?.exitCode, 128);
  await remove('nocommand');
});

test('a container that waits for a ConfigMap starts when there is one', async () => {
  await create(
    podOf('early', {
      containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'late' } }], ...sh('exec sleep 1000') }],
    }),
  );
  const waiting = await podUntil(
    t.client,
    'early',
    p => statusOf(p, 'c').state?.waiting?.reason === 'CreateContainerConfigError',
  );
  assert.equal(statusOf(waiting, 'c').state?.waiting?.message, 'configmap "late" not found');
  await t.client.create(ConfigMaps, { metadata: { namespace: 'default', name: 'late' }, data: { A: 'b' } });
  await podUntil(t.client, 'early', isReady);
  await remove('early');
});

test('an image that cannot be had: ErrImagePull, then ImagePullBackOff; never pulled when forbidden', async () => {
  await create(podOf('noimage', { containers: [{ name: 'c', image: 'registry.invalid/none:1' }] }));
  await create(
    podOf('neverpull', { containers: [{ name: 'c', image: 'registry.invalid/none:1', imagePullPolicy: 'Never' }] }),
  );
  const reason = (p: Pod): string | undefined => statusOf(p, 'c').state?.waiting?.reason;
  await podUntil(t.client, 'noimage', p => reason(p) === 'ErrImagePull');
  await podUntil(t.client, 'noimage', p => reason(p) === 'ImagePullBackOff');
  await podUntil(t.client, 'neverpull', p => reason(p) === 'ErrImageNeverPull');
  await remove('noimage');
  await remove('neverpull');
});

test('graceful deletion: preStop, then SIGTERM, then SIGKILL when the grace is over', async () => {
  const stubborn = sh('trap "echo asked" TERM; while true; do sleep 0.1; done');
  await create(
    podOf('stubborn', {
      terminationGracePeriodSeconds: 8,
      containers: [
        {
          name: 'c',
          ...stubborn,
          lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'echo hook > /proc/1/fd/1'] } } },
        },
      ],
    }),
  );
  const pod = await podUntil(t.client, 'stubborn', isReady);
  const begun = Date.now();
  await t.client.delete(Pods, { namespace: 'default', name: 'stubborn' });
  assert.equal(await logWith(pod, 'asked'), 'hook\nasked\n');
  await podGone(t.client, 'stubborn');
  const seconds = (Date.now() - begun) / 1000;
  assert.ok(seconds >= 7.8 && seconds < 25, `${seconds} s`);
  await create(
    podOf('polite', {
      terminationGracePeriodSeconds: 300, // nobody waits so long for it to be gone
      containers: [sh('trap "exit 0" TERM; while true; do sleep 0.1; done')],
    }),
  );
  await podUntil(t.client, 'polite', isReady);
  await remove('polite');
});

test('a second deletion with less grace overtakes the first', async () => {
  await create(
    podOf('hurried', {
      terminationGracePeriodSeconds: 300,
      containers: [sh('trap "" TERM; while true; do sleep 0.1; done')],
    }),
  );
  await podUntil(t.client, 'hurried', isReady);
  await t.client.delete(Pods, { namespace: 'default', name: 'hurried' });
  await eventOf(t.client, 'hurried', 'Killing', e => e.reason === 'Killing');
  await t.client.delete(Pods, { namespace: 'default', name: 'hurried' }, { gracePeriodSeconds: 1 });
  await podGone(t.client, 'hurried');
});

test('a forced deletion leaves nothing running', async () => {
  await create(podOf('forced', { containers: [sh('exec sleep 1000')] }));
  await podUntil(t.client, 'forced', isReady);
  await t.client.delete(Pods, { namespace: 'default', name: 'forced' }, { gracePeriodSeconds: 0 });
  await eventually(
    'its containers are gone',
    async () => (await t.containerd.ctr('containers', 'list', '-q')).trim() === '',
  );
});

test('a container killed for its memory says so', async () => {
  await create(
    podOf('hungry', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'c',
          ...sh('until [ -e /tmp/go ]; do sleep 0.1; done; exec tail /dev/zero'),
          resources: { limits: { memory: '24Mi' } },
        },
      ],
    }),
  );
  // containerd watches its memory from the end of its start on.
  const runs = await podUntil(t.client, 'hungry', isReady);
  const id = statusOf(runs, 'c').containerID?.replace('containerd://', '') ?? '';
  await t.containerd.ctr('tasks', 'exec', '--exec-id', 'x', id, 'touch', '/tmp/go');
  // Where containerd says so after the exit, the pod has failed before.
  const pod = await podUntil(t.client, 'hungry', p => statusOf(p, 'c').state?.terminated?.reason === 'OOMKilled');
  assert.equal(pod.status?.phase, 'Failed');
  assert.equal(statusOf(pod, 'c').state?.terminated?.exitCode, 137);
  assert.equal(pod.status?.qosClass, 'Burstable');
  await remove('hungry');
});

test('a deadline ends a pod', async () => {
  await create(podOf('limited', { activeDeadlineSeconds: 1000, containers: [sh('exec sleep 1000')] }));
  await podUntil(t.client, 'limited', isReady);
  const sooner = { spec: { activeDeadlineSeconds: 2 } };
  await t.client.patch(Pods, { namespace: 'default', name: 'limited' }, sooner, { type: 'merge' });
  const pod = await podUntil(t.client, 'limited', phase('Failed'));
  assert.equal(pod.status?.reason, 'DeadlineExceeded');
  await podUntil(t.client, 'limited', p => statusOf(p, 'c0').state?.terminated !== undefined);
  await remove('limited');
});

test('a restart of the agent leaves containers running and takes them over', async () => {
  await create(podOf('kept', { containers: [{ name: 'c', ...sh('exec sleep 1000') }] }));
  await create(podOf('orphan', { containers: [{ name: 'c', ...sh('exec sleep 1000') }] }));
  const before = await podUntil(t.client, 'kept', isReady);
  await podUntil(t.client, 'orphan', isReady);
  // containerd lists them in any order
  const listed = async (): Promise<string> => (await t.containerd.ctr('tasks', 'list')).split('\n').sort().join('\n');
  const tasks = await listed();
  await t.node.close();
  assert.equal(await listed(), tasks, 'closing the agent changed what runs');
  await t.client.delete(Pods, { namespace: 'default', name: 'orphan' }, { gracePeriodSeconds: 0 });
  await t.startAgent();
  await eventually(
    'the orphan is ended',
    async () => (await t.containerd.ctr('tasks', 'list', '-q')).trim().split('\n').length === 2,
  );
  const id = statusOf(before, 'c').containerID?.replace('containerd://', '') ?? '?';
  const line = (text: string): string | undefined => text.split('\n').find(l => l.startsWith(id));
  assert.equal(line(await t.containerd.ctr('tasks', 'list')), line(tasks), 'the same process, still running');
  assert.equal((await t.containerd.ctr('tasks', 'list', '-q')).trim().split('\n').length, 2, 'the orphan is ended');
  const pod = await podUntil(t.client, 'kept', isReady);
  assert.equal(statusOf(pod, 'c').restartCount, 0);
  await t.containerd.restart();
  await t.containerd.ctr('tasks', 'kill', '-s', 'KILL', id);
  const again = await podUntil(t.client, 'kept', p => statusOf(p, 'c').restartCount === 1);
  assert.equal(statusOf(again, 'c').lastState?.terminated?.exitCode, 137);
  await remove('kept');
});

test('a sandbox that containerd cannot remove: the pod runs in the next one, the old one goes when it can', async () => {
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'late-for-stuck', key: 'a' } } }];
  await create(podOf('stuck', { containers: [{ name: 'c', ...sh('exec sleep 1000'), env }] }));
  await podUntil(t.client, 'stuck', p => statusOf(p, 'c').state?.waiting?.reason === 'CreateContainerConfigError');
  const sandboxes = async (): Promise<string[]> => {
    const filter = 'labels."io.kubernetes.pod.name"==stuck,labels."io.cri-containerd.kind"==sandbox';
    return (await t.containerd.ctr('containers', 'list', '-q', filter)).trim().split('\n');
  };
  const until = async (what: string, is: (ids: string[]) => boolean): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      if (is(await sandboxes())) return;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.fail(`${what}: not within 30 s`);
  };
  const [old = ''] = await sandboxes();
  const held = join(t.containerd.dir, 'root/io.containerd.grpc.v1.cri/sandboxes', old, 'held');
  await mkdir(held);
  // containerd takes mounts away, and stops before what may not be changed.
  await run('chattr', ['+i', held]);
  try {
    await t.containerd.ctr('tasks', 'kill', '-s', 'KILL', old);
    await until('another sandbox', ids => ids.length === 2);
    await t.client.create(ConfigMaps, { metadata: { name: 'late-for-stuck', namespace: 'default' }, data: { a: '1' } });
    await podUntil(t.client, 'stuck', isReady);
    assert.ok((await sandboxes()).includes(old), 'the old sandbox is still there');
  } finally {
    await run('chattr', ['-i', held]);
  }
  await until('the old sandbox goes', ids => !ids.includes(old));
  await remove('stuck');
});

test('host network, security context, sub-paths', async () => {
  await create(
    podOf('secured', {
      hostNetwork: true,
      volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
      containers: [
        {
          name: 'c',
          securityContext: {
            runAsUser: 1234,
            runAsGroup: 99,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          env: [{ name: 'NAME', value: 'x' }],
          volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr: 'deep/$(NAME)' }],
          ...sh(
            "id -u; id -g; touch /x 2>/dev/null || echo readonly; grep CapEff /proc/self/status; df -k /v | tail -1 | awk '{print $2}'; exec sleep 1000",
          ),
        },
      ],
    }),
  );
  const pod = await podUntil(t.client, 'secured', isReady);
  assert.equal(pod.status?.podIP, '192.0.2.10');
  const log = await logWith(pod, '1024');
  assert.equal(log, '1234\n99\nreadonly\nCapEff:\t0000000000000000\n1024\n');
  await remove('secured');
  assert.ok(!(await readFile('/proc/self/mounts', 'utf8')).includes(join(t.dir, 'pods')), 'no mount is left');
});
