import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TarMember } from '../formats/tar.ts';
import type { OpenArchive } from '../packages/archives.ts';
import { mergeArchive, mergedUsrPath } from './merge.ts';
import { globPattern, RootTree } from './tree.ts';

/** A package with the members given; a path that ends in `/` is a folder, `a → b` a symlink, `a = b` a hard link. */
function archiveOf(name: string, paths: readonly string[], mode = 0o755): OpenArchive {
  const members = paths.map((text): TarMember => {
    const [path = '', sign, target = ''] = text.split(/ (→|=) /);
    const type = sign === '→' ? 'symlink' : sign === '=' ? 'hardlink' : path.endsWith('/') ? 'directory' : 'file';
    return { path: path.replace(/\/$/, ''), type, mode, uid: 0, gid: 0, mtime: 0, sizeBytes: 1, target, offset: 0 };
  });
  const archive = {
    name,
    version: '1',
    architecture: 'all',
    sha256: '',
    sizeBytes: 0,
    url: '',
    source: name,
    sourceVersion: '1',
    summary: '',
    needs: [],
  };
  return { archive, members, read: async () => Buffer.from(name), close: async () => undefined };
}

function mergeAll(...archives: readonly OpenArchive[]): RootTree {
  const tree = new RootTree();
  for (const archive of archives) mergeArchive(tree, archive);
  return tree;
}

for (const [path, merged] of [
  ['bin/sh', 'usr/bin/sh'],
  ['lib/systemd/a', 'usr/lib/systemd/a'],
  ['lib64/ld.so', 'usr/lib64/ld.so'],
  ['lib', 'lib'],
  ['usr/bin/a', 'usr/bin/a'],
  ['library/a', 'library/a'],
] as const) {
  test(`${path} lies at ${merged}`, () => assert.equal(mergedUsrPath(path), merged));
}

test('packages share folders; files and links come from one', () => {
  const tree = mergeAll(
    archiveOf('a', ['usr/', 'usr/bin/', 'bin/x', 'bin → usr/bin']),
    archiveOf('b', ['usr/', 'usr/bin/', 'usr/bin/y']),
  );
  assert.deepEqual(
    tree.list().map(({ path, origin }) => `${path} ${origin}`),
    ['bin a', 'usr a', 'usr/bin a', 'usr/bin/x a', 'usr/bin/y b'],
  );
});

test('a file in two packages stops the build, also by way of the old folders', () => {
  assert.throws(() => mergeAll(archiveOf('a', ['usr/bin/x']), archiveOf('b', ['bin/x'])), {
    code: 'PACKAGE_CONFLICT',
    message: '/usr/bin/x is in both a and b',
  });
});

test('hard links become relative links; nothing is setuid; folders of the old layout are dropped', () => {
  const tree = mergeAll(archiveOf('a', ['bin/su', 'usr/sbin/vipw = bin/su', 'var/', 'var/run/', 'var/lock/'], 0o4755));
  assert.equal(tree.resolve('usr/sbin/vipw')?.path, 'usr/bin/su');
  assert.equal(tree.get('usr/bin/su')?.mode, 0o755);
  assert.deepEqual(tree.children('var'), []);
});

for (const [glob, path, matches] of [
  ['/usr/share/{doc,man}', '/usr/share/man', true],
  ['/usr/share/{doc,man}', '/usr/share/manual', false],
  ['/usr/*/x', '/usr/a/b/x', false],
  ['/usr/**/x', '/usr/a/b/x', true],
  ['/usr/**/x', '/usr/x', true],
  ['/etc/rc?.d', '/etc/rc3.d', true],
  ['/a.b', '/aXb', false],
] as const) {
  test(`${glob} ${matches ? 'has' : 'has not'} ${path}`, () => assert.equal(globPattern(glob).test(path), matches));
}

test('links are followed as the kernel does; circles and dead ends lead nowhere', () => {
  const tree = mergeAll(
    archiveOf('a', [
      'usr/lib/f',
      'lib → usr/lib',
      'x/up → ../lib/f',
      'x/abs → /lib/f',
      'c1 → c2',
      'c2 → c1',
      'dead → none',
    ]),
  );
  assert.equal(tree.resolve('x/up')?.path, 'usr/lib/f');
  assert.equal(tree.resolve('/x/abs')?.path, 'usr/lib/f');
  assert.equal(tree.resolve('c1'), undefined);
  assert.equal(tree.resolve('dead'), undefined);
});
