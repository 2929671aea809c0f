/**
 * What boots next, by U-Boot: `BOOT_ORDER`, `BOOT_A_LEFT`, `BOOT_B_LEFT` under RAUC's names, which rootfs/u-boot/boot.cmd reads and counts down,
 * kept twice, in `EFI/atoll/boot-1.env` and `boot-2.env`. Unlike with RAUC a slot that has proved itself is not counted at all: its
 * `LEFT` is not there, and nothing is written at its boots.
 *
 * Always true: of the two files the first that is whole counts, and the second is only written when the first is on the disk, or is
 * none that counts; a cut leaves one that is whole, the old or the new. A slot that is not in `BOOT_ORDER` is not booted while another can be.
 */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../../lib/files.ts';
import type { Installed, Loader, LoaderEntry, SlotName } from '../types.ts';
import { LoaderError } from './errors.ts';
import { type Environment, environmentBytes, parseEnvironment } from './ubootEnv.ts';
import { slots, TRIES, Ukis } from './ukis.ts';

/** Slots in the order they are booted; what each has left, absent: not counted. */
interface Order {
  readonly slots: readonly SlotName[];
  readonly left: Readonly<Partial<Record<SlotName, number>>>;
}

export class UBoot implements Loader {
  readonly name = 'u-boot';
  readonly #files: readonly string[];
  readonly #ukis: Ukis;

  /** @param esp the mounted boot partition */
  constructor(
    esp: string,
    private readonly tries = TRIES,
  ) {
    this.#files = ['boot-1.env', 'boot-2.env'].map(name => join(esp, 'EFI/atoll', name));
    this.#ukis = new Ukis(esp);
  }

