/** Upstream's own cases for strategic merge patch, read from the package of its sources: what it merges, we merge alike. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { debianGoSource } from '../../../test/debianSource.ts';
import { type PatchField, strategicMergePatch } from './strategic.ts';

interface Case {
  readonly description: string;
  readonly original?: unknown;
  readonly current?: unknown;
  readonly modified?: unknown;
  readonly twoWay?: unknown;
  readonly threeWay?: unknown;
  readonly result?: unknown;
  readonly twoWayResult?: unknown;
  readonly expectedError?: string;
}

/** `MergeItem` and `RetainKeysMergeItem` of the upstream test. */
const common: Readonly<Record<string, PatchField>> = {
  name: { type: 'string' },
  value: { type: 'string' },
  other: { type: 'string' },
  mergingList: { type: '[]MergeItem', patchStrategy: 'merge', patchMergeKey: 'name' },
  nonMergingList: { type: '[]MergeItem' },
  mergingIntList: { type: '[]int64', patchStrategy: 'merge' },
  simpleMap: { type: '{}string' },
};
const types: Readonly<Record<string, Readonly<Record<string, PatchField>>>> = {
  MergeItem: {
    ...common,
    nonMergingIntList: { type: '[]int64' },
    mergeItemPtr: { type: 'MergeItem', patchStrategy: 'merge', patchMergeKey: 'name' },
    replacingItem: { type: 'RawExtension', patchStrategy: 'replace' },
    retainKeysMap: { type: 'RetainKeysMergeItem', patchStrategy: 'retainKeys' },
    retainKeysMergingList: { type: '[]MergeItem', patchStrategy: 'merge,retainKeys', patchMergeKey: 'name' },
  },
  RetainKeysMergeItem: common,
};
const lookup = (type: string, name: string): PatchField | undefined => types[type]?.[name];

/** Cases written as one YAML text. */
function yamlCases(source: string, name: string): Case[] {
  const text = new RegExp(`var ${name} = \\[\\]byte\\(\`([^\`]*)\`\\)`).exec(source)?.[1] ?? '';
  return (parse(text) as { testCases: Case[] }).testCases;
}

/** Cases written as Go values with YAML texts in them. */
function rawCases(source: string, name: string): Case[] {
  const start = source.indexOf(`var ${name} = `);
  const block = source.slice(start, source.indexOf('\n}\n', start));
  return block
    .split(/Description:\s*/)
    .slice(1)
    .map(part => {
      const texts = [...part.matchAll(/(\w+):\s*\[\]byte\(`([^`]*)`\)/g)].map(([, field = '', text = '']) => [
        field[0]?.toLowerCase() + field.slice(1),
        parse(text, { version: '1.1' }) ?? {},
      ]);
      const error = /ExpectedError:\s*"([^"]*)"/.exec(part)?.[1];
      const description = /^"((?:[^"\\]|\\.)*)"/.exec(part)?.[1] ?? '';
      return {
        description,
        ...(Object.fromEntries(texts) as Omit<Case, 'description'>),
        ...(error === undefined ? {} : { expectedError: error }),
      };
    });
}

/** Lists in any order, since those cases are about content; the others are about order too. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(unordered).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.sort().map(([key, inner]) => [key, unordered(inner)]));
}

const same = (value: unknown): unknown => value;

function check(cases: readonly Case[], compared: (value: unknown) => unknown): void {
  const faults: string[] = [];
  const apply = (one: Case, what: string, original: unknown, patch: unknown, expected: unknown): void => {
    try {
      const merged = strategicMergePatch('MergeItem', (original ?? {}) as object, (patch ?? {}) as object, lookup);
      if (one.expectedError !== undefined) {
        faults.push(`${one.description}, ${what}: no error ${one.expectedError}, but ${JSON.stringify(merged)}`);
      } else assert.deepEqual(compared(merged), compared(expected ?? {}));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (one.expectedError !== undefined && said.includes(one.expectedError)) return;
      faults.push(`${one.description}, ${what}: ${said}`);
    }
  };
  for (const one of cases) {
    const { original, current, twoWay, threeWay, modified, twoWayResult, result } = one;
    if (twoWay !== undefined) apply(one, 'two-way', original, twoWay, twoWayResult ?? modified);
    if (threeWay !== undefined && result !== undefined) apply(one, 'three-way', current, threeWay, result);
  }
  assert.deepEqual(faults, []);
}

describe('strategic merge patch, the cases of upstream', () => {
  let source = '';
  before(async () => {
    const root = await debianGoSource('golang-k8s-apimachinery-dev');
    source = readFileSync(join(root, 'k8s.io/apimachinery/pkg/util/strategicpatch/patch_test.go'), 'utf8');
  });

  it('of application alone', () => {
    const cases = yamlCases(source, 'customStrategicMergePatchTestCaseData');
    assert.ok(cases.length >= 15, `${cases.length} cases`);
    check(cases, unordered);
  });

  it('of application alone, with order', () => {
    const cases = rawCases(source, 'customStrategicMergePatchRawTestCases');
    assert.ok(cases.length >= 8, `${cases.length} cases`);
    check(cases, same);
  });

  it('of application and creation', () => {
    const cases = yamlCases(source, 'createStrategicMergePatchTestCaseData');
    assert.ok(cases.length >= 15, `${cases.length} cases`);
    check(cases, unordered);
  });

  it('of application and creation, with order', () => {
    const cases = rawCases(source, 'strategicMergePatchRawTestCases');
    assert.ok(cases.length >= 90, `${cases.length} cases`);
    check(cases, same);
  });

  it('of values that are replaced whole', () => {
    check(rawCases(source, 'replaceRawExtensionPatchTestCases'), same);
  });
});
