import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { toolsTree } from '../../../../../builder/src/paths.ts';
import { treeCommand } from '../../../../../builder/src/tools.ts';
import type { Installed } from '../types.ts';
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
  });
  afterEach(() => rm(esp, { recursive: true, force: true }));

  it('boots what was flashed, without an environment', async () => {
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
    it(`both copies ${what}: what is there is booted`, async () => {
      await arm(two);
      for (const n of [1, 2]) await writeFile(file(n), damage);
      assert.deepEqual(await order(), ['a 0.1.0 blessed', 'b 0.0.9 blessed']);
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
