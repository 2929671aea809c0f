/**
 * The Raspberry Pi's images from a card, on the boards that QEMU has. docs/boards says what that covers and what it does not: neither the ROM nor the GPU's
 * firmware runs here.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readManifest } from '../../builder/src/manifest.ts';
import { setOf } from '../../runtime/src/machine/firmware/configText.ts';
import { demoPod } from '../src/demo.ts';
import { type Model, RaspberryPi } from './raspberryPi.ts';
import { isChosen } from './table.ts';

const minutes = 60_000;
/** Four slow processors, emulated on as many as the host has, and a network of 12 Mbit/s. */
const readyMs = 25 * minutes;
/** The same for what a node that is Ready does. */
const doneMs = 10 * minutes;

interface Case extends Model {
  /** What `uname -m` says in a pod. */
  readonly processor: string;
  /** What is on the console before the kernel. */
  readonly loader: RegExp | undefined;
}

/**
 * QEMU's power management resets the machine when its watchdog is started, not when it has not been fed. And its boards have 1 GB, always: the kernel is told
 * to use what a Zero 2 W has.
 */
const likeTheSmallest = ['systemd.watchdog_sec=0', 'mem=512M'];

const cases: readonly Case[] = [
  {
    machine: 'raspi3b',
    architecture: 'arm64',
    image: 'rpi-arm64',
    processor: 'aarch64',
    loader: /Atoll: slot A/,
    kernelArguments: likeTheSmallest,
    // The serial line on the pins is the second one.
    start: async ({ set }) => [
      ...['-kernel', join(set, 'u-boot.bin'), '-dtb', join(set, 'bcm2837-rpi-3-b.dtb')],
      ...['-serial', 'null', '-serial', 'chardev:console'],
    ],
  },
  {
    machine: 'raspi2b',
    architecture: 'armv7',
    image: 'rpi-armv7',
    processor: 'armv7l',
    // On this machine the kernel does not get through EFI, so it does without U-Boot: all but that is from the card.
    loader: undefined,
    kernelArguments: [],
    start: async ({ set, artefacts: { kernel, initrd, manifest } }) => [
      ...['-kernel', kernel, '-initrd', initrd, '-dtb', join(set, 'bcm2836-rpi-2-b.dtb')],
      ...['-append', [(await readManifest(manifest)).commandLine, ...likeTheSmallest].join(' ')],
      ...['-serial', 'chardev:console'],
    ],
  },
];

for (const model of cases.filter(isChosen)) {
  describe(`${model.image} on ${model.machine}, 512 MiB of memory`, { timeout: 90 * minutes }, () => {
    let pi: RaspberryPi;
    before(async () => {
      pi = await RaspberryPi.start(model, model.image, 'hostname: pi-test\n');
    });
    after(() => pi?.[Symbol.asyncDispose]());

    const untilPod = (holds: string): Promise<string> =>
      pi.kubectl(['wait', `--for=${holds}`, 'pod/hello', `--timeout=${doneMs / 1000}s`]);

    it('is Ready, with what a person wrote on the card', async t => {
      const start = performance.now();
      if (model.loader) await pi.console.waitFor(model.loader, { timeoutMs: doneMs });
      await pi.ready(readyMs);
      t.diagnostic(`Ready after ${((performance.now() - start) / 1000).toFixed(0)} s`);
      const [total = 0, available = 0] = (
        await pi.ssh("sed -nE 's/^Mem(Total|Available): *([0-9]+) kB$/\\2/p' /proc/meminfo")
      )
        .split('\n')
        .map(Number);
      t.diagnostic(`MemAvailable ${(available / 1024).toFixed(0)} MiB`);
      assert.ok(total > 0 && total <= 512 * 1024, `MemTotal is ${total} kB`);
      assert.equal(await pi.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}']), 'pi-test');
      assert.equal(await pi.ssh('systemctl --failed --no-legend --plain'), '');
    });
    it('runs a pod of its architecture', async () => {
      await pi.kubectl(['apply', '-f', '-'], demoPod);
      await untilPod('condition=Ready');
      assert.equal(await pi.kubectl(['exec', 'hello', '--', 'uname', '-m']), model.processor);
    });
    it("has the board's watchdog, and the firmware that was flashed", async () => {
      assert.match(await pi.ssh('cat /sys/class/watchdog/watchdog0/identity'), /BCM2835/);
      assert.match(await pi.ssh('atoll firmware'), /the firmware that was flashed, which is what this version brings/);
    });
    it('is Ready again after a restart, with its pod', async () => {
      const reset = pi.reset(doneMs);
      await pi.ssh('systemctl reboot --no-block');
      await reset;
      await pi.ready(readyMs);
      // Until then the API still says what was true before.
      await untilPod('jsonpath={.status.containerStatuses[0].restartCount}=1');
      await untilPod('condition=Ready');
    });
    it('leaves a card that the ROM can read', async () => {
      await pi.ssh('systemctl poweroff --no-block').catch(() => undefined);
      await pi.console.waitFor(/Power down|System halted|reboot: Power/, { timeoutMs: doneMs });
      await pi.powerCut();
      const record = await pi.sectors(1);
      assert.deepEqual([record[446 + 4], record[462 + 4]], [0x0c, 0xee], 'the hybrid MBR is as flashed');
      assert.equal(setOf((await pi.onCard('config.txt')).toString('utf8')), 0);
    });
  });
}
