/** A data partition that is full to the last block must not keep the control plane from starting: it is what says so, and takes deletions. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FullStart } from './serverFullChild.ts';

const child = fileURLToPath(new URL('./serverFullChild.ts', import.meta.url));

it('a server starts on a full disk, reads, refuses what is new, deletes, and goes on when there is room', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-full-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const words = ['--mount', '--net', process.execPath, '--import', 'tsx', child, directory];
  const { stdout } = await promisify(execFile)('unshare', words, { timeout: 180_000 });
  const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as FullStart;
  assert.equal(found.freeBytes, 0);
  assert.equal(found.kept, 'b');
  assert.match(found.made, /no space left on the disk of the store/);
  assert.match(found.deleted, /"other" deleted/);
  assert.match(found.madeWithRoom, /configmap\/new created/);
});
