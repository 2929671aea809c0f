import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initrdStart, kibibytes } from './bench.ts';

test('memory is read from both forms of /proc, with a tab and with blanks', () => {
  const status = 'Name:\tnode\nVmHWM:\t  130000 kB\nVmRSS:\t  118340 kB\nThreads:\t11\n';
  assert.equal(kibibytes('VmRSS', status), 118340 * 1024);
  const meminfo = 'MemTotal:         487944 kB\nMemFree:           97816 kB\nMemAvailable:     287716 kB\n';
  assert.equal(kibibytes('MemAvailable', meminfo), 287716 * 1024);
});

test('a figure that is missing or 0 is an error that names it', () => {
  assert.throws(() => kibibytes('VmRSS', ''), /no figure for VmRSS/);
  assert.throws(() => kibibytes('VmRSS', 'VmRSS:\t       0 kB\n'), /no figure for VmRSS/);
});

test('the start of the initrd is found in the log of the kernel', () => {
  const log =
    '[    3.770101] Freeing unused kernel image (initmem) memory: 2868K\n[    3.774609] Run /init as init process\n';
  assert.equal(initrdStart(log), '3.774609');
  assert.equal(initrdStart('[    1.0] nothing\n'), undefined);
});
