import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readPlainYaml, writePlainYaml } from './plainYaml.ts';

const values = {
  token: 'a: "quoted" # no comment ü \u2028 \\',
  'node-label': ['a=b', 'c=d'],
  port: 6443,
  debug: true,
  mirrors: { 'docker.io': { endpoint: ['https://m.example'] } },
};

test('what is written is read, and is YAML', () => {
  const text = `# head\n\n${writePlainYaml({ ...values, nothing: undefined })}`;
  assert.deepEqual(parse(text), values);
  const read = readPlainYaml(text);
  assert.deepEqual(Object.fromEntries([...(read ?? [])].map(([name, { value }]) => [name, value])), values);
  assert.equal(read?.get('token')?.line, 3);
});

test('what is more is left to others', () => {
  for (const text of [
    'a: b\n',
    'a:\n  - b\n',
    'a: 1\na: 2\n',
    '- a\n',
    'a: 0640\n',
    ' a: 1\n',
    'a: "x\n',
    'a: 1 # one\n',
  ])
    assert.equal(readPlainYaml(text), undefined, text);
  assert.equal(readPlainYaml('')?.size, 0);
});
