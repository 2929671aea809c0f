/** `/usr/lib/atoll/config-final` on a generation as it is staged: what is done once for each instance, and what is not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stage } from './stage.ts';
import { nothingRendered, type Rendered } from './types.ts';

const scripts = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/', import.meta.url));
const accounts = { passwd: '', group: '', shadow: '', gshadow: '' };

describe('when the machine is up', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'atoll-final-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** The script as it is, with the machine's folders in a folder of the test's. */
  const boot = (rendered: Partial<Rendered>, instanceId: string): void => {
    const current = join(folder, 'config/current');
    rmSync(current, { recursive: true, force: true });
    for (const file of stage({ rendered: { ...nothingRendered, ...rendered }, accounts, knownIds: {}, instanceId })) {
      mkdirSync(dirname(join(current, file.path)), { recursive: true });
      writeFileSync(join(current, file.path), file.content, { mode: file.mode });
    }
    const here = (name: string): string =>
      readFileSync(join(scripts, name), 'utf8')
        .replaceAll('/usr/lib/atoll', folder)
        .replaceAll('/var/lib/atoll', folder)
        .replaceAll('/run/atoll', folder)
        .replaceAll('/dev/kmsg', join(folder, 'kmsg'));
    for (const name of ['config-words', 'config-final']) writeFileSync(join(folder, name), here(name));
    execFileSync('sh', [join(folder, 'config-final')]);
  };
  const log = (): string => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '');
  const runcmd = (word: string): Partial<Rendered> => ({ runcmd: [`echo ${word} >> '${folder}/log'`] });
  const deferred = (): Partial<Rendered> => ({
    files: [{ path: join(folder, 'late'), content: 'x', mode: 0o644, defer: true }],
  });

  it('runcmd runs once for each instance', () => {
    for (const [word, instance] of [['a'], ['b'], ['c', 'i-2'], ['d', 'i-2'], ['e']])
      boot(runcmd(word ?? ''), instance ?? 'i-1');
    assert.equal(log(), 'a\nc\n');
  });

  it('commands are one script: what one of them sets is there for the next', () => {
    boot(
      { runcmd: [`cd '${folder}'`, 'a=1', ['echo', '$a'], 'echo "$a" > log', 'set -e', 'false', 'echo 2 >> log'] },
      'i-1',
    );
    assert.equal(log(), '1\n');
    assert.match(readFileSync(join(folder, 'kmsg'), 'utf8'), /runcmd ended with 1$/m);
  });

  it('a runcmd that comes later runs, whatever else was done before', () => {
    boot(deferred(), 'i-1');
    assert.ok(existsSync(join(folder, 'late')));
    boot({ ...deferred(), ...runcmd('a') }, 'i-1');
    boot({ ...deferred(), ...runcmd('b') }, 'i-1');
    assert.equal(log(), 'a\n');
  });

  for (const instance of ['../../../out', '..', '.hidden', 'i/7', 'ü'.repeat(200), 'x'.repeat(200)])
    it(`the instance ${instance.slice(0, 20)} has a folder of its own`, () => {
      boot(runcmd('a'), instance);
      boot(runcmd('b'), instance);
      boot(runcmd('c'), `${instance.slice(0, -1)}-`);
      assert.equal(log(), 'a\nc\n');
      assert.equal(readdirSync(join(folder, 'config/instances')).length, 2);
    });
});
