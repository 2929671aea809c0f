/** `/usr/lib/atoll/firmware-due`, which says at each boot whether there is anything to do, without looking at the boot partition. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/firmware-due', import.meta.url));
const roothash = 'ab'.repeat(32);

interface Case {
  readonly what: string;
  /** Of the image; absent: it brings none. */
  readonly brings?: string;
  /** What was written last; absent: nothing. */
  readonly written?: string;
  readonly blessed?: string;
  readonly due: boolean;
}
const cases: readonly Case[] = [
  { what: 'an image without firmware', blessed: roothash, due: false },
  { what: 'the first blessed version', brings: 'new', blessed: roothash, due: true },
  { what: 'what was written last', brings: 'same', written: 'same', blessed: roothash, due: false },
  { what: 'another, in a version that is blessed', brings: 'new', written: 'old', blessed: roothash, due: true },
  { what: 'another, in a version on trial', brings: 'new', written: 'old', blessed: 'cd'.repeat(32), due: false },
  { what: 'another, where nothing is blessed', brings: 'new', written: 'old', due: false },
];
for (const { what, brings, written, blessed, due } of cases) {
  it(`${what}: ${due ? 'there is' : 'nothing is'} to be done`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-due-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const state = join(folder, 'var/lib/atoll');
    await mkdir(join(state, 'upgrade'), { recursive: true });
    await mkdir(join(folder, 'image'));
    if (brings !== undefined) await writeFile(join(folder, 'image/SHA256SUMS'), brings);
    if (written !== undefined) await writeFile(join(state, 'firmware'), written);
    if (blessed !== undefined) await writeFile(join(state, 'upgrade/blessed'), `${blessed}\n`);
    const cmdline = join(folder, 'cmdline');
    await writeFile(cmdline, `console=tty0 atoll.roothash=${roothash} quiet\n`);
    const env = { ...process.env, ATOLL_VAR: join(folder, 'var'), ATOLL_CMDLINE: cmdline };
    const { status, stderr } = spawnSync('sh', [script], { env: { ...env, ATOLL_FIRMWARE: join(folder, 'image') } });
    assert.equal(status === 0, due, String(stderr));
  });
}
