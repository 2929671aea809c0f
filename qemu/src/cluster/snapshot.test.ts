import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ownerName } from '../../../builder/src/workspace.ts';
import type { Hardware } from '../arguments.ts';
import {
  difference,
  type KeyOptions,
  readSnapshot,
  type Snapshot,
  snapshotFolder,
  snapshotKey,
  writeSnapshot,
} from './snapshot.ts';

const options: KeyOptions = {
  identity: 'sha256:0123456789abcdef0123',
  title: 'vm-x86_64 0.1.0',
  nodes: 2,
  memoryMiB: 1024,
  cpus: 2,
  diskBytes: 8 * 1024 ** 3,
  version: 'QEMU emulator version 10.0.2',
  accelerator: { name: 'tcg', cpu: 'qemu64', reason: '' },
  processor: 'Some CPU',
};
const key = snapshotKey(options);

describe('what a snapshot is of', () => {
  it('the same is the same', () => {
    assert.equal(difference(key, snapshotKey(options)), undefined);
    assert.equal(difference(key, snapshotKey({ ...options, processor: 'Another' })), undefined, 'TCG emulates its own');
  });

  for (const [what, changes, says] of [
    [
      'another image',
      { identity: 'sha256:ffffffffffffffffff' },
      /its image: vm-x86_64 0.1.0 \(sha256:0123456789ab\), now .*ffffffffffff/,
    ],
    ['more nodes', { nodes: 3 }, /its nodes: 2, now 3/],
    ['more memory', { memoryMiB: 2048 }, /its memory: 1024 MiB, now 2048 MiB/],
    ['another configuration', { userData: '#cloud-config\n' }, /its user-data: none, now the one with the checksum/],
    [
      'KVM',
      { accelerator: { name: 'kvm', cpu: 'host', reason: '' } },
      /its accelerator: TCG, qemu64, now KVM on Some CPU/,
    ],
  ] as const)
    it(`${what} is told`, () => assert.match(difference(key, snapshotKey({ ...options, ...changes })) ?? '', says));
});

describe('a snapshot on disk', () => {
  let home: string;
  let folder: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'atoll-snapshot-'));
  });
  beforeEach(async () => {
    folder = join(await mkdtemp(join(home, 'one-')), 'ci');
  });
  after(() => rm(home, { recursive: true }));
  const machine = { hardware: { name: 'a' } as Hardware, kubeconfig: 'kind: Config\n' };
  const write = (): Promise<void> =>
    writeSnapshot(folder, key, async directory => ({
      machines: [{ ...machine, directory: join(directory, 'server') }],
    }));

  it('is read as it was written, and replaced as a whole', async () => {
    assert.equal(await readSnapshot(folder, key), 'there is none yet');
    for (let round = 0; round < 2; round++) {
      await write();
      const found = await readSnapshot(folder, key);
      assert.ok(typeof found !== 'string');
      assert.deepEqual(found.cluster.machines, [{ ...machine, directory: join(folder, 'server') }]);
      assert.deepEqual(await readdir(join(folder, '..')), ['ci'], 'nothing else is left');
    }
  });

  it('of something else is not continued, and says why', async () => {
    await write();
    assert.match(String(await readSnapshot(folder, { ...key, nodes: '3' })), /its nodes: 2, now 3/);
  });

  it('that is damaged is made anew', async () => {
    for (const text of ['{"format":1,"ke', 'null', '{"format":1}', '']) {
      await write();
      await writeFile(join(folder, 'snapshot.json'), text);
      assert.equal(await readSnapshot(folder, key), 'it is damaged');
      await write();
      assert.notEqual(typeof (await readSnapshot(folder, key)), 'string');
    }
    assert.deepEqual(await readdir(join(folder, '..')), ['ci']);
  });

  it('of two runs at once is the first one’s, which may be continued already; of something else it is replaced', async () => {
    const of = (name: string, wanted = key): Promise<void> =>
      writeSnapshot(folder, wanted, async directory => {
        await writeFile(join(directory, 'memory'), name);
        return { machines: [] };
      });
    await Promise.all(['a', 'b', 'c'].map(name => of(name)));
    const first = await readFile(join(folder, 'memory'), 'utf8');
    await of('d');
    assert.equal(await readFile(join(folder, 'memory'), 'utf8'), first);
    await of('e', { ...key, nodes: '3' });
    assert.equal(await readFile(join(folder, 'memory'), 'utf8'), 'e');
    assert.deepEqual(await readdir(join(folder, '..')), ['ci']);
  });

  it('that could not be continued is replaced, but not the one that another run has made of it meanwhile', async () => {
    const of = (name: string, broken?: Snapshot): Promise<void> =>
      writeSnapshot(
        folder,
        key,
        async directory => {
          await writeFile(join(directory, 'memory'), name);
          return { machines: [] };
        },
        broken,
      );
    await of('damaged');
    const broken = await readSnapshot(folder, key);
    assert.ok(typeof broken !== 'string');
    // What was saved within the same millisecond would be the same.
    while (Date.now() <= broken.savedAt.getTime()) await new Promise(setImmediate);
    for (const name of ['a', 'b']) await of(name, broken);
    assert.equal(await readFile(join(folder, 'memory'), 'utf8'), 'a');
    assert.deepEqual(await readdir(join(folder, '..')), ['ci']);
  });

  it('sweeps what a killed run has left of one, and nothing of a living one', async () => {
    const living = `ci.new-${await ownerName(process.ppid)}-abcdef`;
    const dead = living.replace(/-\d+-(\w+)-abcdef$/, '-1-$1-abcdef');
    for (const name of [dead, living]) await mkdir(join(folder, '..', name));
    await write();
    assert.deepEqual((await readdir(join(folder, '..'))).sort(), ['ci', living]);
  });

  it('that could not be made leaves the one there was', async () => {
    await write();
    await assert.rejects(
      writeSnapshot(folder, key, () => Promise.reject(new Error('full'))),
      /full/,
    );
    assert.notEqual(typeof (await readSnapshot(folder, key)), 'string');
    assert.deepEqual(await readdir(join(folder, '..')), ['ci']);
  });

  it('is never made in a folder of somebody’s own', async () => {
    await writeSnapshot(folder, key, async () => ({ machines: [] }));
    await rm(join(folder, 'snapshot.json'));
    await writeFile(join(folder, 'thesis.tex'), '');
    await assert.rejects(readSnapshot(folder, key), /holds something that is no snapshot/);
  });

  it('has a name in the cache, or a path', () => {
    assert.equal(snapshotFolder('ci', '/cache'), '/cache/snapshots/ci');
    assert.equal(snapshotFolder('/a/b', '/cache'), '/a/b');
  });
});
