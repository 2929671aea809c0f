/** A bundle as RAUC makes it of our images: read by the node, laid out in whole blocks, and the same bytes each time but for what is random. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Bundle, readBundle } from '../../runtime/src/machine/upgrade/bundle/bundle.ts';
import { openFileSource } from '../../runtime/src/machine/upgrade/bundle/fileSource.ts';
import { deltaOf } from '../src/bench/delta.ts';
import { writeFileAtomic } from '../src/files.ts';
import { blockBytes, blockHashes } from '../src/formats/block-index.ts';
import { ensureKeys, signerOf, trustOf } from '../src/keys/keyring.ts';
import { tinyBundle, tinyImages } from './tinyBundle.ts';

let workshop = '';
let one = '';
let other = '';
let bundle: Bundle;
const { signal } = new AbortController();
const notes = 'Faster.\n\n- and "better", in a few lines = good; ünïcode';

before(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'atoll-bundle-'));
  const keys = join(workshop, 'keys');
  await ensureKeys('development', { keys });
  const signer = await signerOf('development', keys);
  one = await tinyBundle(join(workshop, 'one'), { signer, notes });
  other = await tinyBundle(join(workshop, 'other/deeper'), { signer, notes });
  const { authorities, revoked } = await trustOf('development', keys);
  await writeFileAtomic(join(workshop, 'trust/authorities.pem'), authorities);
  await writeFileAtomic(join(workshop, 'trust/revoked.crl.pem'), revoked);
  const trust = { trustDir: join(workshop, 'trust'), runDir: workshop, stateDir: join(workshop, 'state') };
  bundle = await readBundle(await openFileSource(one), trust, signal);
});
after(async () => {
  await bundle?.close();
  await rm(workshop, { recursive: true, force: true });
});

test('the node reads what was said of it', () => {
  const { compatible, version, built, roothash, minimumVersion, notes: read } = bundle.manifest;
  assert.deepEqual(
    { compatible, version, built, roothash, minimumVersion, notes: read },
    {
      compatible: 'atoll-tiny',
      version: '1.2.3',
      built: '2023-11-14T22:13:20.000Z',
      roothash: 'ab'.repeat(32),
      minimumVersion: undefined,
      notes,
    },
  );
});

test('images are whole blocks of the bundle, one after the other, as they are', async () => {
  const bytes = await readFile(one);
  let at = blockBytes;
  for (const name of ['root', 'verity', 'uki'] as const) {
    assert.equal(bundle.startOf(name), at, name);
    assert.ok(bytes.subarray(at, at + tinyImages[name].length).equals(tinyImages[name]), name);
    at += tinyImages[name].length;
    const expected = await blockHashes(join(workshop, 'one', `${name}.img`));
    assert.equal((await bundle.index(name, signal)).toString('hex'), expected.toString('hex'));
  }
});

test('the squashfs is the same bytes, made elsewhere', async () => {
  const payload = async (path: string): Promise<Buffer> =>
    (await readFile(path)).subarray(0, (await readFile(path)).readUIntLE(40, 6));
  assert.ok((await payload(one)).equals(await payload(other)));
});

test('to one’s own version there is nothing to download but what goes with it', async () => {
  const { imageBytes, otherBytes, downloadBytes, bundleBytes } = await deltaOf(one, other);
  assert.deepEqual(imageBytes, { root: 0, verity: 0, uki: 0 });
  assert.equal(downloadBytes, otherBytes);
  assert.ok(bundleBytes > otherBytes);
});
