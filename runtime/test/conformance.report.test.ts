import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { page, report } from './conformance/report.ts';
import { awaited, judged } from './conformance/titles.ts';

test('docs/conformance.md tells what is covered', () => {
  const why = 'make it anew: node --import tsx runtime/test/conformance/report.ts';
  assert.equal(readFileSync(page, 'utf8'), report(), why);
});

test('every name of the suite stands once', () => {
  const all = [...judged, ...Object.values(awaited).flat()];
  assert.equal(new Set(all).size, all.length);
});
