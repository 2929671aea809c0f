/** The request, and what `/usr/lib/atoll/reset` makes of it, also when the power is cut anywhere in it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requestReset, withdrawReset } from './reset.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../../rootfs/overlay/usr/lib/atoll/reset', import.meta.url));

const files = [
  'lib/atoll/machine-id',
  'lib/atoll/agent/node.key',
  'lib/atoll/agent/node.crt',
  'lib/atoll/agent/node-name',
  'lib/atoll/agent/pods/uid/volume',
  'lib/atoll/server/node-token',
  'lib/atoll/server/tls/server-ca.key',
  'lib/atoll/server/db/state.db',
  'lib/atoll/server/cred/encryption-config.json',
  'lib/atoll/config/current',
  'lib/containerd/a/b/c',
  'log/pods/x.log',
  '.hidden',
  'lost+found/x',
];
const identity = [
  'lib/atoll/agent/node-name',
  'lib/atoll/agent/node.crt',
  'lib/atoll/agent/node.key',
  'lib/atoll/machine-id',
  'lib/atoll/server/node-token',
  'lib/atoll/server/tls/server-ca.key',
];

describe('a reset', { timeout: 60_000 }, () => {
  let root: string;
  let outside: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-reset-'));
    outside = await mkdtemp(join(tmpdir(), 'atoll-reset-outside-'));
    await writeFile(join(outside, 'precious'), '');
    for (const file of files) {
      await mkdir(join(root, 'var', file, '..'), { recursive: true });
      await writeFile(join(root, 'var', file), file);
    }
    await symlink(outside, join(root, 'var', 'run'));
    await symlink(outside, join(root, 'var', 'lib', 'link'));
  });
  afterEach(async () => {
    for (const folder of [root, outside]) await rm(folder, { recursive: true });
  });

  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    ATOLL_VAR: join(root, 'var'),
    ATOLL_CMDLINE: join(root, 'cmdline'),
  });
  const boot = async (cmdline = 'quiet'): Promise<void> => {
    await writeFile(join(root, 'cmdline'), `${cmdline}\n`);
    await run('sh', [script], { env: environment() });
  };
  const left = async (): Promise<string[]> => {
    const entries = await readdir(join(root, 'var'), { recursive: true, withFileTypes: true });
    return entries
      .filter(entry => !entry.isDirectory())
      .map(entry => join(entry.parentPath, entry.name).slice(join(root, 'var').length + 1))
      .filter(path => !path.startsWith('lost+found'))
      .sort();
  };
  const dataDir = (): string => join(root, 'var', 'lib', 'atoll');

  it('is not done without being asked for, or when it is withdrawn', async () => {
    const before = await left();
    await boot();
    await requestReset(dataDir(), 'all');
    assert.equal(await withdrawReset(dataDir()), true);
    assert.equal(await withdrawReset(dataDir()), false);
    await boot('atoll.reset=0 xatoll.reset=1 atoll.resets=1');
    assert.deepEqual(await left(), before);
  });

  it('leaves nothing, and touches nothing outside', async () => {
    await requestReset(dataDir(), 'all');
    await boot();
    assert.deepEqual(await left(), []);
    assert.deepEqual(await readdir(outside), ['precious']);
  });

  it('keeps keys and names where that is asked for', async () => {
    await requestReset(dataDir(), 'keep-identity');
    await boot();
    assert.deepEqual(await left(), identity);
    assert.equal(await readFile(join(root, 'var', 'lib/atoll/machine-id'), 'utf8'), 'lib/atoll/machine-id');
  });

  it('can be asked for on the kernel command line', async () => {
    await boot('quiet atoll.reset=keep-identity');
    assert.deepEqual(await left(), identity);
    await boot('quiet atoll.reset=1');
    assert.deepEqual(await left(), []);
  });

  it('does not reach into another disk that is mounted below', async () => {
    const data = join(root, 'var', 'lib', 'data');
    await mkdir(data);
    await requestReset(dataDir(), 'all');
    await writeFile(join(root, 'cmdline'), '');
    // In a mount namespace of its own.
    const words = ['--mount', 'sh', '-c', 'mount --bind "$0" "$1" && exec sh "$2"', outside, data, script];
    await run('unshare', words, { env: environment() });
    assert.deepEqual(await readdir(outside), ['precious']);
    assert.deepEqual(await left(), []);
  });

  it('that is cut anywhere is begun again, and ends the same', async () => {
    for (const afterMs of [1, 3, 6, 10, 15, 20, 30]) {
      for (const file of files) {
        await mkdir(join(root, 'var', file, '..'), { recursive: true });
        await writeFile(join(root, 'var', file), file);
      }
      await requestReset(dataDir(), 'keep-identity');
      const child = spawn('sh', [script], { env: environment(), stdio: 'ignore' });
      const ended = once(child, 'exit');
      await setTimeout(afterMs);
      child.kill('SIGKILL');
      await ended;
      for (const file of identity) await readFile(join(root, 'var', file));
      await boot();
      assert.deepEqual(await left(), identity, `cut after ${afterMs} ms`);
    }
  });
});
