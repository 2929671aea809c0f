/**
 * Every image of images/ as far as its packages: apt finds an installation for it in its architecture, with one kernel, the loader's own
 * package, and nothing that is left out; or the mirror has none, which is then seen to be so. (That the roots hold together is checked whenever one is composed.)
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { architectures, boards } from '../src/boards.ts';
import { listImages, loadDefinition } from '../src/definition/load.ts';
import type { BuildError } from '../src/errors.ts';
import { type AptSources, mirrorsFrom } from '../src/packages/apt.ts';
import { freshIndex } from '../src/packages/fresh-index.ts';
import { readPackages, resolvePackages } from '../src/packages/resolve.ts';
import { repositoryRoot } from '../src/paths.ts';
import { createProgress } from '../src/progress.ts';
import { makeWorkshop, warmCache } from './workshop.ts';

const images = await listImages();
const day = 24 * 3_600_000;

/** Whether the mirror's list of packages is the one its release file names: the builder's word on that is not taken for it. */
async function holds({ architecture, mirrors }: AptSources, suite: string): Promise<boolean> {
  const get = async (path: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(`${mirrors.main}/dists/${suite}/${path}`)).arrayBuffer());
  const packages = await get(`main/binary-${architecture}/Packages.xz`);
  const hash = createHash('sha256').update(packages).digest('hex');
  return (await get('InRelease')).includes(` ${hash} `);
}

describe('every image', () => {
  let workshop = '';
  let cache = '';
  before(async () => {
    workshop = await makeWorkshop();
    cache = await warmCache(join(workshop, 'cache'));
  });
  after(() => rm(workshop, { recursive: true, force: true }));

  for (const name of images) {
    test(`${name} has packages for its architecture`, async t => {
      const { image, lists } = await loadDefinition(name);
      const { debian } = architectures[image.architecture];
      const signal = AbortSignal.timeout(300_000);
      const progress = createProgress(process.stderr);
      const sources = {
        architecture: debian,
        suites: image.debian.suites,
        components: image.debian.components,
        mirrors: mirrorsFrom(process.env),
      };
      const { mayLack } = image.debian;
      const index = await freshIndex({ cache, sources, mayLack, maximumAgeMs: day, progress, signal }).catch(
        async (error: BuildError) => {
          if (error.code !== 'HASH_MISMATCH' || mayLack.length === 0) throw error;
          for (const suite of ['trixie', 'stable'])
            assert.ok(!(await holds(sources, suite)), `${suite} holds on the mirror: ${error.message}`);
        },
      );
      if (!index) return t.diagnostic(`the mirror has no ${debian} that holds, and that is what the builder says`);
      const install = [...lists.install, image.kernel.package, ...image.packages].map(({ value }) => value);
      const leaveOut = [...lists.leaveOut.keys()];
      await resolvePackages.run(
        { sources: index.sources, index: '', install, leaveOut },
        { directory: workshop, scratch: workshop, cache, signal, note: () => undefined, warn: () => undefined },
      );
      progress.close();
      const packages = await readPackages(join(workshop, 'packages.json'));
      for (const one of packages) assert.match(one.architecture, new RegExp(`^(all|${debian})$`), one.name);
      const names = packages.map(one => one.name);
      assert.deepEqual(
        names.filter(one => leaveOut.includes(one)),
        [],
      );
      assert.equal(names.filter(one => /^linux-image-\d/.test(one)).length, 1);
      assert.ok(names.includes('systemd-boot-efi'));
    });
  }
});

test('every image is on a board of its own, and in the README', async () => {
  const readme = await readFile(join(repositoryRoot, 'README.md'), 'utf8');
  for (const name of images) {
    const { image } = await loadDefinition(name);
    assert.equal(boards[image.board]?.architecture, image.architecture);
    assert.ok(readme.includes(`\`${name}\``), `${name} is not in the README's table of images`);
  }
});
