import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  createFileDurably,
  makeDirectory,
  readFileIfExists,
  removeFileDurably,
  writeFileAtomic,
  writeFileIfChanged,
} from './files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'atoll-files-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe('writeFileAtomic', () => {
  for (const mode of [0o600, 0o644, 0o666]) {
    it(`gives mode ${mode.toString(8)} whatever the umask`, async () => {
      const path = join(directory, 'a');
      await writeFileAtomic(path, 'one', { mode });
      assert.equal(await readFile(path, 'utf8'), 'one');
      assert.equal(await modeOf(path), mode);
      assert.deepEqual(await readdir(directory), ['a']);
    });
  }

  it('replaces content and mode, and a symbolic link instead of its target', async () => {
    const target = join(directory, 'target');
    const path = join(directory, 'link');
    await writeFile(target, 'old');
    await symlink(target, path);
    await writeFileAtomic(path, Buffer.from('new'), { mode: 0o600 });
    assert.equal(await readFile(path, 'utf8'), 'new');
    assert.equal(await readFile(target, 'utf8'), 'old');
  });

  it('leaves no temporary file when it fails', async () => {
    const path = join(directory, 'a-directory');
    await mkdir(path);
    await assert.rejects(writeFileAtomic(path, 'x'), { code: 'EISDIR' });
    assert.deepEqual(await readdir(directory), ['a-directory']);
    await assert.rejects(writeFileAtomic(join(directory, 'none', 'x'), 'x'), { code: 'ENOENT' });
  });

  it('keeps one whole content when many write at once', async () => {
    const path = join(directory, 'a');
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(contents.map(content => writeFileAtomic(path, content)));
    assert.ok(contents.includes(await readFile(path, 'utf8')));
    assert.deepEqual(await readdir(directory), ['a']);
  });
});

describe('the rest', () => {
  it('writes only what changed', async () => {
    const path = join(directory, 'a');
    assert.equal(await writeFileIfChanged(path, 'one'), true);
    const before = (await stat(path)).ino;
    assert.equal(await writeFileIfChanged(path, Buffer.from('one')), false);
    assert.equal((await stat(path)).ino, before);
    assert.equal(await writeFileIfChanged(path, 'two'), true);
  });

  it('creates once', async () => {
    const path = join(directory, 'a');
    const made = await Promise.all(['x', 'y', 'z'].map(data => createFileDurably(path, data, { mode: 0o600 })));
    assert.equal(made.filter(Boolean).length, 1);
    assert.equal(await modeOf(path), 0o600);
  });

  it('makes directories with parents and leaves existing ones', async () => {
    const path = join(directory, 'x', 'y', 'z');
    await makeDirectory(path, 0o700);
    assert.equal(await modeOf(path), 0o700);
    await makeDirectory(path, 0o755);
    assert.equal(await modeOf(path), 0o700);
  });

  it('tells absent from present', async () => {
    const path = join(directory, 'a');
    assert.equal(await readFileIfExists(path), undefined);
    assert.equal(await removeFileDurably(path), false);
    await writeFile(path, 'x');
    assert.equal((await readFileIfExists(path))?.toString(), 'x');
    assert.equal(await removeFileDurably(path), true);
    assert.deepEqual(await readdir(directory), []);
    await assert.rejects(readFileIfExists(directory), { code: 'EISDIR' });
  });
});
