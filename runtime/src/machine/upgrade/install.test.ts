import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exclusive } from './exclusive.ts';
import { checkSlot } from './readBack.ts';
import { armTrial } from './state.ts';
import { noise, type Version, versionOf } from './testing/bundles.ts';
import { fill, type TestMachine, untouchable } from './testing/machine.ts';
import { Workshop } from './testing/workshop.ts';
import type { Progress } from './types.ts';

describe('installing', () => {
  let shop: Workshop;
  let path: string;
  before(async () => {
    shop = await Workshop.open();
    path = await shop.file(await shop.bundle());
  });
  after(() => shop[Symbol.asyncDispose]());

  const holds = async ({ places }: TestMachine, version: Version): Promise<void> => {
    assert.ok((await readFile(places.root.b)).subarray(0, version.root.length).equals(version.root), 'the root');
    assert.ok((await readFile(places.verity.b)).subarray(0, version.verity.length).equals(version.verity), 'the tree');
    assert.ok((await readFile(join(places.esp, 'EFI/atoll/b.efi'))).equals(version.uki), 'the kernel');
  };

  it('brings what is missing, reads it back and arms it', async () => {
    const machine = await shop.machine();
    const seen: Progress[] = [];
    const noted: string[] = [];
    const result = await shop.upgrade(machine, path, {
      onProgress: progress => void seen.push(progress),
      beforeArm: async trial => {
        noted.push(`${trial.version} ${trial.slot} ${(await machine.loader.entries()).length}`);
      },
    });
    assert.equal(result.outcome, 'armed');
    assert.deepEqual(noted, ['0.2.0 b 1'], 'the caller notes it before the loader hears of it');
    await holds(machine, shop.two);
    const [first, second] = await machine.loader.entries();
    assert.deepEqual(
      [first?.version, first?.slot, first?.triesLeft, second?.version, second?.triesLeft],
      ['0.2.0', 'b', 3, '0.1.0', undefined],
    );
    // 128 KiB that are new, the index, signature and tables.
    assert.ok(result.downloadedBytes < 340_000, `${result.downloadedBytes} bytes downloaded`);
    assert.deepEqual(
      [...new Set(seen.map(({ phase }) => phase))],
      ['comparing', 'writing', 'verifying', 'arming', 'done'],
    );
    const told: unknown = JSON.parse(await readFile(join(machine.places.runDir, 'upgrade.json'), 'utf8'));
    assert.deepEqual(told, { ...seen.at(-1) });
    assert.deepEqual(await readdir(machine.places.runDir), ['upgrade.json'], 'nothing else is left');
  });

  it('does nothing where that version runs', async () => {
    const machine = await shop.machine(shop.two);
    const result = await shop.upgrade(machine, path);
    assert.deepEqual([result.outcome, result.writtenBytes], ['runs', 0]);
    assert.equal((await machine.loader.entries()).length, 1);
  });

  it('writes only what differs where the slot holds an older version, which no longer boots before that', async () => {
    const machine = await shop.machine();
    await shop.upgrade(machine, path);
    // The trial was blessed and runs; slot a is the inactive one now.
    await machine.loader.bless(shop.two.roothash);
    const root = Buffer.from(shop.two.root);
    noise(8192, 'newer').copy(root, 3 << 20);
    const three = versionOf('0.3.0', root);
    const running = { version: '0.2.0', roothash: shop.two.roothash, slot: 'b' } as const;
    let refused: number | undefined;
    const result = await shop.upgrade({ ...machine, running }, await shop.file(await shop.bundle(three)), {
      beforeArm: async () => {
        refused = (await machine.loader.entries()).find(({ slot }) => slot === 'a')?.triesLeft;
      },
    });
    assert.equal(refused, 0);
    // 0.1.0's own 128 KiB, 8 KiB that are new, what of the tree changed, and a kernel.
    assert.ok(result.writtenBytes < 500_000, `${result.writtenBytes} bytes written`);
    assert.ok((await readFile(machine.places.root.a)).subarray(0, root.length).equals(root));
  });

  for (const [name, withIndex, damage] of [
    ['has no index behind its tree', false, undefined],
    ['has a damaged index', true, 'index'],
    ['holds other blocks than its index says', true, 'root'],
  ] as const) {
    it(`also where the running slot ${name}`, async () => {
      const machine = await shop.machine(versionOf('0.1.0', shop.one.root, { withIndex }));
      const at = damage === 'root' ? 2 << 20 : shop.one.verity.length - 5000;
      if (damage) {
        const file = damage === 'root' ? machine.places.root.a : machine.places.verity.a;
        const bytes = await readFile(file);
        noise(4096 * 3, 'damage').copy(bytes, at);
        await writeFile(file, bytes);
      }
      const result = await shop.upgrade(machine, path);
      await holds(machine, shop.two);
      assert.ok(result.downloadedBytes < 400_000, `${result.downloadedBytes} bytes downloaded`);
    });
  }

  it('takes what an interrupted installation left', async () => {
    const machine = await shop.machine();
    await fill(machine.places, 'b', shop.two);
    await writeFile(join(machine.places.esp, 'EFI/atoll/next.efi'), shop.two.uki.subarray(0, 100_000));
    const result = await shop.upgrade(machine, path);
    await holds(machine, shop.two);
    assert.ok(result.writtenBytes <= shop.two.uki.length - 96 * 1024, `${result.writtenBytes} bytes written`);
    assert.ok(result.downloadedBytes < 200_000);
  });

  it('finds the newest bundle for this image in a directory', async () => {
    const directory = join(path, '..');
    await writeFile(join(directory, 'older.raucb'), await shop.bundle(versionOf('0.1.5', shop.one.root)));
    await writeFile(
      join(directory, 'others.raucb'),
      await shop.bundle(versionOf('9.0.0', shop.one.root), { compatible: 'atoll-other' }),
    );
    await writeFile(join(directory, 'broken.raucb'), 'hsqs');
    const result = await shop.upgrade(await shop.machine(), directory);
    assert.equal(result.trial.version, '0.2.0');
  });

  it('leaves the slot alone that a version on trial would fall back to', async () => {
    const machine = await shop.machine();
    await shop.upgrade(machine, path);
    const running = { version: '0.2.0', roothash: shop.two.roothash, slot: 'b' } as const;
    const onTrial = { ...machine, running };
    const newer = await shop.file(await shop.bundle(versionOf('0.3.0', noise(1 << 20, 'three'))));
    const refused = { code: 'ON_TRIAL', message: /0\.2\.0, which runs here, has not proved itself yet/ };
    await assert.rejects(shop.upgrade(onTrial, newer), refused);
    // Blessed at the loader, and the machine does not know of it yet.
    await machine.loader.bless(shop.two.roothash);
    const { places } = machine;
    const trial = {
      ...running,
      id: '0.2.0-x',
      from: machine.running,
      armedAt: '',
      deadlineSeconds: 600,
      before: { role: 'server', takenAt: '', nodeReady: true, serverReachable: true, pods: [], failedUnits: [] },
    } as const;
    await armTrial(places.stateDir, trial, { ...running, at: '', event: 'installed', message: '' });
    await assert.rejects(shop.upgrade(onTrial, newer), refused);
    assert.deepEqual(
      (await machine.loader.entries()).map(({ slot, triesLeft }) => `${slot} ${triesLeft}`),
      ['b undefined', 'a undefined'],
    );
    await checkSlot(places, { ...machine.running }, AbortSignal.timeout(10_000));
    assert.equal((await shop.upgrade(onTrial, path)).outcome, 'runs', 'itself is no other version');
  });

  it('says that what was armed is given up, before the loader hears of it and before the slot changes', async () => {
    const machine = await shop.machine();
    await shop.upgrade(machine, path);
    const seen: string[] = [];
    const newer = await shop.file(await shop.bundle(versionOf('0.3.0', noise(1 << 20, 'three'))));
    await shop.upgrade(machine, newer, {
      beforeGiveUp: async () => {
        const armed = (await machine.loader.entries()).find(({ slot }) => slot === 'b');
        seen.push(`${armed?.version} ${armed?.triesLeft}`);
        await checkSlot(machine.places, { ...shop.two, slot: 'b' }, AbortSignal.timeout(10_000));
      },
    });
    assert.deepEqual(seen, ['0.2.0 3']);
  });

  it('of a slot that was begun to be written it can be told that it is not whole', async () => {
    const machine = await shop.machine();
    const { places, running } = machine;
    const signal = AbortSignal.timeout(10_000);
    await checkSlot(places, running, signal);
    for (const part of ['root', 'verity'] as const) {
      const bytes = await readFile(places[part].a);
      const damaged = Buffer.from(bytes);
      noise(4096, 'begun').copy(damaged, part === 'root' ? 1 << 20 : 8192);
      await writeFile(places[part].a, damaged);
      await assert.rejects(checkSlot(places, running, signal), {
        code: 'VERIFY',
        message: /^slot a does not hold 0\.1\.0 any more: /,
      });
      await writeFile(places[part].a, bytes);
    }
  });

  it('is one at a time', async () => {
    const machine = await shop.machine();
    {
      await using _held = await exclusive(machine.places.runDir);
      await assert.rejects(shop.upgrade(machine, path), {
        code: 'BUSY',
        message: 'an upgrade is being installed already',
      });
    }
    assert.equal((await shop.upgrade(machine, path)).outcome, 'armed');
  });

  it('stops when it is told to, and goes on later', async () => {
    const machine = await shop.machine();
    const sum = await untouchable(machine);
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    const onProgress = ({ phase, writtenBytes }: Progress): void => {
      if (phase === 'writing' && writtenBytes === 0) stop.abort(reason);
    };
    await assert.rejects(shop.upgrade(machine, path, { onProgress, signal: stop.signal }), reason);
    assert.equal(await untouchable(machine), sum);
    await shop.upgrade(machine, path);
    await holds(machine, shop.two);
  });

  it('is noticed when the device gives back something else', async () => {
    const machine = await shop.machine();
    const sum = await untouchable(machine);
    const onProgress = ({ phase }: Progress): void => {
      if (phase !== 'verifying') return;
      const bytes = readFileSync(machine.places.root.b);
      bytes[5000] = (bytes[5000] ?? 0) ^ 1;
      writeFileSync(machine.places.root.b, bytes);
    };
    await assert.rejects(shop.upgrade(machine, path, { onProgress }), {
      code: 'VERIFY',
      message: `${machine.places.root.b} gives back another root than was written (at byte 4096)`,
    });
    assert.equal(await untouchable(machine), sum);
    assert.equal((await machine.loader.entries()).length, 1);
  });
});
