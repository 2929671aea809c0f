/** Air-gap images: archives, lists and names, imported into the real containerd. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { CriClient } from '../src/node/cri/client.ts';
import { type PreloadOptions, preloadImages } from '../src/node/images/preload.ts';
import { type Containerd, startContainerd, testImages } from './containerd.ts';
import { imageArchive } from './imageArchive.ts';

/** A frame of raw blocks (RFC 8878): Node.js 20 has no zstd of its own. */
function zstdOf(content: Buffer): Buffer {
  const BLOCK = 128 * 1024;
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let at = 0; at < content.length; at += BLOCK) {
    const block = content.subarray(at, at + BLOCK);
    const header = Buffer.alloc(4);
    header.writeUInt32LE((block.length << 3) | (at + BLOCK >= content.length ? 1 : 0));
    parts.push(header.subarray(0, 3), block);
  }
  return Buffer.concat(parts);
}

describe('images that are there before pods want them', { timeout: 180_000 }, () => {
  let containerd: Containerd;
  let cri: CriClient;
  let folder: string;
  let problems: Readonly<Record<string, string>> = {};
  const running: AbortController[] = [];

  before(async () => {
    containerd = await startContainerd();
    cri = new CriClient(containerd.socket);
    folder = join(containerd.dir, 'preload');
    await mkdir(folder);
  });
  after(async () => {
    for (const stop of running) stop.abort();
    cri?.close();
    await containerd?.stop();
  });

  const archive = (name: string, word: string): Buffer =>
    imageArchive([{ name, files: [{ path: 'blob', content: word.repeat(50_000) }], command: ['/x'] }]);
  /** A start of the agent. */
  const start = async (more: Partial<PreloadOptions> = {}): Promise<AbortController> => {
    for (const stop of running.splice(0)) stop.abort();
    const stop = new AbortController();
    running.push(stop);
    problems = {};
    const preloaded = preloadImages({
      cri,
      folder,
      images: [],
      record: join(containerd.dir, 'record'),
      registries: {},
      logger: silentLogger,
      clock: systemClock,
      signal: stop.signal,
      onProblems: found => {
        problems = found;
      },
      ...more,
    });
    await preloaded.settled;
    assert.equal(preloaded.pending(), undefined);
    return stop;
  };
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = Date.now() + 60_000; !(await holds()); await setTimeout(50))
      assert.ok(Date.now() < deadline, `${what}; problems: ${JSON.stringify(problems)}`);
  };
  const isPinned = async (name: string): Promise<boolean> => (await cri.imageStatus(name))?.pinned === true;

  it('are imported from plain, gzip and zstd archives, and pinned', async () => {
    await writeFile(join(folder, 'plain.tar'), archive('docker.io/atoll/plain:1', 'a'));
    await writeFile(join(folder, 'small.tar.gz'), gzipSync(archive('docker.io/atoll/gzip:1', 'b')));
    await writeFile(join(folder, 'z.tar.zst'), zstdOf(archive('docker.io/atoll/zstd:1', 'c')));
    await start();
    assert.deepEqual(problems, {});
    for (const name of ['plain', 'gzip', 'zstd']) assert.ok(await isPinned(`docker.io/atoll/${name}:1`), name);
  });

  it('are left alone the next time, and imported again when one is gone', async () => {
    const before = await readFile(join(containerd.dir, 'record'), 'utf8');
    await start();
    assert.equal(await readFile(join(containerd.dir, 'record'), 'utf8'), before);
    await cri.removeImage('docker.io/atoll/gzip:1');
    await start();
    assert.ok(await isPinned('docker.io/atoll/gzip:1'));
  });

  it('one that is cut short is named with the reason, and the others are there', async () => {
    const whole = gzipSync(archive('docker.io/atoll/cut:1', 'd'), { level: 0 });
    for (const [name, content] of [
      ['cut.tar', archive('docker.io/atoll/cut:1', 'd')],
      ['cut.tar.gz', whole],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, content);
      await truncate(path, Math.floor(content.length / 2));
    }
    await writeFile(join(folder, 'nonsense.tar'), 'this is no archive'.repeat(1000));
    await writeFile(join(folder, 'zz-good.tar'), archive('docker.io/atoll/good:1', 'e'));
    await start();
    assert.ok(await isPinned('docker.io/atoll/good:1'));
    assert.equal(await cri.imageStatus('docker.io/atoll/cut:1'), undefined);
    assert.deepEqual(
      Object.keys(problems).sort(),
      ['cut.tar', 'cut.tar.gz', 'nonsense.tar'].map(n => join(folder, n)),
    );
    assert.match(problems[join(folder, 'cut.tar')] ?? '', /cut short or damaged, copy it again/);
    assert.match(problems[join(folder, 'cut.tar.gz')] ?? '', /cut short or damaged, copy it again/);
    assert.match(problems[join(folder, 'nonsense.tar')] ?? '', /no archive of images|cut short or damaged/);
  });

  it('one that is copied again, or added, is imported while the agent runs', async () => {
    await rm(join(folder, 'nonsense.tar'));
    await rm(join(folder, 'cut.tar.gz'));
    await writeFile(join(folder, 'cut.tar'), archive('docker.io/atoll/cut:1', 'd'));
    await until('the archive is imported', () => isPinned('docker.io/atoll/cut:1'));
    await until('nothing is wrong any more', async () => Object.keys(problems).length === 0);
  });

  it('one that comes while the others are being looked at is not overlooked', async () => {
    const [broken, later] = [join(folder, 'a-broken.tar'), join(folder, 'later.tar')];
    await writeFile(broken, 'this is no archive'.repeat(1000));
    let come = false;
    await start({
      onProblems: found => {
        problems = found;
        if (!come) writeFileSync(later, archive('docker.io/atoll/later:1', 'l'));
        come = true;
      },
    });
    await until('it is imported', () => isPinned('docker.io/atoll/later:1'));
    await rm(broken);
    await until('nothing is wrong any more', async () => Object.keys(problems).length === 0);
  });

  it('one that has changed is imported anew', async () => {
    const before = (await cri.imageStatus('docker.io/atoll/plain:1'))?.id;
    await writeFile(join(folder, 'plain.tar'), archive('docker.io/atoll/plain:1', 'other'));
    await utimes(join(folder, 'plain.tar'), 1e9, 1e9);
    await until('the image is another', async () => (await cri.imageStatus('docker.io/atoll/plain:1'))?.id !== before);
  });

  it('names are pinned where they are there, and tried where they are not; the node does not wait', async () => {
    await writeFile(join(folder, 'list.txt'), `# a list\n${testImages.busybox}\n`);
    const missing = '127.0.0.1:1/nobody/here:1';
    await start({ images: [missing, join(containerd.dir, 'none.tar')] });
    await until('the name is pinned', () => isPinned(testImages.busybox));
    await until('what is missing is said', async () => /cannot be pulled yet/.test(problems[missing] ?? ''));
    assert.match(problems[join(containerd.dir, 'none.tar')] ?? '', /no such file/);
  });

  it('containerd that comes up later is waited for', async () => {
    const late = new CriClient(join(containerd.dir, 'late.sock'));
    const stop = new AbortController();
    const preloaded = preloadImages({
      cri: late,
      folder,
      images: [],
      record: join(containerd.dir, 'record-late'),
      registries: {},
      logger: silentLogger,
      clock: systemClock,
      signal: stop.signal,
    });
    for (
      const deadline = Date.now() + 10_000;
      !/containerd is not up/.test(preloaded.pending() ?? '');
      await setTimeout(20)
    )
      assert.ok(Date.now() < deadline);
    stop.abort();
    await preloaded.settled;
    late.close();
  });
});
