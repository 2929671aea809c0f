import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { checkKubeconfigFile, removeKubeconfigFile, writeKubeconfigFile } from './kubeconfig-file.ts';
import { parseRun } from './options.ts';
import { run } from './run.ts';
import { startTicks } from './state.ts';

describe('the kubeconfig of a run', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-kubeconfig-'));
    file = join(folder, 'config');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is its owner’s alone, and gone at the end', async () => {
    await writeKubeconfigFile(file, 'kind: Config\n');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(await readFile(file, 'utf8'), /^# Written by atoll-builder run.*\nkind: Config\n$/);
    await removeKubeconfigFile(file);
    assert.deepEqual(await readdir(folder), []);
    await removeKubeconfigFile(file);
  });

  it('takes the place of one that a killed run has left, and of an empty file, whatever their mode', async () => {
    for (const left of ['', undefined]) {
      if (left === undefined) await writeKubeconfigFile(file, 'old');
      else await writeFile(file, left);
      await chmod(file, 0o644);
      await checkKubeconfigFile(file);
      await writeKubeconfigFile(file, 'new');
      assert.match(await readFile(file, 'utf8'), /\nnew$/);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
  });

  it('is not a person’s: neither a file, nor a link, nor a folder', async () => {
    await writeFile(file, 'apiVersion: v1\nkind: Config\n');
    await symlink(file, join(folder, 'link'));
    await mkdir(join(folder, 'folder'));
    for (const name of ['config', 'link', 'folder']) {
      await assert.rejects(checkKubeconfigFile(join(folder, name)), /is there already, and no run has written it/);
      await assert.rejects(writeKubeconfigFile(join(folder, name), 'ours'), /is there already/);
      await removeKubeconfigFile(join(folder, name));
    }
    assert.equal(await readFile(file, 'utf8'), 'apiVersion: v1\nkind: Config\n');
  });

  it('stays when somebody has made another of it', async () => {
    await writeKubeconfigFile(file, 'kind: Config\n');
    await writeFile(file, 'kind: Config\ncurrent-context: mine\n');
    await removeKubeconfigFile(file);
    assert.deepEqual(await readdir(folder), ['config']);
  });

  it('of another run is left alone while that lives', async () => {
    const ticks = await startTicks(process.ppid);
    const text = `# Written by atoll-builder run (process ${process.ppid}, ${ticks}), which removes it when it ends.\nkind: Config\n`;
    await writeFile(file, text);
    await assert.rejects(checkKubeconfigFile(file), new RegExp(`is of a run that lives \\(process ${process.ppid}\\)`));
    await assert.rejects(writeKubeconfigFile(file, 'ours'), /is of a run that lives/);
    await removeKubeconfigFile(file);
    assert.equal(await readFile(file, 'utf8'), text);
    await writeFile(file, text.replace(`, ${ticks}`, ', 1'));
    await writeKubeconfigFile(file, 'ours');
    assert.match(await readFile(file, 'utf8'), /\nours$/);
  });

  it('is looked at before anything else is: a run ends at once, and leaves what is there', async () => {
    await writeFile(file, 'mine');
    for (const [path, said] of [
      [file, /config is there already/],
      [join(folder, 'none', 'config'), /the folder \S+none does not exist/],
    ] as const) {
      const options = parseRun(['none-built', '--out', folder, '--kubeconfig', path], '');
      await assert.rejects(
        run(options, {
          progress: { start: () => assert.fail(), cached: () => {}, say: () => {}, close: () => {} },
          signal: new AbortController().signal,
          say: () => {},
        }),
        said,
      );
    }
    assert.equal(await readFile(file, 'utf8'), 'mine');
  });
});
