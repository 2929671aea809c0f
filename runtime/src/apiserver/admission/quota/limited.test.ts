/** What needs a quota to be used (upstream: `TestAdmitLimitedResource…` of `admission/plugin/resourcequota/admission_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { evaluatorOf } from '../../../api/quota/index.ts';
import { type LimitedResource, uncovered } from './limited.ts';

type Loose = Record<string, unknown>;

const quota = (hard: Loose, spec: Loose = {}): ResourceQuota =>
  ({ metadata: { name: 'q' }, spec: { hard, ...spec }, status: { hard, used: {} } }) as unknown as ResourceQuota;
const pod = (spec: Loose = {}): KubeObject =>
  ({
    metadata: {},
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: '3', memory: '5Gi' } } }], ...spec },
  }) as unknown as KubeObject;
const limited = (matchContains: string[], matchScopes: Loose[] = []): LimitedResource =>
  ({ groupResource: 'pods', matchContains, matchScopes }) as unknown as LimitedResource;

const important = { scopeName: 'PriorityClass', operator: 'In', values: ['high'] };
const high = pod({ priorityClassName: 'high' });

describe('resources that need a quota', () => {
  const rows: readonly (readonly [
    what: string,
    limited: LimitedResource[],
    quotas: ResourceQuota[],
    object: KubeObject,
    expected: string | undefined,
  ])[] = [
    ['nothing is limited', [], [], pod(), undefined],
    ['no quota', [limited(['cpu'])], [], pod(), 'insufficient quota to consume: cpu,requests.cpu'],
    ['a quota of it', [limited(['requests.cpu'])], [quota({ 'requests.cpu': '10' })], pod(), undefined],
    [
      'a quota of something else',
      [limited(['requests.cpu', 'requests.memory'])],
      [quota({ 'requests.memory': '10Gi' })],
      pod(),
      'insufficient quota to consume: requests.cpu',
    ],
    [
      'a quota of other pods',
      [limited(['requests.cpu'])],
      [quota({ 'requests.cpu': '10' }, { scopes: ['Terminating'] })],
      pod(),
      'insufficient quota to consume: requests.cpu',
    ],
    ['what is not used', [limited(['nvidia.com/gpu'])], [], pod(), undefined],
    [
      'of another resource',
      [{ groupResource: 'services', matchContains: ['cpu'], matchScopes: [] }],
      [],
      pod(),
      undefined,
    ],
    [
      'a scope without a quota',
      [limited([], [important])],
      [],
      high,
      'insufficient quota to match these scopes: [{PriorityClass In [high]}]',
    ],
    [
      'a scope with a quota of it',
      [limited([], [important])],
      [quota({ pods: '1' }, { scopeSelector: { matchExpressions: [important] } })],
      high,
      undefined,
    ],
    ['a pod that is in no such scope', [limited([], [important])], [], pod(), undefined],
  ];
  for (const [what, resources, quotas, object, expected] of rows) {
    it(what, () => {
      const evaluator = evaluatorOf('pods');
      assert.ok(evaluator);
      const found = uncovered(resources, quotas, { evaluator, object }, 0);
      assert.equal(found && ('names' in found ? found.names : found.scopes), expected);
    });
  }
});
