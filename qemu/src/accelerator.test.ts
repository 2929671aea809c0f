import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { accelerator, probe } from './accelerator.ts';
import { findEmulator } from './emulator.ts';

it('uses KVM only if the firmware ran on it, and says why not', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'atoll-accelerator-'));
  try {
    const found = await accelerator(await findEmulator(), cache);
    if (found.name === 'kvm') {
      assert.match(found.reason, /the firmware ran in \d+ ms/);
      assert.equal(found.cpu, 'host');
    } else {
      assert.match(found.reason, /^\/dev\/kvm (is absent or may not be opened|exists, but no guest runs on it: .+)$/);
      assert.equal(found.cpu, 'qemu64');
    }
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

it('does not take an emulator that ends at once for a guest that runs', async () => {
  const found = await probe({ ...(await findEmulator()), qemu: ['/bin/false'] });
  assert.equal(found.name, 'tcg');
});

describe('what came of trying', () => {
  let cache: string;
  let device: string;
  let file: string;
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'atoll-accelerator-'));
    [device, file] = [join(cache, 'kvm'), join(cache, 'accelerator.json')];
    await writeFile(device, '');
  });
  afterEach(() => rm(cache, { recursive: true, force: true }));
  const ask = async (): Promise<string> =>
    (await accelerator({ ...(await findEmulator()), qemu: ['/bin/false'] }, cache, device)).reason;
  const change = async (changes: object): Promise<void> =>
    writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }));
  const other = { name: 'tcg', cpu: 'qemu64', reason: 'kept' };

  it('is kept for one boot of the host', async () => {
    const first = await ask();
    await change({ accelerator: other });
    assert.equal(await ask(), 'kept');
    await change({ key: 'another boot' });
    assert.equal(await ask(), first, 'probed again');
  });

  it('is for one device as it is: permissions that change count at once, and what is not there is not remembered', async () => {
    await rm(device);
    assert.match(await ask(), /kvm is absent or may not be opened$/);
    assert.deepEqual(await readdir(cache), []);
    await writeFile(device, '');
    assert.match(await ask(), /exists, but no guest runs on it/);
    await change({ accelerator: other });
    await chmod(device, 0o660);
    assert.notEqual(await ask(), 'kept');
    await change({ accelerator: other });
    await rm(device);
    assert.match(await ask(), /is absent/);
  });

  it('is kept for a while only, when the guest was too slow', async () => {
    await ask();
    await change({ accelerator: other, until: Date.now() + 60_000 });
    assert.equal(await ask(), 'kept');
    await change({ until: Date.now() - 1 });
    assert.notEqual(await ask(), 'kept');
    assert.equal((await probe(await findEmulator(), 1)).wasTooSlow, true);
  });
});

it('does not try KVM for a guest of another architecture', async () => {
  const emulator = await findEmulator();
  const foreign = {
    ...emulator,
    qemu: ['/bin/false'],
    platform: { ...emulator.platform, kvmHost: 'other', cpu: 'any' },
  };
  const found = await accelerator(foreign, '/nonexistent');
  assert.deepEqual([found.name, found.cpu], ['tcg', 'any']);
  assert.match(found.reason, /^a guest of \S+ on a host of \S+$/);
});
