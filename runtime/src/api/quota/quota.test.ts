/** What objects use of quotas (rows as in upstream's `pkg/quota/v1/evaluator/core/*_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScopedResourceSelectorRequirement } from '../generated/types/core.v1.ts';
import type { KubeObject } from '../object.ts';
import { formatQuantities, type QuantityTexts } from '../quantities.ts';
import { evaluatorOf, isInScopes, scopesOf } from './index.ts';

type Loose = Record<string, unknown>;
const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const objectOf = (spec: Loose, more: Loose = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', ...(more.metadata as Loose) },
    spec,
    ...(more.status ? { status: more.status } : {}),
  }) as unknown as KubeObject;
const asking = (requests: QuantityTexts = {}, limits: QuantityTexts = {}, name = 'c'): Loose => ({
  name,
  resources: { requests, limits },
});
const pod = (spec: Loose = {}, more: Loose = {}): KubeObject => objectOf({ containers: [asking()], ...spec }, more);

function evaluator(name: string) {
  const found = evaluatorOf(name);
  assert.ok(found, name);
  return found;
}

describe('usage', () => {
  const alive = { 'count/pods': '1', pods: '1' };
  const service = { 'count/services': '1', services: '1' };
  const claim = { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1' };
  const storage = (request: string, more: Loose = {}): Loose => ({
    resources: { requests: { storage: request } },
    ...more,
  });
  const devices = 'gpu.deviceclass.resource.k8s.io/devices';
  const deviceClaim = { 'count/resourceclaims.resource.k8s.io': '1' };
  const rows: readonly (readonly [what: string, resource: string, object: KubeObject, usage: QuantityTexts])[] = [
    ['a pod', 'pods', pod(), alive],
    [
      'a pod that asks',
      'pods',
      pod({
        containers: [
          asking(
            { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1M' },
            { cpu: '2', memory: '2Gi', 'ephemeral-storage': '2M' },
          ),
        ],
      }),
      {
        ...alive,
        cpu: '1',
        'requests.cpu': '1',
        'limits.cpu': '2',
        memory: '1Gi',
        'requests.memory': '1Gi',
        'limits.memory': '2Gi',
        'ephemeral-storage': '1M',
        'requests.ephemeral-storage': '1M',
        'limits.ephemeral-storage': '2M',
      },
    ],
    [
      'huge pages',
      'pods',
      pod({ containers: [asking({ 'hugepages-2Mi': '4Mi' }, { 'hugepages-2Mi': '4Mi' })] }),
      { ...alive, 'hugepages-2Mi': '4Mi', 'requests.hugepages-2Mi': '4Mi' },
    ],
    [
      'a device',
      'pods',
      pod({ containers: [asking({ 'example.com/dongle': '3' }, { 'example.com/dongle': '3' })] }),
      { ...alive, 'requests.example.com/dongle': '3' },
    ],
    ['a native resource by another name', 'pods', pod({ containers: [asking({ 'kubernetes.io/thing': '3' })] }), alive],
    [
      'a device class',
      'pods',
      pod({ containers: [asking({ 'deviceclass.resource.kubernetes.io/gpu': '1' })] }),
      { ...alive, 'requests.deviceclass.resource.kubernetes.io/gpu': '1' },
    ],
    [
      'init containers and sidecars',
      'pods',
      pod({
        containers: [asking({ cpu: '1' })],
        initContainers: [{ ...asking({ cpu: '2' }), restartPolicy: 'Always' }, asking({ cpu: '4' })],
      }),
      { ...alive, cpu: '6', 'requests.cpu': '6' },
    ],
    [
      'overhead',
      'pods',
      pod({ containers: [asking({ cpu: '1' }, { cpu: '2' })], overhead: { cpu: '1' } }),
      { ...alive, cpu: '2', 'requests.cpu': '2', 'limits.cpu': '3' },
    ],
    [
      'the pod as a whole',
      'pods',
      pod({ resources: { requests: { cpu: '3' }, limits: { memory: '1Gi' } } }),
      { ...alive, cpu: '3', 'requests.cpu': '3', 'limits.memory': '1Gi' },
    ],
    [
      'a pod that succeeded',
      'pods',
      pod({ containers: [asking({ cpu: '1' })] }, { status: { phase: 'Succeeded' } }),
      { 'count/pods': '1' },
    ],
    ['a pod that failed', 'pods', pod({}, { status: { phase: 'Failed' } }), { 'count/pods': '1' }],
    [
      'a pod on its way out',
      'pods',
      pod({}, { metadata: { deletionTimestamp: '2026-01-01T11:59:40Z', deletionGracePeriodSeconds: 30 } }),
      alive,
    ],
    [
      'a pod nobody ends',
      'pods',
      pod({}, { metadata: { deletionTimestamp: '2026-01-01T11:59:20Z', deletionGracePeriodSeconds: 30 } }),
      { 'count/pods': '1' },
    ],
    [
      'a service',
      'services',
      objectOf({ type: 'ClusterIP', ports: [{ port: 1 }] }),
      { ...service, 'services.nodeports': '0', 'services.loadbalancers': '0' },
    ],
    [
      'node ports',
      'services',
      objectOf({ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] }),
      { ...service, 'services.nodeports': '2', 'services.loadbalancers': '0' },
    ],
    [
      'a load balancer',
      'services',
      objectOf({ type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] }),
      { ...service, 'services.nodeports': '2', 'services.loadbalancers': '1' },
    ],
    [
      'a load balancer without node ports',
      'services',
      objectOf({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }, { port: 2 }] }),
      { ...service, 'services.nodeports': '0', 'services.loadbalancers': '1' },
    ],
    [
      'a load balancer with one node port',
      'services',
      objectOf({
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 1, nodePort: 30000 }, { port: 2 }],
      }),
      { ...service, 'services.nodeports': '1', 'services.loadbalancers': '1' },
    ],
    [
      'an external name',
      'services',
      objectOf({ type: 'ExternalName' }),
      { ...service, 'services.nodeports': '0', 'services.loadbalancers': '0' },
    ],
    ['a claim', 'persistentvolumeclaims', objectOf(storage('10Gi')), { ...claim, 'requests.storage': '10Gi' }],
    [
      'a claim of a class',
      'persistentvolumeclaims',
      objectOf(storage('10Gi', { storageClassName: 'gold' })),
      {
        ...claim,
        'requests.storage': '10Gi',
        'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
        'gold.storageclass.storage.k8s.io/requests.storage': '10Gi',
      },
    ],
    [
      'a claim of a class by annotation',
      'persistentvolumeclaims',
      objectOf(storage('1', { storageClassName: 'no' }), {
        metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } },
      }),
      {
        ...claim,
        'requests.storage': '1',
        'old.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
        'old.storageclass.storage.k8s.io/requests.storage': '1',
      },
    ],
    [
      'a claim of half a byte',
      'persistentvolumeclaims',
      objectOf(storage('1500m')),
      { ...claim, 'requests.storage': '2' },
    ],
    [
      'a claim that has more',
      'persistentvolumeclaims',
      objectOf(storage('5G'), { status: { allocatedResources: { storage: '10G' } } }),
      { ...claim, 'requests.storage': '10G' },
    ],
    [
      'a claim that has less',
      'persistentvolumeclaims',
      objectOf(storage('5G'), { status: { allocatedResources: { storage: '1G' } } }),
      { ...claim, 'requests.storage': '5G' },
    ],
    ['a claim of nothing', 'persistentvolumeclaims', objectOf({}), claim],
    [
      'devices',
      'resourceclaims.resource.k8s.io',
      objectOf({
        devices: {
          requests: [
            { name: 'a', exactly: { deviceClassName: 'gpu', count: 3 } },
            { name: 'b', exactly: { deviceClassName: 'gpu' } },
          ],
        },
      }),
      { ...deviceClaim, [devices]: '4' },
    ],
    [
      'all devices',
      'resourceclaims.resource.k8s.io',
      objectOf({ devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }] } }),
      { ...deviceClaim, [devices]: '32' },
    ],
    [
      'an unknown mode',
      'resourceclaims.resource.k8s.io',
      objectOf({ devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu', allocationMode: 'Some' } }] } }),
      { ...deviceClaim, [devices]: '0' },
    ],
    [
      'the worst of several',
      'resourceclaims.resource.k8s.io',
      objectOf({
        devices: {
          requests: [
            {
              name: 'a',
              firstAvailable: [
                { name: 'x', deviceClassName: 'gpu', count: 2 },
                { name: 'y', deviceClassName: 'gpu', count: 5 },
                { name: 'z', deviceClassName: 'tpu', count: 1 },
              ],
            },
            { name: 'b', exactly: { deviceClassName: 'gpu', count: 1 } },
          ],
        },
      }),
      { ...deviceClaim, [devices]: '6', 'tpu.deviceclass.resource.k8s.io/devices': '1' },
    ],
    ['a config map', 'configmaps', objectOf({}), { 'count/configmaps': '1', configmaps: '1' }],
    ['a secret', 'secrets', objectOf({}), { 'count/secrets': '1', secrets: '1' }],
    ['a deployment', 'deployments.apps', objectOf({}), { 'count/deployments.apps': '1' }],
    ['a custom resource', 'widgets.example.com', objectOf({}), { 'count/widgets.example.com': '1' }],
  ];
  for (const [what, resource, object, usage] of rows) {
    it(`${resource}: ${what}`, () =>
      assert.deepEqual(formatQuantities(evaluator(resource).usage(object, NOW_MS)), usage));
  }
  it('events are not measured', () => {
    assert.equal(evaluatorOf('events'), undefined);
    assert.equal(evaluatorOf('events.events.k8s.io'), undefined);
  });
});

describe('names', () => {
  const rows: readonly (readonly [resource: string, names: readonly string[], matching: readonly string[]])[] = [
    [
      'pods',
      [
        'pods',
        'count/pods',
        'cpu',
        'services',
        'limits.memory',
        'requests.nvidia.com/gpu',
        'hugepages-1Gi',
        'requests.hugepages-1Gi',
        'requests.storage',
        'limits.nvidia.com/gpu',
        'count/jobs.batch',
        'requests.deviceclass.resource.kubernetes.io/a',
      ],
      [
        'pods',
        'count/pods',
        'cpu',
        'limits.memory',
        'requests.nvidia.com/gpu',
        'hugepages-1Gi',
        'requests.hugepages-1Gi',
        'requests.deviceclass.resource.kubernetes.io/a',
      ],
    ],
    [
      'services',
      ['services', 'services.nodeports', 'services.loadbalancers', 'count/services', 'services.other', 'pods'],
      ['services', 'services.nodeports', 'services.loadbalancers', 'count/services'],
    ],
    [
      'persistentvolumeclaims',
      [
        'persistentvolumeclaims',
        'requests.storage',
        'gold.storageclass.storage.k8s.io/requests.storage',
        'gold.storageclass.storage.k8s.io/other',
        'count/persistentvolumeclaims',
        'pods',
      ],
      [
        'persistentvolumeclaims',
        'requests.storage',
        'gold.storageclass.storage.k8s.io/requests.storage',
        'count/persistentvolumeclaims',
      ],
    ],
    [
      'resourceclaims.resource.k8s.io',
      ['gpu.deviceclass.resource.k8s.io/devices', 'count/resourceclaims.resource.k8s.io', 'pods'],
      ['gpu.deviceclass.resource.k8s.io/devices', 'count/resourceclaims.resource.k8s.io'],
    ],
    ['configmaps', ['configmaps', 'count/configmaps', 'count/secrets'], ['configmaps', 'count/configmaps']],
    ['deployments.apps', ['deployments', 'count/deployments.apps', 'count/deployments'], ['count/deployments.apps']],
  ];
  for (const [resource, names, matching] of rows)
    it(resource, () => assert.deepEqual(evaluator(resource).matching(names), matching));
});

describe('scopes', () => {
  const best = pod();
  const burstable = pod({ containers: [asking({ cpu: '1' })] });
  const ending = pod({ activeDeadlineSeconds: 0 });
  const important = pod({ priorityClassName: 'high' });
  const reaching = (kind: string, term: Loose): KubeObject =>
    pod({ affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } });
  const preferring = pod({
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { namespaceSelector: {} } }],
      },
    },
  });
  const claim = (name?: string, status: Loose = {}): KubeObject =>
    objectOf(name ? { volumeAttributesClassName: name } : {}, { status });
  const on = (scopeName: string, operator = 'Exists', ...values: string[]): ScopedResourceSelectorRequirement =>
    ({ scopeName, operator, ...(values.length > 0 ? { values } : {}) }) as ScopedResourceSelectorRequirement;
  const rows: readonly (readonly [
    what: string,
    resource: string,
    object: KubeObject,
    scope: ScopedResourceSelectorRequirement,
    inScope: boolean,
  ])[] = [
    ['best effort', 'pods', best, on('BestEffort'), true],
    ['best effort is not', 'pods', best, on('NotBestEffort'), false],
    ['burstable', 'pods', burstable, on('BestEffort'), false],
    ['burstable is not', 'pods', burstable, on('NotBestEffort'), true],
    ['terminating', 'pods', ending, on('Terminating'), true],
    ['terminating is not', 'pods', ending, on('NotTerminating'), false],
    ['not terminating', 'pods', best, on('NotTerminating'), true],
    ['no class', 'pods', best, on('PriorityClass'), false],
    ['a class', 'pods', important, on('PriorityClass'), true],
    ['this class', 'pods', important, on('PriorityClass', 'In', 'low', 'high'), true],
    ['another class', 'pods', important, on('PriorityClass', 'In', 'low'), false],
    ['not this class', 'pods', important, on('PriorityClass', 'NotIn', 'high'), false],
    ['not that class', 'pods', important, on('PriorityClass', 'NotIn', 'low'), true],
    ['no class is not that class', 'pods', best, on('PriorityClass', 'NotIn', 'low'), true],
    ['no class is in no list', 'pods', best, on('PriorityClass', 'In', 'low'), false],
    ['no class at all', 'pods', best, on('PriorityClass', 'DoesNotExist'), true],
    ['some class', 'pods', important, on('PriorityClass', 'DoesNotExist'), false],
    ['no affinity', 'pods', best, on('CrossNamespacePodAffinity'), false],
    ['affinity at home', 'pods', reaching('podAffinity', { topologyKey: 'a' }), on('CrossNamespacePodAffinity'), false],
    ['affinity abroad', 'pods', reaching('podAffinity', { namespaces: ['a'] }), on('CrossNamespacePodAffinity'), true],
    [
      'anti-affinity abroad',
      'pods',
      reaching('podAntiAffinity', { namespaceSelector: {} }),
      on('CrossNamespacePodAffinity'),
      true,
    ],
    ['preferences abroad', 'pods', preferring, on('CrossNamespacePodAffinity'), true],
    ['pods have no volume attributes', 'pods', best, on('VolumeAttributesClass'), false],
    ['services have no scope', 'services', objectOf({}), on('NotTerminating'), false],
    ['claims are of no pod’s scope', 'persistentvolumeclaims', claim(), on('NotTerminating'), false],
    ['no attributes', 'persistentvolumeclaims', claim(), on('VolumeAttributesClass'), false],
    ['attributes', 'persistentvolumeclaims', claim('fast'), on('VolumeAttributesClass'), true],
    ['these attributes', 'persistentvolumeclaims', claim('fast'), on('VolumeAttributesClass', 'In', 'fast'), true],
    [
      'attributes it has',
      'persistentvolumeclaims',
      claim('slow', { currentVolumeAttributesClassName: 'fast' }),
      on('VolumeAttributesClass', 'In', 'fast'),
      true,
    ],
    [
      'attributes it will have',
      'persistentvolumeclaims',
      claim('slow', { modifyVolumeStatus: { targetVolumeAttributesClassName: 'fast' } }),
      on('VolumeAttributesClass', 'In', 'fast'),
      true,
    ],
    ['no attributes at all', 'persistentvolumeclaims', claim(), on('VolumeAttributesClass', 'DoesNotExist'), true],
    ['counted things have no scope', 'deployments.apps', objectOf({}), on('BestEffort'), false],
  ];
  for (const [what, resource, object, scope, inScope] of rows) {
    it(`${scope.scopeName} ${scope.operator} ${scope.values ?? ''}: ${what}`, () =>
      assert.equal(isInScopes(evaluator(resource), object, [scope]), inScope));
  }
  it('all of them', () => {
    const quota = {
      metadata: {},
      spec: { scopes: ['BestEffort', 'Terminating'], scopeSelector: { matchExpressions: [on('PriorityClass')] } },
    };
    assert.deepEqual(scopesOf(quota as never), [on('BestEffort'), on('Terminating'), on('PriorityClass')]);
    assert.equal(
      isInScopes(
        evaluator('pods'),
        pod({ activeDeadlineSeconds: 1, priorityClassName: 'a' }),
        scopesOf(quota as never),
      ),
      true,
    );
    assert.equal(isInScopes(evaluator('pods'), ending, scopesOf(quota as never)), false);
    assert.equal(isInScopes(evaluator('pods'), best, []), true);
  });
});

describe('what pods must say', () => {
  const rows: readonly (readonly [
    what: string,
    pod: KubeObject,
    names: readonly string[],
    missing: string | undefined,
  ])[] = [
    ['nothing', pod(), ['pods', 'requests.ephemeral-storage', 'hugepages-2Mi'], undefined],
    ['a request', pod(), ['requests.cpu'], 'must specify requests.cpu for: c'],
    [
      'a limit',
      pod({ containers: [asking({ cpu: '1' })] }),
      ['limits.cpu', 'requests.cpu'],
      'must specify limits.cpu for: c',
    ],
    [
      'all of them',
      pod(),
      ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'],
      'must specify cpu for: c; limits.cpu for: c; limits.memory for: c; memory for: c; requests.cpu for: c; requests.memory for: c',
    ],
    [
      'in every container',
      pod({
        containers: [asking({}, {}, 'b'), asking({ cpu: '1' }, {}, 'c'), asking({}, {}, 'a')],
        initContainers: [asking({}, {}, 'i')],
      }),
      ['requests.cpu'],
      'must specify requests.cpu for: a,b,i',
    ],
    ['zero is said', pod({ containers: [asking({ cpu: '0' })] }), ['requests.cpu'], undefined],
    [
      'for the pod as a whole',
      pod({ resources: { limits: { cpu: '1' } } }),
      ['requests.cpu', 'limits.memory'],
      undefined,
    ],
  ];
  for (const [what, object, names, missing] of rows)
    it(what, () => assert.equal(evaluator('pods').missing?.(object, names), missing));
});
