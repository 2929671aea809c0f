/**
 * What boots next, by systemd-boot: a small entry for each slot, `loader/entries/atoll-<slot>[+<left>-<done>].conf`, that leads to
 * `EFI/atoll/<slot>.efi`. The loader takes a try away by renaming the entry, which is one sector, and never touches a kernel.
 *
 * Always true, whatever the moment the power goes:
 * - the entry of a slot that has proved itself has no counter, is never renamed by anybody, and goes only after another proved itself;
 * - an entry's `version` is its generation: what was armed last goes first while it has tries, whatever Atoll's version it is, so
 *   an older one does too and nothing has to be done to the one that runs;
 * - from the arming of a trial on, room is kept for the entry that ends it: others may fill the partition meanwhile;
 * - an entry is there for good before the one it replaces goes. Where a cut leaves both, {@link settled} says which one is meant.
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, syncDirectory } from '../../../lib/files.ts';
import type { Installed, Loader, LoaderEntry, SlotName } from '../types.ts';
import { type BootEntry, compareEntries, parseEntry } from './bootEntry.ts';
import { create, isUnfinished, removeWholly } from './durable.ts';
import { LoaderError } from './errors.ts';
import { slots, Ukis } from './ukis.ts';

/** Before what other systems have there. */
const SORT_KEY = '0-atoll';
/** A cluster or more; not beside the entries, whose folder would outgrow a sector by it: FAT may lose half of a name that lies in two. */
const RESERVE = 'EFI/atoll/reserve';
const RESERVE_BYTES = 4096;

interface SlotEntry extends BootEntry {
  readonly slot: SlotName;
  readonly generation: number;
}

/** What the builder writes to a flashed disk too (builder/src/steps/esp.ts). */
export const entryText = (slot: SlotName, version: string, generation: number): string =>
  `title Atoll ${version} (slot ${slot})\nsort-key ${SORT_KEY}\nversion ${generation}\nefi /EFI/atoll/${slot}.efi\n`;

/**
 * Of several entries of one slot, the one that is meant. Whoever has no counter has proved itself; otherwise what has fewer tries is
 * newer: a try taken away, or a refusal.
 */
export function settled<T extends BootEntry>(entries: readonly T[]): T | undefined {
  const rank = ({ triesLeft }: T): number => triesLeft ?? -1;
  return [...entries].sort((a, b) => rank(a) - rank(b) || compareEntries(a, b))[0];
}

export class SystemdBoot implements Loader {
  readonly name = 'systemd-boot';
  readonly #directory: string;
  readonly #room: string;
  readonly #ukis: Ukis;

  /** @param esp the mounted EFI system partition */
  constructor(esp: string) {
    this.#directory = join(esp, 'loader/entries');
    this.#room = join(esp, RESERVE);
    this.#ukis = new Ukis(esp);
  }

  async entries(): Promise<readonly LoaderEntry[]> {
    const found: LoaderEntry[] = [];
    for (const entry of await this.#slotEntries()) {
      const facts = await this.#ukis.factsOf(entry.slot);
      if (!facts || found.some(({ slot }) => slot === entry.slot)) continue;
      found.push({
        id: entry.name,
        slot: entry.slot,
        uki: this.#ukis.pathOf(entry.slot),
        ...facts,
        ...(entry.triesLeft === undefined ? {} : { triesLeft: entry.triesLeft }),
        ...(entry.triesDone === undefined ? {} : { triesDone: entry.triesDone }),
      });
    }
    return found;
  }

  staging(): Promise<string> {
    return this.#ukis.staging();
  }

  async arm(trial: Installed, tries: number): Promise<void> {
    await this.#ukis.checkStaged(trial.roothash);
    const others = (await this.entries()).filter(({ slot }) => slot !== trial.slot);
    if (!others.some(({ triesLeft }) => triesLeft === undefined)) {
      throw new LoaderError(
        'LAST',
        `slot ${trial.slot === 'a' ? 'b' : 'a'} is not blessed: a trial in slot ${trial.slot} would have nothing to fall back to`,
        'atoll upgrade status shows both slots. A machine that runs becomes blessed when it is healthy.',
      );
    }
    await this.#reserve();
    // The slot's partitions hold the new version already: its old entry could not boot.
    await this.#forget(trial.slot);
    await this.#ukis.take(trial.slot);
    await this.#write(trial.slot, trial.version, `+${tries}`, await this.#nextGeneration());
  }

  async bless(roothash: string): Promise<void> {
    const { slot, version, entry } = await this.#find(roothash);
    if (entry.triesLeft !== undefined) await this.#replace(slot, version, '', entry);
    else await this.#dropOthers(entry);
  }

