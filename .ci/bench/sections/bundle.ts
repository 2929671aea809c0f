/** What an upgrade costs before it begins: the bundle's size, and how much of it a node downloads. */

import type { Delta } from '../../../builder/src/bench/delta.ts';
import { measureBundle, prepareBuild } from '../../../builder/src/bench.ts';
import type { Figure } from '../figures.ts';
import type { Section } from '../section.ts';

/** Percent of the bundle. */
const RUNTIME_AIM = 8;

export const bundle: Section = {
  name: 'bundle',
  ofImage: true,
  title: 'bundle of an upgrade',
  notes: [
    'To download: blocks of root, hash tree and UKI that the running version has not; block indexes, the bundle’s own tree and signature whole.',
    'To write: blocks that are others in their places in the slot, which holds the version the other one is compared with; the UKI whole. Into an empty slot all of the images is written.',
    'The other kernel is that of the release’s first suite: with it come the packages that its updates have replaced.',
  ],
  once: true,
  async prepare({ image, signal, say }) {
    await prepareBuild({ image, signal, say });
  },
  async run({ image, signal, say }) {
    const { bundleBytes, runtimeChange, kernelChange, otherPackages, bundleMs } = await measureBundle({
      image,
      signal,
      say,
    });
    const row = (
      id: string,
      name: string,
      { downloadBytes, imageBytes, otherBytes, writtenBytes, ...delta }: Delta,
    ): Figure[] => {
      const bytes = (part: string, label: string, value: number): Figure[] =>
        value > 0 ? [{ id: `${id}.${part}`, row: name, label, unit: 'bytes', value }] : [];
      return [
        ...bytes('download', 'to download', downloadBytes),
        {
          id: `${id}.share`,
          row: name,
          label: 'of the bundle',
          unit: '%',
          value: (downloadBytes / delta.bundleBytes) * 100,
        },
        ...bytes('written', 'to write', writtenBytes),
        {
          id: `${id}.written-share`,
          row: name,
          label: 'written, of the bundle',
          unit: '%',
          value: (writtenBytes / delta.bundleBytes) * 100,
        },
        ...Object.entries(imageBytes).flatMap(([part, value]) => bytes(part, part, value)),
        ...bytes('other', 'indexes, tree', otherBytes),
      ];
    };
    return {
      figures: [
        { id: 'bundle', label: 'bundle', unit: 'bytes', value: bundleBytes },
        {
          id: 'runtime',
          label: 'to download for one changed line of the runtime, of it',
          unit: '%',
          value: (runtimeChange.downloadBytes / runtimeChange.bundleBytes) * 100,
          atMost: RUNTIME_AIM,
        },
        { id: 'make', label: 'making and signing it, with the images at hand', unit: 'ms', value: bundleMs },
        ...(otherPackages > 0
          ? ([
              {
                id: 'packages',
                label: 'packages that differ with the other kernel',
                unit: 'count',
                value: otherPackages,
              },
            ] as const)
          : []),
        ...row('line', 'one line of the runtime', runtimeChange),
        ...row('kernel', 'another kernel', kernelChange),
      ],
    };
  },
};
