/** Upgrades of the arm64 virtual machine: systemd-boot counts its tries under UEFI, as on a PC. */
import { join } from 'node:path';
import { boardMachines } from './table.ts';
import { testUpgrading } from './upgrading.ts';

const image = 'vm-arm64';

if (boardMachines.some(board => board.image === image))
  testUpgrading({
    image,
    broken: join(import.meta.dirname, 'vm-arm64-broken.yaml'),
    reason: /atoll-server|control.plane/i,
    deadline: '300s',
  });
