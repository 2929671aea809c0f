import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../generated/types/core.v1.ts';
import type { KubeObject } from '../object.ts';
import { checkFields } from '../prune.ts';
import { findResource, type ResourceInfo, resources } from '../resources.ts';
import { age, humanDuration } from './columns.ts';
import { podSummary } from './core/podColumns.ts';
import { imageTag } from './core/podDefaults.ts';
import { kindModule } from './index.ts';
import {
  applyDefaults,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForUpdate,
  validateCreate,
  validateUpdate,
} from './strategy.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

function infoOf(group: string, resource: string, version = 'v1'): ResourceInfo {
  const info = findResource(group, version, resource);
  assert.ok(info, `${group}/${resource}`);
  return info;
}

/** As a client's object arrives at the store's door. */
function create(info: ResourceInfo, fields: object, name = 'x'): KubeObject {
  const namespace = info.namespaced ? { namespace: 'default' } : {};
  const object = {
    apiVersion: info.group === '' ? info.version : `${info.group}/${info.version}`,
    kind: info.kind,
    metadata: { name, ...namespace, uid: 'u-1', creationTimestamp: '2026-01-01T00:00:00Z' },
    ...structuredClone(fields),
  } as KubeObject;
  checkFields(info.definition, object);
  applyDefaults(info, object);
  prepareForCreate(info, object);
  return object;
}

const errorsOf = (info: ResourceInfo, object: KubeObject): string[] =>
  validateCreate(info, object).map(e => `${e.field}: ${e.message}`);

const CONTAINER = { name: 'a', image: 'nginx:1.27' };
const TEMPLATE = { metadata: { labels: { app: 'x' } }, spec: { containers: [CONTAINER] } };
const SELECTOR = { matchLabels: { app: 'x' } };
const VALID: readonly (readonly [group: string, resource: string, fields: object, version?: string])[] = [
  ['', 'pods', { spec: { containers: [CONTAINER] } }],
  ['', 'configmaps', { data: { a: 'b' } }],
  ['', 'secrets', { data: { a: 'Yg==' } }],
  ['', 'services', { spec: { ports: [{ port: 80 }] } }],
  ['', 'serviceaccounts', {}],
  ['', 'namespaces', {}],
  ['', 'nodes', {}],
  ['', 'endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['', 'events', { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } }],
  ['', 'replicationcontrollers', { spec: { template: TEMPLATE } }],
  [
    '',
    'persistentvolumeclaims',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  ],
  [
    '',
    'persistentvolumes',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/a' } } },
  ],
  ['', 'resourcequotas', { spec: { hard: { pods: '4' } } }],
  ['', 'limitranges', { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }],
  ['apps', 'deployments', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['apps', 'replicasets', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['apps', 'daemonsets', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['apps', 'statefulsets', { spec: { selector: SELECTOR, serviceName: 's', template: TEMPLATE } }],
  ['apps', 'controllerrevisions', { revision: 1, data: {} }],
  ['batch', 'jobs', { spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } }],
  [
    'batch',
    'cronjobs',
    {
      spec: {
        schedule: '*/5 * * * *',
        jobTemplate: { spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } },
      },
    },
  ],
  [
    'autoscaling',
    'horizontalpodautoscalers',
    { spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
    'v2',
  ],
  ['policy', 'poddisruptionbudgets', { spec: { minAvailable: '50%', selector: SELECTOR } }],
  ['networking.k8s.io', 'networkpolicies', { spec: { podSelector: {} } }],
  ['networking.k8s.io', 'ingressclasses', { spec: { controller: 'example.com/c' } }],
  ['networking.k8s.io', 'ingresses', { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } }],
  ['rbac.authorization.k8s.io', 'roles', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }],
  [
    'rbac.authorization.k8s.io',
    'clusterrolebindings',
    { roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }] },
  ],
  ['coordination.k8s.io', 'leases', { spec: { holderIdentity: 'h', leaseDurationSeconds: 15 } }],
  ['discovery.k8s.io', 'endpointslices', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] }],
  ['storage.k8s.io', 'storageclasses', { provisioner: 'p' }],
  ['scheduling.k8s.io', 'priorityclasses', { value: 5 }],
  ['node.k8s.io', 'runtimeclasses', { handler: 'runc' }],
];

