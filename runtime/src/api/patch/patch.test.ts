import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '../status.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from './index.ts';

const failsWith = (code: number, message?: RegExp) => (error: unknown) =>
  error instanceof StatusError &&
  error.code === code &&
  (message === undefined || message.test(JSON.stringify(error.status)));

describe('JSON patch (RFC 6902 appendix A, and what Kubernetes adds)', () => {
  const cases: readonly (readonly [original: unknown, patch: unknown[], expected: unknown])[] = [
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['x'] }], { foo: ['bar', ['x']] }],
    [{ baz: 1, foo: 2 }, [{ op: 'remove', path: '/baz' }], { foo: 2 }],
    [{ foo: [1, 2, 3] }, [{ op: 'remove', path: '/foo/1' }], { foo: [1, 3] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
    [
      { foo: { bar: 'x', waldo: 'fred' }, qux: {} },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'x' }, qux: { thud: 'fred' } },
    ],
    [{ foo: [1, 2, 3] }, [{ op: 'move', from: '/foo/0', path: '/foo/2' }], { foo: [2, 3, 1] }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [
      { '/': 9, '~1': 10 },
      [
        { op: 'test', path: '/~01', value: 10 },
        { op: 'remove', path: '/~1' },
      ],
      { '~1': 10 },
    ],
    [{ a: { x: 1, y: 2 } }, [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }], { a: { x: 1, y: 2 } }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    [{ a: 1 }, [{ op: 'test', path: '', value: { a: 1 } }], { a: 1 }],
    // What the library of upstream's does besides or instead, and people rely on.
    [{}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    [{ a: { b: {} } }, [{ op: 'replace', path: '/a/b/c', value: [] }], { a: { b: { c: [] } } }],
    [{}, [{ op: 'test', path: '/a', value: null }], {}],
    [{}, [{ op: 'test', path: '/a' }], {}],
    [{ a: null }, [{ op: 'test', path: '/a', value: null }], { a: null }],
    [{ a: [1, 2, 3] }, [{ op: 'remove', path: '/a/-1' }], { a: [1, 2] }],
    [{ a: [1, 2, 3] }, [{ op: 'remove', path: '/a/-3' }], { a: [2, 3] }],
    [{ a: [1, 2, 3] }, [{ op: 'replace', path: '/a/-2', value: 9 }], { a: [1, 9, 3] }],
    [{ a: [1, 2, 3] }, [{ op: 'test', path: '/a/-1', value: 3 }], { a: [1, 2, 3] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/-1', value: 3 }], { a: [1, 2, 3] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/-2', value: 3 }], { a: [1, 3, 2] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/01', value: 3 }], { a: [1, 3, 2] }],
    [{ a: [{ b: 1 }] }, [{ op: 'replace', path: '/a/-1/b', value: 2 }], { a: [{ b: 2 }] }],
    [{}, [{ op: 'add', path: '/a' }], { a: null }],
    [{}, [{ op: 'copy', from: '/a', path: '/b' }], { b: null }],
    [{}, [{ op: 'add', path: '/', value: 1 }], { '': 1 }],
    [{}, [], {}],
  ];
  for (const [original, patch, expected] of cases)
    it(JSON.stringify(patch), () => {
      const before = structuredClone(original);
      assert.deepEqual(jsonPatch(original, patch), expected);
      assert.deepEqual(original, before);
    });

  const wrong: readonly (readonly [code: number, patch: unknown])[] = [
    [400, {}],
    [400, [7]],
    [400, [[]]],
    [422, [null]],
    [422, [{}]],
    [422, [{ op: 'nope', path: '/a' }]],
    [422, [{ op: 7, path: '/a' }]],
    [422, [{ op: 'Add', path: '/a' }]],
    [422, [{ op: 'add', value: 1 }]],
    [422, [{ op: 'add', path: 7 }]],
    [422, [{ op: 'add', path: '', value: {} }]],
    [422, [{ op: 'remove', path: '' }]],
    [422, [{ op: 'replace', path: '', value: 7 }]],
    [422, [{ op: 'replace', path: '' }]],
    [422, [{ op: 'replace', path: '/o/x/y', value: 1 }]],
    [422, [{ op: 'move', path: '/a' }]],
    [422, [{ op: 'copy', path: '/a', from: {} }]],
    [422, [{ op: 'move', path: '/b', from: '/missing' }]],
    [422, [{ op: 'test', path: '/missing', value: 1 }]],
    [422, [{ op: 'test', path: '/list/2', value: null }]],
    [422, [{ op: 'test', path: '/list/x', value: null }]],
    [422, [{ op: 'remove', path: '/list/-3' }]],
    [422, [{ op: 'remove', path: '/list/-' }]],
    [422, [{ op: 'add', path: '/list/-4', value: 1 }]],
    [422, [{ op: 'add', path: '/list/1.0', value: 1 }]],
    [422, [{ op: 'test', path: '/a', value: 2 }]],
    [422, [{ op: 'remove', path: '/missing' }]],
    [422, [{ op: 'replace', path: '/list/7', value: 1 }]],
    [422, [{ op: 'add', path: '/list/3', value: 1 }]],
    [422, [{ op: 'add', path: '/a/b', value: 1 }]],
    [422, [{ op: 'add', path: 'a', value: 1 }]],
    [422, [{ op: 'move', from: '/o', path: '/o/x' }]],
    [413, Array.from({ length: 10_001 }, () => ({ op: 'remove', path: '/a' }))],
  ];
  for (const [code, patch] of wrong)
    it(`${code} for ${JSON.stringify(patch).slice(0, 60)}`, () =>
      assert.throws(() => jsonPatch({ a: 1, list: [1, 2], o: {} }, patch), failsWith(code)));

  it('lets no patch double itself until the memory is full', () => {
    const doubled = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a/${i}` }));
    assert.throws(() => jsonPatch({ a: {} }, doubled), failsWith(422));
    assert.doesNotThrow(() => jsonPatch({ a: {} }, doubled.slice(0, 12)));
  });

  it('says as little as upstream about a patch that does not fit: kubectl shows the message where there is no cause', () =>
    assert.throws(
      () => jsonPatch({}, [{ op: 'remove', path: '/a' }]),
      (error: StatusError) => {
        assert.deepEqual(error.status, {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          message: 'the server rejected our request due to an error in our request',
          reason: 'Invalid',
          details: {},
          code: 422,
        });
        return true;
      },
    ));

  it('pollutes no prototype', () => {
    const result = jsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]) as object;
    assert.equal(JSON.stringify(result), '{"__proto__":{"polluted":true}}');
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

describe('merge patch (RFC 7386 appendix A)', () => {
  const cases: readonly (readonly [original: unknown, patch: unknown, expected: unknown])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c'], ['c']],
    [{ a: 'b' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [original, patch, expected] of cases)
    it(`${JSON.stringify(original)} + ${JSON.stringify(patch)}`, () =>
      assert.deepEqual(mergePatch(original, patch), expected));

  it('shares nothing with the original', () => {
    const original = { a: { b: 1 }, c: { d: 1 } };
    const result = mergePatch(original, { a: { x: 1 } }) as typeof original;
    result.c.d = 2;
    result.a.b = 2;
    assert.deepEqual(original, { a: { b: 1 }, c: { d: 1 } });
  });
});

describe('strategic merge patch', () => {
  const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
  const POD = 'io.k8s.api.core.v1.Pod';
  const containers = (...list: object[]) => ({ spec: { containers: list } });
  const cases: readonly (readonly [
    name: string,
    definition: string,
    original: object,
    patch: object,
    expected: object,
  ])[] = [
    [
      'merges lists by their key and keeps what the patch does not name',
      POD,
      containers({ name: 'a', image: '1', env: [{ name: 'X', value: '1' }] }, { name: 'b', image: '1' }),
      containers({ name: 'a', image: '2' }),
      containers({ name: 'a', image: '2', env: [{ name: 'X', value: '1' }] }, { name: 'b', image: '1' }),
    ],
    [
      'adds elements before those that were there, as upstream does',
      POD,
      containers({ name: 'a', image: '1' }),
      containers({ name: 'b', image: '2' }),
      containers({ name: 'b', image: '2' }, { name: 'a', image: '1' }),
    ],
    [
      '$patch: delete removes an element',
      POD,
      containers({ name: 'a' }, { name: 'b' }),
      containers({ name: 'a', $patch: 'delete' }),
      containers({ name: 'b' }),
    ],
    [
      '$patch: replace in a list replaces it',
      POD,
      containers({ name: 'a' }, { name: 'b' }),
      containers({ name: 'c' }, { $patch: 'replace' }),
      containers({ name: 'c' }),
    ],
    [
      '$patch: replace in an object replaces it',
      DEPLOYMENT,
      { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
      { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } },
      { spec: { strategy: { type: 'Recreate' } } },
    ],
    [
      '$patch: delete in an object empties it',
      POD,
      { spec: { nodeSelector: { a: 'b' } } },
      { spec: { nodeSelector: { $patch: 'delete' } } },
      { spec: { nodeSelector: {} } },
    ],
    [
      '$retainKeys drops the other keys of a union',
      DEPLOYMENT,
      { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
      { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
      { spec: { strategy: { type: 'Recreate' } } },
    ],
    [
      'merges lists of plain values as sets',
      POD,
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { finalizers: ['c', 'a'] } },
      { metadata: { finalizers: ['c', 'a', 'b'] } },
    ],
    [
      '$deleteFromPrimitiveList removes plain values',
      POD,
      { metadata: { finalizers: ['a', 'b', 'c'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } },
      { metadata: { finalizers: ['a', 'c'] } },
    ],
    [
      '$setElementOrder orders, and others keep their place',
      POD,
      containers({ name: 'a' }, { name: 'b' }, { name: 'c' }),
      {
        spec: {
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
          containers: [{ name: 'c', image: '2' }],
        },
      },
      containers({ name: 'b' }, { name: 'c', image: '2' }, { name: 'a' }),
    ],
    [
      '$setElementOrder alone reorders what is there',
      POD,
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$setElementOrder/finalizers': ['b', 'a'] } },
      { metadata: { finalizers: ['b', 'a'] } },
    ],
    [
      'null removes, atomic lists are replaced',
      POD,
      { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'a', command: ['x', 'y'] }] } },
      { metadata: { labels: { a: null } }, spec: { containers: [{ name: 'a', command: ['z'] }] } },
      { metadata: { labels: { b: '2' } }, spec: { containers: [{ name: 'a', command: ['z'] }] } },
    ],
    [
      'ports merge by containerPort, volume mounts by mountPath',
      POD,
      containers({
        name: 'a',
        ports: [{ containerPort: 80, name: 'x' }],
        volumeMounts: [{ mountPath: '/a', name: 'v' }],
      }),
      containers({
        name: 'a',
        ports: [{ containerPort: 80, protocol: 'UDP' }],
        volumeMounts: [{ mountPath: '/b', name: 'v' }],
      }),
      containers({
        name: 'a',
        ports: [{ containerPort: 80, name: 'x', protocol: 'UDP' }],
        volumeMounts: [
          { mountPath: '/b', name: 'v' },
          { mountPath: '/a', name: 'v' },
        ],
      }),
    ],
    [
      'what is new comes without directives and nulls',
      POD,
      {},
      {
        spec: {
          containers: [{ name: 'a', image: null, $patch: 'merge' }],
          '$setElementOrder/containers': [{ name: 'a' }],
        },
      },
      containers({ name: 'a' }),
    ],
  ];
  for (const [name, definition, original, patch, expected] of cases)
    it(name, () => {
      const before = structuredClone(original);
      assert.deepEqual(strategicMergePatch(definition, original, patch), expected);
      assert.deepEqual(original, before, 'the original was changed');
    });

  const wrong: readonly (readonly [name: string, patch: object, message: RegExp])[] = [
    ['an element without its key', containers({ image: '1' }), /does not contain declared merge key: name/],
    ['an unknown directive', containers({ name: 'a', $patch: 'twist' }), /Unknown patch type found: twist/],
    ['retained keys that lack a set one', { spec: { $retainKeys: ['hostname'], nodeName: 'n' } }, /retainKeys/],
    ['a directive that is no list', { metadata: { '$deleteFromPrimitiveList/finalizers': 'a' } }, /must be a list/],
  ];
  for (const [name, patch, message] of wrong)
    it(`refuses ${name}`, () =>
      assert.throws(
        () => strategicMergePatch(POD, { metadata: {}, ...containers({ name: 'a' }) }, patch),
        failsWith(400, message),
      ));
});
