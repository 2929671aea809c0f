import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../api/generated/types/core.v1.ts';
import { allPrivileged, compareLevels, describe as described, parsePolicy, standardOf } from './policy.ts';
import { isSignificantUpdate } from './significant.ts';

const L = 'pod-security.kubernetes.io/';
const BAD_LEVEL = 'must be one of privileged, baseline, restricted';
const BAD_VERSION = 'must be "latest" or "v1.x"';

describe('labels of a namespace', () => {
  const rows: readonly (readonly [
    labels: Record<string, string>,
    enforce: string,
    audit: string,
    warn: string,
    errors: string[],
  ])[] = [
    [{}, 'privileged:latest', 'privileged:latest', 'privileged:latest', []],
    [{ [`${L}enforce`]: 'baseline' }, 'baseline:latest', 'privileged:latest', 'privileged:latest', []],
    [
      { [`${L}enforce`]: 'baseline', [`${L}enforce-version`]: 'v1.30' },
      'baseline:v1.30',
      'privileged:latest',
      'privileged:latest',
      [],
    ],
    [
      { [`${L}audit`]: 'restricted', [`${L}warn`]: 'restricted', [`${L}warn-version`]: 'v1.0' },
      'privileged:latest',
      'restricted:latest',
      'restricted:v1.0',
      [],
    ],
    [
      { [`${L}enforce`]: 'foo' },
      'restricted:latest',
      'privileged:latest',
      'privileged:latest',
      [`metadata.labels[${L}enforce]: Invalid value: "foo": ${BAD_LEVEL}`],
    ],
    [
      { [`${L}audit`]: 'foo' },
      'privileged:latest',
      'privileged:latest',
      'privileged:latest',
      [`metadata.labels[${L}audit]: Invalid value: "foo": ${BAD_LEVEL}`],
    ],
    [
      { [`${L}warn`]: '' },
      'privileged:latest',
      'privileged:latest',
      'privileged:latest',
      [`metadata.labels[${L}warn]: Invalid value: "": ${BAD_LEVEL}`],
    ],
    [
      { [`${L}enforce`]: 'baseline', [`${L}enforce-version`]: 'v1.01' },
      'baseline:latest',
      'privileged:latest',
      'privileged:latest',
      [`metadata.labels[${L}enforce-version]: Invalid value: "v1.01": ${BAD_VERSION}`],
    ],
    [
      { [`${L}enforce-version`]: '1.2' },
      'privileged:latest',
      'privileged:latest',
      'privileged:latest',
      [`metadata.labels[${L}enforce-version]: Invalid value: "1.2": ${BAD_VERSION}`],
    ],
    [
      { [`${L}warn-version`]: 'v2.0', [`${L}audit-version`]: 'v1.-1' },
      'privileged:latest',
      'privileged:latest',
      'privileged:latest',
      [
        `metadata.labels[${L}audit-version]: Invalid value: "v1.-1": ${BAD_VERSION}`,
        `metadata.labels[${L}warn-version]: Invalid value: "v2.0": ${BAD_VERSION}`,
      ],
    ],
    [{ [`${L}enforce-version`]: 'v1.5' }, 'privileged:v1.5', 'privileged:latest', 'privileged:latest', []],
  ];
  for (const [labels, enforce, audit, warn, errors] of rows) {
    it(JSON.stringify(labels).replaceAll(L, ''), () => {
      const { policy, errors: found } = parsePolicy(labels, allPrivileged);
      assert.deepEqual(
        [described(policy.enforce), described(policy.audit), described(policy.warn)],
        [enforce, audit, warn],
      );
      assert.deepEqual(
        found.map(({ field, message }) => `${field}: ${message}`),
        errors,
      );
    });
  }
  it('falls back on the cluster’s own', () => {
    const defaults = {
      enforce: standardOf('baseline', 'v1.20'),
      audit: standardOf('restricted'),
      warn: standardOf('baseline'),
    };
    const { policy } = parsePolicy({ [`${L}enforce`]: 'restricted' }, defaults);
    assert.deepEqual([described(policy.enforce), described(policy.audit)], ['restricted:v1.20', 'restricted:latest']);
    assert.throws(() => standardOf('baseline', 'newest'), /must be "latest" or "v1.x"/);
  });
  it('levels are ordered', () => {
    assert.ok(compareLevels('restricted', 'baseline') > 0 && compareLevels('baseline', 'privileged') > 0);
    assert.equal(compareLevels('baseline', 'baseline'), 0);
  });
});

describe('updates of pods that are judged anew', () => {
  const pod = (change: object = {}, annotations: Record<string, string> = {}): Pod =>
    ({
      metadata: { annotations },
      spec: { containers: [{ name: 'c', image: 'a' }], initContainers: [{ name: 'i', image: 'a' }], ...change },
    }) as Pod;
  const rows: readonly (readonly [what: string, next: Pod, significant: boolean])[] = [
    ['nothing', pod(), false],
    ['a label', { ...pod(), metadata: { labels: { a: 'b' } } } as Pod, false],
    ['another annotation', pod({}, { a: 'b' }), false],
    ['tolerations', pod({ tolerations: [{ operator: 'Exists' }] }), false],
    ['an image', pod({ containers: [{ name: 'c', image: 'b' }] }), true],
    ['an init container’s image', pod({ initContainers: [{ name: 'i', image: 'b' }] }), true],
    [
      'a container more',
      pod({
        containers: [
          { name: 'c', image: 'a' },
          { name: 'd', image: 'a' },
        ],
      }),
      true,
    ],
    ['an ephemeral container', pod({ ephemeralContainers: [{ name: 'e', image: 'a' }] }), true],
    ['the seccomp annotation', pod({}, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }), true],
    [
      'a container’s seccomp annotation',
      pod({}, { 'container.seccomp.security.alpha.kubernetes.io/c': 'unconfined' }),
      true,
    ],
  ];
  for (const [what, next, significant] of rows)
    it(what, () => assert.equal(isSignificantUpdate(next, pod()), significant));
});
