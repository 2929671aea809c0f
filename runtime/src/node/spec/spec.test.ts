import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import { container, pod } from '../pods/testing.ts';
import { containerConfig } from './container.ts';
import { dnsConfig, etcHosts, hostnameOf, parseResolvConf } from './dns.ts';
import { ContainerConfigError, type EnvironmentOptions, environment } from './env.ts';
import { expand } from './expand.ts';
import { fieldValue, resourceFieldValue } from './fieldRef.ts';
import { qosClass } from './qos.ts';
import { cpuQuota, cpuShares, linuxResources, oomScoreAdj, podResources } from './resources.ts';
import { podCgroup, portMappings, sandboxConfig } from './sandbox.ts';
import { containerSecurity, namespaceOptions } from './security.ts';
import { serviceVariables } from './serviceEnv.ts';

test('$(NAME) expansion, upstream’s table', () => {
  const values: Readonly<Record<string, string>> = {
    VAR_A: 'A',
    VAR_B: 'B',
    VAR_C: 'C',
    VAR_REF: '$(VAR_A)',
    VAR_EMPTY: '',
  };
  for (const [input, output] of [
    ['$(VAR_A)', 'A'],
    ['___$(VAR_B)___', '___B___'],
    ['___$(VAR_C)', '___C'],
    ['$(VAR_A)-$(VAR_A)', 'A-A'],
    ['$(VAR_A)_1', 'A_1'],
    ['$(VAR_B)_$(VAR_C)', 'B_C'],
    ['$$(VAR_B)_$(VAR_A)', '$(VAR_B)_A'],
    ['$$$(VAR_B)_$(VAR_A)', '$B_A'],
    ['$$$$$$(BAD_VAR)', '$$$(BAD_VAR)'],
    ['$(VAR_REF)', '$(VAR_A)'],
    ['foo$(VAR_EMPTY)bar', 'foobar'],
    ['foo\\$(VAR_A)', 'foo\\A'],
    ['$(VAR_DNE)', '$(VAR_DNE)'],
    ['$VAR_A', '$VAR_A'],
    ['$', '$'],
    ['$$', '$'],
    ['$(', '$('],
    ['$(VAR_A', '$(VAR_A'],
    ['$(VAR_A)$', 'A$'],
    ['$()', '$()'],
    ['%(VAR_A)', '%(VAR_A)'],
    ['', ''],
  ] as const)
    assert.equal(
      expand(input, name => values[name]),
      output,
      input,
    );
});

const options = (more: Partial<EnvironmentOptions> = {}): EnvironmentOptions => ({
  addresses: { podIps: ['10.42.0.5', 'fd00::5'], hostIps: ['192.0.2.1'] },
  allocatable: { cpu: '4', memory: '1000Mi' },
  services: { REDIS_SERVICE_HOST: '10.43.0.9' },
  objects: {
    configMap: async name => (name === 'cm' ? { metadata: {}, data: { A: '1', B: '2' } } : undefined),
    secret: async name =>
      name === 'sec' ? { metadata: {}, data: { P: Buffer.from('pw').toString('base64') } } : undefined,
  },
  ...more,
});

test('environment: order, sources, references', async () => {
  const c = container('a', {
    envFrom: [
      { prefix: 'X_', configMapRef: { name: 'cm' } },
      { secretRef: { name: 'sec' } },
      { configMapRef: { name: 'none', optional: true } },
    ],
    env: [
      { name: 'ONE', value: '$(X_A)-$(REDIS_SERVICE_HOST)-$(LATER)' },
      { name: 'X_B', value: 'own' },
      { name: 'LATER', value: 'x' },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'cm', key: 'A' } } },
      { name: 'PW', valueFrom: { secretKeyRef: { name: 'sec', key: 'P' } } },
      { name: 'GONE', valueFrom: { secretKeyRef: { name: 'sec', key: 'Q', optional: true } } },
      { name: 'EMPTY' },
    ],
  });
  const env = await environment(pod({ containers: [c] }), c, options());
  assert.deepEqual(Object.fromEntries(env), {
    REDIS_SERVICE_HOST: '10.43.0.9',
    X_A: '1',
    X_B: 'own',
    P: 'pw',
    ONE: '1-10.43.0.9-$(LATER)',
    LATER: 'x',
    IP: '10.42.0.5',
    LIMIT: '4000',
    KEY: '1',
    PW: 'pw',
    EMPTY: '',
  });
});

