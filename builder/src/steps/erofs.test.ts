import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readElf } from '../formats/elf.ts';
import { moduleProblems } from './erofs.ts';

test('a native module must fit the machine and find its libraries', async () => {
  const content = await readFile(process.execPath);
  const facts = readElf(content);
  assert.ok(facts);
  const fits = { libraries: facts.needed, architecture: { elfMachine: facts.machine, elfWrongFlags: 0 } };
  assert.deepEqual(moduleProblems('usr/lib/x.node', content, fits), []);
  assert.deepEqual(moduleProblems('usr/lib/x.js', Buffer.from('text'), { ...fits, libraries: [] }), []);
  const [first = '', ...rest] = facts.needed;
  assert.deepEqual(moduleProblems('usr/lib/x.node', content, { ...fits, libraries: rest }), [
    `/usr/lib/x.node needs ${first}, which is not in the root`,
  ]);
  assert.deepEqual(
    moduleProblems('usr/lib/x.node', content, { ...fits, architecture: { elfMachine: 1, elfWrongFlags: 0 } }),
    [`/usr/lib/x.node is for machine ${facts.machine}, the image is for 1`],
  );
});
