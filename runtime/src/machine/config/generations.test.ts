import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { forgetRefusal, linked, linkedFolder, storeTree, type TreeFile } from './generations.ts';
import { Cut, CutDisk } from './testingCutDisk.ts';

const tree = (word: string): TreeFile[] =>
  ['sources/esp/user-data', 'etc/systemd/10.network', 'boot'].map(path => ({
    path,
    content: Buffer.from(`${word} in ${path}`),
    mode: 0o600,
  }));
const asRecord = (files: readonly TreeFile[]): Record<string, string> =>
  Object.fromEntries(files.map(({ path, content }) => [path, content.toString()]).sort());

/** A small seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function inForce(disk: CutDisk): Record<string, string> | undefined {
  const number = linked('/base', 'generation', disk.calls);
  if (number === undefined) return undefined;
  const files = disk.files(`/base/generations/${number}`);
  return Object.fromEntries(Object.entries(files ?? {}).sort());
}

/** A disk on which `words` have been stored, one after the other. */
function diskWith(...words: string[]): CutDisk {
  const disk = new CutDisk();
  for (const word of words) storeTree('/base', 'generation', tree(word), disk.calls);
  return disk;
}

describe('generations', () => {
  it('keep the newest in force and three to look at', () => {
    const disk = diskWith('a', 'b', 'c', 'd', 'e');
    assert.deepEqual(inForce(disk), asRecord(tree('e')));
    assert.deepEqual(
      Object.keys(disk.files('/base/generations') ?? {})
        .map(path => path.split('/')[0])
        .sort()
        .filter((n, i, all) => all.indexOf(n) === i),
      ['3', '4', '5'],
    );
  });

  for (const before of [[], ['a'], ['a', 'b', 'c', 'd']]) {
    it(`are the old or the new after a power cut between any two system calls (${before.length} stored before)`, () => {
      const probe = diskWith(...before);
      const old = inForce(probe);
      const usedBefore = probe.used;
      storeTree('/base', 'generation', tree('new'), probe.calls);
      const steps = probe.used - usedBefore;
      assert.ok(steps > 30, `${steps} system calls`);
      let news = 0;
      for (let cut = 0; cut <= steps; cut++) {
        for (let seed = 0; seed < 3; seed++) {
          const disk = diskWith(...before);
          disk.left = cut;
          let finished = false;
          try {
            storeTree('/base', 'generation', tree('new'), disk.calls);
            finished = true;
          } catch (error) {
            assert.ok(error instanceof Cut, String(error));
          }
          const after = disk.afterCut(seeded(cut * 100 + seed));
          const found = inForce(after);
          const isNew = JSON.stringify(found) === JSON.stringify(asRecord(tree('new')));
          news += isNew ? 1 : 0;
          assert.ok(
            isNew || JSON.stringify(found) === JSON.stringify(old),
            `cut ${cut}, seed ${seed}: ${JSON.stringify(found)}`,
          );
          assert.ok(isNew || !finished, 'what was acknowledged is there');
          // And the next one can be stored, whatever the cut left lying about.
          storeTree('/base', 'generation', tree('next'), after.calls);
          assert.deepEqual(inForce(after), asRecord(tree('next')));
        }
      }
      assert.ok(news > 0);
    });
  }

  it('are the old or the new after a failing system call, and no descriptor leaks', () => {
    const base = fs.mkdtempSync(join(tmpdir(), 'generations-'));
    try {
      storeTree(base, 'generation', tree('old'));
      const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;
      const open = descriptors();
      for (let failing = 0; ; failing++) {
        let left = failing;
        const calls = new Proxy(fs, {
          get: (target, name: keyof typeof fs) => {
            const call = target[name] as (...args: unknown[]) => unknown;
            // closeSync that fails has closed.
            if (name === 'closeSync') return call;
            return (...args: unknown[]) => {
              if (left-- <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
              return call(...args);
            };
          },
        });
        let failed = false;
        try {
          storeTree(base, 'generation', tree('new'), calls);
        } catch {
          failed = true;
        }
        const folder = linkedFolder(base, 'generation') ?? '';
        const word = fs.readFileSync(join(folder, 'boot'), 'utf8').split(' ')[0] ?? '';
        for (const { path, content } of tree(word))
          assert.equal(fs.readFileSync(join(folder, path), 'utf8'), content.toString());
        if (!failed) break;
        assert.ok(failing < 500);
      }
      assert.equal(descriptors(), open);
    } finally {
      fs.rmSync(base, { recursive: true });
    }
  });

  it('are whole whenever the process that stores them is killed', async () => {
    const base = fs.mkdtempSync(join(tmpdir(), 'generations-'));
    const module = new URL('./generations.ts', import.meta.url).href;
    const program = `
      import { storeTree } from ${JSON.stringify(module)};
      for (let n = 1; ; n++) {
        const files = ['boot', 'etc/a/b', 'sources/esp/user-data'].map(path => ({ path, content: Buffer.from('x'.repeat(20000) + n), mode: 0o600 }));
        storeTree(${JSON.stringify(base)}, 'generation', files);
        if (n === 1) process.stdout.write('started\\n');
      }`;
    try {
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await new Promise(resolve => child.stdout.once('data', resolve));
        await new Promise(resolve => setTimeout(resolve, 5 + 17 * round));
        const gone = new Promise(resolve => child.once('close', resolve));
        child.kill('SIGKILL');
        await gone;
        const folder = linkedFolder(base, 'generation') ?? '';
        const contents = ['boot', 'etc/a/b', 'sources/esp/user-data'].map(path =>
          fs.readFileSync(join(folder, path), 'utf8'),
        );
        assert.match(contents[0] ?? '', /^x{20000}\d+$/);
        assert.deepEqual(new Set(contents).size, 1, 'of one configuration');
      }
    } finally {
      fs.rmSync(base, { recursive: true });
    }
  });

  it('are the superuser’s alone, but their etc/ is as it will be copied', () => {
    const base = fs.mkdtempSync(join(tmpdir(), 'generations-'));
    try {
      storeTree(base, 'generation', tree('a'));
      const mode = (path: string): number => fs.statSync(join(base, path)).mode & 0o777;
      assert.equal(mode('generations/1'), 0o700);
      assert.equal(mode('generations'), 0o700);
      assert.equal(mode('generations/1/etc/systemd'), 0o755);
      assert.equal(mode('generations/1/boot'), 0o600);
    } finally {
      fs.rmSync(base, { recursive: true });
    }
  });

  it('a refusal is kept, replaced and forgotten', () => {
    const disk = diskWith('good');
    storeTree('/base', 'refusal', tree('bad'), disk.calls);
    storeTree('/base', 'refusal', tree('worse'), disk.calls);
    assert.equal(linked('/base', 'refusal', disk.calls), 2);
    assert.deepEqual(inForce(disk), asRecord(tree('good')));
    forgetRefusal('/base', disk.calls);
    forgetRefusal('/base', disk.calls);
    assert.equal(linked('/base', 'refusal', disk.calls), undefined);
  });
});
