/** A disk that has no room for a data partition: the machine comes up and says that, and by how much. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Machine } from '../src/machine.ts';
import { minutes, patient } from './examples.ts';
import { artefacts, imageMachine } from './image.ts';

let machine: Machine;

before(
  async () => {
    const disks = [{ file: artefacts.raw, sizeBytes: 2_000_000_000 }];
    machine = await Machine.start({ ...imageMachine('small-disk'), disks });
  },
  { timeout: 10 * minutes },
);
after(() => machine?.stop());

const guest = (command: string) => machine.shell.output(command, patient);

it('is said with both sizes, without waiting for the partition', { timeout: 10 * minutes }, async () => {
  await guest('while ! systemctl is-active -q atoll-data.service; do usleep 200000; done');
  assert.match(
    await guest('cat /run/atoll/data-problem'),
    /^the data partition cannot be used: the disk is too small: it has 1\.8G, and \d\.\dG are needed; flash a larger one$/,
  );
  const microseconds = async (moment: string): Promise<number> =>
    Number(await guest(`systemctl show -P ExecMain${moment}TimestampMonotonic atoll-data`));
  const seconds = ((await microseconds('Exit')) - (await microseconds('Start'))) / 1e6;
  assert.ok(seconds < 30, `it took ${seconds} s`);
  assert.match(await guest('atoll status || true'), /the disk is too small/);
});
