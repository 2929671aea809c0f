import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedModules } from './kernel.ts';

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
