import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nodeNameOf } from './nodeName.ts';

describe("the node's name", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-name-'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const name = (hostName: string, given?: string, machineId?: string): Promise<string> =>
    nodeNameOf({ directory, hostName, given, machineId });

  it('is the first host name, whatever the host is called later', async () => {
    assert.equal(await name('Gate-7.local'), 'gate-7.local');
    assert.equal(await name('dhcp-192-0-2-9'), 'gate-7.local');
    assert.equal(await name('not a name'), 'gate-7.local');
  });
  it('is the one that is given, and stays when it is given no more', async () => {
    assert.equal(await name('host', 'left'), 'left');
    assert.equal(await name('host'), 'left');
    assert.equal(await name('host', 'right'), 'right');
  });
  it('has the machine in it where that is wanted', async () => {
    assert.match(await name('host', undefined, 'abc'), /^host-[0-9a-f]{8}$/);
    const kept = await name('other', undefined, 'abc');
    assert.match(kept, /^host-/);
  });
  it('is made anew of a file that is damaged', async () => {
    await writeFile(join(directory, 'node-name'), '\0\0');
    assert.equal(await name('host'), 'host');
    assert.equal(await readFile(join(directory, 'node-name'), 'utf8'), 'host\n');
  });
  it('is refused when it is no DNS name', async () => {
    await assert.rejects(name('a_b'), /the node name "a_b" is not a DNS name/);
    await assert.rejects(name('host', 'a b'), /--node-name/);
  });
});
