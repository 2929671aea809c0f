import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs, { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { toolsTree } from '../../../../../builder/src/paths.ts';
import { treeCommand } from '../../../../../builder/src/tools.ts';
import type { Installed } from '../types.ts';
import { LoaderError } from './errors.ts';
import { testUki } from './testing/efiProgram.ts';
import { UBoot } from './uboot.ts';
import { ENV_BYTES, environmentBytes, parseEnvironment } from './ubootEnv.ts';

const hash = (digit: string): string => digit.repeat(64);
const one: Installed = { version: '0.1.0', roothash: hash('1'), slot: 'a' };
const two: Installed = { version: '0.0.9', roothash: hash('2'), slot: 'b' };

describe("U-Boot's environment", () => {
  const pairs = new Map([
    ['BOOT_ORDER', 'B A'],
    ['BOOT_B_LEFT', '3'],
  ]);
  it('comes back as it was written', () => assert.deepEqual(parseEnvironment(environmentBytes(pairs)), pairs));
  it('is not believed when anything is wrong', () => {
    const whole = environmentBytes(pairs);
    for (const at of [0, 3, 4, 20, 100, ENV_BYTES - 1]) {
      const torn = Buffer.from(whole);
      torn[at] = (torn[at] ?? 0) ^ 1;
      assert.equal(parseEnvironment(torn), undefined, `byte ${at}`);
    }
    for (const length of [0, 4, 512, ENV_BYTES - 1])
      assert.equal(parseEnvironment(whole.subarray(0, length)), undefined);
    assert.equal(parseEnvironment(Buffer.alloc(ENV_BYTES)), undefined);
  });
  it('does not grow beyond its size', () => {
    assert.throws(() => environmentBytes(new Map([['x', 'y'.repeat(ENV_BYTES)]])), RangeError);
  });
});

describe('U-Boot', () => {
  let esp: string;
  let loader: UBoot;
  const file = (n: number): string => join(esp, 'EFI/atoll', `boot-${n}.env`);
  const environment = async (n = 1): Promise<Record<string, string>> =>
    Object.fromEntries(parseEnvironment(await readFile(file(n))) ?? []);
  const order = async (): Promise<string[]> =>
    (await loader.entries()).map(e => `${e.slot} ${e.version} ${e.triesLeft ?? 'blessed'}`);
  const arm = async (version: Installed): Promise<void> => {
    await writeFile(await loader.staging(), testUki(version));
    await loader.arm(version, 3);
  };

  beforeEach(async () => {
    esp = await mkdtemp(join(tmpdir(), 'atoll-uboot-'));
    loader = new UBoot(esp);
    await mkdir(join(esp, 'EFI/atoll'), { recursive: true });
    await writeFile(join(esp, 'EFI/atoll/a.efi'), testUki(one));
    for (const n of [1, 2]) await writeFile(file(n), environmentBytes(new Map([['BOOT_ORDER', 'A']])));
  });
  afterEach(() => rm(esp, { recursive: true, force: true }));

  it('boots what was flashed', async () => assert.deepEqual(await order(), ['a 0.1.0 blessed']));

  it('counts what is there without an environment, until it is blessed', async () => {
    for (const n of [1, 2]) await rm(file(n));
    assert.deepEqual(await order(), ['a 0.1.0 3']);
    await loader.bless(one.roothash);
    assert.deepEqual(await order(), ['a 0.1.0 blessed']);
  });

  it('arms, blesses, goes back', async () => {
    await arm(two);
    assert.deepEqual(await environment(), { BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' });
    assert.deepEqual(await environment(2), await environment());
    assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
    await loader.bless(two.roothash);
    assert.deepEqual(await environment(), { BOOT_ORDER: 'B A' });
    await loader.refuse(two.roothash);
    assert.deepEqual(await environment(), { BOOT_B_LEFT: '0', BOOT_ORDER: 'A B' });
    assert.deepEqual(await order(), ['a 0.1.0 blessed', 'b 0.0.9 0']);
  });

  it('knows what U-Boot has counted', async () => {
    await arm(two);
    for (const n of [1, 2])
      await writeFile(
        file(n),
        environmentBytes(
          new Map([
            ['BOOT_ORDER', 'B A'],
            ['BOOT_B_LEFT', '1'],
          ]),
        ),
      );
    const [first] = await loader.entries();
    assert.deepEqual([first?.slot, first?.triesLeft, first?.triesDone], ['b', 1, 2]);
    for (const n of [1, 2])
      await writeFile(
        file(n),
        environmentBytes(
          new Map([
            ['BOOT_ORDER', 'B A'],
            ['BOOT_B_LEFT', '0'],
          ]),
        ),
      );
    assert.deepEqual(await order(), ['a 0.1.0 blessed', 'b 0.0.9 0']);
    // What runs again boots next as it is: nothing is written.
    await loader.bless(one.roothash);
    assert.deepEqual(await environment(), { BOOT_B_LEFT: '0', BOOT_ORDER: 'B A' });
  });

  for (const [what, damage] of [
    ['torn', Buffer.alloc(ENV_BYTES, 7)],
    ['cut short', Buffer.alloc(100)],
    ['empty', Buffer.alloc(0)],
  ] as const) {
    it(`the first copy ${what}: the second counts, and both are whole after tidying`, async () => {
      await arm(two);
      await writeFile(file(1), damage);
      assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
      await loader.tidy(two.roothash);
      assert.deepEqual(await environment(), { BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' });
    });
    it(`both copies ${what}: what is there is counted, and what runs is blessed`, async () => {
      await arm(two);
      for (const n of [1, 2]) await writeFile(file(n), damage);
      assert.deepEqual(await order(), ['a 0.1.0 3', 'b 0.0.9 3']);
      await loader.bless(two.roothash);
      assert.deepEqual(await order(), ['b 0.0.9 blessed', 'a 0.1.0 3']);
      assert.deepEqual(await environment(2), await environment());
    });
  }

  // A folder in its place: it can be neither read nor written, as a sector that has failed.
  for (const [n, other] of [
    [1, 2],
    [2, 1],
  ] as const) {
    it(`copy ${n} can be neither read nor written: copy ${other} does`, async () => {
      await arm(two);
      await rm(file(n));
      await mkdir(join(file(n), 'in the way'), { recursive: true });
      assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
      await loader.bless(two.roothash);
      assert.deepEqual(await environment(other), { BOOT_ORDER: 'B A' });
      await loader.refuse(two.roothash);
      assert.deepEqual(await order(), ['a 0.1.0 blessed', 'b 0.0.9 0']);
      await loader.tidy(one.roothash);
      await arm(two);
      assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
    });
  }

  it('a first copy that can be read and not written is what U-Boot reads: nothing is blessed, and it is said', async t => {
    await arm(two);
    const { open } = fs;
    t.after(() => {
      fs.open = open;
      syncBuiltinESMExports();
    });
    fs.open = async (path, flags, mode) => {
      if (path === file(1) && flags !== 'r') throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
      return open(path, flags, mode);
    };
    syncBuiltinESMExports();
    await assert.rejects(loader.bless(two.roothash), {
      code: 'ENVIRONMENT',
      message: /boot-1\.env cannot be written: EIO/,
    });
    assert.deepEqual(await environment(2), { BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' });
    assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
  });

  it('neither copy can be written: it is said, with which file and what to do', async () => {
    for (const n of [1, 2]) {
      await rm(file(n));
      await mkdir(join(file(n), 'in the way'), { recursive: true });
    }
    await assert.rejects(
      loader.bless(one.roothash),
      (error: unknown) =>
        error instanceof LoaderError &&
        error.code === 'ENVIRONMENT' &&
        /boot-2\.env cannot be written: EISDIR/.test(error.message) &&
        /dmesg/.test(error.hint),
    );
  });

  for (const [what, mend] of [
    ['blessing', () => loader.bless(two.roothash)],
    ['tidying', () => loader.tidy(two.roothash)],
  ] as const) {
    it(`a second copy that a cut has left behind says the same again after ${what}`, async () => {
      await arm(two);
      const stale = await readFile(file(2));
      await loader.bless(two.roothash);
      await writeFile(file(2), stale);
      await mend();
      assert.deepEqual(await environment(2), { BOOT_ORDER: 'B A' });
      await writeFile(file(2), 'torn');
      await mend();
      assert.deepEqual(await environment(2), { BOOT_ORDER: 'B A' });
    });
  }

  it('does not refuse the last one, and does not arm beside an unproved one', async () => {
    await assert.rejects(loader.refuse(one.roothash), { code: 'LAST' });
    await arm(two);
    await writeFile(await loader.staging(), testUki({ ...one, roothash: hash('3') }));
    await assert.rejects(loader.arm({ version: '1', roothash: hash('3'), slot: 'a' }, 3), { code: 'LAST' });
    assert.deepEqual(await order(), ['b 0.0.9 3', 'a 0.1.0 blessed']);
  });

  it('tidies a kernel nobody knows of', async () => {
    await loader.bless(one.roothash);
    await writeFile(join(esp, 'EFI/atoll/b.efi'), testUki(two));
    await writeFile(file(1), environmentBytes(new Map([['BOOT_ORDER', 'A']])));
    await writeFile(await loader.staging(), 'half');
    await loader.tidy(one.roothash);
    assert.deepEqual((await readdir(join(esp, 'EFI/atoll'))).sort(), ['a.efi', 'boot-1.env', 'boot-2.env']);
  });
});

/** The tools of U-Boot itself are the judge of the format; they are in the tree that builds images. */
it('fw_printenv and fw_setenv speak the same', {
  skip: !existsSync(join(toolsTree(), 'usr/bin/fw_setenv')),
}, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-fwenv-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const tree = await realpath(toolsTree());
  const [env, config] = [join(folder, 'boot-1.env'), join(folder, 'fw_env.config')];
  await writeFile(config, `${env} 0x0 0x${ENV_BYTES.toString(16)}\n`);
  const run = async (program: string, ...args: string[]): Promise<string> => {
    const [command, ...words] = treeCommand(tree, `/usr/bin/${program}`);
    const { stdout } = await promisify(execFile)(command, [...words, '-c', config, ...args]);
    return stdout;
  };
  await writeFile(
    env,
    environmentBytes(
      new Map([
        ['BOOT_ORDER', 'B A'],
        ['BOOT_B_LEFT', '3'],
      ]),
    ),
  );
  assert.deepEqual((await run('fw_printenv')).trim().split('\n').sort(), ['BOOT_B_LEFT=3', 'BOOT_ORDER=B A']);
  await run('fw_setenv', 'BOOT_B_LEFT', '2');
  assert.deepEqual(Object.fromEntries(parseEnvironment(await readFile(env)) ?? []), {
    BOOT_B_LEFT: '2',
    BOOT_ORDER: 'B A',
  });
  await run('fw_setenv', 'BOOT_B_LEFT');
  assert.deepEqual(Object.fromEntries(parseEnvironment(await readFile(env)) ?? []), { BOOT_ORDER: 'B A' });
});
