import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { loaderChoice, openLoader } from './index.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-loader-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const rows: readonly (readonly [text: string | undefined, name: string, tries: number])[] = [
  [undefined, 'systemd-boot', 3],
  ['', 'systemd-boot', 3],
  ['systemd-boot\n', 'systemd-boot', 3],
  ['systemd-boot 5\n', 'systemd-boot', 5],
  ['u-boot 2\n', 'u-boot', 2],
  ['u-boot 0\n', 'u-boot', 3],
  ['u-boot many\n', 'u-boot', 3],
];
for (const [text, name, tries] of rows) {
  it(`an image that says ${JSON.stringify(text)} has ${name}, ${tries} tries`, async () => {
    const file = join(folder, text === undefined ? 'none' : 'loader');
    if (text !== undefined) await writeFile(file, text);
    assert.deepEqual(await loaderChoice(file), { name, tries });
    assert.equal((await openLoader(folder, file)).name, name);
  });
}
it('an image that names another one was built wrongly', async () => {
  const file = join(folder, 'loader');
  await writeFile(file, 'grub 3\n');
  await assert.rejects(openLoader(folder, file), /names the loader "grub"/);
});
