import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Progress } from './progress.ts';
import { ensureTools, removeUnused, toolsKey } from './tools-tree.ts';

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

const isRoot = process.geteuid?.() === 0;
test("a tree that is another user's is used all the same", {
  skip: !isRoot && 'only root can be another',
}, async () => {
  const cache = await mkdtemp(join(tmpdir(), 'atoll-tools-'));
  const folder = join(cache, 'tools');
  await mkdir(join(folder, toolsKey()), { recursive: true });
  await symlink(toolsKey(), join(folder, 'current'));
  for (const path of [cache, folder, join(folder, toolsKey())]) await chmod(path, 0o755);
  const nobody = 65_534;
  try {
    process.seteuid?.(nobody);
    const { made } = await ensureTools({ cache, progress: {} as Progress, signal: new AbortController().signal });
    assert.equal(made, false);
  } finally {
    process.seteuid?.(0);
    await rm(cache, { recursive: true, force: true });
  }
});
