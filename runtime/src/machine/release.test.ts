import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseOsRelease, release } from './release.ts';

test('os-release in every quoting', () => {
  assert.deepEqual(parseOsRelease('# c\nID=atoll\nNAME="A \\"B\\""\nX=\'y z\'\n\nbad line\nE=\n'), {
    ID: 'atoll',
    NAME: 'A "B"',
    X: 'y z',
    E: '',
  });
});

test("an image's own release, another system's, and none", t => {
  const dir = mkdtempSync(join(tmpdir(), 'atoll-release-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'os-release');
  writeFileSync(file, 'ID=atoll\nIMAGE_VERSION=1.2.3\nVARIANT_ID=vm-x86_64\n');
  assert.deepEqual([release(file).version, release(file).image], ['1.2.3', 'vm-x86_64']);
  writeFileSync(file, 'ID=debian\nVERSION_ID="12"\n');
  assert.equal(release(file).image, 'none');
  assert.equal(release(join(dir, 'absent')).image, 'none');
});
