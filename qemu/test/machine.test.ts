import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { createOverlay } from '../src/disk.ts';
import { Machine, type MachineOptions } from '../src/machine.ts';
import { greeting, testGuestDisk } from './guest.ts';

/** What we look at of QMP's BlockDeviceInfo. */
interface BlockNode {
  readonly 'node-name': string;
  readonly ro: boolean;
  readonly image: { readonly 'virtual-size': number };
}

const soon = { timeoutMs: 15_000 };

describe('a machine', () => {
  let directory: string;
  let file: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-machine-'));
    file = join(directory, 'guest.raw');
    await writeFile(file, testGuestDisk());
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const start = (options: MachineOptions = {}): Promise<Machine> =>
    Machine.start({ firmware: 'bios', memoryMiB: 32, cpus: 1, disks: [{ file }], ...options });

  /** Sends one command character and returns the counter the guest answers with. */
  const ask = async (machine: Machine, character: string): Promise<string | undefined> => {
    machine.console.send(character);
    return (await machine.console.waitFor(/(.)\n/, soon))[1];
  };

  it('boots, shows its console and takes input', async () => {
    const consoleLog = join(directory, 'console.log');
    await using machine = await start({ consoleLog });
    await machine.console.waitFor(greeting, soon);
    assert.equal(await ask(machine, '+'), '1');
    assert.equal(await ask(machine, '+'), '2');
    assert.match(await readFile(consoleLog, 'utf8'), /atoll test guest\n1\n2\n/);
  });

  it('shows the last console lines when a wait fails', async () => {
    await using machine = await start();
    await machine.console.waitFor(greeting, soon);
    await assert.rejects(
      machine.console.waitFor(/never printed/, { timeoutMs: 50 }),
      /waited 0.05 s for the console to show \/never printed\/\n.*\n {2}\| .*atoll test guest/s,
    );
  });

  it('fails a wait at once when the power is cut', async () => {
    await using machine = await start();
    const wait = assert.rejects(machine.console.waitFor(/never printed/, soon), /QEMU was ended by SIGKILL/);
    await machine.powerCut();
    await wait;
    assert.equal(machine.running, false);
    await assert.rejects(machine.qmp('query-status'), { message: 'the machine is off' });
    await assert.rejects(machine.shell.run('true'), /no shell in the guest: QEMU was ended by SIGKILL/);
  });

  it('keeps the disk but not the memory over a reset and a power cut', async () => {
    await using machine = await start();
    await machine.console.waitFor(greeting, soon);
    await ask(machine, '+');
    assert.equal(await ask(machine, 'w'), '1');
    assert.equal(await ask(machine, '+'), '2');
    await machine.reset();
    await machine.console.waitFor(greeting, soon);
    assert.equal(await ask(machine, '+'), '1', 'memory starts over');
    await machine.powerCut();
    await machine.powerOn();
    await machine.console.waitFor(greeting, soon);
    assert.equal(await ask(machine, 'r'), '1', 'the disk has what was written');
    const untouched = await readFile(file);
    assert.ok(untouched.equals(testGuestDisk()), 'the image it started from is never written');
  });

  it('goes back to a snapshot, memory and disk, from running and from off', async () => {
    await using machine = await start();
    await machine.console.waitFor(greeting, soon);
    await ask(machine, '+');
    await machine.snapshot('one');
    await ask(machine, '+');
    await ask(machine, 'w');
    await machine.restore('one');
    assert.equal(await ask(machine, '+'), '2', 'memory went back to 1');
    await machine.powerCut();
    await machine.restore('one');
    assert.equal(await ask(machine, 'r'), '\0', 'the disk was never written in this past');
    await assert.rejects(machine.restore('two'), /loadvm two: .*'two'/);
  });

  it('continues any number of copies of a saved machine', async () => {
    const original = await start({ forwards: [80] });
    const saved = join(cacheDirectory(), 'machines', `${process.pid}-saved`);
    await using _ = { [Symbol.asyncDispose]: () => rm(saved, { recursive: true, force: true }) };
    await original.console.waitFor(greeting, soon);
    await ask(original, '+');
    const snapshotOf = await original.save(saved);
    assert.equal(original.running, false);
    await using left = await start({ snapshotOf });
    await using right = await start({ snapshotOf });
    assert.equal(await ask(left, '+'), '2');
    assert.equal(await ask(left, '+'), '3');
    assert.equal(await ask(right, '+'), '2');
    assert.notEqual(left.forwardedPort(80), right.forwardedPort(80));
  });

  it('ends, and says why, when there is no more room for its disk', async () => {
    await using machine = await start();
    await machine.console.waitFor(greeting, soon);
    const overlay = join(directory, 'full.qcow2');
    await createOverlay(machine.emulator, overlay, { file });
    const full = { driver: 'blkdebug', image: { driver: 'file', filename: overlay } };
    const noSpace = [{ event: 'write_aio', errno: constants.errno.ENOSPC }];
    const node = { driver: 'qcow2', 'node-name': 'full', backing: null };
    await machine.qmp('blockdev-add', { ...node, file: { ...full, 'inject-error': noSpace } });
    await machine.qmp('blockdev-snapshot', { node: 'disk0', overlay: 'full' });
    const wait = assert.rejects(ask(machine, 'w'), /could not write .* of the machine: No space left on device/);
    assert.match(await machine.ended, /full of the machine: No space left on device/);
    await wait;
  });

  it('forwards ports that QEMU chose', async () => {
    await using machine = await start({ forwards: [6443, 80] });
    const ports = [machine.forwardedPort(6443), machine.forwardedPort(80)];
    assert.ok(
      ports.every(port => port > 1023),
      String(ports),
    );
    assert.notEqual(ports[0], ports[1]);
    assert.throws(() => machine.forwardedPort(22), /port 22 is not forwarded/);
  });

  it('attaches more disks, read-only ones too, and reports their names', async () => {
    await using machine = await start({
      disks: [{ file }, { file, readOnly: true, serial: 'cidata' }, { file, sizeBytes: 4 * 1024 * 1024 }],
    });
    const nodes = (await machine.qmp('query-named-block-nodes', { flat: true })) as BlockNode[];
    const known = Object.fromEntries(nodes.map(node => [node['node-name'], node]));
    assert.equal(known.disk1?.ro, true);
    assert.equal(known.disk2?.image['virtual-size'], 4 * 1024 * 1024);
  });

  it('reports resets as events', async () => {
    await using machine = await start();
    const reset = machine.qmpEvent('RESET', 5000);
    await machine.reset();
    await reset;
    await assert.rejects(machine.qmpEvent('SHUTDOWN', 20), /waited 0.02 s for QEMU's event SHUTDOWN/);
  });

  it('says what QEMU said when it refuses to start', async () => {
    await assert.rejects(
      start({ extraArguments: ['-device', 'no-such'] }),
      /did not start: .*'no-such' is not a valid/,
    );
    await assert.rejects(start({ disks: [{ file: join(directory, 'absent.raw') }] }), /absent\.raw/);
  });
});
