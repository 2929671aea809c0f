/** The boot partition, made by the step itself: whatever file system it works on, each file lies in its place, and the bytes are the same. */
import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { BootMethodName } from '../src/boot/method.ts';
import { fileRef } from '../src/files.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { RootTree } from '../src/root/tree.ts';
import { treeTar } from '../src/root/write-tar.ts';
import { buildEsp } from '../src/steps/esp.ts';

const ukiBytes = 1024 ** 2;
const epoch = 1_700_000_000;
/** Named in no order. What is in each says which it is. */
const board = ['start.elf', 'atoll-0/u-boot.bin', 'config.txt', 'user-data', 'atoll-0/bcm2837.dtb', 'bootcode.bin'];
const marked = (name: string): string => `<<${name}>>`;

/** The partition's bytes, with the step's folders below `place`. */
async function made(place: string, method: BootMethodName): Promise<Buffer> {
  const folder = await mkdtemp(join(place, 'atoll-esp-'));
  try {
    const [directory, scratch] = [join(folder, 'out'), join(folder, 'scratch')];
    const [uki, firmware] = [join(folder, 'uki.efi'), join(folder, 'boot.tar')];
    for (const path of [directory, scratch]) await mkdir(path);
    await writeFile(uki, marked('a.efi').padEnd(ukiBytes, '#'));
    const tree = new RootTree();
    for (const name of board) tree.file(name, marked(name), { origin: 'test' });
    await pipeline(treeTar(tree, epoch), createWriteStream(firmware));
    const loader = { name: 'none' } as never;
    const script = await fileRef(join(repositoryRoot, 'rootfs/u-boot/boot.cmd'));
    await buildEsp.run(
      {
        ...{ method, efi: 'aa64', loader, script, version: '1', epoch, tools: '', sizeBytes: 64 * 1024 ** 2 },
        ...{ uki: await fileRef(uki), firmware: await fileRef(firmware) },
      },
      {
        ...{ directory, scratch, cache: cacheDirectory(), signal: new AbortController().signal },
        ...{ note: () => undefined, warn: () => undefined },
      },
    );
    return await readFile(join(directory, 'esp.img'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("U-Boot's boards: each file in its place, the two environments with the kernel between them", async () => {
  const image = await made(tmpdir(), 'u-boot');
  const all = [...board].sort().map(name => image.indexOf(marked(name)));
  const first = image.indexOf('BOOT_ORDER=A\0');
  const second = image.indexOf('BOOT_ORDER=A\0', first + 1);
  const kernel = image.indexOf(marked('a.efi'));
  const places = [first, ...all, kernel, second];
  assert.ok(
    places.every((place, at) => place > (places[at - 1] ?? 0)),
    `not in order: ${places.join(' ')}`,
  );
  assert.ok(second - first > ukiBytes, `the environments are ${second - first} bytes apart`);
});

test('on another file system, which lists names in another order: the same bytes', async () => {
  const [one, other] = [await made(tmpdir(), 'u-boot'), await made('/dev/shm', 'u-boot')];
  assert.ok(one.equals(other), 'the images differ');
});
