import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duplicateFields, hasDuplicates } from './duplicates.ts';
import { checkFields } from './prune.ts';
import { StatusError } from './status.ts';

const POD = 'io.k8s.api.core.v1.Pod';

describe('checkFields', () => {
  it('names unknown and duplicate fields and removes the unknown', () => {
    const text =
      '{"kind":"Pod","metadata":{"name":"a","name":"b","labels":{"x":"1","x":"2"}},"spec":{"containers":[{"name":"c","imagee":"d"}]},"extra":1}';
    const object = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual(checkFields(POD, object, text), {
      unknown: ['unknown field "spec.containers[0].imagee"', 'unknown field "extra"'],
      duplicate: ['duplicate field "metadata.name"', 'duplicate field "metadata.labels.x"'],
    });
    assert.deepEqual(object, {
      kind: 'Pod',
      metadata: { name: 'b', labels: { x: '2' } },
      spec: { containers: [{ name: 'c' }] },
    });
  });

  const normal: readonly (readonly [given: object, kept: object])[] = [
    [{ metadata: { creationTimestamp: null, name: 'a' } }, { metadata: { name: 'a' } }],
    [
      { metadata: { creationTimestamp: '2026-01-02T03:04:05+02:00' } },
      { metadata: { creationTimestamp: '2026-01-02T01:04:05Z' } },
    ],
    [{ spec: { hostNetwork: false, restartPolicy: '', volumes: [], nodeSelector: {} } }, { spec: {} }],
    [
      { spec: { enableServiceLinks: false, terminationGracePeriodSeconds: 0 } },
      { spec: { enableServiceLinks: false, terminationGracePeriodSeconds: 0 } },
    ],
    [{ spec: { volumes: [{ name: 'v', emptyDir: {} }] } }, { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }],
    [
      { spec: { containers: [{ name: '', resources: { limits: { cpu: '1000m', memory: 1024 } } }] } },
      { spec: { containers: [{ name: '', resources: { limits: { cpu: '1', memory: '1024' } } }] } },
    ],
  ];
  for (const [given, kept] of normal)
    it(`keeps of ${JSON.stringify(given)} what Go would write`, () => {
      checkFields(POD, given);
      assert.deepEqual(given, kept);
    });

  const wrong: readonly (readonly [object: object, reason: string])[] = [
    [
      { spec: { containers: 'x' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      { spec: { containers: [1] } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type v1.Container',
    ],
    [
      { spec: { containers: [{ env: [{ value: 1 }] }] } },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ],
    [
      { metadata: { labels: { a: true } } },
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { spec: { priority: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      { spec: { priority: 2147483648 } },
      'json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      { spec: { containers: [{ resources: { limits: { cpu: 'x' } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { metadata: { creationTimestamp: 'now' } },
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ],
  ];
  for (const [object, reason] of wrong)
    it(`refuses ${JSON.stringify(object)}`, () => {
      const given = { apiVersion: 'v1', kind: 'Pod', ...object };
      const message = `Pod in version "v1" cannot be handled as a Pod: ${reason}`;
      assert.throws(
        () => checkFields(POD, given),
        (e: unknown) => e instanceof StatusError && e.code === 400 && e.message === message,
      );
    });

  it('checks base64', () => {
    assert.throws(
      () => checkFields('io.k8s.api.core.v1.Secret', { data: { a: 'a*==' } }),
      /illegal base64 data at input byte 1/,
    );
  });
});

describe('duplicateFields', () => {
  const cases: readonly (readonly [text: string, paths: string[]])[] = [
    ['{}', []],
    ['{"a":1,"a":2,"a":3}', ['a', 'a']],
    ['{"a":[{"b":1},{"b":1,"b":2}]}', ['a[1].b']],
    ['{"a":"\\"a\\":","b":{"c":[[{"d":1,"d":1}]]}}', ['b.c[0][0].d']],
    ['{"a":"}{","\\u0061":1}', ['a']],
    ['[1,2,"a","a"]', []],
  ];
  for (const [text, paths] of cases)
    it(text, () => {
      assert.deepEqual(duplicateFields(text), paths);
      assert.equal(hasDuplicates(text, JSON.parse(text)), paths.length > 0);
    });
});
