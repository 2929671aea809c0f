import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { StoreFullError } from '../store.ts';
import { type SpaceLevel, spaceLevel, spaceText } from './space.ts';
import { withDirectory, withStore } from './testing.ts';

describe('how full', () => {
  const table: [usedBytes: number, refused: boolean, was: SpaceLevel, level: SpaceLevel][] = [
    [0, false, 'ok', 'ok'],
    [84, false, 'ok', 'ok'],
    [85, false, 'ok', 'low'],
    [84, false, 'low', 'low'],
    [80, false, 'low', 'low'],
    [79, false, 'low', 'ok'],
    [100, false, 'low', 'full'],
    [99, false, 'full', 'low'],
    [50, true, 'ok', 'full'],
    [50, false, 'full', 'ok'],
    [82, false, 'full', 'low'],
  ];
  for (const [usedBytes, refused, was, level] of table) {
    it(`${usedBytes} % used${refused ? ', refused' : ''}, after ${was}: ${level}`, () => {
      assert.equal(spaceLevel({ usedBytes, quotaBytes: 100, refused }, was), level);
    });
  }

  it('in words: what, and what to do', () => {
    const space = { usedBytes: 90 * 2 ** 20, quotaBytes: 100 * 2 ** 20, diskFull: false };
    assert.equal(spaceText('ok', space), '');
    assert.match(spaceText('low', space), /uses 90\.0 MiB of its quota of 100\.0 MiB: delete .*--store-quota/);
    assert.match(spaceText('full', space), /the store is full \(90.*only deletions/);
    assert.match(spaceText('full', { ...space, diskFull: true }), /the disk of the store is full/);
  });
});

describe('a small quota', () => {
  for (const mebibytes of [1, 3]) {
    it(`of ${mebibytes} MiB warns, refuses, deletes, gives space back and forgets the alarm`, () => {
      const told: SpaceLevel[] = [];
      return withStore(
        {
          quotaBytes: mebibytes * 2 ** 20,
          compaction: { keepMs: 0, keepRevisions: 0, minBatch: 10 },
          onSpace: level => told.push(level),
        },
        async store => {
          const value = Buffer.alloc(8_000, 'x');
          const made: string[] = [];
          for (let index = 0; ; index++) {
            const key = `/k/${index}`;
            const refusal = await store.commit({ key, value, expect: 0 }).catch(error => error);
            if (refusal instanceof Error) {
              assert.ok(refusal instanceof StoreFullError, String(refusal));
              break;
            }
            made.push(key);
          }
          assert.deepEqual(told, ['low', 'full']);
          assert.equal(await store.count('/k/'), made.length, 'what was acknowledged is there');
          const { fileBytes } = store.stats();
          for (const key of made) assert.ok((await store.commit({ key, value: null })).ok);
          for (const end = Date.now() + 20_000; store.stats().space !== 'ok'; ) {
            assert.ok(Date.now() < end, JSON.stringify(store.stats()));
            await new Promise(resolve => setTimeout(resolve, 5));
          }
          assert.deepEqual([told.at(-1), told[0]], ['ok', 'low']);
          if (fileBytes > 8 * 2 ** 20) assert.ok(store.stats().fileBytes < fileBytes);
          for (const key of made) assert.ok((await store.commit({ key, value, expect: 0 })).ok, 'as much fits again');
        },
      );
    });
  }
});

describe('a full file system', () => {
  // A file system of its own in a mount namespace of its own; where that is not allowed there is nothing to try it on.
  it(
    'refuses with a clear word, loses nothing, deletes, and goes on by itself when there is space',
    { timeout: 120_000 },
    () =>
      withDirectory(async directory => {
        const child = fileURLToPath(new URL('./space.child.ts', import.meta.url));
        const script = 'mount -t tmpfs -o size=40m none "$1" && exec "$2" --import tsx "$3" "$1"';
        const { stdout } = await promisify(execFile)('unshare', [
          ...['--mount', '--map-root-user', 'sh', '-c', script, 'sh', directory, process.execPath, child],
        ]);
        const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
        assert.match(said.refusal, /no space left on the disk of the store .*deletes of objects still work/);
        assert.equal(said.alarm, 'full');
        assert.deepEqual(said.lost, []);
        assert.ok(said.acknowledged > 50, JSON.stringify(said));
        assert.ok(said.deleted > 10);
        assert.equal(said.alarmAfter, 'ok');
        assert.equal(said.createdAfter, true);
        assert.deepEqual(said.lostAfterReopen, []);
        assert.equal(join(directory, 'x').startsWith(directory), true);
      }),
  );
});
