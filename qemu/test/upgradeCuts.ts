/** Judging an upgrade at any moment of its disk writes: what the firmware would boot, whether it is whole, and what the machine knows of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SlotName, UpgradeState } from '../../runtime/src/machine/upgrade/types.ts';
import { type Boots, type KnownVersion, mendBoot, whatBoots } from '../src/bootable.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { extract, recover } from '../src/ext4.ts';
import { type Partition, readPartitions } from '../src/gpt.ts';
import type { AtollNode } from '../src/node.ts';
import { type LogEntry, readWriteLog } from '../src/write-log.ts';
import { artefacts, diskBytes } from './image.ts';

export interface CutsOptions {
  /** Switched off. */
  readonly node: AtollNode;
  readonly logFile: string;
  /** For what is made meanwhile. */
  readonly folder: string;
  /** The whole disk, raw, as it was when the log began; absent: as it was flashed. */
  readonly base?: string;
  readonly known: readonly KnownVersion[];
  /** What the slots hold that nothing is written to in the log. */
  readonly slots: Partial<Record<SlotName, KnownVersion>>;
  readonly seed: number;
  /** Looks at the data partition, its journal replayed; throws what is wrong with it. */
  readonly look?: (image: string, found: Judged) => Promise<void>;
}

export interface Judged {
  readonly at: number;
  readonly boots: Boots;
  /** What the machine knows of its upgrades; absent: there is no data partition yet, or nothing on it. */
  readonly state?: UpgradeState;
}

type Name = 'table' | 'esp' | 'root-a' | 'verity-a' | 'root-b' | 'verity-b' | 'var';
type Place = Pick<Partition, 'offset' | 'sizeBytes'>;

export class UpgradeCuts implements AsyncDisposable {
  private constructor(
    private readonly options: CutsOptions,
    private readonly entries: readonly LogEntry[],
    private readonly partitions: readonly Partition[],
    private readonly makers: ReadonlyMap<Name, CutMaker>,
  ) {}

  static async open(options: CutsOptions): Promise<UpgradeCuts> {
    const { folder, logFile, node, base, slots } = options;
    // The partitions are those of the end: the first boot makes most of them.
    const disk = join(folder, 'disk.raw');
    await node.machine.exportDisk(0, disk);
    const partitions = await readPartitions(disk);
    await rm(disk);
    const entries = await readWriteLog(logFile);
    const { offset: tableBytes } = partitionOf(partitions, 'esp');
    const places = new Map<Name, Place>([['table', { offset: 0, sizeBytes: tableBytes }]]);
    for (const name of ['esp', 'var'] as const) places.set(name, partitionOf(partitions, name));
    for (const slot of ['a', 'b'] as const)
      for (const name of slots[slot] ? [] : ([`root-${slot}`, `verity-${slot}`] as const))
        places.set(name, partitionOf(partitions, name));
    const makers = new Map<Name, CutMaker>();
    for (const [name, part] of places) {
      const before = await partFile(base ?? artefacts.raw, part, join(folder, `${name}-before.raw`));
      const maker = await CutMaker.open({ logFile, entries, part, base: before }, join(folder, `${name}-durable.raw`));
      makers.set(name, maker);
      await rm(before);
    }
    const cuts = new UpgradeCuts(options, entries, partitions, makers);
    for (const slot of ['a', 'b'] as const) if (slots[slot]) cuts.untouched(slot, 0);
    return cuts;
  }

  /** All that was logged. */
  get endsAt(): number {
    return this.entries.at(-1)?.endsAt ?? 0;
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

  /** Gives the whole disk as a cut at each of these moments left it, to be booted. @param moments of what was judged, in its order */
  async wholeDisks(moments: readonly number[], use: (disk: string, at: number) => Promise<void>): Promise<void> {
    const { folder, logFile, base, seed } = this.options;
    const part = { offset: 0, sizeBytes: diskBytes };
    const before = await partFile(base ?? artefacts.raw, part, join(folder, 'whole-before.raw'));
    const options = { logFile, entries: this.entries, part, base: before };
    await using maker = await CutMaker.open(options, join(folder, 'whole-durable.raw'));
    await rm(before);
    const random = seededRandom(seed);
    const disk = join(folder, 'whole-cut.raw');
    for (const at of moments) {
      await maker.cut(at, disk, random);
      await use(disk, at);
      await rm(disk);
    }
  }

  async #judgeAt(at: number, random: () => number): Promise<Judged> {
    const { folder, known, slots, seed, look } = this.options;
    const cut = async (name: Name): Promise<string> => {
      const file = join(folder, `${name}-cut.raw`);
      const maker = this.makers.get(name);
      assert.ok(maker, `${name} is not written to`);
      await maker.cut(at, file, random);
      return file;
    };
    try {
      const cutSlot = (slot: SlotName) =>
        once(async () => ({ root: await cut(`root-${slot}`), verity: await cut(`verity-${slot}`) }));
      const written = { a: cutSlot('a'), b: cutSlot('b') };
      const esp = await cut('esp');
      const parts = { esp, slot: async (slot: SlotName) => slots[slot] ?? written[slot]() };
      const boots = await whatBoots(parts, known, join(folder, 'esp'));
      await mendBoot(esp);
      const mended = await whatBoots(parts, known, join(folder, 'esp'));
      assert.equal(mended.version, boots.version, 'the same boots after the boot partition was checked');
      if (!(await hasData(await cut('table')))) return { at, boots };
      const data = await cut('var');
      await recover(data);
      const state = await stateOn(data, join(folder, 'state.json'));
      const judged = { at, boots, ...(state === undefined ? {} : { state }) };
      await look?.(data, judged);
      return judged;
    } catch (error) {
      throw new Error(`a cut at byte ${at} of the log, seed ${seed}: ${String(error)}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const maker of this.makers.values()) await maker[Symbol.asyncDispose]();
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

/** What the disk has there, as a sparse file. What lies behind the end of the disk is zeros. */
async function partFile(disk: string, { offset, sizeBytes }: Place, file: string): Promise<string> {
  const block = 1024 * 1024;
  assert.ok(offset % block === 0 && sizeBytes % 4096 === 0);
  const words = [`if=${disk}`, `of=${file}`, 'bs=1M', 'iflag=skip_bytes,count_bytes', `skip=${offset}`];
  await promisify(execFile)('dd', [...words, `count=${sizeBytes}`, 'conv=sparse', 'status=none']);
  await truncate(file, sizeBytes);
  return file;
}

/** Whether the partition table knows of a data partition; the first boot writes that when there is a file system on it. */
async function hasData(table: string): Promise<boolean> {
  return (await readPartitions(table)).some(({ label }) => label === 'var');
}

/** What the machine would find at its next start. */
async function stateOn(image: string, file: string): Promise<UpgradeState | undefined> {
  await rm(file, { force: true });
  await extract(image, { '/lib/atoll/upgrade/state.json': file });
  const text = await readFile(file, 'utf8').catch(() => '');
  return text === '' ? undefined : (JSON.parse(text) as UpgradeState);
}
