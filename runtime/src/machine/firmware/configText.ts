/**
 * `config.txt` of a Raspberry Pi: which numbered set of firmware files is used. It is one sector, always full, so that another choice is one write of one
 * sector, which a drive does whole or not at all. The builder makes the flashed one with the same function.
 */

/** One sector. */
export const CONFIG_BYTES = 512;

/** Of the set that was flashed: under the names that the boot loaders know by themselves, and never written to. */
export const FLASHED_SET = 0;

/**
 * @param template as in the image, with `@` for the set's number
 * @param startFiles which ones the GPU's loader takes: those of the set, or those under the names it knows by itself
 * @throws RangeError where it does not fit one sector
 */
export function configText(
  template: string,
  set: number,
  startFiles: 'numbered' | 'flashed' = set === FLASHED_SET ? 'flashed' : 'numbered',
): string {
  const text = (startFiles === 'flashed' ? withoutNames(template) : template).replaceAll('@', String(set));
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > CONFIG_BYTES)
    throw new RangeError(`config.txt has ${sizeBytes} bytes; ${CONFIG_BYTES} are one sector`);
  return text + padding(CONFIG_BYTES - sizeBytes);
}

/** Without the names of start files, and without the filters of models that nothing is left under. */
const withoutNames = (template: string): string =>
  template.replace(/^(start|fixup)_file=.*\n/gm, '').replace(/^(\[.*\]\n)+(?=\[)/gm, '');

/** Comments of blanks: the firmware reads 98 characters of a line. */
function padding(sizeBytes: number): string {
  const lines: string[] = [];
  for (let left = sizeBytes; left > 0; left -= Math.min(left, 80))
    lines.push(`${'#'.padEnd(Math.min(left, 80) - 1).slice(0, Math.min(left, 80) - 1)}\n`);
  return lines.join('');
}

/** The set that a `config.txt` chooses. @returns undefined where somebody has made another file of it */
export function setOf(text: string): number | undefined {
  if (Buffer.byteLength(text) !== CONFIG_BYTES) return undefined;
  const number = /^os_prefix=atoll-(\d)\/$/m.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** The sets that the device makes, in turn. Their folders are there as flashed: on a FAT, a new folder is more than one write. */
export const MADE_SETS = [1, 2] as const;

/** Whether a `config.txt` names the start files of its set. */
export const namesStartFiles = (text: string): boolean => /^start_file=/m.test(text);

/**
 * What the flashed file is called that a numbered start or fixup file of the same image is a copy of: `start4-@.elf` → `start4cd.elf`, which the GPU's
 * loader takes by itself with `gpu_mem=16`. Source: Raspberry Pi documentation, "The boot folder".
 * @returns undefined for a file that is no such
 */
export function flashedName(name: string): string | undefined {
  const [, what, four, ending] = /^(start|fixup)(4?)-@(\.\w+)$/.exec(name) ?? [];
  return what === undefined ? undefined : `${what}${four || '_'}cd${ending}`;
}

/** A file of a set as it is called on the boot partition. */
export const nameIn = (set: number, name: string): string => name.replace('@', String(set));
