/**
 * The boot partition and power cuts: the loaders run on the image's own kernel and a real FAT, every write of theirs is logged, and the disk is made
 * as a cut at each of them leaves it: as far as it was written, and with what was not flushed lost in part. What the loader would boot
 * then is always there, whole, and the right one. Then the disks are mended as a boot does, and nothing is left over.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { artefactPaths } from '../../builder/src/paths.ts';
import { compareEntries, parseEntry } from '../../runtime/src/machine/upgrade/loader/bootEntry.ts';
import { isUnfinished } from '../../runtime/src/machine/upgrade/loader/durable.ts';
import { entryText } from '../../runtime/src/machine/upgrade/loader/systemdBoot.ts';
import { testUki } from '../../runtime/src/machine/upgrade/loader/testing/efiProgram.ts';
import { ENV_BYTES, environmentBytes, parseEnvironment } from '../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { FatVolume } from '../src/fat.ts';
import { inTree, makeFatDisk } from '../src/fatDisk.ts';
import { startTinyGuest } from '../src/tinyGuest.ts';
import { readWriteLog } from '../src/write-log.ts';
import { type GuestTask, type VersionName, versionNames, versions } from './versions.ts';

const artefacts = artefactPaths('vm-x86_64');
const loaders = ['systemd-boot', 'u-boot'] as const;
type LoaderName = (typeof loaders)[number];
const DISK_BYTES = 40 << 20;
const timeoutMs = 600_000;
/** Cut disks that are mended in a guest, and how many times the cache of the drive is lost in another way at each write. */
const MENDED = 20;
const FATES = 2;

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

interface Mark {
  readonly name: string;
  /** Size of the log then. */
  readonly at: number;
}

for (const loader of loaders) {
  it(`${loader}: whenever the power goes, what boots is whole and the right one`, { timeout: 1_800_000 }, async t => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-loader-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const [disk, base, logFile] = ['esp.img', 'base.img', 'writes.log'].map(name => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await makeFatDisk(disk, DISK_BYTES, flashed(loader));
    await copyFile(disk, base);
    await writeFile(logFile, '');
    const marks = await walked({ directory, disk, logFile, loader });

    const entries = await readWriteLog(logFile);
    await using maker = await CutMaker.open(
      { logFile, entries, part: { offset: 0, sizeBytes: DISK_BYTES }, base },
      join(directory, 'durable.img'),
    );
    const seed = 20261122;
    const random = seededRandom(seed);
    const cut = join(directory, 'cut.img');
    const mended: Cut[] = [];
    const ends = entries.map(({ endsAt }) => endsAt);
    const every = Math.max(1, Math.floor((ends.length * FATES) / MENDED));
    let cuts = 0;
    for (const at of ends) {
      const mark = marks.findLast(known => known.at <= at)?.name;
      for (let fate = 0; fate <= FATES; fate++) {
        // The first time everything that was written is there; then some of what was not flushed is lost.
        await maker.cut(at, cut, fate === 0 ? () => 0 : random);
        cuts += 1;
        const what = `cut ${cuts} at byte ${at} of the log, after "${mark}", fate ${fate} (seed ${seed})`;
        const found = inWords(what, () => first(loader, cut));
        const may = mark === undefined ? ['one blessed'] : (allowed[mark] ?? []);
        assert.ok(may.includes(words(found)), `${what}: ${JSON.stringify(found)}`);
        if (cuts % every === 0 && mended.length < MENDED) {
          const file = join(directory, `mend-${mended.length}.img`);
          await copyFile(cut, file);
          mended.push({ file, was: found, may, what });
        }
      }
    }
    t.diagnostic(`${cuts} cuts at ${ends.length} writes and flushes`);
    await mend(loader, directory, mended);
  });
}

async function walked(options: {
  directory: string;
  disk: string;
  logFile: string;
  loader: LoaderName;
}): Promise<Mark[]> {
  const { directory, disk, logFile, loader } = options;
  const task: GuestTask = { kind: 'walk', loader };
  await using guest = await startTinyGuest({ ...machine(directory, task), disks: [{ file: disk, writeLog: logFile }] });
  const marks: Mark[] = [];
  for (;;) {
    const [, , name, end] = await guest.console.waitFor(/@((?:mark ([a-z ]+))|(end))\r?\n/, { timeoutMs });
    if (end !== undefined) return marks;
    marks.push({ name: name ?? '', at: (await stat(logFile)).size });
    guest.console.send('\n');
  }
}

/** As a boot does: fsck of the file system, then the loader's tidying. */
async function mend(loader: LoaderName, directory: string, disks: readonly Cut[]): Promise<void> {
  // It says with 1 that it has mended something.
  for (const { file } of disks) await inTree('/usr/sbin/fsck.vfat', ['-a', file]).catch(() => undefined);
  for (const { file, may, what } of disks)
    assert.ok(may.includes(words(inWords(what, () => first(loader, file)))), `${what}: after fsck`);
  const task: GuestTask = { kind: 'tidy', loader, running: disks.map(({ was }) => was.name) };
  await using guest = await startTinyGuest({ ...machine(directory, task), disks: disks.map(({ file }) => ({ file })) });
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

const machine = (directory: string, task: GuestTask) => ({
  directory,
  kernel: artefacts.kernel,
  initrd: artefacts.initrd,
  rootDisk: artefacts.raw,
  program: new URL('./guest.ts', import.meta.url).pathname,
  task,
});

function inWords<T>(what: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