test('environment: what is missing says so, in upstream’s words', async () => {
  const cases: readonly (readonly [Partial<Container>, string])[] = [
    [{ envFrom: [{ configMapRef: { name: 'x' } }] }, 'configmap "x" not found'],
    [{ envFrom: [{ secretRef: { name: 'x' } }] }, 'secret "x" not found'],
    [
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'Z' } } }] },
      "couldn't find key Z in ConfigMap ns/cm",
    ],
    [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'Z' } } }] }, 'secret "x" not found'],
    [
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'sec', key: 'Z' } } }] },
      "couldn't find key Z in Secret ns/sec",
    ],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }] }, 'unsupported fieldPath: spec.nope'],
  ];
  for (const [more, message] of cases) {
    const c = container('a', more);
    await assert.rejects(environment(pod({ containers: [c] }), c, options()), error => {
      assert.ok(error instanceof ContainerConfigError);
      assert.equal(error.message, message);
      return true;
    });
  }
});

test('the downward API', () => {
  const p: Pod = pod(
    { nodeName: 'n', serviceAccountName: 'sa' },
    { labels: { b: '2', a: 'x"y' }, annotations: { k: 'v' } },
  );
  const addresses = { podIps: ['1.2.3.4', '::1'], hostIps: ['5.6.7.8'] };
  for (const [path, value] of [
    ['metadata.name', 'p'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u'],
    ["metadata.labels['b']", '2'],
    ["metadata.labels['none']", ''],
    ["metadata.annotations['k']", 'v'],
    ['metadata.labels', 'a="x\\"y"\nb="2"'],
    ['spec.nodeName', 'n'],
    ['spec.serviceAccountName', 'sa'],
    ['status.hostIP', '5.6.7.8'],
    ['status.podIP', '1.2.3.4'],
    ['status.podIPs', '1.2.3.4,::1'],
  ] as const)
    assert.equal(fieldValue(p, path, addresses), value, path);
  const c = container('a', { resources: { limits: { memory: '64Mi' }, requests: { cpu: '250m' } } });
  const q = pod({ containers: [c] });
  for (const [resource, divisor, value] of [
    ['limits.memory', '1Mi', '64'],
    ['limits.memory', undefined, '67108864'],
    ['requests.memory', '1Mi', '64'],
    ['requests.cpu', undefined, '1'],
    ['requests.cpu', '1m', '250'],
    ['limits.cpu', undefined, '4'],
    ['requests.ephemeral-storage', undefined, '0'],
  ] as const)
    assert.equal(
      resourceFieldValue(q, c, { resource, ...(divisor ? { divisor } : {}) }, { cpu: '4' }),
      value,
      resource,
    );
});

const resourced = (requests?: Record<string, string>, limits?: Record<string, string>): Container =>
  container('a', { resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } });

