/**
 * What the device's own systemd-repart makes at the first boot: root B, verity B and the data partition, after the three that
 * were flashed. The sizes are the image definition's. Source: repart.d(5): `root` and `root-verity` are the running architecture's.
 */
import { bootMethods } from './boot/index.ts';
import type { ImageDefinition } from './definition/types.ts';
import { formatSize } from './definition/yaml-reader.ts';

interface DevicePartition {
  readonly name: string;
  readonly lines: readonly string[];
}

const fixed = (bytes: number): string[] => [`SizeMinBytes=${formatSize(bytes)}`, `SizeMaxBytes=${formatSize(bytes)}`];

/** Path in the root → repart.d text. Partitions that exist are matched by type, in order; the others are made. */
export function deviceRepartFiles({
  partitions,
  boot,
}: Pick<ImageDefinition, 'partitions' | 'boot'>): Record<string, string> {
  const { espBytes, rootBytes, verityBytes, varMinimumBytes } = partitions;
  const list: DevicePartition[] = [
    { name: 'esp', lines: [`Type=${bootMethods[boot.method].partitionType}`, ...fixed(espBytes)] },
    { name: 'root-a', lines: ['Type=root', ...fixed(rootBytes)] },
    { name: 'verity-a', lines: ['Type=root-verity', ...fixed(verityBytes)] },
    { name: 'root-b', lines: ['Type=root', ...fixed(rootBytes)] },
    { name: 'verity-b', lines: ['Type=root-verity', ...fixed(verityBytes)] },
    // Made by the first boot, takes what is left, and grows when the disk does.
    {
      name: 'var',
      lines: ['Type=linux-generic', `SizeMinBytes=${formatSize(varMinimumBytes)}`, 'Format=ext4', 'Weight=1000'],
    },
  ];
  return Object.fromEntries(
    list.map(({ name, lines }, index) => [
      `usr/lib/repart.d/${index + 1}0-${name}.conf`,
      `[Partition]\nLabel=${name}\n${lines.join('\n')}\n`,
    ]),
  );
}
