/**
 * The boot partition and power cuts: the loaders run on the image's own kernel and a real FAT, every write of theirs is logged, and the disk is made
 * as a cut at each of them leaves it: as far as it was written, and with what was not flushed lost in part. What the loader would boot
 * then is always there, whole, and the right one. Then the disks are mended as a boot does, and nothing is left over.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { compareEntries, parseEntry } from '../../runtime/src/machine/upgrade/loader/bootEntry.ts';
import { isUnfinished } from '../../runtime/src/machine/upgrade/loader/durable.ts';
import { entryText } from '../../runtime/src/machine/upgrade/loader/systemdBoot.ts';
import { testUki } from '../../runtime/src/machine/upgrade/loader/testing/efiProgram.ts';
import { ENV_BYTES, environmentBytes, parseEnvironment } from '../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { FatVolume } from '../src/fat.ts';
import { inTree } from '../src/fatDisk.ts';
import { startTinyGuest } from '../src/tinyGuest.ts';
import { type GuestTask, type VersionName, versionNames, versions } from './versions.ts';
import { guestMachine, inWords, judgeEveryCut, timeoutMs } from './walk.ts';

const walks = [
  { loader: 'systemd-boot', full: false },
  { loader: 'systemd-boot', full: true },
  { loader: 'u-boot', full: false },
] as const;
type LoaderName = (typeof walks)[number]['loader'];
/** Leaves room for three kernels, and little to fill, of the partition's 40 MiB. */
const OTHERS_BYTES = 36 << 20;
/** Cut disks that are mended in a guest. */
const MENDED = 20;
const program = new URL('./guest.ts', import.meta.url);

interface First {
  readonly name: VersionName;
  /** Has no counter. */
  readonly blessed: boolean;
}

/** What may be booted first at a cut after a mark, up to the next one. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  begin: ['one blessed'],
  'arm two': ['one blessed', 'two counted'],
  'armed two': ['two counted'],
  'bless two': ['two counted', 'two blessed'],
  'blessed two': ['two blessed'],
  'arm three': ['two blessed', 'three counted'],
  'armed three': ['three counted'],
  'refuse three': ['three counted', 'two blessed'],
  'refused three': ['two blessed'],
};

const flashed = (loader: LoaderName): Record<string, Buffer | string> => ({
  'EFI/atoll/a.efi': testUki(versions.one),
  ...(loader === 'systemd-boot'
    ? { 'loader/entries/atoll-a.conf': entryText('a', versions.one.version, 1) }
    : Object.fromEntries(
        ['boot-1.env', 'boot-2.env'].map(name => [
          `EFI/atoll/${name}`,
          environmentBytes(new Map([['BOOT_ORDER', 'A']])),
        ]),
      )),
});

/** As the loader sees the disk. @throws AssertionError where it would boot nothing, or half of something */
function first(loader: LoaderName, disk: string): First {
  const volume = new FatVolume(disk);
  const chosen = loader === 'systemd-boot' ? firstEntry(volume) : firstSlot(volume);
  const kernel = volume.files.find(({ path }) => path === chosen.efi);
  assert.ok(kernel, `${chosen.efi} is not there`);
  const content = volume.read(kernel);
  const name = versionNames.find(known => testUki(versions[known]).equals(content));
  assert.ok(name, `${chosen.efi} is not whole`);
  return { name, blessed: chosen.blessed };
}

function firstEntry(volume: FatVolume): { efi: string; blessed: boolean } {
  const entries = volume.files
    .filter(({ path }) => /^\/loader\/entries\/[^./][^/]*\.conf$/.test(path))
    .map(file => parseEntry(file.path.slice('/loader/entries/'.length), textOf(volume, file)))
    // The loader leaves out what leads nowhere.
    .filter(({ efi }) => volume.files.some(({ path }) => path === efi))
    .sort(compareEntries);
  const chosen = entries[0];
  assert.ok(chosen?.efi, 'no entry is left');
  return { efi: chosen.efi, blessed: chosen.triesLeft === undefined };
}

