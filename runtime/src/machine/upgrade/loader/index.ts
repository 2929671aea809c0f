/** Which loader this machine has is written into its image by the builder, from the board's boot method. */
import { readFile } from 'node:fs/promises';
import { hasCode } from '../../../lib/files.ts';
import type { Loader } from '../types.ts';
import { LoaderError } from './errors.ts';
import { SystemdBoot } from './systemdBoot.ts';
import { TRIES } from './ukis.ts';

/** Its name and the boots of a trial: `systemd-boot 3`. Without the file it is that. */
export const LOADER_FILE = '/usr/lib/atoll/loader';

export interface LoaderChoice {
  readonly name: string;
  /** Boots of a trial before the loader falls back. */
  readonly tries: number;
}

export async function loaderChoice(loaderFile = LOADER_FILE): Promise<LoaderChoice> {
  let text = '';
  try {
    text = await readFile(loaderFile, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const [name = '', tries] = text.trim().split(/\s+/);
  return { name: name || 'systemd-boot', tries: /^[1-9]$/.test(tries ?? '') ? Number(tries) : TRIES };
}

/** @param esp the mounted boot partition. @throws LoaderError where the image names a loader nobody knows */
export async function openLoader(esp: string, loaderFile = LOADER_FILE): Promise<Loader> {
  const { name, tries } = await loaderChoice(loaderFile);
  if (name === 'systemd-boot') return new SystemdBoot(esp);
  if (name === 'u-boot') return new (await import('./uboot.ts')).UBoot(esp, tries);
  throw new LoaderError(
    'ENVIRONMENT',
    `${loaderFile} names the loader "${name}"; systemd-boot and u-boot are known`,
    'The image was built wrongly: its definition says boot.method.',
  );
}
