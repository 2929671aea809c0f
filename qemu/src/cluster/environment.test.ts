import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { treeCommand } from '../../../builder/src/tools.ts';
import { commandEnvironment } from './environment.ts';

describe('what a command of --run finds', () => {
  let home: string;
  let folder: string;
  beforeEach(async () => {
    // With a quote, which the wrapper's shell must not take for its own.
    home = await mkdtemp(join(tmpdir(), "atoll-'env-"));
    folder = join(home, 'run');
    await mkdir(folder);
  });
  afterEach(() => rm(home, { recursive: true }));

  async function program(path: string, script: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }
  const said = (env: NodeJS.ProcessEnv): string =>
    execFileSync('kubectl', ['get', 'a b'], { env, encoding: 'utf8', timeout: 10_000 });

  it('is the kubectl of its PATH', async () => {
    await program(join(home, 'host/kubectl'), 'echo host');
    const { env, hasKubectl } = await commandEnvironment(folder, 'config', { PATH: join(home, 'host') }, home);
    assert.deepEqual([hasKubectl, env.KUBECONFIG, said(env)], [true, 'config', 'host\n']);
    assert.deepEqual(await readdir(folder), []);
  });

  it('is the tools tree’s, where the PATH has none', async () => {
    const tree = join(home, 'tree');
    const [loader = '', , , kubectl = ''] = treeCommand(tree, '/usr/bin/kubectl');
    await program(loader, 'shift 3; echo "tree: $1 ($2)"');
    await program(kubectl, '');
    const { env, hasKubectl } = await commandEnvironment(folder, 'config', { PATH: join(home, 'none') }, tree);
    assert.deepEqual([hasKubectl, said(env)], [true, 'tree: get (a b)\n']);
  });

  it('is none where there is none: nothing in its PATH calls itself for ever', async () => {
    const { env, hasKubectl } = await commandEnvironment(folder, 'config', { PATH: join(home, 'none') }, home);
    assert.deepEqual([hasKubectl, env.PATH, env.KUBECONFIG], [false, join(home, 'none'), 'config']);
    assert.deepEqual(await readdir(folder), []);
  });
});
