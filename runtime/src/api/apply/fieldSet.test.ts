/** The algebra of sets of fields, against sets of paths as plain texts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalElement, compareElements, elementText, goJson } from './elements.ts';
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  fieldPath,
  has,
  intersection,
  isEmptySet,
  leaves,
  matching,
  pathsOf,
  pathText,
  recursiveDifference,
  SELF,
  setOf,
  union,
} from './fieldSet.ts';
import { parseFieldsV1 } from './fieldsV1.ts';

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const ALPHABET = [
  'f:a',
  'f:b',
  'f:spec',
  'k:{"name":"a"}',
  'k:{"name":"b","port":80}',
  'k:{"port":9}',
  'v:"x"',
  'v:2',
  'i:10',
  'i:9',
];

function randomPaths(next: () => number, count: number): string[][] {
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + Math.floor(next() * 4) }, () => ALPHABET[Math.floor(next() * ALPHABET.length)] ?? 'f:a'),
  );
}

const textOf = (path: readonly string[]): string => path.join('\n');
const textsOf = (set: FieldSet): Set<string> => new Set(pathsOf(set).map(textOf));

/** What {@link FieldSet} promises. */
function checkForm(set: FieldSet, root = true): void {
  const keys = Object.keys(set);
  const sorted = [...keys].sort(compareElements);
  assert.deepEqual(keys, sorted, 'in order');
  if (!root) assert.notDeepEqual(keys, [SELF], 'a leaf is empty');
  else assert.ok(!keys.includes(SELF));
  for (const key of keys) if (key !== SELF) checkForm(set[key] ?? emptySet, false);
}

describe('sets of fields', () => {
  test('operations are those of sets of paths', () => {
    const next = random(7);
    for (let round = 0; round < 400; round++) {
      const a = randomPaths(next, Math.floor(next() * 12));
      const b = randomPaths(next, Math.floor(next() * 12));
      const [left, right] = [setOf(...a), setOf(...b)];
      const [inLeft, inRight] = [new Set(a.map(textOf)), new Set(b.map(textOf))];
      const frozen = JSON.stringify([left, right]);
      const below = (path: string): boolean => [...inRight].some(p => path === p || path.startsWith(`${p}\n`));
      assert.equal(union(left, setOf(...a)), left, 'nothing is added: the same set');
      assert.equal(union(left, intersection(left, right)), left, 'nothing is added: the same set');
      const cases: readonly (readonly [string, FieldSet, Set<string>])[] = [
        ['made', left, inLeft],
        ['union', union(left, right), new Set([...inLeft, ...inRight])],
        ['intersection', intersection(left, right), new Set([...inLeft].filter(p => inRight.has(p)))],
        ['difference', difference(left, right), new Set([...inLeft].filter(p => !inRight.has(p)))],
        ['recursive difference', recursiveDifference(left, right), new Set([...inLeft].filter(p => !below(p)))],
        [
          'leaves',
          leaves(left),
          new Set([...inLeft].filter(p => ![...inLeft].some(other => other.startsWith(`${p}\n`)))),
        ],
      ];
      for (const [name, set, expected] of cases) {
        checkForm(set);
        assert.deepEqual(textsOf(set), expected, name);
        assert.ok(equalSets(parseFieldsV1(JSON.parse(JSON.stringify(set))), set), name);
        for (const path of [...a, ...b]) assert.equal(has(set, path), expected.has(textOf(path)), name);
      }
      assert.equal(JSON.stringify([left, right]), frozen, 'operands stay as they are');
      assert.equal(equalSets(left, right), isEmptySet(difference(left, right)) && isEmptySet(difference(right, left)));
    }
  });

  test('what is not different is the same value', () => {
    const set = setOf(fieldPath('a', 'b'), fieldPath('a'), fieldPath('c'));
    assert.equal(difference(set, setOf(fieldPath('d'))), set);
    assert.equal(difference(set, emptySet), set);
    assert.equal(union(set, emptySet), set);
    assert.equal(recursiveDifference(set, setOf(fieldPath('c', 'd'))), set);
  });

  test('patterns keep what they name, and all below their ends', () => {
    const containers = ['f:spec', 'f:containers', 'k:{"name":"a"}'];
    const set = setOf([...containers, 'f:resources', 'f:limits'], [...containers, 'f:image'], ['f:status']);
    const pattern = { 'f:spec': { 'f:containers': { '*': { 'f:resources': {} } } } };
    assert.deepEqual(pathsOf(matching(set, pattern)), [[...containers, 'f:resources', 'f:limits']]);
  });
});