  async entries(): Promise<readonly LoaderEntry[]> {
    const order = await this.#read();
    const found: LoaderEntry[] = [];
    for (const slot of order.slots) {
      const facts = await this.#ukis.factsOf(slot);
      const triesLeft = order.left[slot];
      const tries = triesLeft === undefined ? {} : { triesLeft, triesDone: Math.max(0, this.tries - triesLeft) };
      if (facts) found.push({ id: slot.toUpperCase(), slot, uki: this.#ukis.pathOf(slot), ...facts, ...tries });
    }
    return found.sort((a, b) => Number(a.triesLeft === 0) - Number(b.triesLeft === 0));
  }

  staging(): Promise<string> {
    return this.#ukis.staging();
  }

  async arm(trial: Installed, tries: number): Promise<void> {
    await this.#ukis.checkStaged(trial.roothash);
    const other: SlotName = trial.slot === 'a' ? 'b' : 'a';
    const before = await this.#read();
    if (!(await this.entries()).some(({ slot, triesLeft }) => slot === other && triesLeft === undefined)) {
      throw new LoaderError(
        'LAST',
        `slot ${other} is not blessed: a trial in slot ${trial.slot} would have nothing to fall back to`,
        'atoll upgrade status shows both slots. A machine that runs becomes blessed when it is healthy.',
      );
    }
    if (before.slots.includes(trial.slot)) await this.#write({ slots: [other], left: {} });
    await this.#ukis.take(trial.slot);
    await this.#write({ slots: [trial.slot, other], left: { [trial.slot]: tries } });
  }

  async bless(roothash: string): Promise<void> {
    const slot = await this.#slotOf(roothash);
    const { slots: order, left } = await this.#read();
    // What stands before it may be a trial that U-Boot has counted out: nobody need write that anew.
    const isNext = order.find(known => left[known] !== 0) === slot;
    if (isNext && left[slot] === undefined && (await this.#agree())) return;
    const { [slot]: _counted, ...others } = left;
    await this.#write({ slots: [slot, ...order.filter(known => known !== slot)], left: others });
  }

  async refuse(roothash: string): Promise<void> {
    const slot = await this.#slotOf(roothash);
    const other: SlotName = slot === 'a' ? 'b' : 'a';
    if (!(await this.#ukis.factsOf(other))) {
      throw new LoaderError(
        'LAST',
        `slot ${other} has no kernel on the boot partition: there is nothing to go back to`,
        'This version goes on. Run atoll upgrade to bring another.',
      );
    }
    const { left } = await this.#read();
    const kept = left[other] === undefined || left[other] === 0 ? {} : { [other]: left[other] };
    await this.#write({ slots: [other, slot], left: { ...kept, [slot]: 0 } });
  }

  async tidy(running: string): Promise<void> {
    const order = await this.#read();
    const known = new Set<SlotName>();
    for (const slot of slots) {
      const facts = await this.#ukis.factsOf(slot);
      if (facts && (order.slots.includes(slot) || facts.roothash === running)) known.add(slot);
    }
    const wanted: Order = {
      slots: [...order.slots, ...slots.filter(slot => !order.slots.includes(slot))].filter(slot => known.has(slot)),
      left: order.left,
    };
    if (!(await this.#agree()) || wanted.slots.join() !== order.slots.join()) await this.#write(wanted);
    await this.#ukis.sweep(known);
  }

  async #slotOf(roothash: string): Promise<SlotName> {
    for (const slot of slots) if ((await this.#ukis.factsOf(slot))?.roothash === roothash) return slot;
    throw new LoaderError(
      'UNKNOWN_ENTRY',
      `no kernel on the boot partition opens the root ${roothash.slice(0, 8)}…`,
      'ls -l /efi/EFI/atoll shows what is there; the next upgrade writes the other slot anew.',
    );
  }

  /** Without an environment nothing has proved itself: what boot.cmd does then. */
  async #read(): Promise<Order> {
    for (const path of this.#files) {
      const environment = await readEnvironment(path);
      if (environment) return orderOf(environment);
    }
    return { slots, left: { a: this.tries, b: this.tries } };
  }

  /** Otherwise one is torn, or was left behind by a cut: what is lost next is not to bring it back. */
  async #agree(): Promise<boolean> {
    const [first, second] = await Promise.all(this.#files.map(readEnvironment));
    return first !== undefined && second !== undefined && environmentBytes(first).equals(environmentBytes(second));
  }

  /** Both copies. One that cannot be written does no harm behind one that was, and none where it is not whole: U-Boot does not take it. */
  async #write(order: Order): Promise<void> {
    const content = environmentBytes(environmentOf(order));
    let written = false;
    for (const path of this.#files) {
      const wasWhole = (await readEnvironment(path)) !== undefined;
      try {
        await overwrite(path, content);
        written = true;
      } catch (cause) {
        if (!written && (wasWhole || path === this.#files.at(-1))) throw unwritable(path, cause);
      }
    }
  }
}

const unwritable = (path: string, cause: unknown): LoaderError =>
  new LoaderError(
    'ENVIRONMENT',
    `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    'What boots next is what it was. dmesg tells whether the disk is failing, df whether the boot partition is full.',
    { cause },
  );

/** @returns undefined where there is none to be had: none there, torn, or on sectors that cannot be read */
const readEnvironment = (path: string): Promise<Environment | undefined> =>
  readFile(path).then(
    content => parseEnvironment(content),
    () => undefined,
  );

function orderOf(environment: Environment): Order {
  const words = (environment.get('BOOT_ORDER') ?? '').split(/\s+/);
  const order = words.map(word => slots.find(slot => slot.toUpperCase() === word)).filter(slot => slot !== undefined);
  const left: Partial<Record<SlotName, number>> = {};
  for (const slot of slots) {
    const text = environment.get(`BOOT_${slot.toUpperCase()}_LEFT`);
    // What is no number has had its last try there.
    if (text !== undefined && text !== '') left[slot] = /^[0-9]$/.test(text) ? Number(text) : 0;
  }
  return { slots: order.length > 0 ? [...new Set(order)] : slots, left };
}

const environmentOf = ({ slots: order, left }: Order): Environment =>
  new Map([
    ['BOOT_ORDER', order.map(slot => slot.toUpperCase()).join(' ')],
    ...slots.flatMap((slot): [string, string][] => {
      const tries = left[slot];
      return tries === undefined || !order.includes(slot)
        ? []
        : [[`BOOT_${slot.toUpperCase()}_LEFT`, String(Math.min(tries, 9))]];
    }),
  ]);

/** In place: nothing of the FAT changes. One that is missing is made. */
async function overwrite(path: string, content: Buffer): Promise<void> {
  const there = await readFile(path).catch(() => undefined);
  const file = await open(path, there?.length === content.length ? 'r+' : 'w');
  try {
    await file.write(content, 0, content.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  if (there === undefined) await syncDirectory(join(path, '..'));
}
