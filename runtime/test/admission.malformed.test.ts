/** Objects with anything in the place of anything, where every admission plugin has something to look at: never a 500. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

type Loose = Record<string, unknown>;

let server: InProcessServer;

async function ask(
  method: string,
  path: string,
  body: unknown,
  type = 'application/json',
): Promise<{ status: number; body: string }> {
  const [where = '', query = ''] = path.split('?');
  const response = await server.apiServer.handler({
    method,
    path: where,
    query: new URLSearchParams(query),
    headers: { 'content-type': type, accept: 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    signal: new AbortController().signal,
    user: adminUser,
    remoteAddress: 'in-process',
  });
  return { status: response.status, body: String(response.body) };
}

async function make(path: string, body: unknown): Promise<void> {
  const { status, body: said } = await ask('POST', path, body);
  assert.equal(status, 201, `${path}: ${said}`);
}

const hard = {
  pods: '100k',
  'requests.cpu': '100k',
  'limits.cpu': '1M',
  'services.nodeports': '10k',
  'requests.storage': '1P',
  'count/resourceclaims.resource.k8s.io': '100k',
  'gpu.deviceclass.resource.k8s.io/devices': '1M',
};

before(async () => {
  server = await startServer();
  const label = 'pod-security.kubernetes.io';
  const labels = {
    [`${label}/warn`]: 'restricted',
    [`${label}/audit`]: 'baseline',
    [`${label}/enforce`]: 'privileged',
  };
  await make('/api/v1/namespaces', { metadata: { name: 'f', labels } });
  await make('/api/v1/namespaces/f/serviceaccounts', {
    metadata: { name: 'default', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
    secrets: [{ name: 's' }],
    imagePullSecrets: [{ name: 'p' }],
  });
  const limits = [
    { type: 'Container', default: { cpu: '1' }, min: { cpu: '1m' }, maxLimitRequestRatio: { cpu: '5' } },
    { type: 'Pod', max: { cpu: '100' } },
    { type: 'PersistentVolumeClaim', max: { storage: '1Ti' } },
  ];
  await make('/api/v1/namespaces/f/limitranges', { metadata: { name: 'l' }, spec: { limits } });
  await make('/api/v1/namespaces/f/resourcequotas', { metadata: { name: 'q' }, spec: { hard } });
  const used = Object.fromEntries(Object.keys(hard).map(name => [name, '0']));
  const path = '/api/v1/namespaces/f/resourcequotas/q/status';
  assert.equal((await ask('PATCH', path, { status: { hard, used } }, 'application/merge-patch+json')).status, 200);
  await make('/apis/node.k8s.io/v1/runtimeclasses', {
    metadata: { name: 'kata' },
    handler: 'k',
    overhead: { podFixed: { cpu: '1m' } },
    scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ operator: 'Exists' }] },
  });
});
after(() => server.close());

const context = {
  runAsUser: 1,
  privileged: true,
  capabilities: { add: ['A'], drop: ['ALL'] },
  seLinuxOptions: { type: 'x' },
  seccompProfile: { type: 'Unconfined' },
};
const resources = { requests: { cpu: '1', 'a.b/c': '1' }, limits: { cpu: '2', 'a.b/c': '1' } };

const podSpec = (): Loose => ({
  runtimeClassName: 'kata',
  overhead: { cpu: '1m' },
  priorityClassName: 'system-node-critical',
  nodeSelector: { c: 'd' },
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }],
  containers: [
    {
      name: 'c',
      image: 'x',
      resources,
      securityContext: { ...context, procMount: 'Unmasked' },
      env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
      envFrom: [{ secretRef: { name: 's' } }],
      ports: [{ containerPort: 1, hostPort: 2 }],
      livenessProbe: { httpGet: { port: 1, host: 'a' } },
      lifecycle: { preStop: { tcpSocket: { port: 1, host: 'h' } } },
      volumeMounts: [{ name: 'v', mountPath: '/x' }],
    },
  ],
  initContainers: [{ name: 'i', image: 'x', resources, restartPolicy: 'Always' }],
  volumes: [
    { name: 'v', secret: { secretName: 's' } },
    { name: 'w', projected: { sources: [{ serviceAccountToken: { path: 'p' } }] } },
    { name: 'n', nfs: { server: 'a', path: '/' } },
  ],
  securityContext: { ...context, sysctls: [{ name: 'a', value: 'b' }] },
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a', namespaces: ['b'], labelSelector: {} }],
    },
  },
  imagePullSecrets: [{ name: 'p' }],
  resources: { requests: { cpu: '4' }, limits: { cpu: '5' } },
  hostUsers: false,
  os: { name: 'linux' },
});

const metadata = { name: 'x' };
const objects: readonly (readonly [path: string, object: () => Loose])[] = [
  [
    '/api/v1/namespaces/f/pods?dryRun=All',
    () => ({
      metadata: { name: 'x', annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'localhost/y' } },
      spec: podSpec(),
    }),
  ],
  [
    '/apis/apps/v1/namespaces/f/deployments?dryRun=All',
    () => ({
      metadata,
      spec: {
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: podSpec() },
      },
    }),
  ],
  [
    '/apis/batch/v1/namespaces/f/cronjobs?dryRun=All',
    () => ({
      metadata,
      spec: {
        schedule: '* * * * *',
        jobTemplate: { spec: { template: { spec: { ...podSpec(), restartPolicy: 'Never' } } } },
      },
    }),
  ],
  [
    '/api/v1/namespaces/f/services?dryRun=All',
    () => ({
      metadata,
      spec: { type: 'LoadBalancer', ports: [{ port: 1, nodePort: 30000 }], externalIPs: ['192.0.2.1'] },
    }),
  ],
  [
    '/api/v1/namespaces/f/persistentvolumeclaims?dryRun=All',
    () => ({
      metadata: { name: 'x', annotations: {}, finalizers: ['a.b/c'] },
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeAttributesClassName: 'a',
        resources: { requests: { storage: '1Gi' } },
      },
    }),
  ],
  [
    '/apis/resource.k8s.io/v1/namespaces/f/resourceclaims?dryRun=All',
    () => ({
      metadata,
      spec: {
        devices: {
          requests: [
            { name: 'a', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 } },
            { name: 'b', firstAvailable: [{ name: 'c', deviceClassName: 'gpu', count: 2 }] },
          ],
        },
      },
    }),
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/f/ingresses?dryRun=All',
    () => ({ metadata, spec: { defaultBackend: { service: { name: 'a', port: { number: 1 } } } } }),
  ],
  [
    '/api/v1/namespaces?dryRun=All',
    () => ({
      metadata: {
        name: 'x',
        labels: {
          'pod-security.kubernetes.io/enforce': 'baseline',
          'pod-security.kubernetes.io/enforce-version': 'v1.2',
        },
      },
    }),
  ],
  ['/api/v1/nodes?dryRun=All', () => ({ metadata, spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } })],
  ['/apis/scheduling.k8s.io/v1/priorityclasses?dryRun=All', () => ({ metadata, value: 1, globalDefault: false })],
  [
    '/api/v1/namespaces/f/limitranges?dryRun=All',
    () => ({ metadata, spec: { limits: [{ type: 'Container', max: { cpu: '1' }, default: { cpu: '1' } }] } }),
  ],
  [
    '/api/v1/namespaces/f/resourcequotas?dryRun=All',
    () => ({ metadata, spec: { hard: { pods: '1' }, scopes: ['BestEffort'] } }),
  ],
  [
    '/apis/policy/v1/namespaces/f/poddisruptionbudgets?dryRun=All',
    () => ({ metadata, spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } }),
  ],
  [
    '/api/v1/namespaces/f/pods/x/eviction',
    () => ({
      kind: 'Eviction',
      apiVersion: 'policy/v1',
      metadata,
      deleteOptions: { preconditions: { uid: 'a', resourceVersion: '1' }, dryRun: ['All'] },
    }),
  ],
];

const odd: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e30,
  '',
  'x',
  '1',
  [],
  {},
  [null],
  [[]],
  [{}],
  true,
  { a: null },
  '9'.repeat(40),
  '1e400',
  '-5',
  ['a', 'a'],
  '\u0000',
];

/** Every place in the object that holds something. */
function places(value: unknown): [holder: Loose, key: string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Loose;
  return Object.keys(holder).flatMap(key => [[holder, key] as [Loose, string], ...places(holder[key])]);
}

test('two thousand malformed objects', { timeout: 120_000 }, async () => {
  let seed = 7; // the same ones every time
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed % below;
  };
  let admitted = 0;
  for (let i = 0; i < 2000; i++) {
    const [path, object] = objects[i % objects.length] ?? assert.fail();
    const body = structuredClone(object());
    for (let changes = 1 + random(3); changes > 0; changes--) {
      const all = places(body);
      const [holder, key] = all[random(all.length)] ?? [];
      if (!holder || key === undefined) break;
      if (random(4) === 0) delete holder[key];
      else holder[key] = structuredClone(odd[random(odd.length)]);
    }
    const answer = await ask('POST', path, body);
    assert.ok(answer.status < 500, `POST ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.body}`);
    if (answer.status < 300) admitted++;
    else assert.equal((JSON.parse(answer.body) as Loose).kind, 'Status');
  }
  assert.ok(admitted > 50, `${admitted} were admitted: what is tried no longer reaches the plugins`);
});
