import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldPath, has } from '../../api/apply/fieldSet.ts';
import { viewOfDefinition } from '../../api/apply/view.ts';
import type { KubeObject } from '../../api/object.ts';
import { clientApplied, hasLastApplied, LAST_APPLIED, lastAppliedText, withLastApplied } from './lastApplied.ts';

const view = viewOfDefinition('io.k8s.api.core.v1.ConfigMap');
const config = (data: object, annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...(annotations ? { annotations } : {}) },
  data,
});

test('the annotation holds the configuration without itself, sorted, as a line', () => {
  const text = lastAppliedText(config({ b: '1', a: '2' }, { [LAST_APPLIED]: 'old', x: 'y' }));
  assert.equal(
    text,
    '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"annotations":{"x":"y"},"name":"a"}}\n',
  );
});

test('it is kept where it fits', () => {
  const small = withLastApplied(config({}), 'text');
  assert.equal(small.metadata.annotations?.[LAST_APPLIED], 'text');
  assert.ok(hasLastApplied(small));
  const large = withLastApplied(config({}, { x: 'y' }), 'x'.repeat(256 * 1024));
  assert.deepEqual(large.metadata.annotations, { x: 'y' });
});

test('what was applied and has not changed since may be taken over', () => {
  const applied = lastAppliedText(config({ a: '1', b: '1', c: '1' }));
  const live = config({ a: '1', b: '2' }, { [LAST_APPLIED]: applied });
  const allowed = clientApplied(view, live);
  assert.ok(allowed);
  assert.ok(has(allowed, fieldPath('data', 'a')));
  assert.ok(!has(allowed, fieldPath('data', 'b')), 'changed since');
  assert.ok(!has(allowed, fieldPath('data', 'c')), 'gone since');
});

for (const text of ['', '{', '[]', '{"apiVersion":"v2"}', '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":1}}'])
  test(`nothing may be taken over after ${JSON.stringify(text)}`, () => {
    assert.equal(clientApplied(view, config({ a: '1' }, { [LAST_APPLIED]: text })), undefined);
  });
