import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { Shell } from './shell.ts';

/** A real /bin/sh whose standard input and output are one socket, as the guest's unit starts it. */
function startShell(): { stream: Duplex; kill: () => void } {
  const child = spawn('/bin/sh', ['-c', 'exec /bin/sh <&3 >&3 3<&-'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  return { stream: child.stdio[3] as Duplex, kill: () => child.kill('SIGKILL') };
}

describe('the shell in the guest', () => {
  let scratch: string;
  let shell: Shell;
  let kill: () => void;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'atoll-shell-'));
    const started = startShell();
    kill = started.kill;
    shell = new Shell(() => 'it is starting', join(scratch, 'out'));
    shell.attach(started.stream);
  });
  after(async () => {
    kill();
    await rm(scratch, { recursive: true, force: true });
  });

  const cases: [command: string, result: { stdout?: string; stderr?: string; exitCode: number }][] = [
    ['true', { stdout: '', stderr: '', exitCode: 0 }],
    ['exit 7', { stdout: '', stderr: '', exitCode: 7 }],
    ['printf "no newline"', { stdout: 'no newline', exitCode: 0 }],
    ['echo out; echo err >&2; false', { stdout: 'out\n', stderr: 'err\n', exitCode: 1 }],
    [`echo "quotes ' \\" and $((1+1))"`, { stdout: `quotes ' " and 2\n`, exitCode: 0 }],
    ['printf "zwei\\nZeilen: äöü\\n"', { stdout: 'zwei\nZeilen: äöü\n', exitCode: 0 }],
    ['cat', { stdout: '', exitCode: 0 }],
    ['echo 0:; echo ": 0"', { stdout: '0:\n: 0\n', exitCode: 0 }],
    ['head -c 300000 /dev/zero | tr "\\0" x', { stdout: 'x'.repeat(300_000), exitCode: 0 }],
  ];
  for (const [command, expected] of cases) {
    it(`runs ${command}`, async () => {
      const result = await shell.run(command);
      assert.deepEqual({ ...result, ...expected }, result);
    });
  }

  it('runs commands one after the other', async () => {
    const results = await Promise.all(['echo 1', 'echo 2', 'echo 3'].map(command => shell.run(command)));
    assert.deepEqual(
      results.map(({ stdout }) => stdout),
      ['1\n', '2\n', '3\n'],
    );
  });

  it('kills a command that takes too long, and goes on', async () => {
    assert.equal((await shell.run('sleep 60', { timeoutMs: 1000 })).exitCode, 137);
    assert.equal(await shell.output('echo still here'), 'still here');
  });

  it('shows a failed command with its words', async () => {
    await assert.rejects(shell.output('echo why >&2; exit 3'), /'echo why >&2; exit 3' exited with 3\nwhy/);
  });

  it('that does not answer: what the machine is doing instead', async t => {
    const silent = new Shell(() => 'the console: a kernel panic');
    silent.attach(new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }));
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const waited = assert.rejects(
      silent.run('true', { timeoutMs: 1000 }),
      /a root shell in the guest.*\nthe console: a kernel panic$/,
    );
    await new Promise(resolve => setImmediate(resolve));
    t.mock.timers.tick(60_000);
    await waited;
  });
});
