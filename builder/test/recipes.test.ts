/** The recipes of docs/ci.md, as far as they run without their services: what they install from a checkout is an `atoll-builder` that starts. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';

/** What npm and the program need of a checkout. */
const parts = ['package.json', 'package-lock.json', 'builder', 'qemu', 'runtime', 'images'];

const signal = AbortSignal.timeout(10 * 60_000);

describe('a recipe', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-recipe-'));
    await mkdir(join(directory, 'atoll'));
    for (const part of parts)
      await cp(join(repositoryRoot, part), join(directory, 'atoll', part), {
        recursive: true,
        filter: path => !path.includes('/node_modules'),
      });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('installs what it then runs, in both in the same way', async () => {
    const text = await readFile(join(repositoryRoot, 'docs/ci.md'), 'utf8');
    const lines = text.match(/\bnpm \w+ .*--prefix atoll$/gm) ?? [];
    assert.equal(lines.length, 2, 'GitHub and GitLab');
    assert.equal(new Set(lines).size, 1);
    await run(['sh', '-ec', lines[0] ?? ''], { cwd: directory, signal, title: 'npm' });
    const program = join(directory, text.match(/atoll\/node_modules\/\.bin\/atoll-builder/)?.[0] ?? '');
    const { stdout } = await run([program, 'run', '--help'], { cwd: directory, signal });
    assert.match(stdout, /--snapshot/);
  });
});
