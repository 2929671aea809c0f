/** What makes an image large: by package, with the reason it is there, and by kind of file. Pure. */
import type { BuildManifest } from '../manifest.ts';
import { classOf } from './classes.ts';
import type { Contents } from './contents.ts';

export interface Share {
  readonly name: string;
  readonly files: number;
  /** Before compression. */
  readonly bytes: number;
  readonly compressedBytes: number;
}

/** Files put together by a word for each, the largest in the image first. */
export function shares(
  files: Contents['files'],
  compressed: ReadonlyMap<string, number>,
  wordOf: (path: string, origin: string) => string,
): Share[] {
  const found = new Map<string, Share>();
  for (const [path, bytes, origin] of files) {
    const name = wordOf(path, origin);
    const sum = found.get(name) ?? { name, files: 0, bytes: 0, compressedBytes: 0 };
    found.set(name, {
      name,
      files: sum.files + 1,
      bytes: sum.bytes + bytes,
      compressedBytes: sum.compressedBytes + (compressed.get(path) ?? 0),
    });
  }
  return [...found.values()].sort((a, b) => b.compressedBytes - a.compressedBytes);
}

export const byPackage = (files: Contents['files'], compressed: ReadonlyMap<string, number>): Share[] =>
  shares(files, compressed, (_, origin) => origin);

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`.padStart(10);

interface Row {
  readonly share: Share;
  readonly why?: string;
}

function table(head: string, rows: readonly Row[], total: number): string[] {
  const width = Math.max(head.length, ...rows.map(({ share }) => share.name.length));
  return [
    `  ${head.padEnd(width)}   in image            as files  number${rows.some(({ why }) => why) ? '  why' : ''}`,
    ...rows.map(({ share, why = '' }) => {
      const percent = `${((100 * share.compressedBytes) / total).toFixed(1)} %`.padStart(7);
      const line = `  ${share.name.padEnd(width)} ${mebibytes(share.compressedBytes)} ${percent}  ${mebibytes(share.bytes)}  ${String(share.files).padStart(6)}  ${why}`;
      return line.trimEnd();
    }),
  ];
}

const sumOf = (name: string, some: readonly Share[]): Share => ({
  name,
  files: some.reduce((sum, { files }) => sum + files, 0),
  bytes: some.reduce((sum, { bytes }) => sum + bytes, 0),
  compressedBytes: some.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0),
});

/** @param limit packages that have a line of their own */
export function sizeReport(
  manifest: BuildManifest,
  { files, why }: Contents,
  compressed: ReadonlyMap<string, number>,
  limit = 30,
): string {
  const { sizes, partitions } = manifest;
  const packages = byPackage(files, compressed);
  const total = sumOf('', packages).compressedBytes;
  const rest = packages.slice(limit);
  return [
    `${manifest.image} ${manifest.version}, kernel ${manifest.kernel}`,
    '',
    'Files of the image',
    ...Object.entries(sizes).map(([name, bytes]) => `${mebibytes(bytes)}  ${name}`),
    '',
    'Partitions: used, of',
    ...partitions.map(({ label, usedBytes, sizeBytes }) => `${mebibytes(usedBytes)} ${mebibytes(sizeBytes)}  ${label}`),
    '',
    'The root, by package',
    ...table(
      'package',
      [
        ...packages.slice(0, limit).map(share => ({ share, why: why[share.name] ?? 'made by the builder' })),
        ...(rest.length > 0 ? [{ share: sumOf(`${rest.length} others`, rest) }] : []),
        { share: sumOf('all', packages) },
      ],
      total,
    ),
    '',
    'The root, by kind of file',
    ...table(
      'kind',
      shares(files, compressed, classOf).map(share => ({ share })),
      total,
    ),
    '',
  ].join('\n');
}
