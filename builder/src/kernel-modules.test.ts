import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alternatives,
  closure,
  firmwareOf,
  moduleName,
  parseAliases,
  parseDependencies,
  parseSoftDependencies,
} from './kernel-modules.ts';

const dependencies = parseDependencies(`kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/lib/libcrc32c.ko.xz:
kernel/crypto/crc32c_generic.ko.xz:
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko
kernel/fs/jbd2/jbd2.ko:
kernel/fs/mbcache.ko:
kernel/drivers/md/dm-verity.ko: kernel/drivers/md/dm-mod.ko
kernel/drivers/md/dm-mod.ko:
`);
const soft = parseSoftDependencies(`# Soft dependencies extracted from modules themselves.
softdep libcrc32c pre: crc32c
softdep ext4 pre: crypto-crc32c
softdep dm-verity post: ext4
`);
const aliases = parseAliases(`# Aliases extracted from modules themselves.
alias crypto-crc32c crc32c_generic
alias crc32c crc32c_generic
alias crc32c crc32c_intel
alias pci:v00008086d*sv*sd*bc*sc*i* e1000e
alias fs-erofs erofs
alias cpu:type:x86,ven*fam*mod*:feature:*0094* crc32c_intel
`);
const names = (...wanted: string[]): string => closure(wanted, dependencies, soft, aliases).map(moduleName).join(' ');

for (const [what, wanted, expected] of [
  ['an alias brings every module that answers to it, before', ['erofs'], 'crc32c_generic crc32c_intel libcrc32c erofs'],
  [
    'what comes twice is loaded once',
    ['erofs', 'ext4'],
    'crc32c_generic crc32c_intel libcrc32c erofs mbcache jbd2 ext4',
  ],
  ['a name with a dash', ['dm-verity'], 'dm_mod mbcache jbd2 crc32c_generic ext4 dm_verity'],
  ['built in', ['virtio_blk'], ''],
  ['nothing', [], ''],
] as const) {
  test(`load order: ${what}`, () => assert.equal(names(...wanted), expected));
}

test('patterns of devices are no plain aliases', () => {
  assert.deepEqual(
    [...aliases],
    [
      ['crypto_crc32c', ['crc32c_generic']],
      ['crc32c', ['crc32c_generic', 'crc32c_intel']],
      ['fs_erofs', ['erofs']],
    ],
  );
});

for (const [glob, expected] of [
  ['fs/ext4/ext4', ['fs/ext4/ext4']],
  ['fs/nfs/{nfs,nfsv4}', ['fs/nfs/nfs', 'fs/nfs/nfsv4']],
  ['{a,b}/{c,d}*', ['a/c*', 'a/d*', 'b/c*', 'b/d*']],
] as const) {
  test(`${glob} is ${expected.length} globs`, () => assert.deepEqual(alternatives(glob), expected));
}

test('a module says what firmware it may ask for', () => {
  const section = Buffer.from(
    '\0license=GPL\0firmware=rtl_nic/rtl8125a-3.fw\0firmware=brcm/brcmfmac*-sdio.*.txt\0alias=x\0',
  );
  assert.deepEqual(firmwareOf(section), ['rtl_nic/rtl8125a-3.fw', 'brcm/brcmfmac*-sdio.*.txt']);
  assert.deepEqual(firmwareOf(Buffer.from('no firmware= here')), []);
});
