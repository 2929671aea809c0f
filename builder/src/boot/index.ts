/** The boot methods: one table for whoever asks. */
import type { BootMethod, BootMethodName } from './method.ts';
import { systemdBoot } from './systemd-boot.ts';
import { uBoot } from './u-boot.ts';

export const bootMethods: Readonly<Record<BootMethodName, BootMethod>> = {
  'systemd-boot': systemdBoot,
  'u-boot': uBoot,
};

export const bootMethodNames = Object.keys(bootMethods) as BootMethodName[];
