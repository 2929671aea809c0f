/** Every cut that a model of FAT allows, in every step of both loaders. On a real FAT, with fewer of them: qemu/loader/cuts.test.ts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import type { Installed, Loader } from '../types.ts';
import { isUnfinished } from './durable.ts';
import { entryText, SystemdBoot } from './systemdBoot.ts';
import { testUki } from './testing/efiProgram.ts';
import { FatModel, type Tree } from './testing/fatModel.ts';
import { UBoot } from './uboot.ts';
import { environmentBytes } from './ubootEnv.ts';

const one: Installed = { version: '0.2.0', roothash: '1'.repeat(64), slot: 'a' };
const two: Installed = { version: '0.3.0', roothash: '2'.repeat(64), slot: 'b' };
const three: Installed = { version: '0.1.0', roothash: '3'.repeat(64), slot: 'a' };
const kernels = new Map([one, two, three].map(version => [version.version, testUki(version)]));

interface Backend {
  readonly name: string;
  readonly open: (esp: string) => Loader;
  readonly flashed: Readonly<Record<string, string | Buffer>>;
}
const backends: readonly Backend[] = [
  {
    name: 'systemd-boot',
    open: esp => new SystemdBoot(esp),
    flashed: { 'loader/entries/atoll-a.conf': entryText('a', one.version, 1) },
  },
  {
    name: 'U-Boot',
    open: esp => new UBoot(esp),
    flashed: Object.fromEntries(
      ['boot-1.env', 'boot-2.env'].map(name => [`EFI/atoll/${name}`, environmentBytes(new Map([['BOOT_ORDER', 'A']]))]),
    ),
  },
];

interface Step {
  readonly what: string;
  readonly staged?: Installed;
  readonly run: (loader: Loader) => Promise<void>;
  /** What may be booted when the power goes in it: version, and whether it has proved itself. After it: the last of them. */
  readonly boots: readonly string[];
}
const steps: readonly Step[] = [
  { what: 'arming', staged: two, run: loader => loader.arm(two, 3), boots: ['0.2.0 blessed', '0.3.0 tried'] },
  { what: 'blessing', run: loader => loader.bless(two.roothash), boots: ['0.3.0 tried', '0.3.0 blessed'] },
  {
    what: 'arming an older one',
    staged: three,
    run: loader => loader.arm(three, 3),
    boots: ['0.3.0 blessed', '0.1.0 tried'],
  },
  { what: 'refusing', run: loader => loader.refuse(three.roothash), boots: ['0.1.0 tried', '0.3.0 blessed'] },
];

async function writeTree(root: string, tree: Tree | Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [path, content] of tree instanceof Map ? tree : Object.entries(tree)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

async function readTree(root: string): Promise<Tree> {
  const tree = new Map<string, Buffer>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      tree.set(path.slice(root.length + 1), await readFile(path));
    }
  return tree;
}

/** What would be booted, whole. */
async function booted(loader: Loader): Promise<string> {
  const first = (await loader.entries())[0];
  assert.ok(first, 'nothing can be booted');
  const kernel = kernels.get(first.version);
  assert.ok(kernel && (await readFile(first.uki)).equals(kernel), `${first.uki} is not whole`);
  return `${first.version} ${first.triesLeft === undefined ? 'blessed' : 'tried'}`;
}

const keyOf = (tree: Tree): string =>
  [...tree].map(([path, content]) => `${path}=${content.toString('latin1')}`).join('\0');

for (const { name, open, flashed } of backends) {
  it(`${name}: whatever a cut leaves, it boots the old or the new, and is tidied`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-cuts-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const esp = join(folder, 'esp');
    await writeTree(esp, { ...flashed, 'EFI/atoll/a.efi': testUki(one) });
    let seen = 0;
    for (const { what, staged, run, boots } of steps) {
      if (staged) await writeFile(join(esp, 'EFI/atoll/next.efi'), testUki(staged));
      const before = await readTree(esp);
      const trees = new Map<string, Tree>();
      let model: FatModel | undefined;
      {
        using listening = new FatModel(esp, before, async () => {
          for (const tree of model?.trees() ?? []) trees.set(keyOf(tree), tree);
        });
        model = listening;
        await run(open(esp));
      }
      for (const tree of trees.values()) {
        seen += 1;
        const cut = join(folder, `cut-${seen}`);
        await writeTree(cut, tree);
        const loader = open(cut);
        const said = [...tree].map(([path, content]) => `${path} (${content.length})`).join(', ');
        const first = await booted(loader).catch((error: Error) => assert.fail(`${what}: ${error.message}: ${said}`));
        assert.ok(boots.includes(first), `${what}: boots ${first}: ${said}`);
        const running = [one, two, three].find(({ version }) => first.startsWith(version)) ?? one;
        await loader.tidy(running.roothash);
        assert.ok(boots.includes(await booted(loader)), `${what}: after tidying: ${said}`);
        const names = [...(await readTree(cut)).keys()];
        assert.deepEqual(
          names.filter(path => isUnfinished(path.split('/').at(-1) ?? '') || path.endsWith('next.efi')),
          [],
          said,
        );
        await rm(cut, { recursive: true });
      }
      assert.equal(await booted(open(esp)), boots.at(-1), what);
    }
    t.diagnostic(`${seen} different disks`);
    assert.ok(seen > 30, `only ${seen} disks`);
  });
}
