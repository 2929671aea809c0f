import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Progress } from './progress.ts';
import { ensureTools, removeUnused, toolsKey, toolVersion } from './tools-tree.ts';

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

test('a package of the tree has the version that dpkg says; a tree that is not there is missed', async () => {
  const tree = await mkdtemp(join(tmpdir(), 'atoll-tools-'));
  try {
    await assert.rejects(toolVersion(tree, 'libnode115'), { code: 'TOOLS_MISSING' });
    await mkdir(join(tree, 'var/lib/dpkg'), { recursive: true });
    const stanza = (name: string, version: string): string =>
      `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nDescription: x\n .\n Version: of the text\n`;
    const status = [stanza('libnode115', '20.19.2-1'), stanza('nodejs', '20.19.2-2')].join('\n');
    await writeFile(join(tree, 'var/lib/dpkg/status'), status);
    const names = ['libnode115', 'nodejs', 'node'];
    const versions = await Promise.all(names.map(name => toolVersion(tree, name)));
    assert.deepEqual(versions, ['20.19.2-1', '20.19.2-2', undefined]);
  } finally {
    await rm(tree, { recursive: true, force: true });
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
