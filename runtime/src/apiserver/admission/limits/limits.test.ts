/** LimitRanges (rows as in upstream's `plugin/pkg/admission/limitranger/admission_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../../api/generated/types/core.v1.ts';
import { aggregate } from '../limitRanger.ts';
import { applyLimitDefaults } from './defaults.ts';
import { claimLimitFaults, podLimitFaults } from './faults.ts';

type Amounts = Record<string, string>;
type Loose = Record<string, unknown>;
const c = (requests?: Amounts, limits?: Amounts, more: Loose = {}): Loose => ({
  name: 'c',
  resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) },
  ...more,
});
const podOf = (spec: Loose): Pod => ({ metadata: { name: 'p' }, spec }) as unknown as Pod;
const range = (...limits: LimitRangeItem[]): LimitRange => ({ metadata: {}, spec: { limits } }) as LimitRange;
const item = (type: string, bounds: Omit<LimitRangeItem, 'type'>): LimitRangeItem => ({ type, ...bounds });

describe('defaults', () => {
  const defaults = range(item('Container', { default: { cpu: '2', memory: '2Gi' }, defaultRequest: { cpu: '1' } }));
  const rows: readonly (readonly [
    what: string,
    range: LimitRange,
    spec: Loose,
    resources: unknown,
    annotation: string | undefined,
  ])[] = [
    [
      'everything is open',
      defaults,
      { containers: [c()] },
      [{ limits: { cpu: '2', memory: '2Gi' }, requests: { cpu: '1' } }],
      'cpu request for container c; cpu, memory limit for container c',
    ],
    [
      'said is said',
      defaults,
      { containers: [c({ cpu: '3' }, { cpu: '4', memory: '1' })] },
      [{ requests: { cpu: '3' }, limits: { cpu: '4', memory: '1' } }],
      undefined,
    ],
    [
      'half is said',
      defaults,
      { containers: [c(undefined, { cpu: '4' })] },
      [{ limits: { cpu: '4', memory: '2Gi' }, requests: { cpu: '1' } }],
      'cpu request for container c; memory limit for container c',
    ],
    [
      'init containers too',
      defaults,
      { containers: [], initContainers: [c()] },
      [{ limits: { cpu: '2', memory: '2Gi' }, requests: { cpu: '1' } }],
      'cpu request for init container c; cpu, memory limit for init container c',
    ],
    [
      'limits of pods are no defaults',
      range(item('Pod', { default: { cpu: '1' } })),
      { containers: [c()] },
      [{}],
      undefined,
    ],
    [
      'the last of several',
      range(item('Container', { default: { cpu: '1' } }), item('Container', { default: { cpu: '2' } })),
      { containers: [c()] },
      [{ limits: { cpu: '2' } }],
      'cpu limit for container c',
    ],
  ];
  for (const [what, limits, spec, resources, annotation] of rows) {
    it(what, () => {
      const pod = podOf(spec);
      applyLimitDefaults(pod, limits);
      const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
      assert.deepEqual(
        all.map(one => one.resources),
        resources,
      );
      const said = pod.metadata.annotations?.['kubernetes.io/limit-ranger'];
      assert.equal(said, annotation && `LimitRanger plugin set: ${annotation}`);
    });
  }
});

describe('bounds', () => {
  const container = (bounds: Omit<LimitRangeItem, 'type'>): LimitRange => range(item('Container', bounds));
  const whole = (bounds: Omit<LimitRangeItem, 'type'>): LimitRange => range(item('Pod', bounds));
  const rows: readonly (readonly [what: string, range: LimitRange, spec: Loose, faults: readonly string[]])[] = [
    ['min', container({ min: { cpu: '50m' } }), { containers: [c({ cpu: '50m' })] }, []],
    [
      'min without a request',
      container({ min: { cpu: '50m' } }),
      { containers: [c()] },
      ['minimum cpu usage per Container is 50m.  No request is specified'],
    ],
    [
      'request below min',
      container({ min: { cpu: '50m' } }),
      { containers: [c({ cpu: '40m' })] },
      ['minimum cpu usage per Container is 50m, but request is 40m'],
    ],
    [
      'limit below min',
      container({ min: { cpu: '50m' } }),
      { containers: [c({ cpu: '60m' }, { cpu: '40m' })] },
      ['minimum cpu usage per Container is 50m, but limit is 40m'],
    ],
    ['max', container({ max: { memory: '2Gi' } }), { containers: [c({}, { memory: '2048Mi' })] }, []],
    [
      'max without a limit',
      container({ max: { memory: '2Gi' } }),
      { containers: [c({ memory: '1Gi' })] },
      ['maximum memory usage per Container is 2Gi.  No limit is specified'],
    ],
    [
      'limit above max',
      container({ max: { memory: '2Gi' } }),
      { containers: [c({}, { memory: '3Gi' })] },
      ['maximum memory usage per Container is 2Gi, but limit is 3Gi'],
    ],
    [
      'request above max',
      container({ max: { memory: '2Gi' } }),
      { containers: [c({ memory: '3Gi' }, { memory: '1Gi' })] },
      ['maximum memory usage per Container is 2Gi, but request is 3Gi'],
    ],
    ['ratio', container({ maxLimitRequestRatio: { cpu: '2' } }), { containers: [c({ cpu: '1' }, { cpu: '2' })] }, []],
    [
      'ratio of fractions',
      container({ maxLimitRequestRatio: { cpu: '1500m' } }),
      { containers: [c({ cpu: '1' }, { cpu: '1500m' })] },
      [],
    ],
    [
      'ratio beyond',
      container({ maxLimitRequestRatio: { cpu: '1500m' } }),
      { containers: [c({ cpu: '1' }, { cpu: '2' })] },
      ['cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000'],
    ],
    [
      'ratio without a request',
      container({ maxLimitRequestRatio: { cpu: '2' } }),
      { containers: [c({}, { cpu: '2' })] },
      ['cpu max limit to request ratio per Container is 2, but no request is specified or request is 0'],
    ],
    [
      'ratio without a limit',
      container({ maxLimitRequestRatio: { cpu: '2' } }),
      { containers: [c({ cpu: '2' })] },
      ['cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0'],
    ],
    [
      'every container',
      container({ min: { cpu: '2' } }),
      { containers: [c({ cpu: '1' }), c({ cpu: '3' })], initContainers: [c({ cpu: '1500m' })] },
      [
        'minimum cpu usage per Container is 2, but request is 1',
        'minimum cpu usage per Container is 2, but request is 1500m',
      ],
    ],
    [
      'by name',
      container({ min: { memory: '1', cpu: '1' } }),
      { containers: [c()] },
      [
        'minimum cpu usage per Container is 1.  No request is specified',
        'minimum memory usage per Container is 1.  No request is specified',
      ],
    ],
    [
      'devices',
      container({ max: { 'a.b/c': '1' } }),
      { containers: [c({ 'a.b/c': '2' }, { 'a.b/c': '2' })] },
      ['maximum a.b/c usage per Container is 1, but limit is 2'],
    ],
    [
      'a pod is the sum',
      whole({ max: { cpu: '2' } }),
      { containers: [c({}, { cpu: '1' }), c({}, { cpu: '1500m' })] },
      ['maximum cpu usage per Pod is 2, but limit is 2500m'],
    ],
    [
      'a pod is its largest init container',
      whole({ max: { cpu: '2' } }),
      { containers: [c({}, { cpu: '1' })], initContainers: [c({}, { cpu: '3' })] },
      ['maximum cpu usage per Pod is 2, but limit is 3'],
    ],
    [
      'a pod with a sidecar',
      whole({ max: { cpu: '2' } }),
      { containers: [c({}, { cpu: '1' })], initContainers: [c({}, { cpu: '1500m' }, { restartPolicy: 'Always' })] },
      ['maximum cpu usage per Pod is 2, but limit is 2500m'],
    ],
    [
      'a pod’s min',
      whole({ min: { memory: '1Gi' } }),
      { containers: [c({ memory: '512Mi' }), c({ memory: '512Mi' })] },
      [],
    ],
    [
      'a pod’s ratio',
      whole({ maxLimitRequestRatio: { cpu: '2' } }),
      { containers: [c({ cpu: '1' }, { cpu: '1' }), c({ cpu: '1' }, { cpu: '4' })] },
      ['cpu max limit to request ratio per Pod is 2, but provided ratio is 2.500000'],
    ],
    [
      'a pod as a whole',
      whole({ max: { cpu: '2' } }),
      { containers: [c()], resources: { limits: { cpu: '3' } } },
      ['maximum cpu usage per Pod is 2, but limit is 3'],
    ],
    ['of something else', range(item('PersistentVolumeClaim', { max: { cpu: '1' } })), { containers: [c()] }, []],
  ];
  for (const [what, limits, spec, faults] of rows)
    it(what, () => assert.deepEqual(podLimitFaults(podOf(spec), limits), faults));

  const claimOf = (requests: Amounts): PersistentVolumeClaim =>
    ({ metadata: {}, spec: { resources: { requests } } }) as PersistentVolumeClaim;
  const claims = range(
    item('PersistentVolumeClaim', { min: { storage: '1Gi' }, max: { storage: '2Gi' } }),
    item('Container', { max: { storage: '1' } }),
  );
  const claimRows: readonly (readonly [requests: Amounts, faults: readonly string[]])[] = [
    [{ storage: '1Gi' }, []],
    [{ storage: '2Gi' }, []],
    [{ storage: '500Mi' }, ['minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi']],
    [{ storage: '3Gi' }, ['maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi']],
    [
      {},
      [
        'minimum storage usage per PersistentVolumeClaim is 1Gi.  No request is specified',
        'maximum storage usage per PersistentVolumeClaim is 2Gi.  No request is specified',
      ],
    ],
  ];
  for (const [requests, faults] of claimRows)
    it(`a claim of ${requests.storage ?? 'nothing'}`, () =>
      assert.deepEqual(claimLimitFaults(claimOf(requests), claims), faults));

  it('several faults are one message', () => {
    assert.equal(aggregate(['a']), 'a');
    assert.equal(aggregate(['a', 'b', 'a']), '[a, b]');
  });
});
