/** What a person sees: on a terminal (a real one, made by script(1)), in CI, and of the help. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';
import { cli, cliCommand, makeWorkshop, namesIn, nothingLivesIn, stepsIn, succeeded, warmCache } from './workshop.ts';

let workshop = '';
let cache = '';
before(async () => {
  workshop = await makeWorkshop();
  succeeded(await cli(['build', '--no-compress', '--out', join(workshop, 'out')]));
  cache = await warmCache(join(workshop, 'cache'));
});
after(() => rm(workshop, { recursive: true, force: true }));

/** Runs `build` on a terminal of 100 columns; `typed` is typed as soon as the screen shows `when`. */
async function onTerminal(
  env: NodeJS.ProcessEnv,
  when?: RegExp,
  typed = '',
): Promise<{ status: number | null; screen: string }> {
  const words = [...cliCommand(), 'build', '--no-compress', '--out', join(workshop, 'out')];
  const command = `stty cols 100; ${words.map(word => `'${word}'`).join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ATOLL_CACHE: cache, TERM: 'xterm', ...env },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let screen = '';
  let waiting = when;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    if (!waiting?.test(screen)) return;
    waiting = undefined;
    child.stdin.write(typed);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, screen };
}

const control = '\u001b[';

test('on a terminal: a line a step, live lines with their time, then what was made', async () => {
  await rm(join(cache, 'steps/kernel'), { recursive: true });
  const { status, screen } = await onTerminal({ CI: '' });
  assert.equal(status, 0, screen);
  assert.ok(screen.includes(`${control}2m· Initrd (unchanged)${control}0m`), screen);
  assert.match(screen, /… Kernel and modules {2}\d+\.\d s/, 'while it runs');
  assert.ok(screen.includes(`${control}32m✓${control}0m Kernel and modules`), 'when it is done');
  assert.match(screen, /vm-x86_64 \(\d+\.\d s; ran kernel\)\r\n/);
  for (const line of screen.split(/\r?\n/)) {
    const visible = [...stripVTControlCharacters(line)].length;
    assert.ok(visible <= 100 || line.includes(workshop), `fits the terminal: ${line}`);
  }
});

test('Ctrl-C on a terminal: stopped at once, in order', async () => {
  await rm(join(cache, 'steps/kernel'), { recursive: true, force: true });
  const { status, screen } = await onTerminal({ CI: '' }, /… Kernel and modules/, '\u0003');
  assert.equal(status, 130, screen);
  assert.ok(screen.includes(`${control}31m✗${control}0m Kernel and modules`), screen);
  assert.match(screen, /error: the build was interrupted \[INTERRUPTED\]\r\n {2}→ Nothing half-made was left behind/);
  assert.deepEqual(await namesIn(join(cache, 'tmp')), []);
  await nothingLivesIn(cache);
});

test('in CI: plain lines, even on a terminal', async () => {
  const { status, screen } = await onTerminal({ CI: 'true' });
  assert.equal(status, 0, screen);
  assert.ok(!screen.includes(control), screen);
  assert.match(screen, /^initrd: unchanged\r$/m);
  assert.match(screen, /^kernel: done after \d+\.\d s\r$/m);
});

test('progress goes to standard error, the result to standard output', async () => {
  const outcome = succeeded(await cli(['build', '--no-compress', '--out', join(workshop, 'out')], { cache }));
  assert.ok(stepsIn(outcome).unchanged.length > 10);
  assert.match(outcome.stdout, /^\/\S+\/vm-x86_64 \(\d+\.\d s; nothing had changed\)\n(?: {2}\S+ +\d+\.\d MiB\n)+$/);
});

test('the help names every command and option', async () => {
  for (const args of [['--help'], ['-h'], ['help'], ['build', '--help']]) {
    const { stdout, stderr } = succeeded(await cli(args, { cache }));
    assert.equal(stderr, '');
    for (const word of [
      'build',
      'images',
      'tools',
      'size',
      'flash',
      'imager-json',
      'run',
      'stop',
      '--check',
      '--out',
      '--runtime',
      '--no-compress',
      '--update',
      'ATOLL_CACHE',
    ])
      assert.ok(stdout.includes(word), word);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  }
});

test('by its name, as npx runs it', async () => {
  const { stdout } = await run([join(repositoryRoot, 'builder/bin/atoll-builder.mjs'), 'images'], { cwd: workshop });
  assert.match(stdout, /^vm-x86_64 /m);
});

test('the images that can be built, and what one is made of', async () => {
  const images = succeeded(await cli(['images'], { cache }));
  assert.match(images.stdout, /^vm-x86_64 +x86_64 +Kubernetes node/m);
  const size = succeeded(await cli(['size', '--out', join(workshop, 'out')], { cache }));
  assert.match(size.stdout, /containerd/);
});