describe('every kind', () => {
  for (const [group, resource, fields, version] of VALID) {
    it(`${resource}: the least that is valid is valid, and defaulting it twice changes nothing`, () => {
      const info = infoOf(group, resource, version);
      const object = create(info, fields);
      assert.deepEqual(errorsOf(info, object), []);
      const again = structuredClone(object);
      applyDefaults(info, again);
      assert.deepEqual(again, object);
      assert.deepEqual(validateUpdate(info, structuredClone(object), object), []);
      for (const column of kindModule(group, info.kind, info.version)?.columns ?? []) {
        const cell = column.cell(object, NOW);
        assert.ok(cell === null || ['string', 'number', 'boolean'].includes(typeof cell), column.name);
      }
    });
  }

  it('shows a table of any object, however empty', () => {
    for (const info of resources) {
      const object: KubeObject = { apiVersion: 'v1', kind: info.kind, metadata: {} };
      if (info.kind === 'Event') Object.assign(object, { involvedObject: {} });
      for (const column of kindModule(info.group, info.kind, info.version)?.columns ?? [])
        assert.doesNotThrow(() => column.cell(object, NOW), `${info.kind}.${column.name}`);
    }
  });

  it('has a short name or category of its own only once', () => {
    const names = resources.flatMap(r => r.shortNames.map(n => `${r.group}/${r.version}/${n}`));
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(infoOf('apps', 'deployments').shortNames, ['deploy']);
    assert.deepEqual(infoOf('', 'pods').categories, ['all']);
  });
});

describe('strategies', () => {
  const deployments = infoOf('apps', 'deployments');
  const make = (): KubeObject =>
    create(deployments, { spec: { selector: SELECTOR, template: TEMPLATE }, status: { replicas: 3 } });

  it('drop a status on create and begin at generation 1', () => {
    const object = make();
    assert.deepEqual(object.status, {});
    assert.equal(object.metadata.generation, 1);
  });

  it('count generations of the spec, and keep the status from plain updates', () => {
    const old: KubeObject = Object.assign(make(), { status: { replicas: 1 } });
    const labelled = structuredClone(old);
    labelled.metadata.labels = { a: 'b' };
    labelled.status = { replicas: 9 };
    prepareForUpdate(deployments, labelled, old);
    assert.equal(labelled.metadata.generation, 1);
    assert.deepEqual(labelled.status, { replicas: 1 });
    const scaled = structuredClone(old);
    (scaled.spec as { replicas: number }).replicas = 5;
    prepareForUpdate(deployments, scaled, old);
    assert.equal(scaled.metadata.generation, 2);
  });

  it('keep everything but the status from status updates', () => {
    const old = make();
    const object = structuredClone(old);
    (object.spec as { replicas: number }).replicas = 5;
    object.status = { replicas: 2 };
    prepareForStatusUpdate(deployments, object, old);
    assert.deepEqual(object.spec, old.spec);
    assert.deepEqual(object.status, { replicas: 2 });
  });
});

describe('defaults', () => {
  const images: readonly (readonly [image: string, tag: string])[] = [
    ['nginx', 'latest'],
    ['nginx:latest', 'latest'],
    ['nginx:1', '1'],
    ['registry:5000/nginx', 'latest'],
    ['registry:5000/a/nginx:2', '2'],
    [`nginx@sha256:${'a'.repeat(64)}`, ''],
  ];
  for (const [image, tag] of images) it(`${image} has the tag "${tag}"`, () => assert.equal(imageTag(image), tag));

  it('fill a pod as upstream does', () => {
    const pod = create(infoOf('', 'pods'), {
      spec: {
        hostNetwork: true,
        serviceAccountName: 'sa',
        containers: [
          {
            name: 'a',
            image: 'b',
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: '1' } },
            livenessProbe: { httpGet: { port: 80 } },
          },
        ],
        volumes: [{ name: 'v' }, { name: 's', secret: { secretName: 'x' } }],
      },
    });
    assert.deepEqual(pod.spec, {
      hostNetwork: true,
      serviceAccountName: 'sa',
      serviceAccount: 'sa',
      containers: [
        {
          name: 'a',
          image: 'b',
          ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
          resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
          livenessProbe: {
            httpGet: { port: 80, path: '/', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'Always',
        },
      ],
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    });
    assert.deepEqual(pod.status, { phase: 'Pending', qosClass: 'Burstable' });
  });

  it('turn stringData into data', () => {
    const secret = create(infoOf('', 'secrets'), { data: { a: 'AA==' }, stringData: { a: 'b', c: 'd' } });
    assert.deepEqual({ data: secret.data, type: secret.type }, { data: { a: 'Yg==', c: 'ZA==' }, type: 'Opaque' });
    assert.equal(secret.stringData, undefined);
  });

  it('give a job the labels it knows its pods by', () => {
    const job = create(
      infoOf('batch', 'jobs'),
      { spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } },
      'j',
    );
    const spec = job.spec as {
      selector: object;
      completions: number;
      template: { metadata: { labels: Record<string, string> } };
    };
    assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } });
    assert.equal(spec.template.metadata.labels['job-name'], 'j');
    assert.equal(spec.completions, 1);
  });
});

