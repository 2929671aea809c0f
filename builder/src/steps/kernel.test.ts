import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceTreeBlob } from '../formats/device-tree.fixture.ts';
import { checkInitrd, wantedModules } from './kernel.ts';

const kernel = {
  release: '6.12',
  modules: ['kernel/fs/ext4/ext4.ko.xz', 'kernel/net/bridge/bridge.ko.xz', 'kernel/net/bridge/br_netfilter.ko.xz'],
  builtin: ['kernel/crypto/sha256_generic.ko', ''],
};

test('globs name modules; what is built in is there too', () => {
  assert.deepEqual(wantedModules(['fs/ext4/ext4', 'net/bridge/*', 'crypto/sha256_generic'], kernel), kernel.modules);
});

test('what the kernel lacks is an error that names every path, alternatives one by one', () => {
  assert.throws(() => wantedModules(['fs/ext4/ext4', 'crypto/{sha256_generic,arc4}', 'drivers/hv/*'], kernel), {
    code: 'MODULE_MISSING',
    message: 'kernel 6.12 has no module crypto/arc4, drivers/hv/*',
  });
});

test('drivers that come too late end the build, each with what waits for it', () => {
  const tree = deviceTreeBlob({
    '/mmc': { compatible: ['vendor,sdhci'], 'vmmc-supply': [1] },
    '/vcc': { compatible: ['regulator-fixed'], phandle: [1] },
  });
  const modules = {
    release: '6.12',
    aliasText: 'alias of:N*T*Cvendor,sdhci sdhci\nalias of:N*T*Cregulator-fixed fixed\nalias xen:vbd xen_blkfront\n',
    kept: ['kernel/drivers/block/xen-blkfront.ko.xz', 'kernel/drivers/mmc/host/sdhci.ko.xz'],
  };
  const trees = new Map([['board.dtb', tree]]);
  assert.throws(() => checkInitrd({ ...modules, initrd: new Set(['sdhci']) }, [], trees), {
    code: 'DRIVER_TOO_LATE',
    tail: 'a root may be on disks of xen_blkfront\nboard.dtb: /mmc waits for /vcc: fixed',
  });
  checkInitrd({ ...modules, initrd: new Set(['sdhci', 'fixed']) }, ['xen-blkfront'], trees);
});
