import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeUnused } from './tools-tree.ts';

test('a tree that another checkout uses stays; one that nobody has used for two weeks goes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-tools-'));
  try {
    const [own, others, old] = ['a', 'b', 'c'].map(letter => letter.repeat(16));
    const long = new Date(Date.now() - 15 * 24 * 3600_000);
    for (const name of [own, others, old, 'tmp-1-x']) {
      await mkdir(join(folder, name ?? ''));
      if (name !== others) await utimes(join(folder, name ?? ''), long, long);
    }
    await removeUnused(folder, own ?? '');
    assert.deepEqual((await readdir(folder)).sort(), [own, others, 'tmp-1-x']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
