/** JSONPath as printer columns use it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJsonPath, setValueAt, valueAt } from './jsonPath.ts';

const object = {
  metadata: { name: 'n', annotations: { 'example.com/a': '1', plain: '2' } },
  spec: {
    a: 1,
    list: [
      { n: 'x', v: 1 },
      { n: 'y', v: 2 },
      { n: 'z', v: 3 },
    ],
    'a.b': 'dots',
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Synced', status: 'False', n: 3 },
    ],
  },
};

const rows: readonly (readonly [path: string, found: readonly unknown[]])[] = [
  ['.spec.a', [1]],
  ['.spec.none', []],
  ['.spec.a.b.c', []],
  ['spec.a', [1]],
  ['$.spec.a', [1]],
  ['.metadata.name', ['n']],
  ['.metadata.annotations.example\\.com/a', ['1']],
  [".metadata.annotations['example.com/a']", ['1']],
  ['.metadata.annotations["plain"]', ['2']],
  [".spec['a.b']", ['dots']],
  ['.spec.list[0].n', ['x']],
  ['.spec.list[-1].n', ['z']],
  ['.spec.list[9].n', []],
  ['.spec.list[*].n', ['x', 'y', 'z']],
  ['.spec.list[1:].n', ['y', 'z']],
  ['.spec.list[:2].n', ['x', 'y']],
  ['.spec.list[-2:].n', ['y', 'z']],
  ['.spec.list[0:3:2].n', ['x', 'z']],
  ['.spec.list[0,2].n', ['x', 'z']],
  ["['spec','status']..type", ['Ready', 'Synced']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type=='Ready')].status", ['True']],
  ['.status.conditions[?(@.type == "Synced")].status', ['False']],
  ['.status.conditions[?(@.type!="Ready")].status', ['False']],
  ['.status.conditions[?(@.n)].type', ['Synced']],
  ['.status.conditions[?(@.n>2)].type', ['Synced']],
  ['.status.conditions[?(@.n<=2)].type', []],
  ['.spec.list[?(@.v>=2)].n', ['y', 'z']],
  ['.spec.list[?(@.n=="]")].n', []],
  ['..v', [1, 2, 3]],
  ['.spec.*', [1, object.spec.list, 'dots']],
  ['.', [object]],
];

describe('JSONPath', () => {
  for (const [path, found] of rows) it(path, () => assert.deepEqual(parseJsonPath(path)(object), found));
  for (const path of ['.a[', '.a[x]', ".a['b]", '.a[?(b==1)]'])
    it(`refuses ${path}`, () => assert.throws(() => parseJsonPath(path), /./));

  it('reads and sets at plain paths', () => {
    assert.equal(valueAt(object, '.spec.a'), 1);
    assert.equal(valueAt(object, '.spec.none.x'), undefined);
    const fresh = {};
    setValueAt(fresh, '.spec.size.replicas', 3);
    assert.deepEqual(fresh, { spec: { size: { replicas: 3 } } });
    assert.throws(() => setValueAt({ spec: 1 }, '.spec.replicas', 3), /not an object/);
  });
});
