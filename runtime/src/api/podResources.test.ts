import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from './generated/types/core.v1.ts';
import { hasPodLevelResources, podLimits, podRequests } from './podResources.ts';
import { formatQuantities, type QuantityTexts } from './quantities.ts';

type Loose = Record<string, unknown>;
const c = (requests: QuantityTexts = {}, limits: QuantityTexts = {}, more: Loose = {}): Loose => ({
  name: 'c',
  resources: { requests, limits },
  ...more,
});
const sidecar = (requests: QuantityTexts, limits: QuantityTexts = {}): Loose =>
  c(requests, limits, { name: 's', restartPolicy: 'Always' });
const podOf = (spec: Loose, status: Loose = {}): Pod => ({ metadata: {}, spec, status }) as unknown as Pod;
const status = (requests: QuantityTexts, allocated: QuantityTexts, limits: QuantityTexts = {}): Loose => ({
  containerStatuses: [{ name: 'c', resources: { requests, limits }, allocatedResources: allocated }],
});
const pending = (reason: string): Loose => ({ conditions: [{ type: 'PodResizePending', status: 'True', reason }] });

const rows: readonly (readonly [what: string, pod: Pod, requests: QuantityTexts, limits: QuantityTexts])[] = [
  ['nothing', podOf({ containers: [c()] }), {}, {}],
  ['one', podOf({ containers: [c({ cpu: '1' }, { cpu: '2' })] }), { cpu: '1' }, { cpu: '2' }],
  [
    'two are added',
    podOf({ containers: [c({ cpu: '500m', memory: '1Gi' }), c({ cpu: '600m' })] }),
    { cpu: '1100m', memory: '1Gi' },
    {},
  ],
  [
    'formats are the first’s',
    podOf({ containers: [c({ memory: '1Gi' }), c({ memory: '1G' })] }),
    { memory: '2073741824' },
    {},
  ],
  [
    'an init container runs alone',
    podOf({ containers: [c({ cpu: '1' })], initContainers: [c({ cpu: '3' }), c({ cpu: '2', memory: '1' })] }),
    { cpu: '3', memory: '1' },
    {},
  ],
  [
    'a small init container does not count',
    podOf({ containers: [c({ cpu: '1' })], initContainers: [c({ cpu: '500m' })] }),
    { cpu: '1' },
    {},
  ],
  [
    'a sidecar stays',
    podOf({ containers: [c({ cpu: '1' })], initContainers: [sidecar({ cpu: '2' })] }),
    { cpu: '3' },
    {},
  ],
  [
    'an init container after a sidecar',
    podOf({ containers: [c({ cpu: '1' })], initContainers: [sidecar({ cpu: '2' }), c({ cpu: '5' })] }),
    { cpu: '7' },
    {},
  ],
  [
    'an init container before a sidecar',
    podOf({ containers: [c({ cpu: '1' })], initContainers: [c({ cpu: '5' }), sidecar({ cpu: '2' })] }),
    { cpu: '5' },
    {},
  ],
  [
    'limits of sidecars',
    podOf({ containers: [c({}, { cpu: '1' })], initContainers: [sidecar({}, { cpu: '2' })] }),
    {},
    { cpu: '3' },
  ],
  [
    'overhead',
    podOf({ containers: [c({ cpu: '1' }, { cpu: '1' })], overhead: { cpu: '100m', memory: '1Mi' } }),
    { cpu: '1100m', memory: '1Mi' },
    { cpu: '1100m' },
  ],
  [
    'overhead makes no limit of none',
    podOf({ containers: [c({}, { memory: '0' })], overhead: { memory: '1Mi' } }),
    { memory: '1Mi' },
    { memory: '0' },
  ],
  [
    'of the pod as a whole',
    podOf({ containers: [c({ cpu: '1', memory: '1' })], resources: { requests: { cpu: '3' }, limits: { cpu: '4' } } }),
    { cpu: '3', memory: '1' },
    { cpu: '4' },
  ],
  [
    'of the pod, with overhead',
    podOf({ containers: [c()], resources: { requests: { cpu: '3' } }, overhead: { cpu: '1' } }),
    { cpu: '4' },
    {},
  ],
  [
    'of the pod, huge pages',
    podOf({ containers: [c()], resources: { requests: { 'hugepages-2Mi': '4Mi' } } }),
    { 'hugepages-2Mi': '4Mi' },
    {},
  ],
  [
    'of the pod, what it cannot say',
    podOf({ containers: [c({ 'a/b': '1' })], resources: { requests: { 'a/b': '3' } } }),
    { 'a/b': '1' },
    {},
  ],
  [
    'being made larger',
    podOf({ containers: [c({ cpu: '2' }, { cpu: '3' })] }, status({ cpu: '1' }, { cpu: '1' }, { cpu: '1' })),
    { cpu: '2' },
    { cpu: '3' },
  ],
  [
    'being made smaller',
    podOf({ containers: [c({ cpu: '1' }, { cpu: '1' })] }, status({ cpu: '2' }, { cpu: '1' }, { cpu: '2' })),
    { cpu: '2' },
    { cpu: '2' },
  ],
  [
    'promised more than it has',
    podOf({ containers: [c({ cpu: '1' })] }, status({ cpu: '1' }, { cpu: '4' })),
    { cpu: '4' },
    {},
  ],
  [
    'cannot be made larger',
    podOf(
      { containers: [c({ cpu: '9' }, { cpu: '9' })] },
      { ...status({ cpu: '1' }, { cpu: '2' }, { cpu: '1' }), ...pending('Infeasible') },
    ),
    { cpu: '2' },
    { cpu: '1' },
  ],
  [
    'will be made larger',
    podOf({ containers: [c({ cpu: '9' })] }, { ...status({ cpu: '1' }, { cpu: '2' }), ...pending('Deferred') }),
    { cpu: '9' },
    {},
  ],
];

describe('resources of pods', () => {
  for (const [what, pod, requests, limits] of rows) {
    it(what, () => {
      assert.deepEqual(formatQuantities(podRequests(pod)), requests);
      assert.deepEqual(formatQuantities(podLimits(pod)), limits);
    });
  }
  it('without overhead and status', () => {
    const pod = podOf({ containers: [c({ cpu: '1' })], overhead: { cpu: '1' } }, status({ cpu: '5' }, {}));
    assert.deepEqual(formatQuantities(podRequests(pod, { overhead: false, status: false })), { cpu: '1' });
  });
  it('pod-level', () => {
    assert.equal(hasPodLevelResources(podOf({ resources: {} })), false);
    assert.equal(hasPodLevelResources(podOf({ resources: { limits: { memory: '1' } } })), true);
    assert.equal(hasPodLevelResources(podOf({ resources: { requests: { 'a/b': '1' } } })), false);
  });
});
