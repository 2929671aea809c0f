import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { efiProgram, testUki } from './testing/efiProgram.ts';
import { readUki } from './uki.ts';

const roothash = 'ab'.repeat(32);
const whole = testUki({ version: '1.2.3', roothash, paddingBytes: 9000 });
const changed = (at: number, value: number): Buffer => {
  const copy = Buffer.from(whole);
  copy.writeUInt32LE(value, at);
  return copy;
};
const withSections = (sections: Record<string, string>): Buffer =>
  efiProgram({ says: '', ending: 'restart', sections });

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-uki-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const cases: readonly (readonly [string, Buffer, { version: string; roothash: string } | undefined])[] = [
  ['a kernel', whole, { version: '1.2.3', roothash }],
  [
    'its VERSION_ID, without IMAGE_VERSION',
    withSections({ '.osrel': 'VERSION_ID=7\n', '.cmdline': `atoll.roothash=${roothash}` }),
    { version: '7', roothash },
  ],
  ['an empty file', Buffer.alloc(0), undefined],
  ['zeros', Buffer.alloc(100000), undefined],
  ['no root hash', withSections({ '.osrel': 'IMAGE_VERSION=1\n', '.cmdline': 'quiet' }), undefined],
  [
    'a short root hash',
    withSections({ '.osrel': 'IMAGE_VERSION=1\n', '.cmdline': `atoll.roothash=${roothash.slice(1)}` }),
    undefined,
  ],
  [
    'a long root hash',
    withSections({ '.osrel': 'IMAGE_VERSION=1\n', '.cmdline': `atoll.roothash=${roothash}0` }),
    undefined,
  ],
  [
    'another word with its end',
    withSections({ '.osrel': 'IMAGE_VERSION=1\n', '.cmdline': `not.atoll.roothash=${roothash}` }),
    undefined,
  ],
  ['no os-release', withSections({ '.cmdline': `atoll.roothash=${roothash}` }), undefined],
  ['a header that leads far away', changed(60, 0xfffffff0), undefined],
  ['no PE', changed(64, 0), undefined],
  ['more sections than a table holds', changed(68, 0xffff8664), undefined],
  ...[1, 63, 64, 300, 4095, 4096, 8192, whole.length - 9001, whole.length - 4097].map(
    (length): [string, Buffer, undefined] => [`its first ${length} bytes`, whole.subarray(0, length), undefined],
  ),
];
for (const [what, content, expected] of cases) {
  it(what, async () => {
    const path = join(folder, 'x.efi');
    await writeFile(path, content);
    assert.deepEqual(await readUki(path), expected);
  });
}
it('no file at all', async () => assert.equal(await readUki(join(folder, 'none', 'x.efi')), undefined));
