/** Documents that are right, however they are written; the wrong ones are in wrong.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDocument } from './document.ts';
import { pathText, plainValue, printable, quoted } from './tree.ts';

const from = { source: 'esp', location: 'test', document: 'network-config' } as const;

function contentOf(text: string | Buffer): unknown {
  const { tree, problems } = readDocument(Buffer.from(text), from);
  assert.deepEqual(problems, []);
  return tree && plainValue(tree);
}

describe('a document', () => {
  const rows: readonly (readonly [text: string, value: unknown])[] = [
    ['a: 1', { a: 1 }],
    ['a: 1\r\nb: |\r\n  x\r\n  y\r\n', { a: 1, b: 'x\ny\n' }],
    ['\ufeffa: 1', { a: 1 }],
    ['---\na: 1\n...\n', { a: 1 }],
    ['%YAML 1.1\n---\na: yes\n', { a: 'yes' }],
    ['{"a": [1, 2.5, true, null, "x"]}', { a: [1, 2.5, true, null, 'x'] }],
    ['a: 0o17\nb: 0x1F\nc: 017\nd: +1\ne: -0\nf: 1e3', { a: 15, b: 31, c: 17, d: 1, e: -0, f: 1000 }],
    ['a: yes\nb: no\nc: on\nd: 1:30\ne: 1_000', { a: 'yes', b: 'no', c: 'on', d: '1:30', e: '1_000' }],
    ['a: ~\nb:\nc: null\nd: ""', { a: null, b: null, c: null, d: '' }],
    ['a: .inf\nb: -.Inf', { a: Number.POSITIVE_INFINITY, b: Number.NEGATIVE_INFINITY }],
    ['a: !!str 12\nb: !!int "12"\nc: ! 12', { a: '12', b: 12, c: '12' }],
    ['a: &x [1]\nb: *x', { a: [1], b: [1] }],
    ['a: &x 1\nb: &x 2\nc: *x', { a: 1, b: 2, c: 2 }],
    ['&k a: 1\nb: *k', { a: 1, b: 'a' }],
    ['a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}', { a: { p: 1, q: 2 }, b: { q: 3, p: 1 } }],
    ['a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}', { a: { p: 1 }, b: { p: 2, q: 2 }, c: { p: 1, q: 2 } }],
    ['"<<": 1', { '<<': 1 }],
    ['12: a\ntrue: b', { 12: 'a', true: 'b' }],
    [
      '__proto__: {a: 1}\nconstructor: 2',
      Object.fromEntries([
        ['__proto__', { a: 1 }],
        ['constructor', 2],
      ]),
    ],
    ['a: >-\n  x\n  y\n\n  z', { a: 'x y\nz' }],
    ['a: "\\u00e4\\n"', { a: 'ä\n' }],
    ["a: 'it''s'", { a: "it's" }],
    ['a: x\n  y', { a: 'x y' }],
    ['', undefined],
    ['# nothing\n', undefined],
    ['---\n', null],
  ];
  for (const [text, value] of rows) it(JSON.stringify(text), () => assert.deepEqual(contentOf(text), value));

  it('counts columns in characters', () => {
    const { problems } = readDocument(Buffer.from('ä: "😀" x\n'), from);
    assert.deepEqual([problems[0]?.place?.line, problems[0]?.place?.column], [1, 8]);
  });

  it('takes a MiB of text in one value', () => {
    const text = `a: |\n${'  0123456789\n'.repeat(80_000)}`;
    assert.equal((contentOf(text) as { a: string }).a.length, 880_000);
  });
});

describe('what people see', () => {
  it('names a place in a document', () => {
    assert.equal(pathText(['users', 0, 'ssh-keys', 'a.b', 'c"d']), 'users[0].ssh-keys["a.b"]["c\\"d"]');
  });
  it('quotes a text, short and harmless', () => {
    assert.equal(quoted('a\u001b[2J\u202e'), '"a\\u001b[2J\\u202e"');
    assert.equal(quoted('x'.repeat(100)).length, 60);
    assert.equal(printable('x'.repeat(1000)).length, 800);
  });
});