describe('path elements', () => {
  test("have upstream's order", () => {
    const expected = [
      '.',
      'f:a',
      'f:aa',
      'f:b',
      'k:{"a":1}',
      'k:{"a":9}',
      'k:{"a":10}',
      'k:{"a":"9"}',
      'k:{"a":"b"}',
      'k:{"a":"b","c":1}',
      'k:{"b":1}',
      'v:2',
      'v:10',
      'v:"1"',
      'v:"a"',
      'v:false',
      'v:true',
      'i:2',
      'i:10',
    ];
    assert.deepEqual([...expected].reverse().sort(compareElements), expected);
  });

  const spellings: readonly (readonly [sent: string, canonical: string | undefined])[] = [
    ['f:a', 'f:a'],
    ['f:', 'f:'],
    ['k:{"port":80,"name":"a"}', 'k:{"name":"a","port":80}'],
    ['k:{ "name" : "a" }', 'k:{"name":"a"}'],
    ['v:"<a>"', 'v:"\\u003ca\\u003e"'],
    ['v: 1', 'v:1'],
    ['i:007', 'i:7'],
    ['x:anything', undefined],
  ];
  for (const [sent, canonical] of spellings)
    test(`${sent} is ${canonical ?? 'not known'}`, () => assert.equal(canonicalElement(sent), canonical));
  for (const wrong of ['', 'f', 'spec', 'k:', 'k:[]', 'k:{', 'v:', 'v:{', 'i:', 'i:a', 'i:1.5'])
    test(`${JSON.stringify(wrong)} is none`, () => assert.throws(() => canonicalElement(wrong)));

  test('are shown to people', () => {
    assert.equal(elementText('v:"a"'), '[="a"]');
    assert.equal(elementText('i:3'), '[3]');
    assert.equal(
      pathText(['f:spec', 'k:{"containerPort":80,"protocol":"TCP"}']),
      '.spec[containerPort=80,protocol="TCP"]',
    );
    assert.equal(goJson('a&b<c>'), '"a\\u0026b\\u003cc\\u003e"');
  });
});

describe('FieldsV1 as it is sent', () => {
  const texts: readonly (readonly [name: string, sent: unknown, kept: string])[] = [
    ['nothing', {}, '{}'],
    ['null', null, '{}'],
    ['out of order', { 'f:b': {}, 'f:a': {} }, '{"f:a":{},"f:b":{}}'],
    ['a leaf that says itself', { 'f:a': { '.': {} } }, '{"f:a":{}}'],
    ['kinds of elements to come', { 'f:a': { 'z:1': {} }, 'z:2': {} }, '{"f:a":{}}'],
    ['two spellings of one', { 'v: 1': { 'f:a': {} }, 'v:1': {} }, '{"v:1":{".":{},"f:a":{}}}'],
  ];
  for (const [name, sent, kept] of texts) test(name, () => assert.equal(JSON.stringify(parseFieldsV1(sent)), kept));
  for (const wrong of [[], 'x', 1, { 'f:a': 1 }, { 'f:a': [] }, { nonsense: {} }, { 'k:{': {} }])
    test(`refuses ${JSON.stringify(wrong)}`, () => assert.throws(() => parseFieldsV1(wrong)));
  test('refuses what is too deep', () => {
    let deep: object = {};
    for (let at = 0; at < 300; at++) deep = { 'f:a': deep };
    assert.throws(() => parseFieldsV1(deep), /levels deep/);
  });
});
