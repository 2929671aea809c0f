import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gnuHash, symbolNames, withoutExports } from './elf-exports.ts';

// Source: "GNU Hash ELF Sections" (Ali Bahrami), and glibc's own tables.
for (const [name, hash] of [
  ['', 0x1505],
  ['printf', 0x156b2bb8],
  ['exit', 0x7c967e3f],
  ['syscall', 0xbac212a0],
] as const)
  test(`the hash of "${name}"`, () => assert.equal(gnuHash(name), hash));

test('a program that Go did not make stays as it is; so does what is no program', async () => {
  assert.equal(withoutExports(await readFile(process.execPath), new Set()), undefined);
  assert.equal(withoutExports(Buffer.from('#!/bin/sh\n'), new Set()), undefined);
  assert.deepEqual(symbolNames(Buffer.from('text')), new Set());
});
