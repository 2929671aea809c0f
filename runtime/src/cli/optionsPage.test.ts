import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { page, withTables } from './optionsPage.ts';

test('docs/options.md has the options there are (node --import tsx runtime/src/cli/optionsPage.ts)', () => {
  const text = readFileSync(page, 'utf8');
  assert.equal(text, withTables(text));
});
