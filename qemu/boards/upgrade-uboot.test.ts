/** Upgrades of virtual machines without UEFI: U-Boot's script counts the tries of a version whose kernel panics, and goes back. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { boardMachines } from './table.ts';
import { testUpgrading } from './upgrading.ts';

for (const image of ['vm-arm64-uboot', 'vm-armv7-uboot']) {
  if (boardMachines.some(board => board.image === image))
    testUpgrading({
      image,
      definition: join(import.meta.dirname, `${image}.yaml`),
      broken: join(import.meta.dirname, `${image}-panics.yaml`),
      reason: /its kernel, its initrd or its root does not come up/,
      deadline: '300s',
      back: async ({ machine }) => {
        const started = [...machine.console.text.matchAll(/Atoll: slot ([AB])/g)].map(([, slot]) => slot);
        // As flashed; 0.2.0; the three tries of 0.3.0, where 0.1.0 was; 0.2.0 again.
        assert.deepEqual(started, ['A', 'B', 'A', 'A', 'A', 'B']);
        // U-Boot has counted the trial out; nobody need write it anew.
        const environment = "tail -c +5 /efi/EFI/atoll/boot-1.env | tr '\\0' '\\n' | grep =";
        assert.equal(await machine.shell.output(environment), 'BOOT_A_LEFT=0\nBOOT_ORDER=A B');
        assert.match(await machine.shell.output('atoll upgrade status'), /Slot b\s+0\.2\.0, runs, boots next, blessed/);
      },
    });
}
