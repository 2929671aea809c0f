/**
 * ICU's data for Node.js, cut to the root and English locales: 30 MB of other languages' names, formats and orders are not used
 * by a server. What stays is all that ECMAScript needs whatever the locale: normalization, IDNA, properties, time zones, plural
 * rules, root collation. Text segmentation (Intl.Segmenter) goes: its dictionaries are 3 MB and nothing here breaks lines.
 *
 * Debian's data library is one symbol, `icudt<N>_dat`, in `.rodata`; the replacement is the same symbol over the smaller data.
 * Source: ICU User Guide, "ICU Data" (icupkg).
 */
import { createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { readFromArchive } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface IcuInputs {
  /** The `libicuNN` package. */
  readonly archive: ResolvedPackage;
  /** Prefix of the target's compiler and binutils, as `aarch64-linux-gnu`. */
  readonly gnu: string;
  readonly tools: string;
}

const keptLocales = /^(root|en|en_US|res_index|pool|supplementalData|tzdbNames)$/;
const localeName = /^[a-z]{2,3}(_[A-Za-z0-9_]+)?$/;

/** Whether an item of ICU's data is kept. @param item as icupkg lists it, `curr/de.res`. */
export function keepsIcuItem(item: string): boolean {
  const [folder, file] = item.includes('/') ? (item.split('/', 2) as [string, string]) : ['', item];
  const [name = '', suffix = ''] = file.split('.');
  // Legacy encodings, StringPrep profiles, dictionaries of languages without blanks, character names.
  if (['cnv', 'spp', 'dict', 'cfu'].includes(suffix) || name === 'unames') return false;
  if (folder === 'brkitr') return false;
  if (folder === 'translit' || folder === 'rbnf') return keptLocales.test(name) && name !== 'en';
  if (suffix !== 'res') return true;
  return keptLocales.test(name) || (folder === '' && !localeName.test(name));
}

/** Where the data lies in the library. @param tables what `readelf -W -S --dyn-syms` prints */
export function icuData(tables: string): { release: string; offset: number; sizeBytes: number } {
  const [, address = '', offset = ''] = /\s\.rodata\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)\s/.exec(tables) ?? [];
  const [, value = '', size = '', release] = /^\s*\d+: ([0-9a-f]+)\s+(\w+)\s.*\bicudt(\d+)_dat$/m.exec(tables) ?? [];
  if (release === undefined || address === '')
    throw new BuildError('STEP_BROKEN', 'libicudata has no icudt…_dat in .rodata', { tail: tables });
  const hex = (text: string): number => Number.parseInt(text, 16);
  // The compiler's own start files may put constants before it.
  return { release, offset: hex(value) - hex(address) + hex(offset), sizeBytes: Number(size) };
}

export const trimIcu: Step<IcuInputs, 'libicudata.so' | 'path'> = {
  name: 'icu',
  title: 'ICU data for Node.js',
  module: import.meta.url,
  outputs: ['libicudata.so', 'path'],
  async run({ archive, gnu }, context) {
    const { directory, scratch, signal } = context;
    const original = join(scratch, 'original.so');
    const { path, content } = await readFromArchive(archive, /\/libicudata\.so\.[\d.]+$/, context);
    await writeFile(original, content);
    await writeFile(join(directory, 'path'), path);
    const mounts = { binds: [scratch, directory], signal };
    const { stdout: tables } = await tool([`${gnu}-readelf`, '-W', '-S', '--dyn-syms', original], mounts);
    const { release, offset, sizeBytes } = icuData(tables);
    // icupkg takes the tree's name in the data from the file's name: `icudt76l`, little-endian.
    const data = join(scratch, `icudt${release}l.dat`);
    await writeFile(data, content.subarray(offset, offset + sizeBytes));
    const listing = join(scratch, 'list');
    await tool(['icupkg', '-l', data], { ...mounts, output: createWriteStream(listing) });
    const items = (await readFile(listing, 'utf8')).split('\n').filter(line => line !== '');
    const remove = join(scratch, 'remove.lst');
    await writeFile(remove, `${items.filter(item => !keepsIcuItem(item)).join('\n')}\n`);
    const small = join(scratch, `small/icudt${release}l.dat`);
    await tool(['mkdir', join(scratch, 'small')], mounts);
    await tool(['icupkg', '-r', remove, data, small], mounts);
    const name = `icudt${release}_dat`;
    const source = join(scratch, 'data.c');
    const lines = [
      '.section .rodata',
      '.balign 16',
      `.globl ${name}`,
      `.type ${name}, %object`,
      `${name}:`,
      `.incbin "${small}"`,
      `.size ${name}, . - ${name}`,
      '.text',
    ];
    // Through the compiler, not as assembly: it adds the marks of the architecture's ABI, without which armhf's loader passes the library over.
    await writeFile(source, `__asm__(\n${lines.map(line => JSON.stringify(`${line}\n`)).join('\n')});\n`);
    const flags = [
      '-shared',
      '-nostdlib',
      `-Wl,-soname,libicudata.so.${release}`,
      '-Wl,--build-id=none',
      '-Wl,-z,noexecstack',
    ];
    await tool([`${gnu}-gcc`, ...flags, '-o', join(directory, 'libicudata.so'), source], mounts);
    const { size } = await stat(join(directory, 'libicudata.so'));
    context.note(`${Math.round(size / 1024)} KiB`);
  },
};
