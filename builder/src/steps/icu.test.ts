import assert from 'node:assert/strict';
import { test } from 'node:test';
import { icuData, keepsIcuItem } from './icu.ts';

/** Sections and symbols as `readelf -W -S --dyn-syms` prints them, of Debian's libicudata 76 (shortened). */
const armhf = `
  [10] .fini             PROGBITS        00000374 000374 000008 00  AX  0   0  4
  [11] .rodata           PROGBITS        00000380 000380 1e60670 00   A  0   0 16
     3: 00000000     0 NOTYPE  WEAK   DEFAULT  UND __cxa_finalize
     7: 00000410 0x1e60550 OBJECT  GLOBAL DEFAULT   11 icudt76_dat
`;
const amd64 = `
  [ 9] .rodata           PROGBITS        0000000000002000 002000 1e60a30 00   A  0   0 16
     5: 0000000000002000 31853104 OBJECT  GLOBAL DEFAULT    9 icudt76_dat
`;

for (const [where, tables, expected] of [
  ['behind what the compiler puts before it', armhf, { release: '76', offset: 0x410, sizeBytes: 0x1e60550 }],
  ['at the start of the section', amd64, { release: '76', offset: 0x2000, sizeBytes: 31853104 }],
] as const) {
  test(`the data is found ${where}`, () => assert.deepEqual(icuData(tables), expected));
}

test('a library without the data is refused', () => {
  assert.throws(() => icuData('  [ 9] .rodata  PROGBITS  2000 002000 10 00 A 0 0 16\n'), /no icudt…_dat/);
});

for (const [item, kept] of [
  ['curr/de.res', false],
  ['curr/en.res', true],
  ['root.res', true],
  ['brkitr/root.res', false],
  ['ibm-37_P100-1995.cnv', false],
  ['nfc.nrm', true],
] as const) {
  test(`${item} ${kept ? 'stays' : 'goes'}`, () => assert.equal(keepsIcuItem(item), kept));
}
