/** The images of the root, imported into the real containerd. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CriClient } from '../src/node/cri/client.ts';
import { ensureBuiltinImages } from '../src/node/images/builtin.ts';
import { ImportError } from '../src/node/images/transfer.ts';
import { type Containerd, startContainerd } from './containerd.ts';
import { imageArchive } from './imageArchive.ts';

const names = ['docker.io/atoll/one:1', 'docker.io/atoll/two:1'];

describe('the images of the root', { timeout: 120_000 }, () => {
  let containerd: Containerd;
  let cri: CriClient;
  let folder: string;

  before(async () => {
    containerd = await startContainerd();
    cri = new CriClient(containerd.socket);
    folder = join(containerd.dir, 'root-images');
    await mkdir(folder);
  });
  after(async () => {
    cri?.close();
    await containerd?.stop();
  });

  /** Several windows of the stream long, with another content for each word. */
  const writeImages = async (word: string): Promise<void> => {
    const content = Buffer.concat(
      Array.from({ length: 4000 }, (_, i) => createHash('sha512').update(`${word}${i}`).digest()),
    );
    const archive = imageArchive(
      names.map(name => ({
        name,
        files: [
          { path: 'blob', content },
          { path: 'name', content: name },
        ],
        command: ['/x'],
      })),
    );
    await writeFile(join(folder, 'images.tar'), archive);
    const digest = createHash('sha256').update(archive).digest('hex');
    await writeFile(join(folder, 'images.list'), `# ${digest}\n${names.join('\n')}\n`);
  };
  const ensure = (): Promise<readonly string[]> =>
    ensureBuiltinImages({
      cri,
      folder,
      stamp: join(containerd.dir, 'stamp'),
      signal: AbortSignal.timeout(30_000),
    });
  const images = (): Promise<unknown[]> => Promise.all(names.map(async name => (await cri.imageStatus(name))?.id));

  it('are none on a machine without them', async () => {
    assert.deepEqual(await ensure(), []);
  });

  it('are imported, unpacked and pinned', async () => {
    await writeImages('first');
    assert.deepEqual(await ensure(), names);
    for (const name of names) assert.equal((await cri.imageStatus(name))?.pinned, true, name);
    assert.match(await containerd.ctr('snapshots', 'ls'), /Committed/);
    assert.match(await containerd.ctr('images', 'check'), /one:1 .*complete .* true/);
  });

  it('are left alone when they are there', async () => {
    assert.deepEqual(await ensure(), []);
  });

  it('are imported again when one is gone', async () => {
    await cri.removeImage(names[0] ?? '');
    assert.deepEqual(await ensure(), names);
    assert.deepEqual(await ensure(), []);
  });

  it('are imported from nothing when an import was interrupted', async () => {
    const before = await images();
    await rm(join(containerd.dir, 'stamp'));
    assert.deepEqual(await ensure(), names);
    assert.deepEqual(await images(), before);
  });

  it('are moved to those of another version', async () => {
    const before = await images();
    await writeImages('second');
    assert.deepEqual(await ensure(), names);
    for (const [at, id] of (await images()).entries()) assert.notEqual(id, before[at]);
  });

  it('are not half there when the archive is cut short, and its error names it', async () => {
    await writeImages('third');
    const path = join(folder, 'images.tar');
    await truncate(path, (await readFile(path)).length / 2);
    await assert.rejects(ensure(), (error: Error) => error instanceof ImportError && error.message.includes(path));
    assert.deepEqual(await images(), [undefined, undefined]);
    await writeImages('third');
    assert.deepEqual(await ensure(), names);
  });

  it('cannot be imported without containerd, and nothing hangs', async () => {
    const nobody = new CriClient(join(containerd.dir, 'no.sock'));
    const options = { cri: nobody, folder, stamp: join(containerd.dir, 'stamp'), signal: AbortSignal.timeout(30_000) };
    await assert.rejects(ensureBuiltinImages(options), /no\.sock|ENOENT|connect/i);
    nobody.close();
  });
});
