import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Workshop } from '../testing/workshop.ts';
import { openBundle } from './find.ts';

/** Files below `folder` that this process has open. */
const openBelow = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd));
      return path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [];
    } catch {
      return [];
    }
  });

describe('the newest of several bundles', () => {
  let shop: Workshop;
  before(async () => {
    shop = await Workshop.open();
  });
  after(() => shop[Symbol.asyncDispose]());

  it('is the only file that stays open', async () => {
    const { places, compatible } = await shop.machine();
    const folder = join(shop.folder, 'several');
    await mkdir(folder);
    await writeFile(join(folder, 'a.raucb'), await shop.bundle(shop.one));
    await writeFile(join(folder, 'b.raucb'), await shop.bundle(shop.two));
    await writeFile(join(folder, 'c.raucb'), 'no bundle');
    const bundle = await openBundle(folder, { trust: places, compatible }, new AbortController().signal);
    assert.equal(bundle.manifest.version, '0.2.0');
    assert.deepEqual(openBelow(folder), ['b.raucb']);
    await bundle.close();
    assert.deepEqual(openBelow(folder), []);
  });

  it('is closed when the search ends in the middle', async () => {
    const { places, compatible } = await shop.machine();
    const folder = join(shop.folder, 'cut-short');
    await mkdir(folder);
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, `${name}.raucb`), await shop.bundle());
    const abort = new AbortController();
    let asked = 0;
    // What is trusted is asked for each bundle once its file is open: at the second, the search is ended.
    const options = {
      compatible,
      get trust() {
        if (++asked === 2) {
          assert.deepEqual(openBelow(folder), ['a.raucb', 'b.raucb']);
          abort.abort(new Error('enough'));
        }
        return places;
      },
    };
    await assert.rejects(openBundle(folder, options, abort.signal), /enough/);
    assert.equal(asked, 2);
    assert.deepEqual(openBelow(folder), []);
  });
});