describe('validation', () => {
  const withPod = (container: object, spec: object = {}): object => ({
    spec: { containers: [{ ...CONTAINER, ...container }], ...spec },
  });
  const cases: readonly (readonly [group: string, resource: string, fields: object, errors: string[]])[] = [
    ['', 'pods', { spec: {} }, ['spec.containers: Required value']],
    ['', 'pods', withPod({ image: '' }), ['spec.containers[0].image: Required value']],
    [
      '',
      'pods',
      withPod({ image: ' x' }),
      ['spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
    ],
    ['', 'pods', withPod({ name: 'a.b' }), ['spec.containers[0].name: Invalid value: "a.b": must not contain dots']],
    [
      '',
      'pods',
      withPod({}, { restartPolicy: 'Maybe' }),
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      '',
      'pods',
      withPod({ ports: [{ containerPort: 70000 }] }),
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      '',
      'pods',
      withPod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      '',
      'pods',
      withPod({ imagePullPolicy: 'X' }),
      [
        'spec.containers[0].imagePullPolicy: Unsupported value: "X": supported values: "Always", "IfNotPresent", "Never"',
      ],
    ],
    [
      '',
      'pods',
      withPod({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      '',
      'pods',
      withPod({ resources: { limits: { foo: '1' } } }),
      [
        'spec.containers[0].resources.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.limits[foo]: Invalid value: "foo": must be a standard resource for containers',
        'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
      ],
    ],
    [
      '',
      'pods',
      withPod({ livenessProbe: {} }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      '',
      'pods',
      withPod({ livenessProbe: { exec: { command: ['x'] }, successThreshold: 2 } }),
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      '',
      'pods',
      withPod({}, { volumes: [{ name: 'v', hostPath: { path: '' } }] }),
      ['spec.volumes[0].hostPath.path: Required value'],
    ],
    [
      '',
      'pods',
      withPod({}, { volumes: [{ name: 'v' }, { name: 'v' }] }),
      ['spec.volumes[1].name: Duplicate value: "v"'],
    ],
    [
      '',
      'pods',
      withPod({}, { initContainers: [{ ...CONTAINER, name: 'i', readinessProbe: { exec: { command: ['x'] } } }] }),
      [
        'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      '',
      'pods',
      withPod({}, { tolerations: [{ operator: 'Exists', value: 'x' }] }),
      ['spec.tolerations[0].operator: Invalid value: "x": value must be empty when `operator` is \'Exists\''],
    ],
    [
      'apps',
      'deployments',
      { spec: { selector: SELECTOR, template: { ...TEMPLATE, metadata: { labels: { app: 'y' } } } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match template `labels`'],
    ],
    [
      'apps',
      'deployments',
      { spec: { selector: SELECTOR, template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'apps',
      'deployments',
      { spec: { replicas: -1, selector: SELECTOR, template: TEMPLATE } },
      ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      '',
      'services',
      { spec: { ports: [{ port: 80 }, { port: 81 }] } },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    ['', 'services', { spec: {} }, ['spec.ports: Required value']],
    [
      '',
      'configmaps',
      { data: { 'a/b': 'c' } },
      [
        `data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      ],
    ],
    [
      '',
      'secrets',
      { type: 'kubernetes.io/tls', data: {} },
      ['data[tls.crt]: Required value', 'data[tls.key]: Required value'],
    ],
    [
      'batch',
      'cronjobs',
      {
        spec: {
          schedule: 'x',
          jobTemplate: { spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } },
        },
      },
      ['spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]'],
    ],
  ];
  for (const [group, resource, fields, errors] of cases)
    it(errors.join(' ').slice(0, 100), () => {
      const info = infoOf(group, resource);
      assert.deepEqual(errorsOf(info, create(info, fields)), errors);
    });

  it('checks names by kind', () => {
    const names: readonly (readonly [group: string, resource: string, name: string, valid: boolean])[] = [
      ['', 'pods', 'a.b', true],
      ['', 'pods', 'A', false],
      ['', 'namespaces', 'a.b', false],
      ['', 'services', '1a', false],
      ['rbac.authorization.k8s.io', 'clusterroles', 'system:node', true],
      ['rbac.authorization.k8s.io', 'clusterroles', 'a/b', false],
    ];
    for (const [group, resource, name, valid] of names) {
      const info = infoOf(group, resource);
      const errors = validateCreate(info, create(info, {}, name)).filter(e => e.field === 'metadata.name');
      assert.equal(errors.length === 0, valid, `${resource} ${name}`);
    }
  });

  it('lets little of a pod change', () => {
    const info = infoOf('', 'pods');
    const old = create(info, withPod({}));
    const changed = (change: (spec: NonNullable<Pod['spec']>) => void): string[] => {
      const object = structuredClone(old);
      change(object.spec as NonNullable<Pod['spec']>);
      return validateUpdate(info, object, old).map(e => e.field);
    };
    assert.deepEqual(
      changed(spec => Object.assign(spec.containers[0] ?? {}, { image: 'other' })),
      [],
    );
    assert.deepEqual(
      changed(spec => Object.assign(spec, { activeDeadlineSeconds: 5 })),
      [],
    );
    assert.deepEqual(
      changed(spec => Object.assign(spec, { tolerations: [{ operator: 'Exists' }] })),
      [],
    );
    assert.deepEqual(
      changed(spec => Object.assign(spec, { nodeName: 'n' })),
      ['spec'],
    );
    assert.deepEqual(
      changed(spec => Object.assign(spec.containers[0] ?? {}, { command: ['x'] })),
      ['spec'],
    );
  });

  it('keeps an immutable ConfigMap as it is', () => {
    const info = infoOf('', 'configmaps');
    const old = create(info, { immutable: true, data: { a: 'b' } });
    const object = { ...structuredClone(old), data: { a: 'c' }, immutable: false };
    assert.deepEqual(
      validateUpdate(info, object, old).map(e => `${e.field}: ${e.message}`),
      [
        'immutable: Forbidden: field is immutable when `immutable` is set',
        'data: Forbidden: field is immutable when `immutable` is set',
      ],
    );
  });
});

describe('columns', () => {
  const durations: readonly (readonly [seconds: number, text: string])[] = [
    [-5, '<invalid>'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [125, '2m5s'],
    [600, '10m'],
    [3 * 3600 + 60, '3h1m'],
    [9 * 3600, '9h'],
    [2 * 86400 + 3600, '2d1h'],
    [10 * 86400, '10d'],
    [800 * 86400, '2y70d'],
    [4000 * 86400, '10y'],
  ];
  for (const [seconds, text] of durations)
    it(`${seconds} s is ${text}`, () => assert.equal(humanDuration(seconds * 1000), text));

  it('has no age without a time', () => assert.equal(age(undefined, NOW), '<unknown>'));

  const state = (fields: object, more: object = {}) => ({
    name: 'a',
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: fields,
    ...more,
  });
  const pods: readonly (readonly [
    name: string,
    status: object,
    meta: object,
    ready: string,
    text: string,
    restarts: string,
  ])[] = [
    [
      'running',
      { phase: 'Running', containerStatuses: [state({ running: {} }, { ready: true })] },
      {},
      '1/1',
      'Running',
      '0',
    ],
    [
      'crashing',
      {
        phase: 'Running',
        containerStatuses: [
          state(
            { waiting: { reason: 'CrashLoopBackOff' } },
            { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } } },
          ),
        ],
      },
      {},
      '0/1',
      'CrashLoopBackOff',
      '3 (5m ago)',
    ],
    [
      'failed without a reason',
      { phase: 'Failed', containerStatuses: [state({ terminated: { exitCode: 7 } })] },
      {},
      '0/1',
      'ExitCode:7',
      '0',
    ],
    [
      'killed',
      { phase: 'Failed', containerStatuses: [state({ terminated: { exitCode: 137, signal: 9 } })] },
      {},
      '0/1',
      'Signal:9',
      '0',
    ],
    ['terminating', { phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }, '0/1', 'Terminating', '0'],
    [
      'gated',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      {},
      '0/1',
      'SchedulingGated',
      '0',
    ],
    ['initializing', { phase: 'Pending', initContainerStatuses: [state({ running: {} })] }, {}, '0/1', 'Init:0/1', '0'],
    [
      'failing to initialize',
      { phase: 'Pending', initContainerStatuses: [state({ waiting: { reason: 'ErrImagePull' } })] },
      {},
      '0/1',
      'Init:ErrImagePull',
      '0',
    ],
  ];
  for (const [name, status, meta, ready, text, restarts] of pods)
    it(`of a pod that is ${name}`, () => {
      const pod = {
        metadata: meta,
        spec: { containers: [CONTAINER], initContainers: name.includes('initializ') ? [{ name: 'a' }] : [] },
        status,
      } as unknown as Pod;
      assert.deepEqual(podSummary(pod, NOW), { ready, status: text, restarts });
    });
});
