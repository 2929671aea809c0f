/** `/usr/lib/atoll/health-due`, which says at each boot whether there is anything to judge. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { environmentBytes } from '../upgrade/loader/ubootEnv.ts';

const script = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/health-due', import.meta.url));

type Copy = Readonly<Record<string, string>> | 'torn';

interface Case {
  readonly what: string;
  /** What /usr/lib/atoll/loader says; absent: there is none. */
  readonly loader?: string;
  readonly slot?: 'a' | 'b';
  readonly wanted?: boolean;
  readonly copies?: readonly Copy[];
  readonly due: boolean;
}
const blessed = { BOOT_ORDER: 'B A' };
const counted = { BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' };
const cases: readonly Case[] = [
  { what: 'UEFI', slot: 'a', due: false },
  { what: 'UEFI, a trial', slot: 'a', wanted: true, due: true },
  { what: 'U-Boot, a trial', loader: 'u-boot 3', slot: 'b', wanted: true, copies: [blessed, blessed], due: true },
  { what: 'U-Boot, blessed', loader: 'u-boot 3', slot: 'b', copies: [blessed, blessed], due: false },
  { what: 'U-Boot, the other one is on trial', loader: 'u-boot 3', slot: 'a', copies: [counted, counted], due: false },
  { what: 'U-Boot counts what runs', loader: 'u-boot 3', slot: 'b', copies: [counted, counted], due: true },
  { what: 'the copies differ', loader: 'u-boot 3', slot: 'b', copies: [blessed, counted], due: true },
  { what: 'a copy is torn', loader: 'u-boot 3', slot: 'b', copies: [blessed, 'torn'], due: true },
  { what: 'a copy is missing', loader: 'u-boot 3', slot: 'b', copies: [blessed], due: true },
  { what: 'both are missing', loader: 'u-boot 3', slot: 'b', copies: [], due: true },
  { what: 'no boot partition', loader: 'u-boot 3', slot: 'b', due: false },
  { what: 'not started from a slot', loader: 'u-boot 3', copies: [counted, counted], due: false },
];
for (const { what, loader, slot, wanted, copies, due } of cases) {
  it(`${what}: ${due ? 'there is' : 'nothing is'} to be judged`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-health-due-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const [run, esp, image] = ['run', 'efi', 'loader'].map(name => join(folder, name)) as [string, string, string];
    await mkdir(join(run, 'atoll'), { recursive: true });
    if (slot !== undefined) await writeFile(join(run, 'atoll/slot'), `${slot}\n`);
    if (wanted) await writeFile(join(run, 'atoll/health-wanted'), '');
    if (loader !== undefined) await writeFile(image, `${loader}\n`);
    if (copies) await mkdir(join(esp, 'EFI/atoll'), { recursive: true });
    for (const [index, copy] of copies?.entries() ?? [])
      await writeFile(
        join(esp, 'EFI/atoll', `boot-${index + 1}.env`),
        copy === 'torn' ? Buffer.alloc(4096, 7) : environmentBytes(new Map(Object.entries(copy))),
      );
    const env = { ...process.env, ATOLL_RUN: run, ATOLL_ESP: esp, ATOLL_LOADER: image };
    const { status, stderr } = spawnSync('sh', [script], { env });
    assert.equal(status === 0, due, String(stderr));
  });
}
