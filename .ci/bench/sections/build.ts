/** How long builds take, beside mkosi's with the same packages; the two take turns, so that a busy moment meets both. */

import { Mkosi } from '../../../builder/src/bench/mkosi.ts';
import { measureBuild, prepareBuild } from '../../../builder/src/bench.ts';
import { cacheDirectory } from '../../../builder/src/paths.ts';
import type { Figure } from '../figures.ts';
import { reason, type Section, type SectionContext } from '../section.ts';

const CHANGE_AIM_MS = 30_000;

/** @returns a section of its own state: mkosi's tree and caches last from `prepare` to `close`. */
export function buildSection(): Section {
  let mkosi: Mkosi | undefined;
  let absent: string | undefined;

  const peer = async (): Promise<{ coldMs: number; warmMs: number; compressedBytes: number } | undefined> => {
    if (mkosi === undefined) return undefined;
    const coldMs = await mkosi.cold();
    return { coldMs, compressedBytes: await mkosi.compressedBytes(), warmMs: await mkosi.warm() };
  };

  return {
    name: 'build',
    title: 'Build time (peer: mkosi with the same package list)',
    notes: [
      'Cold: packages downloaded, nothing else at hand. Warm: again with nothing changed (mkosi: with its incremental cache).',
      'mkosi, as root, runs the maintainer scripts and makes a plain disk; it compiles nothing, and makes no verity, initrd or UKI.',
    ],
    async prepare({ image, signal, say }: SectionContext) {
      await prepareBuild({ image, signal, say });
      try {
        mkosi = await Mkosi.prepare({ image, signal, say, cache: cacheDirectory() });
      } catch (error) {
        signal.throwIfAborted();
        absent = `mkosi: ${reason(error)}`;
      }
    },
    async run({ image, signal, say }) {
      const ours = await measureBuild({ image, signal, say });
      say('mkosi, cold and warm');
      const theirs = await peer();
      const with_ = (value: number | undefined): { peer?: number } => (value === undefined ? {} : { peer: value });
      const ms = (id: string, label: string, value: number): Figure => ({ id, label, unit: 'ms', value });
      return {
        figures: [
          { ...ms('cold', 'cold build', ours.coldMs), ...with_(theirs?.coldMs) },
          ms('cold.native', 'in it, beside the rest: compiling better-sqlite3 for the device', ours.nativeMs),
          { ...ms('warm', 'warm build', ours.warmMs), ...with_(theirs?.warmMs) },
          { ...ms('change', 'one line of the runtime changed', ours.changeMs), atMost: CHANGE_AIM_MS },
          {
            id: 'compressed',
            label: 'the disk image, compressed in the same way',
            unit: 'bytes',
            value: ours.compressedBytes,
            ...with_(theirs?.compressedBytes),
          },
        ],
        ...(absent === undefined ? {} : { problems: [absent] }),
      };
    },
    async close() {
      await mkosi?.close();
    },
  };
}