  async refuse(roothash: string): Promise<void> {
    const { slot, version, entry } = await this.#find(roothash);
    const other: SlotName = slot === 'a' ? 'b' : 'a';
    const fallback = settled((await this.#slotEntries()).filter(known => known.slot === other));
    const facts = fallback && (await this.#ukis.factsOf(other));
    if (!fallback || !facts) {
      throw new LoaderError(
        'LAST',
        `slot ${other} has no kernel on the boot partition: there is nothing to go back to`,
        'This version goes on. Run atoll upgrade to bring another.',
      );
    }
    // Nothing else is left: whoever is without tries is still better than the one that is refused now.
    if (fallback.triesLeft === 0) await this.#replace(other, facts.version, '', fallback);
    if (entry.triesLeft !== 0) await this.#replace(slot, version, '+0', entry);
    else await this.#dropOthers(entry);
  }

  async tidy(running: string): Promise<void> {
    const unfinished = new Set((await this.#names()).filter(isUnfinished));
    const entries = await this.#slotEntries();
    for (const slot of slots) {
      const own = entries.filter(known => known.slot === slot);
      const meant = settled(own);
      const facts = await this.#ukis.factsOf(slot);
      if (!meant || !facts) {
        // Without a kernel the entry leads nowhere. Without an entry the kernel does, unless it is the one that runs.
        if (facts?.roothash === running) await this.#write(slot, facts.version, '', await this.#nextGeneration());
        else await this.#forget(slot);
        continue;
      }
      // What a cut left beside it may be the same clusters under a second name: a new file has clusters of its own.
      if (own.length > 1 || [...unfinished].some(name => name.includes(`atoll-${slot}`)))
        await this.#replace(slot, facts.version, countersText(meant), meant);
    }
    for (const name of unfinished) await removeWholly(join(this.#directory, name));
    await this.#ukis.sweep(new Set((await this.#slotEntries()).map(({ slot }) => slot)));
  }

  async #find(roothash: string): Promise<{ slot: SlotName; version: string; entry: SlotEntry }> {
    const entries = await this.#slotEntries();
    for (const slot of slots) {
      const facts = await this.#ukis.factsOf(slot);
      const entry = settled(entries.filter(known => known.slot === slot));
      if (entry && facts?.roothash === roothash) return { slot, version: facts.version, entry };
    }
    throw new LoaderError(
      'UNKNOWN_ENTRY',
      `no boot entry in ${this.#directory} opens the root ${roothash.slice(0, 8)}…`,
      'ls -l /efi/loader/entries /efi/EFI/atoll shows what is there; the next upgrade writes the other slot anew.',
    );
  }

  /** In the loader's order; those that are not ours, or not readable, are not there. */
  async #slotEntries(): Promise<SlotEntry[]> {
    const found: SlotEntry[] = [];
    for (const name of await this.#names()) {
      const slot = slotOf(name);
      if (!slot) continue;
      const entry = parseEntry(name, await readFile(join(this.#directory, name), 'utf8').catch(() => ''));
      const generation = Number(entry.version);
      if (entry.efi === this.#ukis.efiOf(slot) && Number.isSafeInteger(generation))
        found.push({ ...entry, slot, generation });
    }
    return found.sort(compareEntries);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  async #nextGeneration(): Promise<number> {
    return Math.max(0, ...(await this.#slotEntries()).map(({ generation }) => generation)) + 1;
  }

  async #write(slot: SlotName, version: string, counters: string, generation: number): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const taken = new Set(await this.#names());
    let id = `atoll-${slot}`;
    for (let n = 2; taken.has(`${id}${counters}.conf`); n++) id = `atoll-${slot}-${n}`;
    const make = () => create(this.#directory, `${id}${counters}.conf`, entryText(slot, version, generation));
    try {
      await make();
    } catch (error) {
      if (!hasCode(error, 'ENOSPC') || !(await removeWholly(this.#room))) throw error;
      await make();
    }
  }

  async #reserve(): Promise<void> {
    if ((await stat(this.#room).catch(() => undefined))?.size === RESERVE_BYTES) return;
    await removeWholly(this.#room);
    await writeFile(this.#room, 'Room for an entry on a full partition.\n'.padEnd(RESERVE_BYTES), { flush: true });
    await syncDirectory(dirname(this.#room));
  }

  /** The new entry is there for good before the old ones go. */
  async #replace(slot: SlotName, version: string, counters: string, old: SlotEntry): Promise<void> {
    const others = (await this.#names()).filter(name => slotOf(name) === slot);
    await this.#write(slot, version, counters, old.generation);
    for (const name of others) await removeWholly(join(this.#directory, name));
  }

  async #dropOthers(kept: SlotEntry): Promise<void> {
    for (const name of await this.#names())
      if (slotOf(name) === kept.slot && name !== kept.name) await removeWholly(join(this.#directory, name));
  }

  /** Those that still could boot go first. */
  async #forget(slot: SlotName): Promise<void> {
    for (const name of await this.#names()) if (slotOf(name) === slot) await removeWholly(join(this.#directory, name));
  }
}

/** Also of a name whose long form is lost to a cut: `ATOLL-~1.CON` is nobody's, and no loader reads it. */
function slotOf(name: string): SlotName | undefined {
  const slot = /^atoll-([ab])(?:-[0-9]+)?(?:\+[0-9]+(?:-[0-9]+)?)?\.conf$/i.exec(name)?.[1]?.toLowerCase();
  return slot === 'a' || slot === 'b' ? slot : undefined;
}

const countersText = ({ triesLeft, triesDone }: BootEntry): string =>
  triesLeft === undefined ? '' : `+${triesLeft}${triesDone ? `-${triesDone}` : ''}`;
