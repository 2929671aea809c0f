import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { withoutUnwindTables } from './elf-unwind.ts';

test('a program stays as it is, and so does what is no ELF file', async () => {
  assert.equal(withoutUnwindTables(await readFile(process.execPath)), undefined);
  assert.equal(withoutUnwindTables(Buffer.from('#!/bin/sh\n')), undefined);
  assert.equal(withoutUnwindTables(Buffer.alloc(0)), undefined);
});
