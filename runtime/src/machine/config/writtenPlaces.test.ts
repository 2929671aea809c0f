import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { wrongLines } from './testing/lines.ts';
import { kindOnMachine, placesRule } from './writtenPlaces.ts';

it('on a machine, what it has itself is looked at, and not what it was given into /etc', () => {
  const root = mkdtempSync(join(tmpdir(), 'atoll-places-'));
  try {
    mkdirSync(join(root, 'etc/site'), { recursive: true });
    writeFileSync(join(root, 'etc/motd'), '');
    symlinkSync('site', join(root, 'etc/link'));
    const said = (...paths: readonly string[]): string[] => {
      const found: string[] = [];
      const files = paths.map(path => ({ path }));
      placesRule(new Set(), kindOnMachine(root))(files, (_, message) => void found.push(message));
      return found;
    };
    assert.deepEqual(said('/etc/site', '/etc/link', '/etc/motd/x'), [
      '"/etc/site" is a folder of the machine',
      '"/etc/link" is a folder of the machine',
      '"/etc/motd" is a file of the machine: nothing can be in it',
    ]);
    assert.deepEqual(said('/etc/site/a', '/etc/link/a', '/etc/motd', '/etc/new/a', `/var/${'a'.repeat(300)}`), []);
    // Data comes and goes: a file that is in the way is told at the boot.
    assert.deepEqual(said(join(root, 'etc/motd/x')), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('what other keys are written to is no folder of a file, and no file is where it needs a folder', () => {
  for (const [text, said] of [
    [
      'machine: {sysctls: {vm.swappiness: 1}}\nwrite_files: [{path: /etc/sysctl.d/90-config.conf/x}]',
      '3:22 write_files[0].path "/etc/sysctl.d/90-config.conf", which is written from other keys, is a file: nothing can be in it → give the file another name',
    ],
    [
      'users: [ann]\nwrite_files: [{path: /var/home/ann/.ssh}]',
      '3:22 write_files[0].path "/var/home/ann/.ssh" is a folder, too: there is also "/var/home/ann/.ssh/authorized_keys" → give the file another name',
    ],
  ] as const)
    assert.deepEqual(wrongLines(text), [said]);
});
