/**
 * Installations on file systems that are full, or fill up half-way; in a mount namespace of its own, with a tmpfs for each. Prints one
 * {@link FullOutcome} a line.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { armTrial, readState, withdrawTrial } from '../src/machine/upgrade/state.ts';
import type { TestMachine } from '../src/machine/upgrade/testing/machine.ts';
import { Workshop } from '../src/machine/upgrade/testing/workshop.ts';
import type { Installed, LoaderEntry } from '../src/machine/upgrade/types.ts';

export interface FullOutcome {
  readonly what: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** What the loader has, before and after. */
  readonly entries: readonly [readonly LoaderEntry[], readonly LoaderEntry[]];
  /** A trial is on record. */
  readonly trial: boolean;
  /** What the same command did when there was room again. */
  readonly afterwards: string;
}

/** Leaves this much of a file system. */
function fillUp(path: string, leave: number): void {
  const { bavail, bsize } = statfsSync(path);
  writeFileSync(join(path, 'full'), Buffer.alloc(Math.max(0, bavail * bsize - leave)));
}

/** The folder becomes a file system of its own, with what was in it. */
async function ownDisk(path: string): Promise<void> {
  await rename(path, `${path}.was`);
  execFileSync('mkdir', [path]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  cpSync(`${path}.was`, path, { recursive: true });
}

/** When it gets full: before all, when writing begins, when the trial is noted, when the loader is told. */
type Moment = 'before' | 'writing' | 'noting' | 'arming';
const cases: readonly { what: string; disk: 'esp' | 'stateDir'; moment: Moment; leave: number }[] = [
  { what: 'the boot partition is full', disk: 'esp', moment: 'before', leave: 4096 },
  { what: 'the boot partition fills up while it is written', disk: 'esp', moment: 'writing', leave: 0 },
  { what: 'the boot partition fills up before the loader is told', disk: 'esp', moment: 'arming', leave: 0 },
  { what: 'the data partition fills up before the trial is noted', disk: 'stateDir', moment: 'noting', leave: 0 },
];

await using shop = await Workshop.open();
const file = await shop.file(await shop.bundle());

async function upgrade(machine: TestMachine, at: (moment: Moment) => void): Promise<string> {
  const { stateDir } = machine.places;
  let began = false;
  const beforeArm = async (trial: Installed): Promise<void> => {
    at('noting');
    const now = '2026-11-22T00:00:00Z';
    const record = { ...trial, id: 'x', armedAt: now, from: machine.running, deadlineSeconds: 600, pods: [] };
    await armTrial(stateDir, record as never, { ...trial, at: now, event: 'installed', message: '' });
    at('arming');
  };
  const onProgress = ({ phase }: { readonly phase: string }): void => {
    if (phase === 'writing' && !began) {
      began = true;
      at('writing');
    }
  };
  try {
    return (await shop.upgrade(machine, file, { beforeArm, onProgress })).outcome;
  } catch (error) {
    await withdrawTrial(stateDir, shop.two.roothash).catch(() => undefined);
    throw error;
  }
}

for (const { what, disk, moment, leave } of cases) {
  const machine = await shop.machine();
  const place = machine.places[disk];
  await ownDisk(place);
  const before = await machine.loader.entries();
  const at = (now: Moment): void => {
    if (now === moment) fillUp(place, leave);
  };
  at('before');
  const error = await upgrade(machine, at).then(
    outcome => ({ code: outcome, message: '', hint: '' }),
    (thrown: Error & { code?: string; hint?: string }) => thrown,
  );
  const after = await machine.loader.entries();
  const { trial } = (await readState(machine.places.stateDir)).state;
  rmSync(join(place, 'full'), { force: true });
  const outcome: FullOutcome = {
    what,
    code: error.code ?? '',
    message: error.message.replaceAll(machine.folder, ''),
    hint: (error.hint ?? '').replaceAll(machine.folder, ''),
    entries: [before, after],
    trial: trial !== undefined,
    afterwards: await upgrade(machine, () => undefined),
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
  execFileSync('umount', [place]);
}
