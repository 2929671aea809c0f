/** Firmware as images of several versions bring it: files that say whose they are, some smaller and some larger than a cluster. */
import { createHash } from 'node:crypto';

export const firmwareVersions = ['one', 'two', 'three', 'four'] as const;
export type FirmwareVersion = (typeof firmwareVersions)[number];

export const template = `# a board's
start_file=start-@.elf
fixup_file=fixup-@.dat
os_prefix=atoll-@/
kernel=u-boot.bin
`;

const contentOf = (version: FirmwareVersion, name: string, sizeBytes: number): string =>
  `${name} of version ${version}\n`
    .repeat(Math.ceil(sizeBytes / 24))
    .slice(0, sizeBytes + firmwareVersions.indexOf(version));

/** What is in `/usr/lib/atoll/firmware`: name with `@` → content. */
export function broughtBy(version: FirmwareVersion): Record<string, string> {
  const files: Record<string, string> = { 'config.txt': template };
  for (const [name, sizeBytes] of [
    ['start-@.elf', 90_000],
    ['fixup-@.dat', 700],
    ['atoll-@/u-boot.bin', 60_000],
    ['atoll-@/bcm2837-rpi-3-b.dtb', 9_000],
    // Not every version has the same models.
    ...(version === 'two' ? [['atoll-@/bcm2711-rpi-4-b.dtb', 5_000] as const] : []),
  ] as const)
    files[name] = contentOf(version, name, sizeBytes);
  const sums = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`);
  return { ...files, SHA256SUMS: sums.join('') };
}
