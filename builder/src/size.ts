/** The `size` command: what makes an image large. */
import type { BuildManifest } from './manifest.ts';

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`.padStart(11);

/** A table: files of the artefact, partitions with what they use, packages by bytes in the root. */
export function sizeReport(manifest: BuildManifest, limit = 25): string {
  const { sizes, partitions, root } = manifest;
  const origins = Object.entries(root.bytesByOrigin).sort(([, a], [, b]) => b - a);
  const rest = origins.slice(limit).reduce((sum, [, bytes]) => sum + bytes, 0);
  return [
    `${manifest.image} ${manifest.version}, kernel ${manifest.kernel}`,
    '',
    ...Object.entries(sizes).map(([name, bytes]) => `${mebibytes(bytes)}  ${name}`),
    '',
    'Partitions (used / size)',
    ...partitions.map(
      ({ label, usedBytes, sizeBytes }) => `${mebibytes(usedBytes)} /${mebibytes(sizeBytes)}  ${label}`,
    ),
    '',
    `In the root, before compression: ${root.files} paths, ${mebibytes(root.bytes).trim()}`,
    ...origins.slice(0, limit).map(([name, bytes]) => `${mebibytes(bytes)}  ${name}`),
    ...(rest > 0 ? [`${mebibytes(rest)}  ${origins.length - limit} others`] : []),
    '',
  ].join('\n');
}
