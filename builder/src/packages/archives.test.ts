import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pruneArchives } from './archives.ts';

test('an archive goes when nothing has used it for long, and no kept list of packages names it', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'atoll-archives-'));
  try {
    const folder = join(cache, 'archives');
    const list = join(cache, 'packages.json');
    const [unused, named, used] = ['a', 'b', 'c'].map(letter => letter.repeat(64));
    await mkdir(folder);
    await writeFile(list, JSON.stringify([{ name: 'named', sha256: named }]));
    const long = new Date(Date.now() - 91 * 24 * 3600_000);
    for (const deb of [unused, named, used]) {
      const file = join(folder, `${deb}.${'0'.repeat(64)}.tar`);
      await writeFile(file, '');
      if (deb !== used) await utimes(file, long, long);
    }
    await pruneArchives(cache, [list]);
    assert.deepEqual((await readdir(folder)).map(name => name.slice(0, 64)).sort(), [named, used]);
    await pruneArchives(cache, []);
    assert.deepEqual(
      (await readdir(folder)).map(name => name.slice(0, 64)),
      [used],
    );
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});
