import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectures } from '../boards.ts';
import { cpioArchive } from './cpio.ts';
import { field, parseStanzas } from './deb822.ts';
import { foreign, readElf } from './elf.ts';
import { memberPath, readTarIndex, type TarMember, tarEnd, tarHeader, tarPadding } from './tar.ts';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-formats-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function index(path: string): Promise<TarMember[]> {
  const handle = await open(path, 'r');
  try {
    return await readTarIndex(handle);
  } finally {
    await handle.close();
  }
}

const long = `${'long-folder-name/'.repeat(12)}file`;

test('reads what GNU tar writes: long names, links, modes, empty files', () =>
  inFolder(async folder => {
    const tree = join(folder, 'tree');
    await mkdir(join(tree, long.slice(0, long.lastIndexOf('/'))), { recursive: true });
    await writeFile(join(tree, long), 'content', { mode: 0o640 });
    await writeFile(join(tree, 'empty'), '');
    await link(join(tree, 'empty'), join(tree, 'hard'));
    await symlink(`/${long}`, join(tree, 'soft'));
    for (const format of ['gnu', 'pax']) {
      const archive = join(folder, `${format}.tar`);
      execFileSync('tar', [`--format=${format}`, '--sort=name', '-C', tree, '-cf', archive, '.']);
      const members = new Map((await index(archive)).map(member => [member.path, member]));
      assert.equal(members.get('')?.type, 'directory');
      assert.equal(members.get(long)?.sizeBytes, 7);
      assert.equal((members.get(long)?.mode ?? 0) & 0o777, 0o640);
      assert.equal(members.get('soft')?.target, `/${long}`);
      assert.equal(members.get('hard')?.target, 'empty');
      assert.equal(members.get('hard')?.type, 'hardlink');
    }
  }));

test('GNU tar reads what is written here', () =>
  inFolder(async folder => {
    const content = Buffer.from('hello');
    const common = { uid: 0, gid: 42, mtime: 86400 };
    const parts = [
      tarHeader({ path: 'd', type: 'directory', mode: 0o755, sizeBytes: 0, target: '', ...common }),
      tarHeader({ path: `d/${long}`, type: 'file', mode: 0o4755, sizeBytes: 5, target: '', ...common }),
      content,
      tarPadding(5),
      tarHeader({ path: 'd/link', type: 'symlink', mode: 0o777, sizeBytes: 0, target: long, ...common }),
      tarEnd,
    ];
    const archive = join(folder, 'a.tar');
    await writeFile(archive, Buffer.concat(parts));
    const listing = execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', archive], { encoding: 'utf8' });
    assert.match(listing, /drwxr-xr-x 0\/42\s+0 1970-01-02 00:00 d\//);
    assert.match(listing, new RegExp(`-rwsr-xr-x 0/42\\s+5 1970-01-02 00:00 d/${long}`));
    assert.match(listing, new RegExp(`d/link -> ${long}`));
    assert.equal((await index(archive)).length, 3);
  }));

test('a damaged header is refused', () =>
  inFolder(async folder => {
    const header = tarHeader({
      path: 'a',
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0,
      sizeBytes: 0,
      target: '',
    });
    header[0] = 0x7a;
    await writeFile(join(folder, 'a.tar'), header);
    await assert.rejects(index(join(folder, 'a.tar')), /wrong checksum/);
  }));

for (const [written, path] of [
  ['./usr/bin/', 'usr/bin'],
  ['./', ''],
  ['.', ''],
  ['/etc', 'etc'],
  ['a/b', 'a/b'],
] as const) {
  test(`member path ${written}`, () => assert.equal(memberPath(written), path));
}

test('cpio: header fields and alignment as the kernel reads them', () => {
  const archive = cpioArchive([{ path: 'init', mode: 0o100755, content: Buffer.from('abc') }]);
  const text = archive.toString('latin1');
  assert.equal(text.slice(0, 6), '070701');
  assert.equal(text.slice(14, 22), '000081ED');
  assert.equal(text.slice(54, 62), '00000003');
  assert.equal(text.slice(94, 102), '00000005');
  assert.equal(text.slice(110, 114), 'init');
  // Header and name are padded together to four bytes: 110 + 5 → 116.
  assert.equal(text.slice(116, 119), 'abc');
  assert.equal(archive.length % 4, 0);
  assert.ok(text.includes('TRAILER!!!'));
});

test('ELF: the facts of a real program and a real library', async () => {
  const node = readElf(await readFile(process.execPath));
  assert.equal(node?.machine, process.arch === 'x64' ? 62 : process.arch === 'arm64' ? 183 : 40);
  assert.match(node?.interpreter ?? '', /ld-/);
  assert.ok(node?.needed.some(name => name.startsWith('libc.so')));
  const path = execFileSync(
    'sh',
    ['-c', 'ls /lib/*-linux-gnu*/libz.so.1 /usr/lib/*-linux-gnu*/libc.so.6 2>/dev/null | tail -n 1'],
    { encoding: 'utf8' },
  ).trim();
  assert.match(readElf(await readFile(path))?.soname ?? '', /^lib(z|c)\.so/);
  assert.equal(readElf(Buffer.from('#!/bin/sh\n')), undefined);
});

test('deb822: folded fields, stanzas, names in any case', () => {
  const [first, second, ...rest] = parseStanzas(
    'Package: a\nDepends: b,\n c\nDescription: one\n two\n .\n\n\nPackage: z\n',
  );
  assert.equal(first?.get('depends'), 'b,\nc');
  assert.equal(first?.get('description'), 'one\ntwo\n.');
  assert.equal(second && field(second, 'PACKAGE'), 'z');
  assert.equal(rest.length, 0);
  assert.throws(() => field(new Map([['package', 'x']]), 'SHA256'), /no SHA256 field in the control data of x/);
});

for (const [what, facts, target, says] of [
  ['its own machine', { machine: 183, flags: 0 }, architectures.arm64, undefined],
  ['another machine', { machine: 62, flags: 0 }, architectures.arm64, 'is for machine 62, the image is for 183'],
  ['armhf, hard floats', { machine: 40, flags: 0x5000400 }, architectures.armv7, undefined],
  ['armhf, no statement', { machine: 40, flags: 0x5000000 }, architectures.armv7, undefined],
  ['armel', { machine: 40, flags: 0x5000200 }, architectures.armv7, 'is for another ABI: its ELF flags have 0x200'],
] as const) {
  test(`ELF for ${what}: ${says ?? 'fits'}`, () => {
    const none = { interpreter: undefined, soname: undefined, needed: [], dlopen: [] };
    assert.equal(foreign({ ...none, ...facts }, target), says);
  });
}
