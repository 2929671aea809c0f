/** A small image to flash, and loop devices to flash it to. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blockMap } from '../src/block-map.ts';
import { bmapText } from '../src/formats/bmap.ts';
import { partitionsOf, tableBytes } from '../src/formats/partition-table.ts';
import { run } from '../src/process.ts';
import { tool } from '../src/tools.ts';

export const mebibyte: number = 1024 ** 2;

const espBytes = 40 * mebibyte;
const rootBytes = 80 * mebibyte;
/** Of the root's partition: the rest is free, and no card needs it. */
export const contentBytes: number = 48 * mebibyte;
export const imageBytes: number = espBytes + rootBytes + 2 * mebibyte;

export interface TestImage {
  readonly out: string;
  readonly name: string;
  readonly raw: string;
  readonly compressed: string;
  readonly bmap: string;
}

/** An artefact as the build publishes it: GPT with a FAT that holds a file, and a root whose content ends in zeros. */
export async function makeImage(out: string, name = 'small'): Promise<TestImage> {
  const directory = join(out, name);
  await mkdir(directory, { recursive: true });
  const raw = join(directory, `${name}.raw`);
  const fat = join(directory, 'fat');
  const binds = { binds: [directory], env: { MTOOLS_SKIP_CHECK: '1' } };
  await writeFile(fat, '');
  await truncate(fat, espBytes);
  await tool(['mkfs.vfat', '-F', '32', '-S', '512', '--invariant', '-n', 'ESP', fat], binds);
  await writeFile(join(directory, 'kernel'), randomBytes(3 * mebibyte));
  await tool(['mcopy', '-i', fat, join(directory, 'kernel'), '::'], binds);
  await writeFile(raw, '');
  await truncate(raw, imageBytes);
  const table = `label: gpt\nstart=1MiB, size=${espBytes / mebibyte}MiB, type=uefi, name=esp\nsize=${rootBytes / mebibyte}MiB, type=linux, name=root-a\n`;
  await tool(['sfdisk', '--quiet', raw], { ...binds, input: table });
  const disk = await open(raw, 'r+');
  await disk.write(await readFile(fat), 0, espBytes, mebibyte);
  // The middle is zeros, which are content all the same.
  await disk.write(randomBytes(contentBytes / 2), 0, contentBytes / 2, mebibyte + espBytes);
  await disk.write(randomBytes(mebibyte), 0, mebibyte, mebibyte + espBytes + contentBytes - mebibyte);
  await disk.close();
  await run(['rm', fat, join(directory, 'kernel')]);
  const bmap = `${raw}.bmap`;
  await writeFile(bmap, bmapText(await blockMap(raw, { 'root-a': contentBytes })));
  const compressed = `${raw}.zst`;
  await tool(['zstd', '--quiet', '-3', raw, '-o', compressed], binds);
  await publishSums(directory, [`${name}.raw.zst`, `${name}.raw.bmap`]);
  return { out, name, raw, compressed, bmap };
}

export async function publishSums(directory: string, names: readonly string[]): Promise<void> {
  const lines = await Promise.all(
    names.map(async name => {
      const bytes = await readFile(join(directory, name));
      return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
    }),
  );
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''));
}

export interface Loop extends AsyncDisposable {
  readonly path: string;
  readonly file: string;
}

/** A loop device over a new file that is full of something old: what is not written is seen. */
export async function attach(file: string, sizeBytes: number, options: readonly string[] = []): Promise<Loop> {
  const old = await open(file, 'w');
  const chunk = Buffer.alloc(mebibyte, 0xa5);
  for (let at = 0; at < sizeBytes; at += mebibyte) await old.write(chunk, 0, Math.min(mebibyte, sizeBytes - at), at);
  await old.close();
  const { stdout } = await run(['losetup', '--find', '--show', ...options, file]);
  const path = stdout.trim();
  return {
    path,
    file,
    [Symbol.asyncDispose]: async () => {
      await run(['losetup', '--detach', path]);
    },
  };
}

export async function bytesOf(path: string, offset: number, sizeBytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    return (await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, offset)).buffer;
  } finally {
    await file.close();
  }
}

/** Nothing on it says where partitions are: firmware, kernels and people see an empty disk. */
export async function assertNotBootable(path: string, sizeBytes: number): Promise<void> {
  assert.equal(partitionsOf(await bytesOf(path, 0, tableBytes)), undefined, `${path} has a partition table`);
  for (const offset of [0, sizeBytes - tableBytes])
    assert.ok((await bytesOf(path, offset, tableBytes)).equals(Buffer.alloc(tableBytes)), `${path} at ${offset}`);
}

/** The content of every block the map names is the image's. */
export async function assertFlashed(path: string, image: TestImage): Promise<void> {
  const map = await blockMap(image.raw, { 'root-a': contentBytes });
  for (const { first, last } of map.ranges) {
    const [offset, size] = [first * map.blockBytes, (last - first + 1) * map.blockBytes];
    const [is, shall] = [await bytesOf(path, offset, size), await bytesOf(image.raw, offset, size)];
    assert.ok(is.equals(shall), `${path} differs from the image within ${size} bytes at ${offset}`);
  }
}

/** A file on a card's FAT; undefined where there is none. */
export async function onFat(path: string, name: string): Promise<string | undefined> {
  const result = await tool(['mtype', '-i', `${path}@@1M`, `::${name}`], {
    ...(path.startsWith('/dev/') ? {} : { readOnly: [path] }),
    env: { MTOOLS_SKIP_CHECK: '1' },
    allowedExitCodes: [0, 1],
  });
  return result.exitCode === 0 ? result.stdout : undefined;
}
