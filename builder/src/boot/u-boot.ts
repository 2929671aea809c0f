/**
 * U-Boot's script, which it finds by itself at the partition's root, and its environment in both copies. Nothing is counted: a flashed disk has
 * nothing to fall back to. The board brings U-Boot itself.
 */
import { readFile } from 'node:fs/promises';
import { environmentBytes } from '../../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { uBootScript } from '../formats/u-boot-script.ts';
import type { BootMethod } from './method.ts';

const copies = ['EFI/atoll/boot-1.env', 'EFI/atoll/boot-2.env'] as const;

export const uBoot: BootMethod = {
  /**
   * Microsoft basic data: Windows and macOS show it to who wants to edit a file, which they do not with an EFI system partition; and U-Boot finds
   * no place to keep its EFI variables in, which it would write at boots of its own accord.
   */
  partitionType: 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7',
  async files({ script }) {
    const environment = environmentBytes(new Map([['BOOT_ORDER', 'A']]));
    return {
      'boot.scr': uBootScript(await readFile(script.path, 'utf8')),
      [copies[0]]: environment,
      [copies[1]]: environment,
    };
  },
  /** A card that loses one page of its flash, which is some sectors, keeps a copy. */
  behindKernel: [copies[1]],
};
