/** What mkfs.erofs makes of a tar with our options is what is in the tar: every byte, read back by fsck.erofs. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RootTree } from '../src/root/tree.ts';
import { treeTar } from '../src/root/write-tar.ts';
import { erofsOptions, zstdLevels } from '../src/steps/erofs-layout.ts';
import { tool } from '../src/tools.ts';
import { makeWorkshop } from './workshop.ts';

let workshop = '';
before(async () => {
  workshop = await makeWorkshop();
});
after(() => rm(workshop, { recursive: true, force: true }));

const words = (count: number): string => Array.from({ length: count }, (_, index) => `word ${index * 7919}`).join(' ');
/** Files of the sizes and endings that packing treats differently, in the order of their names. */
const files: Readonly<Record<string, Buffer>> = {
  'a-small': Buffer.from('first of all\n'),
  'b-ends-in-zeros': Buffer.concat([Buffer.from(words(200)), Buffer.alloc(500)]),
  'c-all-zeros': Buffer.alloc(60),
  'd-small': Buffer.from('a small file after one that ends in zeros\n'),
  'e-the-same': Buffer.from(words(200)),
  'f-its-end': Buffer.from(words(200).slice(-300)),
  'g-large': Buffer.from(words(200_000)),
};

test('every file is read back as it was, whatever came before it', async () => {
  const tree = new RootTree();
  for (const [path, content] of Object.entries(files)) tree.file(path, content, { origin: 'test' });
  const chunks: Buffer[] = [];
  for await (const chunk of treeTar(tree, 0)) chunks.push(chunk);
  const [tar, image, out] = ['root.tar', 'root.erofs', 'out'].map(name => join(workshop, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(tar, Buffer.concat(chunks));
  await mkdir(out);
  const mounts = { binds: [workshop] };
  await tool(['mkfs.erofs', ...erofsOptions(zstdLevels.development), '--quiet', '--tar=f', image, tar], mounts);
  await tool(['fsck.erofs', `--extract=${out}`, '--overwrite', image], mounts);
  for (const [path, content] of Object.entries(files))
    assert.ok(content.equals(await readFile(join(out, path))), `${path} is not what it was`);
});
