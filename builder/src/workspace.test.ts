import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeTemporary, ownerName, sweepTemporary } from './workspace.ts';

describe('temporary folders', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'atoll-temporary-'));
  });
  afterEach(() => rm(parent, { recursive: true }));
  const ago = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

  /** A folder of that name, with a file in it, neither touched for so many hours. */
  async function folder(name: string, folderHours: number, fileHours = folderHours): Promise<string> {
    await mkdir(join(parent, name));
    await writeFile(join(parent, name, 'disk0.qcow2'), '');
    await utimes(join(parent, name, 'disk0.qcow2'), ago(fileHours), ago(fileHours));
    await utimes(join(parent, name), ago(folderHours), ago(folderHours));
    return name;
  }

  it('of a process that lives stay, however old; of one that is gone they go, however new', async () => {
    const mine = basename(await makeTemporary(parent));
    const living = await folder(`${await ownerName(process.ppid)}-abcdef`, 1000);
    // Its number has been given to another since.
    const dead = await folder(`${living.replace(/-\d+-/, '-1-')}`, 0);
    assert.deepEqual(await sweepTemporary(parent), [dead]);
    assert.deepEqual((await readdir(parent)).sort(), [living, mine].sort());
  });

  it('from another PID namespace or another boot stay, until nothing has been written in them for a day', async () => {
    const foreign = `${process.ppid}-1-00000000`;
    const kept = [await folder(`${foreign}-aaaaaa`, 1), await folder(`${foreign}-bbbbbb`, 1000, 1)];
    const old = await folder(`${foreign}-cccccc`, 25);
    assert.deepEqual(await sweepTemporary(parent), [old]);
    assert.deepEqual((await readdir(parent)).sort(), kept);
  });

  it('of earlier versions, whose names do not say where, go after a day, too', async () => {
    const kept = await folder('7-1-aaaaaa', 1);
    const named = await folder('9-config-cuts', 25);
    const old = [await folder('7-1-bbbbbb', 25), await folder('8-cccccc', 25)];
    assert.deepEqual((await sweepTemporary(parent)).sort(), old);
    assert.deepEqual(await readdir(parent), [kept, named]);
    assert.deepEqual(await sweepTemporary(parent, '', '\\w+'), [named]);
  });

  it('are those with the prefix, and nothing else', async () => {
    const others = [
      await folder('thesis', 1000),
      await folder('7-1-00000000-aaaaaa', 1000),
      await folder('.a-notes', 1000),
    ];
    const old = await folder('.a-7-1-00000000-aaaaaa', 1000);
    assert.deepEqual(await sweepTemporary(parent, '.a-'), [old]);
    assert.deepEqual((await readdir(parent)).sort(), others.sort());
  });
});
