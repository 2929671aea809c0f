/** Judging an installation at any moment of its disk writes: what the firmware would boot, whether it is whole, and what the machine knows of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SlotName, UpgradeState } from '../../runtime/src/machine/upgrade/types.ts';
import { type Boots, type KnownVersion, mendBoot, whatBoots } from '../src/bootable.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { extract, recover } from '../src/ext4.ts';
import { type Partition, readPartitions } from '../src/gpt.ts';
import type { AtollNode } from '../src/node.ts';
import { type LogEntry, readWriteLog } from '../src/write-log.ts';
import { artefacts } from './image.ts';

export interface CutsOptions {
  /** Switched off. */
  readonly node: AtollNode;
  readonly logFile: string;
  /** For what is made meanwhile. */
  readonly folder: string;
  /** The first is what was flashed, and runs from slot A. */
  readonly known: readonly KnownVersion[];
  readonly seed: number;
}

export interface Judged {
  readonly at: number;
  readonly boots: Boots;
  /** Root hash of the trial that the machine knows of. */
  readonly trial: string | undefined;
}

const names = ['esp', 'root-b', 'verity-b', 'var'] as const;
type Name = (typeof names)[number];

export class UpgradeCuts implements AsyncDisposable {
  readonly #makers: Readonly<Record<Name, CutMaker>>;

  private constructor(
    private readonly options: CutsOptions,
    private readonly entries: readonly LogEntry[],
    private readonly partitions: readonly Partition[],
    makers: Readonly<Record<Name, CutMaker>>,
  ) {
    this.#makers = makers;
  }

  static async open(options: CutsOptions): Promise<UpgradeCuts> {
    const { folder, logFile, node } = options;
    const disk = join(folder, 'disk.raw');
    await node.machine.exportDisk(0, disk);
    const partitions = await readPartitions(disk);
    await rm(disk);
    const entries = await readWriteLog(logFile);
    const makers: Partial<Record<Name, CutMaker>> = {};
    for (const name of names) {
      const part = partitionOf(partitions, name);
      // What was flashed is not in the log.
      const base = name === 'esp' ? await flashedPart(part, join(folder, 'flashed-esp.raw')) : undefined;
      makers[name] = await CutMaker.open(
        { logFile, entries, part, ...(base === undefined ? {} : { base }) },
        join(folder, `${name}-durable.raw`),
      );
    }
    return new UpgradeCuts(options, entries, partitions, makers as Record<Name, CutMaker>);
  }

  /** Nothing was written to that slot after this moment. */
  untouched(slot: 'a' | 'b', after: number): void {
    for (const name of [`root-${slot}`, `verity-${slot}`]) {
      const { offset, sizeBytes } = partitionOf(this.partitions, name);
      const written = this.entries.filter(
        entry =>
          entry.kind === 'write' &&
          entry.endsAt > after &&
          entry.offset < offset + sizeBytes &&
          entry.offset + entry.length > offset,
      );
      assert.equal(written.length, 0, `${name} was written ${written.length} times`);
    }
  }

  /**
   * @param moments so many, evenly among the writes, the last at the end
   * @param everyBootWrite also after each write to the boot partition
   */
  async judge(what: { from: number; to: number; moments: number; everyBootWrite: boolean }): Promise<Judged[]> {
    const writes = this.entries.filter(({ endsAt }) => endsAt > what.from && endsAt <= what.to);
    const chosen = new Set<number>([what.to]);
    for (let n = 0; n < what.moments; n++)
      chosen.add(writes[Math.floor((n * writes.length) / what.moments)]?.endsAt ?? what.to);
    const esp = partitionOf(this.partitions, 'esp');
    const ofBoot = writes.filter(
      entry => entry.kind === 'write' && entry.offset >= esp.offset && entry.offset < esp.offset + esp.sizeBytes,
    );
    // The last ones arm the trial, the ones before them are the kernel's content.
    for (const { endsAt } of what.everyBootWrite ? ofBoot : ofBoot.slice(-16)) chosen.add(endsAt);
    const judged: Judged[] = [];
    const random = seededRandom(this.options.seed);
    for (const at of [...chosen].sort((a, b) => a - b)) judged.push(await this.#judgeAt(at, random));
    return judged;
  }

  async #judgeAt(at: number, random: () => number): Promise<Judged> {
    const { folder, known, seed } = this.options;
    const cut = async (name: Name): Promise<string> => {
      const file = join(folder, `${name}-cut.raw`);
      await this.#makers[name].cut(at, file, random);
      return file;
    };
    const [first] = known;
    assert.ok(first);
    try {
      const slotB = { root: join(folder, 'root-b-cut.raw'), verity: join(folder, 'verity-b-cut.raw') };
      const cutB = once(async () => {
        await cut('root-b');
        await cut('verity-b');
      });
      const esp = await cut('esp');
      const parts = {
        esp,
        slot: async (slot: SlotName) => {
          if (slot === 'a') return first;
          await cutB();
          return slotB;
        },
      };
      const boots = await whatBoots(parts, known, join(folder, 'esp'));
      await mendBoot(esp);
      const mended = await whatBoots(parts, known, join(folder, 'esp'));
      assert.equal(mended.version, boots.version, 'the same boots after the boot partition was checked');
      return { at, boots, trial: await trialOn(await cut('var'), join(folder, 'state.json')) };
    } catch (error) {
      throw new Error(`a cut at byte ${at} of the log, seed ${seed}: ${String(error)}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const maker of Object.values(this.#makers)) await maker[Symbol.asyncDispose]();
  }
}

/** The same promise each time. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function partitionOf(partitions: readonly Partition[], name: string): Partition {
  const found = partitions.find(({ label }) => label === name);
  assert.ok(found, `there is no partition ${name}`);
  return found;
}

async function flashedPart({ offset, sizeBytes }: Partition, file: string): Promise<string> {
  const block = 1024 * 1024;
  assert.ok(offset % block === 0 && sizeBytes % block === 0);
  const dd = [`if=${artefacts.raw}`, `of=${file}`, 'bs=1M', `skip=${offset / block}`, `count=${sizeBytes / block}`];
  await promisify(execFile)('dd', [...dd, 'conv=sparse', 'status=none']);
  return file;
}

/** What the machine would find at its next start. */
async function trialOn(image: string, file: string): Promise<string | undefined> {
  await recover(image);
  await rm(file, { force: true });
  await extract(image, { '/lib/atoll/upgrade/state.json': file });
  const text = await readFile(file, 'utf8').catch(() => '');
  return text === '' ? undefined : (JSON.parse(text) as UpgradeState).trial?.roothash;
}
