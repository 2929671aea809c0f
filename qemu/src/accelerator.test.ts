import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { accelerator, probe } from './accelerator.ts';
import { findEmulator } from './emulator.ts';

it('uses KVM only if the firmware ran on it, and says why not', async () => {
  const found = await probe(await findEmulator());
  if (found.name === 'kvm') {
    assert.match(found.reason, /the firmware ran in \d+ ms/);
    assert.equal(found.cpu, 'host');
  } else {
    assert.match(found.reason, /^\/dev\/kvm (is absent or may not be opened|exists, but no guest runs on it: .+)$/);
    assert.equal(found.cpu, 'qemu64');
  }
});

it('does not take an emulator that ends at once for a guest that runs', async () => {
  const found = await probe({ ...(await findEmulator()), qemu: ['/bin/false'] });
  assert.equal(found.name, 'tcg');
});

it('keeps the answer for one boot of the host', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'atoll-accelerator-'));
  try {
    const emulator = { ...(await findEmulator()), qemu: ['/bin/false'] };
    const first = await accelerator(emulator, cache);
    const file = join(cache, 'accelerator.json');
    const kept = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...kept, accelerator: { ...first, reason: 'kept' } }));
    assert.equal((await accelerator(emulator, cache)).reason, 'kept');
    await writeFile(file, JSON.stringify({ ...kept, key: 'another boot' }));
    assert.equal((await accelerator(emulator, cache)).reason, first.reason, 'probed again');
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
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
