import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions } from './versionOrder.ts';

/** Oldest first. From UAPI.10's examples and systemd's documentation of its order. */
const ascending: readonly (readonly string[])[] = [
  [
    '122.1',
    '123~rc1-1',
    '123',
    '123-a',
    '123-a.1',
    '123-1',
    '123-1.1',
    '123^post1',
    '123.a-1',
    '123.1-1',
    '123a-1',
    '124-1',
  ],
  ['0.1.0~rc1', '0.1.0', '0.1.0-1', '0.1.1', '0.2.0', '0.10.0', '1.0.0', '1.0.0a', '10.0.0'],
  ['', '1'],
  ['~', ''],
  // Only one of them counts at an end, as the loader has it.
  ['~', '~~', ''],
  ['1~~a', '1~a', '1', '1a'],
  ['a', 'ab', 'b', '0', '1'],
  ['1.0-2', '1.0-10'],
  ['atoll_0.1.0-a.efi', 'atoll_0.1.0-b.efi', 'atoll_0.1.1-a.efi'],
  ['7', '8', '9', '10', '99', '100'],
];
const equal: readonly (readonly [string, string])[] = [
  ['', ''],
  ['123', '123'],
  ['1_2_3', '1_2_3'],
  ['123_a', '123a'],
  ['00123', '123'],
  ['1.001', '1.1'],
  ['_', ''],
  ['1+', '1'],
];

for (const versions of ascending) {
  test(`${versions.join(' < ')}`, () => {
    for (const [i, a] of versions.entries())
      for (const [j, b] of versions.entries())
        assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `"${a}" against "${b}"`);
  });
}
for (const [a, b] of equal) {
  test(`"${a}" is "${b}"`, () => assert.equal(compareVersions(a, b), 0));
}
