import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isVersion, publishBundle, readChannel } from './channel.ts';
import { fileRef } from './files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-channel-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function publish(image: string, version: string, rolloutPercent = 100): Promise<boolean> {
  const source = join(folder, 'source');
  await writeFile(source, `${image} ${version}`);
  const entry = { version, bundle: `${image}-${version}.raucb`, roothash: 'ab', rolloutPercent, notes: 'new' };
  return publishBundle(join(folder, 'channel'), { image, bundle: await fileRef(source), entry, revoked: 'list' });
}

for (const [version, good] of [
  ['0.2.0', true],
  ['10.20.30', true],
  ['0.2.0~rc.1', true],
  ['0.2', false],
  ['v0.2.0', false],
  ['0.2.0-rc.1', false],
  ['0.2.0+3', false],
  ['0.2.0 ', false],
  ['', false],
  ['../0.2.0', false],
] as const) {
  test(`"${version}" is ${good ? 'a' : 'no'} version`, () => assert.equal(isVersion(version), good));
}

test('a channel names the newest of each image, and holds what it names', async () => {
  assert.equal(await publish('vm', '0.2.0', 25), true);
  assert.equal(await publish('pi', '0.1.0'), true);
  assert.equal(await publish('vm', '0.10.0'), true);
  assert.equal(await publish('vm', '0.9.0'), false, 'an older one is not named');
  assert.equal(await publish('vm', '0.10.0~rc.1'), false);
  const { images } = await readChannel(join(folder, 'channel'));
  assert.deepEqual(Object.keys(images), ['pi', 'vm']);
  assert.deepEqual(images.vm, {
    version: '0.10.0',
    bundle: 'vm-0.10.0.raucb',
    roothash: 'ab',
    rolloutPercent: 100,
    notes: 'new',
    sizeBytes: 'vm 0.10.0'.length,
    sha256: createHash('sha256').update('vm 0.10.0').digest('hex'),
  });
  const names = (await readdir(join(folder, 'channel'))).sort();
  assert.deepEqual(names, [
    'channel.json',
    'pi-0.1.0.raucb',
    'revoked.crl.pem',
    'vm-0.10.0.raucb',
    'vm-0.10.0~rc.1.raucb',
    'vm-0.2.0.raucb',
    'vm-0.9.0.raucb',
  ]);
  assert.equal(await readFile(join(folder, 'channel/revoked.crl.pem'), 'utf8'), 'list');
});

test('the same version again is replaced, with another rollout', async () => {
  await publish('vm', '0.2.0', 10);
  assert.equal(await publish('vm', '0.2.0', 50), true);
  assert.equal((await readChannel(join(folder, 'channel'))).images.vm?.rolloutPercent, 50);
});

test('what is published shares no bytes on disk with where it came from', async () => {
  await publish('vm', '0.2.0');
  const published = join(folder, 'channel/vm-0.2.0.raucb');
  await writeFile(published, 'changed');
  assert.equal(await readFile(join(folder, 'source'), 'utf8'), 'vm 0.2.0');
  assert.equal((await stat(published)).nlink, 1);
});

test('a file that is no channel is left alone', async () => {
  await publish('vm', '0.2.0');
  for (const text of ['{"format":2,"images":{}}', 'null', '{']) {
    await writeFile(join(folder, 'channel/channel.json'), text);
    await assert.rejects(publish('vm', '0.3.0'), /no channel file of format 1/);
    assert.equal(await readFile(join(folder, 'channel/channel.json'), 'utf8'), text);
  }
});
