/** Requests against quotas (upstream: `admission/plugin/resourcequota/admission_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { formatQuantities, type QuantityTexts } from '../../../api/quantities.ts';
import { evaluatorOf } from '../../../api/quota/index.ts';
import { checkQuotas, type QuotaRequest, stateOf } from './check.ts';

type Loose = Record<string, unknown>;

function quota(
  hard: QuantityTexts,
  used: QuantityTexts | undefined,
  spec: Loose = {},
  name = 'q',
): ResourceQuota & KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace: 'ns', name },
    spec: { hard, ...spec },
    status: { hard, ...(used ? { used } : {}) },
  } as unknown as ResourceQuota & KubeObject;
}

const pod = (requests: QuantityTexts = {}, spec: Loose = {}): KubeObject =>
  ({
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
  }) as unknown as KubeObject;
const service = (type: string, ports: number): KubeObject =>
  ({
    metadata: {},
    spec: { type, ports: Array.from({ length: ports }, () => ({ port: 1 })) },
  }) as unknown as KubeObject;
const claim = (storage: string, allocated?: string): KubeObject =>
  ({
    metadata: {},
    spec: { resources: { requests: { storage } } },
    ...(allocated ? { status: { allocatedResources: { storage: allocated } } } : {}),
  }) as unknown as KubeObject;

function request(resource: string, object: KubeObject, old?: KubeObject, isStatus = false): QuotaRequest {
  const evaluator = evaluatorOf(resource);
  assert.ok(evaluator);
  return { evaluator, object, old, isStatus };
}

/** What is used of each quota afterwards, or the refusal. */
function checked(quotas: readonly (ResourceQuota & KubeObject)[], asked: QuotaRequest): unknown {
  const states = quotas.map((one, i) => stateOf(one, `k${i}`, 1));
  const result = checkQuotas(states, asked, 0);
  return 'refusal' in result
    ? result.refusal
    : result.states.map(({ used, charged }) => (charged ? formatQuantities(used) : 'untouched'));
}

