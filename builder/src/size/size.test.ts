import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStanzas } from '../formats/deb822.ts';
import { neededNames } from '../packages/resolve.ts';
import type { Content } from '../steps/root.ts';
import { type Budget, budgetOf, overBudget } from './budget.ts';
import { classOf } from './classes.ts';
import { allowedFor } from './command.ts';
import { reasons } from './contents.ts';
import { byPackage, shares } from './report.ts';

for (const [path, kind] of [
  ['usr/lib/modules/6.12/kernel/fs/ext4/ext4.ko', 'kernel modules'],
  ['usr/lib/modules/6.12/modules.dep', 'kernel modules'],
  ['usr/bin/containerd', 'programs'],
  ['usr/lib/cni/bridge', 'programs'],
  ['usr/lib/systemd/systemd-networkd', 'programs'],
  ['usr/lib/systemd/system/containerd.service', 'units and configuration'],
  ['usr/lib/x86_64-linux-gnu/libnode.so.115', 'shared libraries'],
  ['usr/lib/atoll/runtime.js', 'JavaScript'],
  ['usr/lib/atoll/runtime.cache', 'V8 code cache'],
  ['usr/lib/atoll/images.tar', 'container images'],
  ['usr/lib/atoll/better_sqlite3.node', 'native modules of Node.js'],
  ['usr/share/zoneinfo/Europe/Berlin', 'time zones'],
  ['etc/ssl/certs/ca-certificates.crt', 'certificates'],
  ['usr/share/misc/magic', 'other data'],
] as const)
  it(`${path} is one of the ${kind}`, () => assert.equal(classOf(path), kind));

it('what a package needs is named without versions, architectures and doubles', () => {
  const [stanza] = parseStanzas(
    'Package: a\nPre-Depends: libc6 (>= 2.34)\nDepends: bb | cc:any, libc6,\n dd [amd64] (= 1)\n',
  );
  assert.ok(stanza);
  assert.deepEqual(neededNames(stanza), ['bb', 'cc', 'dd', 'libc6']);
});

it('why a package is there: asked for, for others, or Debian’s own wish', () => {
  const needs = ['libc6'];
  const users = ['a', 'b', 'c', 'd', 'e'].map(name => ({ name, needs }));
  const why = reasons([...users, { name: 'libc6', needs: [] }, { name: 'mawk', needs: [] }], ['a', 'b']);
  assert.equal(why.a, 'asked for');
  assert.equal(why.libc6, 'for a, b, c and 2 more');
  assert.equal(why.mawk, 'essential to Debian');
});

describe('an image', () => {
  const files: Content[] = [
    ['usr/bin/kubectl', 1000, 'kubectl'],
    ['usr/share/kubectl/x', 10, 'kubectl'],
    ['usr/bin/node', 100, 'nodejs'],
  ];
  const compressed = new Map([
    ['usr/bin/kubectl', 300 * 1024],
    ['usr/share/kubectl/x', 5 * 1024],
    ['usr/bin/node', 50 * 1024],
  ]);

  it('is the sum of its packages, the largest first', () => {
    assert.deepEqual(byPackage(files, compressed), [
      { name: 'kubectl', files: 2, bytes: 1010, compressedBytes: 305 * 1024 },
      { name: 'nodejs', files: 1, bytes: 100, compressedBytes: 50 * 1024 },
    ]);
    assert.deepEqual(
      shares(files, compressed, classOf).map(({ name }) => name),
      ['programs', 'other data'],
    );
  });

  it('over its budget is told what grew, the most first', () => {
    const packages = byPackage(files, compressed);
    const budget = budgetOf(400_000, packages);
    assert.deepEqual(budget, { zstBytes: 404_000, rootKiB: { kubectl: 305, nodejs: 50 } });
    assert.equal(overBudget(budget, 404_000, packages), undefined);
    const before: Budget = { zstBytes: 300_000, rootKiB: { kubectl: 200, other: 7 } };
    assert.deepEqual(overBudget(before, 400_000, packages), [
      'kubectl: 105 KiB more, 305 instead of 200',
      'nodejs: 50 KiB, which was not there',
    ]);
  });
});

it('an image without a budget cannot be checked, and is told how it gets one', async () => {
  await assert.rejects(allowedFor('rpi9-arm64'), {
    code: 'USAGE',
    message: 'rpi9-arm64 has no budget: there is no images/budgets/rpi9-arm64.json',
    hint: 'What it is now becomes its budget with `size rpi9-arm64 --record`.',
  });
  assert.ok((await allowedFor('vm-x86_64')).zstBytes > 0);
});
