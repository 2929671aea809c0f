import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CONFIG_BYTES, configText, nameIn, setOf } from './configText.ts';

for (const board of ['rpi-arm64', 'rpi-armv7']) {
  const template = () => readFile(new URL(`../../../../rootfs/firmware/${board}/config.txt`, import.meta.url), 'utf8');
  for (const set of [0, 1, 2]) {
    test(`${board}: config.txt of set ${set} is one sector that chooses it`, async () => {
      const text = configText(await template(), set);
      assert.equal(Buffer.byteLength(text), CONFIG_BYTES);
      assert.equal(setOf(text), set);
      assert.equal(text.includes('@'), false);
      // The firmware reads 98 characters of a line.
      for (const line of text.split('\n')) assert.ok(line.length <= 98, line);
      assert.equal(/^(start|fixup)4?_file/m.test(text), set !== 0, 'as flashed the loaders know the names');
    });
  }
  test(`${board}: a start file always comes with the fixup file of its set and board`, async () => {
    const lines = configText(await template(), 2).split('\n');
    const starts = lines.flatMap((line, at) => (line.startsWith('start_file=') ? [[line, lines[at + 1]]] : []));
    assert.ok(starts.length > 0);
    for (const [start = '', fixup = ''] of starts)
      assert.equal(fixup, start.replace('start_file=start', 'fixup_file=fixup').replace('.elf', '.dat'));
  });
}

const cases: readonly (readonly [string, string, number | undefined])[] = [
  ['nothing', '', undefined],
  ["somebody's own", 'kernel=mine.bin\n', undefined],
  ['one of ours that was edited', `${configText('os_prefix=atoll-@/\n', 1)}gpu_mem=64\n`, undefined],
  ['as long, and without a set', '\n'.repeat(CONFIG_BYTES), undefined],
  ['ours', configText('os_prefix=atoll-@/\n', 2), 2],
];
for (const [what, text, expected] of cases) test(`the set of ${what}`, () => assert.equal(setOf(text), expected));

test('more than a sector is refused', () => assert.throws(() => configText('x'.repeat(513), 1), RangeError));
test('names have the number of their set', () => assert.equal(nameIn(2, 'start4-@.elf'), 'start4-2.elf'));