const best = { scopes: ['BestEffort'] };
const rows: readonly (readonly [
  what: string,
  quotas: (ResourceQuota & KubeObject)[],
  request: QuotaRequest,
  outcome: unknown,
])[] = [
  ['no quota', [], request('pods', pod()), []],
  ['fits', [quota({ pods: '2' }, { pods: '1' })], request('pods', pod()), [{ pods: '2' }]],
  [
    'does not fit',
    [quota({ pods: '1' }, { pods: '1' })],
    request('pods', pod()),
    'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  ],
  [
    'only what is exceeded is said',
    [quota({ pods: '1', 'requests.cpu': '10' }, { pods: '1', 'requests.cpu': '1' })],
    request('pods', pod({ cpu: '1' })),
    'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  ],
  [
    'by name',
    [quota({ 'requests.memory': '1Gi', 'requests.cpu': '1' }, { 'requests.memory': '1Gi', 'requests.cpu': '900m' })],
    request('pods', pod({ cpu: '200m', memory: '1Mi' })),
    'exceeded quota: q, requested: requests.cpu=200m,requests.memory=1Mi, used: requests.cpu=900m,requests.memory=1Gi, limited: requests.cpu=1,requests.memory=1Gi',
  ],
  ['exactly fits', [quota({ cpu: '1' }, { cpu: '700m' })], request('pods', pod({ cpu: '300m' })), [{ cpu: '1' }]],
  [
    'must be said',
    [quota({ 'limits.cpu': '1' }, { 'limits.cpu': '0' })],
    request('pods', pod()),
    'failed quota: q: must specify limits.cpu for: c',
  ],
  [
    'not counted yet',
    [quota({ pods: '1' }, undefined)],
    request('pods', pod()),
    'status unknown for quota: q, resources: pods',
  ],
  [
    'partly counted',
    [quota({ pods: '1', 'count/pods': '1' }, { pods: '0' })],
    request('pods', pod()),
    'status unknown for quota: q, resources: count/pods,pods',
  ],
  ['of something else', [quota({ services: '1' }, { services: '1' })], request('pods', pod()), ['untouched']],
  [
    'a status without limits limits nothing',
    [{ ...quota({ pods: '1' }, undefined), status: {} } as ResourceQuota & KubeObject],
    request('pods', pod()),
    ['untouched'],
  ],
  [
    'two quotas',
    [quota({ pods: '5' }, { pods: '1' }, {}, 'a'), quota({ pods: '1' }, { pods: '1' }, {}, 'b')],
    request('pods', pod()),
    'exceeded quota: b, requested: pods=1, used: pods=1, limited: pods=1',
  ],
  [
    'both charged',
    [quota({ pods: '5' }, { pods: '1' }, {}, 'a'), quota({ 'count/pods': '1' }, { 'count/pods': '0' }, {}, 'b')],
    request('pods', pod()),
    [{ pods: '2' }, { 'count/pods': '1' }],
  ],
  ['out of scope', [quota({ pods: '1' }, { pods: '1' }, best)], request('pods', pod({ cpu: '1' })), ['untouched']],
  [
    'in scope',
    [quota({ pods: '1' }, { pods: '1' }, best)],
    request('pods', pod()),
    'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  ],
  [
    'negative',
    [quota({ 'requests.cpu': '1' }, { 'requests.cpu': '0' })],
    request('pods', pod({ cpu: '-1' })),
    'quota usage is negative for resource(s): cpu,requests.cpu',
  ],
  [
    'over already, and asks for nothing of it',
    [quota({ pods: '9', cpu: '1' }, { pods: '1', cpu: '2' })],
    request('pods', pod({ cpu: '0' })),
    [{ pods: '2', cpu: '2' }],
  ],
  [
    'what is used keeps its form',
    [quota({ memory: '2Gi' }, { memory: '1Gi' })],
    request('pods', pod({ memory: '512Mi' })),
    [{ memory: '1536Mi' }],
  ],
  [
    'the first gives the form',
    [quota({ memory: '2Gi' }, { memory: '0' })],
    request('pods', pod({ memory: '512Mi' })),
    [{ memory: '512Mi' }],
  ],
  [
    'an update that asks for more',
    [quota({ 'services.nodeports': '2' }, { 'services.nodeports': '0' })],
    request('services', service('NodePort', 2), service('ClusterIP', 2)),
    [{ 'services.nodeports': '2' }],
  ],
  [
    'an update that asks for too much',
    [quota({ 'services.nodeports': '2' }, { 'services.nodeports': '1' })],
    request('services', service('NodePort', 3), service('NodePort', 1)),
    'exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
  ],
  [
    'an update that asks for less',
    [quota({ 'services.nodeports': '2', services: '1' }, { 'services.nodeports': '2', services: '1' })],
    request('services', service('ClusterIP', 2), service('NodePort', 2)),
    ['untouched'],
  ],
  [
    'an update of nothing',
    [quota({ services: '1' }, { services: '1' })],
    request('services', service('ClusterIP', 1), service('ClusterIP', 2)),
    ['untouched'],
  ],
  [
    'a claim that grows',
    [quota({ 'requests.storage': '10Gi' }, { 'requests.storage': '5Gi' })],
    request('persistentvolumeclaims', claim('8Gi'), claim('5Gi')),
    [{ 'requests.storage': '8Gi' }],
  ],
  [
    'a claim that has grown beyond',
    [quota({ 'requests.storage': '10Gi' }, { 'requests.storage': '5Gi' })],
    request('persistentvolumeclaims', claim('5Gi', '20Gi'), claim('5Gi'), true),
    [{ 'requests.storage': '20Gi' }],
  ],
  [
    'a pod that comes into a scope',
    [quota({ pods: '1' }, { pods: '1' }, { scopes: ['Terminating'] })],
    request('pods', pod({}, { activeDeadlineSeconds: 5 }), pod()),
    'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  ],
  [
    'a pod that leaves a scope',
    [quota({ pods: '1' }, { pods: '1' }, { scopes: ['Terminating'] })],
    request('pods', pod(), pod({}, { activeDeadlineSeconds: 5 })),
    ['untouched'],
  ],
  [
    'a count',
    [quota({ 'count/deployments.apps': '1' }, { 'count/deployments.apps': '1' })],
    request('deployments.apps', pod()),
    'exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
  ],
];

describe('quotas', () => {
  for (const [what, quotas, asked, outcome] of rows) it(what, () => assert.deepEqual(checked(quotas, asked), outcome));
});
