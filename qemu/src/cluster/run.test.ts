import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Progress } from '../../../builder/src/progress.ts';
import { createOverlay, type DiskOptions, exportRaw, flatten, virtualBytes } from '../disk.ts';
import { findEmulator } from '../emulator.ts';
import { type ProgressMessage, sentProgress, shownProgress } from './relayed.ts';
import { diskBytes, phaseOf } from './run.ts';
import { type Source, sourceOf } from './source.ts';

for (const [text, phase] of [
  ['BdsDxe: starting Boot0001 "UEFI Misc Device"', 'the firmware has found the disk'],
  ['[    4.1] atoll-initrd: slot a\r\n', 'the root is open'],
  [
    '  State     starting\r\n\r\n  State     not ready - control plane: starting the API\r\n',
    'not ready - control plane: starting the API',
  ],
  ['nothing of that kind', undefined],
] as const)
  it(`the console tells: ${phase}`, () => assert.equal(phaseOf(text), phase));

for (const [wanted, imageGiB, bytes] of [
  [undefined, 2, 8],
  [undefined, 12, 12],
  [4, 4, 4],
  [16, 2, 16],
] as const)
  it(`--disk ${wanted}, and an image of ${imageGiB} GiB: ${bytes} GiB`, () =>
    assert.equal(diskBytes(wanted, imageGiB * 1024 ** 3), bytes * 1024 ** 3));

it('--disk is never smaller than the image', () =>
  assert.throws(() => diskBytes(8, 8.5 * 1024 ** 3), /--disk is 8, and the image is of a disk with 8\.5 GiB/));

it('progress of the background is shown as it would have been in the foreground', () => {
  const written: string[] = [];
  const line = (title: string) => ({
    note: (text: string) => written.push(`${title}: ${text}`),
    done: () => written.push(`${title} done`),
    fail: () => written.push(`${title} failed`),
  });
  const progress: Progress = {
    start: (step, title) => line(`${step} ${title}`),
    cached: step => written.push(`${step} cached`),
    say: text => written.push(text),
    close: () => {},
  };
  const show = shownProgress(progress);
  // As it goes over the channel between the two.
  const far = sentProgress(message => show(JSON.parse(JSON.stringify(message)) as ProgressMessage));
  far.say('QEMU');
  const [boot, keep] = [far.start('boot', 'A'), far.start('snapshot', 'B')];
  boot.note('slot a');
  keep.fail();
  boot.done();
  far.cached('unpack', 'C');
  assert.deepEqual(written, ['QEMU', 'boot A: slot a', 'snapshot B failed', 'boot A done', 'unpack cached']);
});

describe('what a run starts from', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-source-'));
  });
  const opened: AsyncDisposable[] = [];
  after(async () => {
    for (const one of opened) await one[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const source = async (image: string): Promise<Source> => {
    const signal = new AbortController().signal;
    const one = await sourceOf(image, { out: folder, cache: folder, progress: {} as Progress, signal });
    opened.push(one);
    return one;
  };
  const built = async (image: string, board: string, content = 'disk'): Promise<void> => {
    await mkdir(join(folder, image));
    await writeFile(join(folder, image, `${image}.raw`), content);
    const manifest = {
      image,
      version: '1',
      architecture: 'arm64',
      board,
      boot: 'u-boot',
      roothash: content,
      sha256: {},
    };
    await writeFile(join(folder, image, 'manifest.json'), JSON.stringify(manifest));
  };

  it('is a file that is told from another by its content, or, when that is long, by its date', async () => {
    const [raw, qcow2] = [join(folder, 'a.raw'), join(folder, 'a.qcow2')];
    for (const file of [raw, qcow2]) await writeFile(file, 'disk');
    const [first, second] = [await source(raw), await source(qcow2)];
    assert.deepEqual([first.disk.format, second.disk.format, second.title], ['raw', 'qcow2', 'a.qcow2']);
    for (const file of [raw, qcow2]) await utimes(file, 1, 1);
    assert.notEqual((await source(raw)).identity, first.identity);
    assert.equal((await source(qcow2)).identity, second.identity);
  });

  it('is started by what its manifest says; a Raspberry Pi’s card is refused', async () => {
    await built('one', 'vm-arm64');
    const { architecture, firmware, title } = await source('one');
    assert.deepEqual([architecture, firmware, title], ['arm64', 'u-boot', 'one 1']);
    await built('card', 'rpi-arm64');
    await assert.rejects(source('card'), /card cannot be run in QEMU: it is for Raspberry Pi/);
  });

  it('is unpacked by the tools tree, which is made where there is none yet', async () => {
    await writeFile(join(folder, 'vm-x86_64.raw.zst'), 'packed');
    const { PATH } = process.env;
    const started: string[] = [];
    const line = { note: () => {}, done: () => {}, fail: () => {} };
    const progress = { start: (step: string) => started.push(step) && line } as unknown as Progress;
    // Nothing that could make one: mmdebstrap is not there.
    process.env.PATH = folder;
    try {
      const signal = new AbortController().signal;
      const options = { out: folder, cache: folder, progress, signal };
      await assert.rejects(sourceOf(join(folder, 'vm-x86_64.raw.zst'), options), { code: 'TOOLS_MISSING' });
    } finally {
      process.env.PATH = PATH;
    }
    assert.deepEqual(started, ['tools']);
  });

  it('stays what it was when a build puts another in its place: overlays, and what is made of them', async () => {
    const emulator = await findEmulator();
    const content = async (disk: DiskOptions): Promise<string> => {
      const [overlay, whole] = [join(folder, 'overlay'), join(folder, 'whole')];
      await createOverlay(emulator, overlay, disk);
      await flatten(emulator, overlay, whole);
      await exportRaw(emulator, whole, join(folder, 'content'));
      return (await readFile(join(folder, 'content'))).toString('latin1', 0, 4);
    };
    const mebibyte = 1024 ** 2;
    await built('swapped', 'vm-arm64', 'A'.repeat(mebibyte));
    const { disk, identity } = await source('swapped');
    await rename(join(folder, 'swapped'), join(folder, 'previous'));
    await rm(join(folder, 'previous'), { recursive: true });
    await built('swapped', 'vm-arm64', 'B'.repeat(mebibyte));
    assert.equal(await content(disk), 'AAAA');
    assert.equal(await virtualBytes(emulator, disk), mebibyte);
    const next = await source('swapped');
    assert.equal(await content(next.disk), 'BBBB');
    assert.notEqual(next.identity, identity);
  });

  it('may be a qcow2 over another file beside it', async () => {
    const emulator = await findEmulator();
    await mkdir(join(folder, 'chain'));
    await writeFile(join(folder, 'chain/base'), Buffer.alloc(1024 ** 2, 'C'));
    await createOverlay(emulator, join(folder, 'chain/over.qcow2'), { file: 'base', format: 'raw' });
    const { disk } = await source(join(folder, 'chain/over.qcow2'));
    assert.equal(await virtualBytes(emulator, disk), 1024 ** 2);
    await createOverlay(emulator, join(folder, 'chain/next'), disk);
  });

  it('must be there', async () => {
    await assert.rejects(source('vm-x86_64'), /vm-x86_64 is not built yet/);
    await assert.rejects(source(join(folder, 'b.zst')), /there is no .*b\.zst/);
  });
});