function firstSlot(volume: FatVolume): { efi: string; blessed: boolean } {
  for (const path of ['/EFI/atoll/boot-1.env', '/EFI/atoll/boot-2.env']) {
    const file = volume.files.find(known => known.path === path);
    const environment = file?.sizeBytes === ENV_BYTES ? parseEnvironment(volume.read(file)) : undefined;
    if (!environment) continue;
    const slots = (environment.get('BOOT_ORDER') ?? '').split(' ');
    const slot = slots.find(name => environment.get(`BOOT_${name}_LEFT`) !== '0') ?? slots[0] ?? '';
    const blessed = environment.get(`BOOT_${slot}_LEFT`) === undefined;
    return { efi: `/EFI/atoll/${slot.toLowerCase()}.efi`, blessed };
  }
  throw new assert.AssertionError({ message: 'no environment is whole' });
}

const textOf = (volume: FatVolume, file: FatVolume['files'][number]): string => {
  try {
    return volume.read(file).toString('utf8');
  } catch {
    return '';
  }
};

interface Cut {
  readonly file: string;
  /** What boots, as the cut left it. */
  readonly was: First;
  /** What may boot. */
  readonly may: readonly string[];
  readonly what: string;
}

const words = ({ name, blessed }: First): string => `${name} ${blessed ? 'blessed' : 'counted'}`;

for (const { loader, full } of walks) {
  it(`${loader}${full ? ', on a full partition' : ''}: whenever the power goes, what boots is whole and the right one`, {
    timeout: 1_800_000,
  }, async t => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-loader-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const task: GuestTask = { kind: 'walk', loader, full };
    const mended: Cut[] = [];
    const said = await judgeEveryCut({
      ...{ directory, program, task },
      files: { ...flashed(loader), ...(full ? { 'others.bin': Buffer.alloc(OTHERS_BYTES) } : {}) },
      judge: async ({ file: cut, mark, number, what }, cuts) => {
        const found = inWords(what, () => first(loader, cut));
        const may = mark === undefined ? ['one blessed'] : (allowed[mark] ?? []);
        assert.ok(may.includes(words(found)), `${what}: ${JSON.stringify(found)}`);
        // Tidying comes before an installation, which needs room itself.
        if (full) return;
        if (number % Math.max(1, Math.floor(cuts / MENDED)) !== 0 || mended.length >= MENDED) return;
        const file = join(directory, `mend-${mended.length}.img`);
        await copyFile(cut, file);
        mended.push({ file, was: found, may, what });
      },
    });
    t.diagnostic(said);
    await mend(loader, directory, mended);
  });
}

/** As a boot does: fsck of the file system, then the loader's tidying. */
async function mend(loader: LoaderName, directory: string, disks: readonly Cut[]): Promise<void> {
  // It says with 1 that it has mended something.
  for (const { file } of disks) await inTree('/usr/sbin/fsck.vfat', ['-a', file]).catch(() => undefined);
  for (const { file, may, what } of disks)
    assert.ok(may.includes(words(inWords(what, () => first(loader, file)))), `${what}: after fsck`);
  const task: GuestTask = { kind: 'tidy', loader, running: disks.map(({ was }) => was.name) };
  await using guest = await startTinyGuest({
    ...guestMachine(directory, program, task),
    disks: disks.map(({ file }) => ({ file })),
  });
  await guest.console.waitFor(/@end\r?\n/, { timeoutMs });
  for (const [index, { file, may, what }] of disks.entries()) {
    assert.match(guest.console.text, new RegExp(`@tidied ${index} `), what);
    assert.ok(may.includes(words(inWords(what, () => first(loader, file)))), `${what}: tidied`);
    const volume = new FatVolume(file);
    assert.equal(volume.lostClusters(), 0, `${what}: clusters of nobody`);
    const names = volume.files.map(({ path }) => path.split('/').at(-1) ?? '');
    assert.deepEqual(
      names.filter(name => isUnfinished(name) || name === 'next.efi' || name.endsWith('.REC')),
      [],
      what,
    );
    assert.ok(names.filter(name => name.endsWith('.conf')).length <= 2, `${what}: ${names.join(' ')}`);
  }
}
