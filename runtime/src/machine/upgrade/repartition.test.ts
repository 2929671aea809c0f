import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { orderDefinitions, presentLabels, readDefinitions, writeDefinitions } from './repartition.ts';

const labels = ['esp', 'root-a', 'verity-a', 'root-b', 'verity-b', 'var'];
const all = labels.map(label => ({ label, text: `[Partition]\nLabel=${label}\nType=linux-generic\n` }));

const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['all there', labels, labels],
  ['slot B missing', ['esp', 'root-a', 'verity-a', 'var'], ['esp', 'root-a', 'verity-a', 'var', 'root-b', 'verity-b']],
  ['slot A missing', ['esp', 'root-b', 'verity-b', 'var'], ['esp', 'root-b', 'verity-b', 'var', 'root-a', 'verity-a']],
  [
    'one tree missing',
    ['esp', 'root-a', 'verity-a', 'root-b', 'var'],
    ['esp', 'root-a', 'verity-a', 'root-b', 'var', 'verity-b'],
  ],
  ['others on the disk', ['swap', 'root-b', 'root-a'], ['root-b', 'root-a', 'esp', 'verity-a', 'verity-b', 'var']],
  ['an empty disk', [], labels],
];
for (const [what, present, expected] of rows)
  it(`orders definitions: ${what}`, () =>
    assert.deepEqual(
      orderDefinitions(all, present).map(({ label }) => label),
      expected,
    ));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-repart-'));
});
after(() => rm(folder, { recursive: true, force: true }));

it('reads what it wrote, in its order', async () => {
  const definitions = join(folder, 'repart.d');
  await writeDefinitions(definitions, all);
  await writeDefinitions(definitions, orderDefinitions(all, ['var', 'esp']));
  assert.deepEqual(
    (await readDefinitions(definitions)).map(({ label }) => label),
    ['var', 'esp', 'root-a', 'verity-a', 'root-b', 'verity-b'],
  );
});

it('finds partitions in the order of the disk', async () => {
  const block = join(folder, 'block');
  for (const [name, label, start] of [
    ['sda', undefined, 0],
    ['sda10', 'var', 9000],
    ['sda2', 'root-b', 300],
    ['sda1', 'esp', 40],
  ] as const) {
    await mkdir(join(block, name), { recursive: true });
    await writeFile(
      join(block, name, 'uevent'),
      label === undefined ? 'DEVNAME=sda\n' : `DEVNAME=${name}\nPARTNAME=${label}\n`,
    );
    if (label !== undefined) await writeFile(join(block, name, 'start'), `${start}\n`);
  }
  assert.deepEqual(await presentLabels(block), ['esp', 'root-b', 'var']);
});
