/** Builds that are stopped at the two places where something could be left half-made outside a step: publishing, and the tools tree. */
import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../src/process.ts';
import {
  cli,
  coldCache,
  eventually,
  makeWorkshop,
  namesIn,
  nothingLivesIn,
  type Outcome,
  succeeded,
  warmCache,
} from './workshop.ts';

const image = 'vm-x86_64';
let workshop = '';
before(async () => {
  workshop = await makeWorkshop();
});
after(() => rm(workshop, { recursive: true, force: true }));

test('killed while it writes the artefact: the old one stands, whole; the next build replaces it', async () => {
  const out = join(workshop, 'out');
  succeeded(await cli(['build', image, '--no-compress', '--out', out]));
  const cache = await warmCache(join(workshop, 'cache'));
  const old = (await stat(join(out, image))).ino;
  const isHidden = (name: string): boolean => name.startsWith(`.${image}.`);
  const killed = await cli(['build', image, '--out', out], {
    cache,
    when: {
      line: /^artefact: Write/m,
      act: async child => {
        await eventually('the artefact is being written', async () => (await namesIn(out)).some(isHidden));
        child.kill('SIGKILL');
      },
    },
  });
  assert.equal(killed.status, null);
  await nothingLivesIn(cache);
  assert.ok((await namesIn(out)).some(isHidden), 'nobody was left to clean up');
  assert.equal((await stat(join(out, image))).ino, old);
  await run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], { cwd: join(out, image) });
  assert.ok(!(await namesIn(join(out, image))).includes(`${image}.raw.zst`));

  succeeded(await cli(['build', image, '--out', out], { cache }));
  assert.deepEqual(await namesIn(out), [image]);
  await run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], { cwd: join(out, image) });
  assert.ok((await namesIn(join(out, image))).includes(`${image}.raw.zst`));
});

/** Stops `tools` as soon as mmdebstrap has begun to fill the tree. */
async function stopTools(cache: string, signal: NodeJS.Signals): Promise<Outcome> {
  const folder = join(cache, 'tools');
  const before = await namesIn(folder);
  return cli(['tools'], {
    cache,
    when: {
      line: /^tools: Make the tools tree/m,
      act: async child => {
        await eventually('mmdebstrap works', async () => {
          const made = (await namesIn(folder)).filter(name => !before.includes(name));
          return (await Promise.all(made.map(name => namesIn(join(folder, name, 'root'))))).some(names =>
            names.includes('etc'),
          );
        });
        child.kill(signal);
      },
    },
  });
}

test('the tools tree: killed or interrupted while it is made, nothing stays that the next run does not remove', async () => {
  const cache = await coldCache(join(workshop, 'toolless'));
  await rm(join(cache, 'tools'));
  const killed = await stopTools(cache, 'SIGKILL');
  assert.equal(killed.status, null);
  await nothingLivesIn(cache);
  assert.equal((await namesIn(join(cache, 'tools'))).length, 1, 'nobody was left to clean up');

  const interrupted = await stopTools(cache, 'SIGINT');
  assert.equal(interrupted.status, 130, interrupted.stderr);
  assert.match(interrupted.stderr, /error: the build was interrupted \[INTERRUPTED\]/);
  await nothingLivesIn(cache);
  assert.deepEqual(await namesIn(join(cache, 'tools')), []);
});