test('quality of service', () => {
  for (const [containers, qos] of [
    [[container('a')], 'BestEffort'],
    [[resourced({ cpu: '0' })], 'BestEffort'],
    [[resourced({ cpu: '1' })], 'Burstable'],
    [[resourced({ memory: '1Gi' }, { memory: '2Gi' })], 'Burstable'],
    [[resourced(undefined, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    [[resourced({ cpu: '1000m', memory: '1024Mi' }, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    [[resourced({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }), container('b')], 'Burstable'],
  ] as const)
    assert.equal(qosClass(pod({ containers: [...containers] })), qos, JSON.stringify(containers));
});

test('CPU and memory as cgroup values', () => {
  for (const [milli, shares] of [
    [0, 2],
    [1, 2],
    [2, 2],
    [100, 102],
    [1000, 1024],
    [1500, 1536],
    [1_000_000, 262_144],
  ] as const)
    assert.equal(cpuShares(milli), shares, `${milli}m`);
  for (const [milli, quota] of [
    [0, 0],
    [1, 1000],
    [5, 1000],
    [10, 1000],
    [100, 10_000],
    [2500, 250_000],
  ] as const)
    assert.equal(cpuQuota(milli), quota, `${milli}m`);
  const gi = 2 ** 30;
  for (const [c, priority, score] of [
    [container('a'), 0, 1000],
    [resourced(undefined, { cpu: '1', memory: '1Gi' }), 0, -997],
    [resourced({ memory: '1Gi' }), 0, 750],
    [resourced({ memory: '4Gi' }), 0, 3],
    [resourced({ memory: '1Ki' }), 0, 999],
    [container('a'), 2_000_001_000, -997],
  ] as const)
    assert.equal(oomScoreAdj(pod({ containers: [c], priority }), c, 4 * gi), score);
  const c = resourced({ cpu: '100m' }, { cpu: '500m', memory: '64Mi' });
  assert.deepEqual(linuxResources(pod({ containers: [c] }), c, 4 * gi), {
    cpuPeriod: 100_000,
    cpuShares: 102,
    cpuQuota: 50_000,
    memoryLimitInBytes: 64 * 2 ** 20,
    oomScoreAdj: 999,
  });
  const big = { ...resourced({ cpu: '1' }, { cpu: '1', memory: '1Gi' }), name: 'i' };
  assert.equal(podResources(pod({ containers: [c], initContainers: [big] })).memoryLimitInBytes, gi);
  assert.equal(podResources(pod({ containers: [c, container('b')] })).memoryLimitInBytes, undefined);
});

test('service variables', () => {
  const service = (name: string, namespace: string, clusterIP: string, ports = [{ port: 6379, name: 'main' }]) => ({
    metadata: { name, namespace },
    spec: { clusterIP, ports },
  });
  const all = [
    service('redis-primary', 'ns', '10.43.0.11'),
    service('headless', 'ns', 'None'),
    service('other', 'elsewhere', '10.43.0.12'),
    service('kubernetes', 'default', '10.43.0.1', [{ port: 443, name: 'https' }]),
  ];
  const linked = serviceVariables(all, 'ns', true);
  assert.equal(linked.REDIS_PRIMARY_SERVICE_HOST, '10.43.0.11');
  assert.equal(linked.REDIS_PRIMARY_SERVICE_PORT_MAIN, '6379');
  assert.equal(linked.REDIS_PRIMARY_PORT_6379_TCP_ADDR, '10.43.0.11');
  assert.equal(linked.REDIS_PRIMARY_PORT, 'tcp://10.43.0.11:6379');
  assert.equal(linked.KUBERNETES_SERVICE_PORT, '443');
  assert.ok(!Object.keys(linked).some(k => k.startsWith('OTHER') || k.startsWith('HEADLESS')));
  assert.deepEqual(
    Object.keys(serviceVariables(all, 'ns', false)).filter(k => !k.startsWith('KUBERNETES')),
    [],
  );
});

test('resolver configuration by policy', () => {
  const host = parseResolvConf('# c\nnameserver 9.9.9.9\nsearch home.lan.\noptions edns0 ndots:2\n');
  assert.deepEqual(host, { servers: ['9.9.9.9'], searches: ['home.lan'], options: ['edns0', 'ndots:2'] });
  const cluster = { servers: ['10.43.0.10'], domain: 'cluster.local' };
  const clusterSearches = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'home.lan'];
  assert.deepEqual(dnsConfig(pod(), cluster, host), {
    servers: ['10.43.0.10'],
    searches: clusterSearches,
    options: ['ndots:5'],
  });
  assert.deepEqual(dnsConfig(pod({ hostNetwork: true }), cluster, host), host);
  assert.deepEqual(dnsConfig(pod({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), cluster, host).servers, [
    '10.43.0.10',
  ]);
  assert.deepEqual(dnsConfig(pod({ dnsPolicy: 'Default' }), cluster, parseResolvConf('')).servers, ['127.0.0.1']);
  const own = pod({
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['1.1.1.1'],
      searches: ['a.b'],
      options: [{ name: 'ndots', value: '1' }, { name: 'debug' }],
    },
  });
  assert.deepEqual(dnsConfig(own, cluster, host), {
    servers: ['1.1.1.1'],
    searches: ['a.b'],
    options: ['ndots:1', 'debug'],
  });
});

test('names and hosts', () => {
  assert.equal(hostnameOf(pod({}, { name: `${'a'.repeat(62)}-b` })), 'a'.repeat(62));
  assert.equal(hostnameOf(pod({ hostname: 'h' })), 'h');
  const hosts = etcHosts(
    pod({ hostname: 'h', subdomain: 'sub', hostAliases: [{ ip: '1.1.1.1', hostnames: ['x', 'y'] }] }),
    ['10.0.0.1'],
    'cluster.local',
  );
  assert.match(hosts, /^10\.0\.0\.1\th\.sub\.ns\.svc\.cluster\.local\th$/m);
  assert.match(hosts, /^1\.1\.1\.1\tx\ty$/m);
});

test('sandbox: cgroups, ports, labels', () => {
  const guaranteed = pod({ containers: [resourced(undefined, { cpu: '1', memory: '1Gi' })] }, { uid: 'a-b' });
  for (const [p, driver, path] of [
    [pod({}, { uid: 'a-b' }), 'cgroupfs', '/kubepods/besteffort/poda-b'],
    [pod({}, { uid: 'a-b' }), 'systemd', 'kubepods-besteffort-poda_b.slice'],
    [guaranteed, 'cgroupfs', '/kubepods/poda-b'],
    [guaranteed, 'systemd', 'kubepods-poda_b.slice'],
  ] as const)
    assert.equal(podCgroup(p, driver), path);
  const ports = [
    { containerPort: 80, hostPort: 8080 },
    { containerPort: 53, protocol: 'UDP' as const },
  ];
  assert.deepEqual(portMappings(pod({ containers: [container('a', { ports })] })), [
    { protocol: 'TCP', containerPort: 80, hostPort: 8080 },
  ]);
  const dns = { servers: [], searches: [], options: [] };
  const config = sandboxConfig(pod({}, { labels: { app: 'x' } }), {
    attempt: 2,
    logDirectory: '/l',
    dns,
    cgroupDriver: 'systemd',
  });
  assert.deepEqual(config.metadata, { name: 'p', namespace: 'ns', uid: 'u', attempt: 2 });
  assert.equal(config.labels?.app, 'x');
  assert.equal(config.labels?.['io.kubernetes.pod.uid'], 'u');
  assert.equal(config.hostname, 'p');
});

test('security contexts: the container’s over the pod’s, root refused where asked', () => {
  const root = { uid: 0, username: '' };
  const merged = pod({
    securityContext: { runAsUser: 7, fsGroup: 9, supplementalGroups: [11], seccompProfile: { type: 'RuntimeDefault' } },
  });
  const plain = containerSecurity(merged, container('a'), root);
  assert.deepEqual(plain.runAsUser, { value: 7 });
  assert.deepEqual(plain.supplementalGroups, [9, 11]);
  assert.equal(plain.seccomp?.profileType, 'RuntimeDefault');
  const own = container('a', { securityContext: { runAsUser: 8, privileged: true } });
  assert.deepEqual(containerSecurity(merged, own, root).runAsUser, { value: 8 });
  assert.deepEqual(containerSecurity(merged, own, root).maskedPaths, []);
  assert.equal(containerSecurity(pod(), container('a'), root).seccomp?.profileType, 'Unconfined');
  const nonRoot = container('a', { securityContext: { runAsNonRoot: true } });
  assert.throws(() => containerSecurity(pod(), nonRoot, root), /container has runAsNonRoot and image will run as root/);
  assert.throws(
    () => containerSecurity(pod(), nonRoot, { uid: undefined, username: 'www' }),
    /non-numeric user \(www\)/,
  );
  assert.throws(
    () => containerSecurity(pod(), container('a', { securityContext: { runAsNonRoot: true, runAsUser: 0 } }), root),
    /runAsUser breaks non-root policy/,
  );
  assert.doesNotThrow(() => containerSecurity(pod(), nonRoot, { uid: 5, username: '' }));
  assert.deepEqual(namespaceOptions(pod({ hostNetwork: true, shareProcessNamespace: true })), {
    network: 'NODE',
    pid: 'POD',
    ipc: 'POD',
  });
});

test('containers: words expanded, identity in labels and annotations', () => {
  const c = container('a', { command: ['run', '$(A)'], args: ['$(B)'], terminationMessagePath: '/dev/t', tty: true });
  const config = containerConfig(pod({ containers: [c] }), c, {
    attempt: 3,
    imageId: 'sha256:1',
    imageUser: { uid: 0, username: '' },
    environment: new Map([['A', 'x']]),
    mounts: [],
    memoryCapacityBytes: 2 ** 30,
  });
  assert.deepEqual(config.command, ['run', 'x']);
  assert.deepEqual(config.args, ['$(B)']);
  assert.equal(config.logPath, 'a/3.log');
  assert.equal(config.annotations?.['io.kubernetes.container.restartCount'], '3');
  assert.equal(config.labels?.['io.kubernetes.container.name'], 'a');
  assert.equal(config.tty, true);
});
