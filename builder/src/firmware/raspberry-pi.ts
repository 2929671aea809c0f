/**
 * The Raspberry Pi: what which model needs. Sources: Raspberry Pi documentation, "The boot folder", "config.txt"; the device trees' names of Linux.
 * The cut-down GPU firmware (`_cd`) goes with `gpu_mem=16` and leaves 48 MB more of a small board to the node.
 */
import type { BoardFirmware, PackageFile } from './board.ts';

const gpu = (name: string): PackageFile => ({ package: 'raspi-firmware', path: `usr/lib/raspi-firmware/${name}` });
const uBoot = (board: string): PackageFile => ({ package: 'u-boot-rpi', path: `usr/lib/u-boot/${board}/u-boot.bin` });

const named = (files: readonly string[]): Record<string, PackageFile> =>
  Object.fromEntries(files.map(name => [name, gpu(name)]));

/** Radio: what brcmfmac asks for, by chip and board. */
const radio = (origin: string, names: readonly string[]): Record<string, PackageFile> =>
  Object.fromEntries(
    names.map(name => [`usr/lib/firmware/brcm/${name}`, { package: origin, path: `usr/lib/firmware/brcm/${name}` }]),
  );
const radios = {
  ...radio('firmware-brcm80211', [
    'brcmfmac43430-sdio.bin',
    'brcmfmac43430-sdio.clm_blob',
    'brcmfmac43430-sdio.raspberrypi,3-model-b.txt',
    'brcmfmac43430-sdio.raspberrypi,model-zero-2-w.txt',
    'brcmfmac43455-sdio.bin',
    'brcmfmac43455-sdio.clm_blob',
    'brcmfmac43455-sdio.raspberrypi,3-model-a-plus.txt',
    'brcmfmac43455-sdio.raspberrypi,3-model-b-plus.txt',
  ]),
};
const radiosOf4 = {
  ...radio('firmware-brcm80211', [
    'brcmfmac43455-sdio.raspberrypi,4-compute-module.txt',
    'brcmfmac43455-sdio.raspberrypi,4-model-b.txt',
  ]),
  ...radio('raspi-firmware', ['brcmfmac43456-sdio.bin', 'brcmfmac43456-sdio.clm_blob', 'brcmfmac43456-sdio.txt']),
};

/** Up to the Pi 3 the ROM reads bootcode.bin from the card; the Pi 4 has a loader in its EEPROM. */
const flashed = ['bootcode.bin', 'start.elf', 'fixup.dat', 'start_cd.elf', 'fixup_cd.dat'];
const flashedOf4 = ['start4.elf', 'fixup4.dat', 'start4cd.elf', 'fixup4cd.dat'];
const numbered = { 'start-@.elf': gpu('start_cd.elf'), 'fixup-@.dat': gpu('fixup_cd.dat') };
const numberedOf4 = { 'start4-@.elf': gpu('start4cd.elf'), 'fixup4-@.dat': gpu('fixup4cd.dat') };

const treesOf3 = ['3-a-plus', '3-b', '3-b-plus', 'cm3-io3', 'zero-2-w'].map(model => `bcm2837-rpi-${model}.dtb`);
const treesOf4 = ['4-b', '400', 'cm4-io'].map(model => `bcm2711-rpi-${model}.dtb`);

/** Pi 3, 4, 400, CM3, CM4, Zero 2 W in 64 bits: one U-Boot for all of them. */
export const raspberryPi64: BoardFirmware = {
  folders: ['raspberry-pi', 'start-elf', 'rpi-arm64'],
  flashed: named([...flashed, ...flashedOf4]),
  numbered: { ...numbered, ...numberedOf4 },
  inFolder: { 'u-boot.bin': uBoot('rpi_arm64') },
  deviceTrees: [...treesOf3, ...treesOf4].map(name => `broadcom/${name}`),
  inRoot: { ...radios, ...radiosOf4 },
};

/** Pi 2 and 3 in 32 bits, which have a U-Boot each. */
export const raspberryPi32: BoardFirmware = {
  folders: ['raspberry-pi', 'start-elf', 'rpi-armv7'],
  flashed: named(flashed),
  numbered,
  inFolder: { 'u-boot-2.bin': uBoot('rpi_2'), 'u-boot-3.bin': uBoot('rpi_3_32b') },
  deviceTrees: ['bcm2836-rpi-2-b.dtb', ...treesOf3],
  inRoot: radios,
};

/** Pi 5: what the others have on the card before U-Boot is in its EEPROM. Linux has no device tree of the CM5 yet. */
export const raspberryPi5: BoardFirmware = {
  folders: ['raspberry-pi', 'rpi5-arm64'],
  flashed: {},
  numbered: {},
  inFolder: { 'u-boot.bin': uBoot('rpi_arm64') },
  deviceTrees: ['bcm2712-rpi-5-b.dtb', 'bcm2712-d-rpi-5-b.dtb'].map(name => `broadcom/${name}`),
  inRoot: radio('firmware-brcm80211', [
    'brcmfmac43455-sdio.bin',
    'brcmfmac43455-sdio.clm_blob',
    'brcmfmac43455-sdio.raspberrypi,5-model-b.txt',
  ]),
};
