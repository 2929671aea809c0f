/**
 * Power cuts while configurations are stored: from the log of all disk writes of a node that applies one after the other, the disk
 * is made as a cut at many moments would leave it, and the configuration on it is the old one or the new one, whole.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { tool } from '../../builder/src/tools.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { recover } from '../src/ext4.ts';
import { findPartition } from '../src/gpt.ts';
import { Machine } from '../src/machine.ts';
import { readWriteLog } from '../src/write-log.ts';
import { imageMachine } from './image.ts';

const minutes = 60_000;
const cuts = 30;
const rounds = 4;
const seed = Number(process.env.ATOLL_SEED ?? 1);

describe('power cuts while a configuration is stored', { timeout: 15 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-config-cuts`);
  const logFile = join(folder, 'writes.log');
  let machine: Machine;

  before(async () => {
    await mkdir(folder, { recursive: true });
    const options = imageMachine('config-cuts');
    machine = await Machine.start({
      ...options,
      disks: (options.disks ?? []).map(disk => ({ ...disk, writeLog: logFile })),
    });
  });
  after(async () => {
    await machine?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it(`leave the old or the new, at ${cuts} moments`, async t => {
    const { shell } = machine;
    await shell.output('while [ ! -e /run/atoll/config/applied ]; do usleep 100000; done', { timeoutMs: 2 * minutes });
    await shell.output('systemctl stop atoll-server atoll-agent containerd; sync', { timeoutMs: minutes });
    const first = (await readWriteLog(logFile)).at(-1)?.endsAt ?? 0;
    const word = (n: number): string => `round-${n}-`.repeat(400);
    for (let n = 1; n <= rounds; n++) {
      const yaml = `#cloud-config\\nhostname: round-${n}\\nwrite_files: [{path: /etc/a, content: ${word(n)}}, {path: /etc/b, content: ${word(n)}}]\\n`;
      await shell.output(`printf '${yaml}' > /run/c.yaml && atoll config apply /run/c.yaml`, { timeoutMs: minutes });
    }
    await machine.powerCut();
    const disk = join(folder, 'disk.raw');
    await machine.exportDisk(0, disk);
    const { offset, sizeBytes } = await findPartition(disk, 'var');
    await rm(disk);
    const entries = await readWriteLog(logFile);
    const last = entries.at(-1)?.endsAt ?? 0;
    const random = seededRandom(seed);
    await using maker = await CutMaker.open(
      { logFile, entries, part: { offset, sizeBytes } },
      join(folder, 'durable.raw'),
    );
    const seen = new Map<string, number>();
    let newest = 0;
    for (let index = 0; index < cuts; index++) {
      const at = Math.round(first + ((last - first) * index) / (cuts - 1));
      const image = join(folder, 'cut.raw');
      await maker.cut(at, image, random);
      await recover(image);
      const found = await configuration(image);
      seen.set(found, (seen.get(found) ?? 0) + 1);
      const round = found === 'none' ? 0 : Number(found.replace('round-', ''));
      assert.ok(round >= newest, `cut ${index}, seed ${seed}: ${found} after round-${newest}`);
      newest = round;
    }
    assert.equal(newest, rounds, 'what was acknowledged is there');
    t.diagnostic(`${last - first} bytes logged; ${[...seen].map(([name, count]) => `${name}: ${count}`).join(', ')}`);
  });

  /** The configuration in force on a partition. @throws AssertionError for a mixture */
  async function configuration(image: string): Promise<string> {
    const out = await mkdtemp(join(folder, 'out-'));
    try {
      await tool(['debugfs', '-R', `rdump /lib/atoll/config ${out}`, image], { binds: [folder] });
      const current = await readlink(join(out, 'config/current')).catch(() => undefined);
      if (current === undefined) return 'none';
      const read = (path: string): Promise<string> => readFile(join(out, 'config', current, path), 'utf8');
      const name = (await read('etc/hostname')).trim();
      const text = `${name}-`.repeat(400);
      assert.equal(await read('etc/a'), text);
      assert.equal(await read('etc/b'), text);
      assert.match(await read('sources/command/user-data'), new RegExp(`^hostname: ${name}$`, 'm'));
      assert.equal(
        `generations/${(JSON.parse(await read('status.json')) as { generation: number }).generation}`,
        current,
      );
      return name;
    } finally {
      await rm(out, { recursive: true });
    }
  }
});
