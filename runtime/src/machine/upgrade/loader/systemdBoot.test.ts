import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Installed, SlotName } from '../types.ts';
import { parseEntry } from './bootEntry.ts';
import { LoaderError } from './errors.ts';
import { entryText, SystemdBoot, settled } from './systemdBoot.ts';
import { testUki } from './testing/efiProgram.ts';

const hash = (digit: string): string => digit.repeat(64);
const one: Installed = { version: '0.1.0', roothash: hash('1'), slot: 'a' };
const two: Installed = { version: '0.2.0', roothash: hash('2'), slot: 'b' };
const older: Installed = { version: '0.0.9', roothash: hash('3'), slot: 'b' };
const rebuilt: Installed = { version: '0.1.0', roothash: hash('4'), slot: 'b' };

describe('systemd-boot', () => {
  let esp: string;
  let loader: SystemdBoot;
  const entriesDir = (): string => join(esp, 'loader/entries');
  const names = async (): Promise<string[]> => (await readdir(entriesDir())).filter(name => name !== '.reserve').sort();
  const order = async (): Promise<string[]> =>
    (await loader.entries()).map(e => `${e.slot} ${e.version} ${e.triesLeft ?? 'blessed'}`);
  const stage = async (version: Installed): Promise<void> => writeFile(await loader.staging(), testUki(version));
  const arm = async (version: Installed): Promise<void> => {
    await stage(version);
    await loader.arm(version, 3);
  };
  /** What the loader does at a boot: takes a try of the first entry. @returns its slot */
  const boot = async (): Promise<SlotName> => {
    const first = (await loader.entries())[0];
    assert.ok(first, 'nothing to boot');
    if (first.triesLeft !== undefined) {
      const { id } = parseEntry(first.id, '');
      const next = `${id.replace(/\.conf$/, '')}+${Math.max(0, first.triesLeft - 1)}-${(first.triesDone ?? 0) + 1}.conf`;
      await rename(join(entriesDir(), first.id), join(entriesDir(), next));
    }
    return first.slot;
  };

  beforeEach(async () => {
    esp = await mkdtemp(join(tmpdir(), 'atoll-esp-'));
    loader = new SystemdBoot(esp);
    await mkdir(entriesDir(), { recursive: true });
    await mkdir(join(esp, 'EFI/atoll'), { recursive: true });
    await writeFile(join(esp, 'EFI/atoll/a.efi'), testUki(one));
    await writeFile(join(entriesDir(), 'atoll-a.conf'), entryText('a', '0.1.0', 1));
  });
  afterEach(() => rm(esp, { recursive: true, force: true }));

  it('boots what was flashed', async () => {
    assert.deepEqual(await loader.entries(), [
      { id: 'atoll-a.conf', slot: 'a', uki: join(esp, 'EFI/atoll/a.efi'), version: '0.1.0', roothash: hash('1') },
    ]);
    await loader.bless(one.roothash);
    assert.deepEqual(await names(), ['atoll-a.conf']);
  });

  for (const [what, version] of [
    ['a newer', two],
    ['an older', older],
    ['another build of the same', rebuilt],
  ] as const) {
    it(`${what} version goes first for three boots, then the old one`, async () => {
      await arm(version);
      assert.deepEqual(await order(), [`b ${version.version} 3`, 'a 0.1.0 blessed']);
      assert.equal(await readFile(join(entriesDir(), 'atoll-a.conf'), 'utf8'), entryText('a', '0.1.0', 1));
      assert.deepEqual([await boot(), await boot(), await boot(), await boot()], ['b', 'b', 'b', 'a']);
      assert.deepEqual(await order(), ['a 0.1.0 blessed', `b ${version.version} 0`]);
    });

    it(`${what} version is blessed, and stays first`, async () => {
      await arm(version);
      await boot();
      await loader.bless(version.roothash);
      assert.deepEqual(await order(), [`b ${version.version} blessed`, 'a 0.1.0 blessed']);
      assert.deepEqual([await boot(), await boot(), await boot(), await boot()], ['b', 'b', 'b', 'b']);
      await loader.bless(version.roothash);
      assert.equal((await names()).length, 2);
    });

    it(`${what} version is refused: at once the old one`, async () => {
      await arm(version);
      await boot();
      await loader.refuse(version.roothash);
      assert.deepEqual(await order(), ['a 0.1.0 blessed', `b ${version.version} 0`]);
      await loader.refuse(version.roothash);
      assert.equal(await boot(), 'a');
    });
  }

  it('goes from slot to slot', async () => {
    let last: Installed = one;
    for (let n = 2; n < 9; n++) {
      const next: Installed = {
        version: `0.${n % 3}.0`,
        roothash: hash(String(n)),
        slot: last.slot === 'a' ? 'b' : 'a',
      };
      await arm(next);
      assert.equal(await boot(), next.slot);
      await loader.bless(next.roothash);
      assert.deepEqual(await order(), [`${next.slot} ${next.version} blessed`, `${last.slot} ${last.version} blessed`]);
      assert.deepEqual((await readdir(join(esp, 'EFI/atoll'))).sort(), ['a.efi', 'b.efi', 'reserve']);
      last = next;
    }
  });

  it('goes back by hand, and forth again', async () => {
    await arm(two);
    await loader.bless(two.roothash);
    await loader.refuse(two.roothash);
    assert.equal(await boot(), 'a');
    await loader.refuse(one.roothash);
    assert.deepEqual(await order(), ['b 0.2.0 blessed', 'a 0.1.0 0']);
  });

  it('does not refuse the last one', async () => {
    await assert.rejects(loader.refuse(one.roothash), { code: 'LAST' });
    assert.equal(await boot(), 'a');
  });

  it('keeps a cluster for the end of a trial, which stays', async () => {
    await arm(two);
    await loader.tidy(one.roothash);
    assert.equal((await stat(join(esp, 'EFI/atoll/reserve'))).size, 4096);
    await writeFile(join(esp, 'EFI/atoll/reserve'), 'torn');
    await loader.bless(two.roothash);
    await arm({ ...older, slot: 'a' });
    assert.equal((await stat(join(esp, 'EFI/atoll/reserve'))).size, 4096);
  });

  it('does not arm beside a slot that is not blessed', async () => {
    await arm(two);
    await boot();
    await stage({ ...one, roothash: hash('5') });
    await assert.rejects(loader.arm({ version: '0.3.0', roothash: hash('5'), slot: 'a' }, 3), { code: 'LAST' });
    assert.deepEqual(await order(), ['b 0.2.0 2', 'a 0.1.0 blessed']);
  });

  for (const [what, content] of [
    ['nothing', undefined],
    ['another kernel', testUki(older)],
    ['half a kernel', testUki({ ...two, paddingBytes: 20000 }).subarray(0, 12000)],
    ['no program', Buffer.from('MZ is not all there is to it')],
    ['an empty file', Buffer.alloc(0)],
  ] as const) {
    it(`does not arm with ${what} staged`, async () => {
      if (content) await writeFile(await loader.staging(), content);
      await assert.rejects(
        loader.arm(two, 3),
        (error: unknown) => error instanceof LoaderError && error.code === 'NOT_STAGED' && error.hint !== '',
      );
      assert.deepEqual(await names(), ['atoll-a.conf']);
    });
  }

  it('knows nothing of strange files', async () => {
    for (const name of [
      'debian.conf',
      'atoll-c.conf',
      'atoll-a.conf.bak',
      'README',
      '.new-atoll-a.conf',
      'atoll-b.conf',
    ])
      await writeFile(join(entriesDir(), name), 'title x\nefi /EFI/atoll/a.efi\nversion 9\n');
    assert.deepEqual(await order(), ['a 0.1.0 blessed']);
    await assert.rejects(loader.bless(hash('9')), { code: 'UNKNOWN_ENTRY' });
  });

  it('tidies what a cut left', async () => {
    await arm(two);
    await boot();
    // Blessing was cut: both entries are there, and the unfinished name of one.
    await writeFile(join(entriesDir(), 'atoll-b.conf'), entryText('b', '0.2.0', 2));
    await writeFile(join(entriesDir(), 'atoll-b-2.conf'), entryText('b', '0.2.0', 2));
    await writeFile(join(entriesDir(), '.new-atoll-b-2.conf'), entryText('b', '0.2.0', 2));
    await writeFile(await loader.staging(), 'half');
    await writeFile(join(esp, 'FSCK0000.REC'), 'clusters of nobody');
    await loader.tidy(two.roothash);
    assert.deepEqual(await order(), ['b 0.2.0 blessed', 'a 0.1.0 blessed']);
    assert.equal((await names()).length, 2);
    assert.deepEqual((await readdir(join(esp, 'EFI/atoll'))).sort(), ['a.efi', 'b.efi', 'reserve']);
    assert.deepEqual((await readdir(esp)).sort(), ['EFI', 'loader']);
    const before = await names();
    await loader.tidy(two.roothash);
    assert.deepEqual(await names(), before, 'nothing is left to do');
  });

  it('tidies a kernel without an entry, and an entry without a kernel', async () => {
    await writeFile(join(esp, 'EFI/atoll/b.efi'), testUki(two));
    await loader.tidy(one.roothash);
    assert.deepEqual(await readdir(join(esp, 'EFI/atoll')), ['a.efi']);
    await writeFile(join(entriesDir(), 'atoll-b+3.conf'), entryText('b', '0.2.0', 2));
    await loader.tidy(one.roothash);
    assert.deepEqual(await names(), ['atoll-a.conf']);
  });

  it('gives what runs an entry where it has lost it', async () => {
    await rm(join(entriesDir(), 'atoll-a.conf'));
    await loader.tidy(one.roothash);
    assert.deepEqual(await order(), ['a 0.1.0 blessed']);
  });
});

const meant: readonly (readonly [readonly string[], string | undefined])[] = [
  [[], undefined],
  [['atoll-b+3.conf'], 'atoll-b+3.conf'],
  [['atoll-b+2-1.conf', 'atoll-b-2.conf'], 'atoll-b-2.conf'],
  [['atoll-b+3.conf', 'atoll-b+2-1.conf'], 'atoll-b+2-1.conf'],
  [['atoll-b+2-1.conf', 'atoll-b-2+0.conf'], 'atoll-b-2+0.conf'],
  [['atoll-b.conf', 'atoll-b-2+0.conf'], 'atoll-b.conf'],
];
for (const [names, expected] of meant) {
  it(`of ${names.join(' and ') || 'nothing'} it is ${expected}`, () => {
    for (const list of [names, [...names].reverse()])
      assert.equal(settled(list.map(name => parseEntry(name, '')))?.name, expected);
  });
}
